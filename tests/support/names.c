/* Gives the host `dynamodb.invalid` the address of localhost while the file POSTBOX_TEST_NAME exists. Every look-up, also of
   the host without an address, is done by the resolver of the C library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    int (*resolve)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&resolve = dlsym(RTLD_NEXT, "getaddrinfo");
    const char *name = getenv("POSTBOX_TEST_NAME");
    if (node && name && strcmp(node, "dynamodb.invalid") == 0 && access(name, F_OK) == 0) {
        node = "localhost";
    }
    return resolve(node, service, hints, found);
}
