/* Messages that are read, marked and deleted by id. */
#include "support.hpp"

TEST(many_messages_are_read_in_one_call) {
    postbox::client box = open_memory();
    for (const char *id : {"one", "two"})
        deposit(box, id);
    box.embedded_execute("PutItem", R"({"TableName":"brighter_outbox","Item":{"MessageId":{"S":"odd"}}})");
    const postbox::page page = box.get_messages({"two", "nobody", "odd", "one", "two"});
    CHECK(page.messages().size() == 2 && page.messages().at(0).id() == "two" && page.messages().at(1).id() == "one");
    CHECK(page.missing() == std::vector<std::string>{"nobody"});
    CHECK(page.malformed().size() == 1 && page.malformed().at(0).id == "odd");
    CHECK(box.get_messages({}).messages().empty());
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "NUL", box.get_messages({std::string("a\0b", 3)}));
}

TEST(messages_are_marked_with_a_given_time) {
    postbox::client box = open_memory();
    deposit(box, "one");
    for (const std::int64_t impossible : {INT64_MIN, INT64_C(0) - POSTBOX_UNIX_EPOCH_TICKS, INT64_MAX})
        FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "the years 1 to 9999",
              box.mark_dispatched_at({"one"}, postbox::time_point(postbox::ticks(impossible))));
    const postbox::time_point sent(postbox::ticks(INT64_C(17000000001234567)));
    postbox::report report;
    box.mark_dispatched_at({"one", "nobody"}, sent, &report);
    CHECK(report.at(0).outcome == POSTBOX_OUTCOME_DISPATCHED && report.at(1).failed());
    CHECK(box.read_item("brighter_outbox", {{"MessageId", "one"}})->get<std::int64_t>("DeliveryTime") ==
          INT64_C(638355968001234567));
    deposit(box, "now");
    box.mark_dispatched_at({"now"}, std::chrono::system_clock::now());
    CHECK(state_of(box, "now") == "dispatched");
    FAILS(POSTBOX_ERROR_CLEAR_INCOMPLETE, "1 of 1 messages failed", box.mark_dispatched_at({"nobody"}, sent));
}

TEST(message_is_deleted_in_the_given_state_only) {
    postbox::client box = open_memory();
    deposit(box, "one");
    CHECK(!box.delete_message("one", POSTBOX_STATE_DISPATCHED) && state_of(box, "one") == "outstanding");
    CHECK(box.delete_message("one", POSTBOX_STATE_OUTSTANDING) && state_of(box, "one") == "none");
    CHECK(!box.delete_message("one", POSTBOX_STATE_OUTSTANDING));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "unknown message state 7", box.delete_message("one", static_cast<postbox_state>(7)));
}
