#include "server.h"
#include "support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int listen_on_loopback(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(listener >= 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    CHECK(listen(listener, 8) == 0);
    *port = ntohs(address.sin_port);
    return listener;
}

int unused_port(void)
{
    int port = 0;
    close(listen_on_loopback(&port));
    return port;
}

postbox_config *endpoint_config(int port, const char *operation_timeout_ms)
{
    char url[64];
    postbox_config *config = postbox_config_new();
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    OK(postbox_config_set(config, "endpoint_url", url));
    OK(postbox_config_set(config, "region", "eu-central-1"));
    OK(postbox_config_set(config, "access_key_id", "made-up"));
    OK(postbox_config_set(config, "secret_access_key", "made-up"));
    OK(postbox_config_set(config, "operation_timeout_ms", operation_timeout_ms));
    OK(postbox_config_set(config, "attempt_timeout_ms", operation_timeout_ms));
    OK(postbox_config_set(config, "max_request_attempts", "2"));
    return config;
}
