/* Lists and counts of selected messages, and information for operators. */
#include "support.hpp"

using std::chrono::minutes;
using std::chrono::seconds;

TEST(messages_are_selected_by_topic_and_age) {
    postbox::client box = open_memory();
    const auto now = std::chrono::system_clock::now();
    for (int age = 0; age < 6; age++)
        box.deposit_post(postbox::message(age % 2 ? "odd" : "even").set_created_at(now - minutes(age)));
    postbox::selection selection;
    CHECK(box.count_messages(POSTBOX_STATE_OUTSTANDING) == 6 && box.count_messages(POSTBOX_STATE_PARKED) == 0);
    selection.older_than = seconds(90);
    selection.younger_than = seconds(270);
    CHECK(box.count_messages(POSTBOX_STATE_OUTSTANDING, selection) == 3);
    selection.without_topics = {"odd"};
    selection.limit = 1;
    CHECK(box.count_messages(POSTBOX_STATE_OUTSTANDING, selection) == 1);
    std::size_t found = 0;
    do {
        const postbox::page page = box.select_messages(POSTBOX_STATE_OUTSTANDING, selection);
        CHECK(page.messages().size() <= 1);
        for (const postbox::message_view message : page.messages())
            found += message.topic() == "even";
        selection.cursor = page.next();
    } while (selection.cursor);
    CHECK(found == 2);
    postbox::selection of_one_topic;
    of_one_topic.topic = "odd";
    CHECK(box.select_messages(POSTBOX_STATE_OUTSTANDING, of_one_topic).messages().size() == 3);
}

TEST(impossible_selection_is_rejected) {
    postbox::client box = open_memory();
    postbox::selection selection;
    selection.limit = 0;
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "the limit is 0", box.count_messages(POSTBOX_STATE_PARKED, selection));
    selection = {};
    selection.older_than = std::chrono::milliseconds(-1);
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"-1\"", box.select_messages(POSTBOX_STATE_PARKED, selection));
    selection = {};
    selection.topic = "";
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "a topic is empty", box.select_messages(POSTBOX_STATE_PARKED, selection));
    selection.topic = std::string("a\0b", 3);
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "NUL", box.count_messages(POSTBOX_STATE_PARKED, selection));
}

TEST(topics_leases_and_sweepers_are_listed) {
    postbox::client box = open_memory();
    deposit(box, "one");
    box.deposit_post(postbox::message("other").set("id", "two"));
    const auto before = std::chrono::system_clock::now() - minutes(1);
    CHECK(box.sweep("other").dispatched == 1);
    CHECK(box.topic_counts().size() == 1 && box.topic_counts().at(0).topic == "greeting.made");
    const std::vector<postbox::topic_count> counts = box.topic_counts(true);
    CHECK(counts.size() == 2 && counts[0].outstanding == 1 && counts[0].oldest > before && counts[1].dispatched == 1);
    CHECK(!counts[1].oldest && !counts[0].last_error && !counts[0].failing_since && !counts[0].next_attempt);
    CHECK(counts[0].parked + counts[0].waiting + counts[0].failing + counts[0].invalid_times == 0);
    CHECK(box.dispatched_between("other", before, before + minutes(10)) == 1);
    CHECK(box.dispatched_between("other", before, before + seconds(1)) == 0);
    const std::vector<postbox::sweeper_info> sweepers = box.sweepers();
    CHECK(sweepers.size() == 1 && sweepers[0].version == postbox::version() && sweepers[0].last_sweep > before);
    CHECK(sweepers[0].topics == std::vector<std::string>{"*"} && sweepers[0].last_success && !sweepers[0].last_error);
    CHECK(!sweepers[0].stopped_at);
    box.embedded_execute("PutItem", R"({"TableName":"brighter_distributed_lock","Item":{"ResourceId":
        {"S":"brighter_outbox_Archiver"},"LockId":{"S":"them"},"LeaseExpiry":{"N":"1700000000123"}}})");
    const std::vector<postbox::lease_info> leases = box.leases();
    CHECK(leases.size() == 1 && leases[0].resource == "brighter_outbox_Archiver" && leases[0].holder == "them");
    CHECK(leases[0].expires_at == postbox::time_point(postbox::ticks(INT64_C(17000000001230000))));
    CHECK(!leases[0].topic && !leases[0].paused && !leases[0].is_ignored);
    CHECK(box.location().find("brighter_outbox") != std::string::npos);
}
