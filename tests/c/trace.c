/* The trace context of a thread. */
#include "support.h"
#include "tests.h"

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void *deposit_elsewhere(void *box)
{
    deposit(box, "elsewhere");
    return NULL;
}

void message_gets_the_trace_context_of_the_thread(void)
{
    pthread_t thread;
    postbox_client *box = open_memory(NULL);
    deposit(box, "before");
    OK(postbox_set_trace_context(PARENT, "vendor=1"));
    deposit(box, "inside");
    CHECK(pthread_create(&thread, NULL, deposit_elsewhere, box) == 0);
    pthread_join(thread, NULL);
    OK(postbox_set_trace_context(PARENT, NULL));
    deposit(box, "stateless");
    OK(postbox_set_trace_context(NULL, NULL));
    deposit(box, "after");
    check_field(box, "before", "trace_parent", NULL);
    check_field(box, "inside", "trace_parent", PARENT);
    check_field(box, "inside", "trace_state", "vendor=1");
    check_field(box, "stateless", "trace_parent", PARENT);
    check_field(box, "stateless", "trace_state", NULL);
    check_field(box, "elsewhere", "trace_parent", NULL);
    check_field(box, "after", "trace_parent", NULL);

    /* A context that is invalid does not leave the one of an earlier span. */
    OK(postbox_set_trace_context(PARENT, NULL));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "traceparent", postbox_set_trace_context("00-1-2-01", NULL));
    deposit(box, "invalid");
    check_field(box, "invalid", "trace_parent", NULL);
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "tracestate", postbox_set_trace_context(PARENT, "a\n"));
    FAILS(POSTBOX_ERROR_INVALID_UTF8, "trace_parent", postbox_set_trace_context(NOT_UTF8, NULL));
    postbox_free(box);
}
