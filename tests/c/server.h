/* Endpoints on the loopback interface that do not respond. */
#ifndef SERVER_H
#define SERVER_H

#include "postbox.h"

/* A port of 127.0.0.1 without a listener. */
int unused_port(void);
/* A socket that listens on a port of 127.0.0.1, which it writes to `port`. */
int listen_on_loopback(int *port);
/* Settings for that endpoint, with made-up credentials and two attempts. */
postbox_config *endpoint_config(int port, const char *operation_timeout_ms);

#endif
