/* A handle that is freed while it is in use, which the header forbids: a sanitizer that runs must say so.
 *
 *     misuse after     used after it was freed (AddressSanitizer)
 *     misuse leak      never freed (AddressSanitizer)
 *     misuse race      freed by one thread while another uses it (ThreadSanitizer)
 */
#include "postbox.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static postbox_message *message;

static void *use(void *unused)
{
    (void)unused;
    const char *topic = NULL;
    postbox_error_free(postbox_message_get(message, "topic", &topic));
    return NULL;
}

static void *release(void *unused)
{
    (void)unused;
    postbox_message_free(message);
    return NULL;
}

int main(int count, char **arguments)
{
    postbox_error_free(postbox_message_new("t", (const uint8_t *)"body", 4, &message));
    if (count < 2) {
        return 2;
    }
    if (strcmp(arguments[1], "after") == 0) {
        release(NULL);
        use(NULL);
    } else if (strcmp(arguments[1], "race") == 0) {
        pthread_t one, other;
        pthread_create(&one, NULL, use, NULL);
        pthread_create(&other, NULL, release, NULL);
        pthread_join(one, NULL);
        pthread_join(other, NULL);
    }
    message = NULL;
    puts("nobody noticed");
    return 0;
}
