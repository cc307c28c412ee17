/* Thousands of handles are created and freed; valgrind reports leaks. */
#include "support.h"
#include "tests.h"

/* Creates and frees handles of five kinds, 2,000 times. */
void ten_thousand_handles(void)
{
    postbox_client *box = open_memory(NULL);
    for (int i = 0; i < 2000; i++) {
        const char *value = NULL;
        postbox_report *report = NULL;
        postbox_config *config = postbox_config_new();
        postbox_message *message = message_of("t", "x", "body");
        postbox_unit_of_work *work = postbox_unit_of_work_begin(box);
        postbox_error *error = postbox_config_set(config, "nonsense", "x");
        CHECK(error != NULL && message != NULL && work != NULL);
        OK(postbox_config_get(config, "table_name", &value));
        OK(postbox_message_get(message, "topic", &value));
        OK(postbox_unit_of_work_deposit_post(work, message));
        OK(postbox_clear_outbox(box, NULL, 0, NULL, &report));
        CHECK(report != NULL);
        postbox_report_free(report);
        postbox_error_free(error);
        postbox_unit_of_work_free(work);
        postbox_message_free(message);
        postbox_config_free(config);
    }
    check_usable(box);
    postbox_free(box);
}

void many_are_opened_one_after_the_other(void)
{
    for (int i = 0; i < 20; i++) {
        postbox_client *box = open_memory(NULL);
        check_usable(box);
        if (i % 2)
            OK(postbox_close(box));
        postbox_free(box);
    }
}
