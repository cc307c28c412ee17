/* Delivery and administration: sweeping, listing, replaying, tables, statistics. */
#include "support.hpp"

TEST(sweep_sends_outstanding_messages) {
    postbox::client box = open_memory();
    deposit(box, "one");
    box.deposit_post(postbox::message("other.topic", "x").set("id", "two"));
    postbox::sweep_result result = box.sweep("other.topic");
    CHECK(result.found == 1 && result.dispatched == 1 && result.lease == POSTBOX_LEASE_HELD);
    CHECK(box.count_outstanding("other.topic").count == 0 && box.count_outstanding().count == 1);
    CHECK(box.sweep().dispatched == 1);
    CHECK(state_of(box, "one") == "dispatched" && state_of(box, "two") == "dispatched");
}

TEST(sweeper_is_started_once_and_stopped) {
    postbox::client box = open_memory();
    box.start_sweeper();
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "running already", box.start_sweeper());
    box.stop_sweeper();
    box.stop_sweeper();
    box.start_sweeper();
}

TEST(lists_continue_from_page_to_page) {
    postbox::client box = open_memory();
    std::vector<postbox::message> messages;
    for (int i = 0; i < 30; i++)
        messages.push_back(postbox::message("greeting.made", "x").set("id", std::to_string(i)));
    box.deposit_posts(messages);
    box.embedded_execute("PutItem", R"({"TableName":"brighter_outbox","Item":{"MessageId":{"S":"broken"},
        "Topic":{"S":"greeting.made"},"TopicShard":{"S":"greeting.made_0"},"CreatedTime":{"N":"1"},
        "OutstandingCreatedTime":{"N":"1"}}})");
    std::size_t found = 0, malformed = 0, pages = 0;
    std::optional<std::string> cursor;
    do {
        const postbox::page page = box.list_messages(POSTBOX_STATE_OUTSTANDING, std::nullopt, 7, cursor);
        for (const postbox::message_view message : page.messages()) {
            CHECK(message.topic() == "greeting.made" && message.get("state") == "outstanding");
            found++;
        }
        for (const postbox::malformed_message &message : page.malformed()) {
            CHECK(message.id == "broken" && !message.reason.empty());
            malformed++;
        }
        pages++;
        cursor = page.next();
    } while (cursor);
    CHECK(found == 30 && malformed == 1 && pages > 3);
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "cursor", box.list_messages(POSTBOX_STATE_OUTSTANDING, std::nullopt, 7, "nonsense"));
}

TEST(reports_have_the_outcome_of_each_message) {
    postbox::client box = open_memory();
    deposit(box, "one");
    postbox::report report;
    box.clear_outbox({"one", "missing"}, &report);
    CHECK(report.size() == 2 && report[0].outcome == POSTBOX_OUTCOME_DISPATCHED && !report[0].failed());
    CHECK(report[1].id == "missing" && report[1].outcome == POSTBOX_OUTCOME_NOT_FOUND && report[1].failed());
    box.mark_dispatched({"one"}, &report);
    CHECK(report.size() == 1 && report[0].outcome == POSTBOX_OUTCOME_ALREADY_DISPATCHED);
    box.replay({"one"}, &report);
    CHECK(report.size() == 1 && report[0].outcome == POSTBOX_OUTCOME_REPLAYED);
    CHECK(state_of(box, "one") == "outstanding");
    box.deposit_post(postbox::message("greeting.made").set("id", "effect").set("causation_id", "cause"));
    box.clear_outbox({"effect"});
    box.replay_causation("cause", &report);
    CHECK(report.size() == 1 && report[0].id == "effect");
    box.post(postbox::message("greeting.made").set("id", "posted"), &report);
    CHECK(report.size() == 1 && report[0].id == "posted");
    FAILS(POSTBOX_ERROR_CLEAR_INCOMPLETE, "", box.clear_outbox({"missing"}));
}

TEST(tables_are_made_and_verified_and_stats_counted) {
    postbox::client box = open_memory();
    box.create_table();
    CHECK(box.verify_table());
    CHECK(box.table_warnings().size() == 1 && box.table_warnings()[0].find("lock table: ") == 0);
    deposit(box, "one");
    box.clear_outbox({"one"});
    CHECK(box.stats().deposited == 1 && box.stats().dispatched == 1);
    CHECK(box.stats_json().find("\"deposited\":1") != std::string::npos);
    FAILS(POSTBOX_ERROR_TABLE_NOT_FOUND, "Nowhere", box.get_item("Nowhere", ada));
}

TEST(unreachable_endpoint_is_worth_another_try) {
    postbox::client box(postbox::config()
                            .set("endpoint_url", "http://127.0.0.1:1")
                            .set("region", "us-east-1")
                            .set("access_key_id", "id")
                            .set("secret_access_key", "secret")
                            .set("max_request_attempts", 1));
    try {
        static_cast<void>(box.get_message("one"));
        CHECK(!"it throws");
    } catch (const postbox::error &error) {
        CHECK(error.code() == POSTBOX_ERROR_UNREACHABLE && error.is_retryable());
    }
}

TEST(canceled_sweep_leaves_the_rest_outstanding) {
    const postbox::cancel_token cancel;
    int sent = 0;
    postbox::client box = open_memory([&](postbox::message_view) {
        sent++;
        cancel.cancel();
        return postbox::send_result::sent();
    });
    for (const char *id : {"first", "second"})
        deposit(box, id);
    CHECK(!cancel.is_canceled());
    CHECK(box.sweep(std::nullopt, &cancel).dispatched == 1);
    CHECK(cancel.is_canceled() && sent == 1);
    postbox::report report;
    box.clear_outbox({"first", "second"}, &report, &cancel);
    CHECK(report.at(1).outcome == POSTBOX_OUTCOME_SKIPPED);
    /* The lease was given back, so that another sweep sends the rest. */
    CHECK(box.sweep().dispatched == 1 && state_of(box, "second") == "dispatched");
}
