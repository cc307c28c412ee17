/* Endpoints on the loopback interface that do not respond. */
#ifndef SERVER_H
#define SERVER_H

#include "postbox.h"

/* Returns a port of 127.0.0.1 without a listener. */
int unused_port(void);
/* Opens a socket that listens on a port of 127.0.0.1, and writes the number to `port`. */
int listen_on_loopback(int *port);
/* Returns settings for that endpoint, with invented credentials and two attempts. */
postbox_config *endpoint_config(int port, const char *operation_timeout_ms);

#endif
