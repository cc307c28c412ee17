/* Producers, archives and log callbacks: functions of the program that Postbox calls. */
#include "support.hpp"

#include <atomic>
#include <thread>

TEST(the_result_of_a_producer_decides_the_outcome) {
    postbox::send_result result = postbox::send_result::retry("queue full");
    postbox::client box = open_memory([&](postbox::message_view) { return result; });
    deposit(box, "one");
    postbox::message_outcome outcome = clear(box, "one");
    CHECK(outcome.outcome == POSTBOX_OUTCOME_FAILED && outcome.failed());
    CHECK(outcome.detail.find("queue full") != std::string::npos);
    result = postbox::send_result::sent();
    CHECK(clear(box, "one").outcome == POSTBOX_OUTCOME_DISPATCHED);

    deposit(box, "two");
    result = postbox::send_result::reject("too large");
    CHECK(clear(box, "two").outcome == POSTBOX_OUTCOME_REJECTED);
    CHECK(state_of(box, "two") == "parked");
    result = postbox::send_result::accepted();
    box.unpark("two");
    CHECK(clear(box, "two").outcome == POSTBOX_OUTCOME_ACCEPTED);
    box.confirm("two", postbox::send_result::sent());
    CHECK(state_of(box, "two") == "dispatched");
}

/* An exception of a producer is a failed dispatch with its message, and the message stays outstanding. */
TEST(producer_that_throws_has_failed) {
    int calls = 0;
    postbox::client box = open_memory([&](postbox::message_view message) -> postbox::send_result {
        calls++;
        if (message.id() == "number")
            throw 7;
        if (message.id() == "postbox")
            throw postbox::error(POSTBOX_ERROR_TIMEOUT, "one of Postbox's own");
        throw std::runtime_error("the broker is gone: " + std::string(2000, 'x') + "\xc3\xa4");
    });
    for (const char *id : {"standard", "number", "postbox"})
        deposit(box, id);
    CHECK(clear(box, "standard").detail.find("the broker is gone: xxx") != std::string::npos);
    CHECK(clear(box, "number").detail.find("not a std::exception") != std::string::npos);
    postbox::message_outcome outcome = clear(box, "postbox");
    CHECK(outcome.outcome == POSTBOX_OUTCOME_FAILED);
    CHECK(outcome.detail.find("one of Postbox's own") != std::string::npos);
    CHECK(calls == 3);
    CHECK(state_of(box, "standard") == "outstanding");
    /* Without a report, the call throws an exception with a reason for each message. */
    try {
        box.clear_outbox({"standard", "number"});
        CHECK(!"it throws");
    } catch (const postbox::error &incomplete) {
        CHECK(incomplete.code() == POSTBOX_ERROR_CLEAR_INCOMPLETE && incomplete.reasons().size() == 2);
        CHECK(incomplete.reasons().at(0).subject == "standard");
    }
}

TEST(long_reason_ends_with_a_whole_character) {
    char reason[8];
    postbox::detail::write_reason("abcdef\xc3\xa4", reason, sizeof reason);
    CHECK(std::string_view(reason) == "abcdef");
    postbox::detail::write_reason("abcde\xc3\xa4", reason, sizeof reason);
    CHECK(std::string_view(reason) == "abcde\xc3\xa4");
    postbox::detail::write_reason("", reason, sizeof reason);
    CHECK(reason[0] == '\0');
}

struct counting_producer : postbox::producer {
    counting_producer(int &sent, int &destroyed) : sent(sent), destroyed(destroyed) {}
    ~counting_producer() override { destroyed++; }
    postbox::send_result send(postbox::message_view) override {
        sent++;
        return postbox::send_result::sent();
    }
    int &sent, &destroyed;
};

TEST(producer_may_be_a_class_and_lives_as_long_as_the_outbox) {
    int sent = 0, destroyed = 0;
    {
        auto config = memory().producer("greeting.made", std::make_unique<counting_producer>(sent, destroyed));
        postbox::client box(config);
        config = postbox::config();
        deposit(box, "one");
        box.post(postbox::message("greeting.made", "two"));
        CHECK(clear(box, "one").outcome == POSTBOX_OUTCOME_DISPATCHED);
        CHECK(sent == 2 && destroyed == 0);
        box.deposit_post(postbox::message("other.topic", "x").set("id", "other"));
        CHECK(clear(box, "other").outcome == POSTBOX_OUTCOME_NO_PRODUCER);
    }
    CHECK(destroyed == 1);
}

TEST(producer_may_call_postbox) {
    postbox::client *inside = nullptr;
    postbox::client box = open_memory([&](postbox::message_view message) {
        if (message.id() == "first") {
            postbox::unit_of_work work(*inside);
            work.deposit_post(postbox::message("greeting.made", message.body()).set("id", "second"));
            work.commit();
        }
        return postbox::send_result::sent();
    });
    inside = &box;
    deposit(box, "first");
    box.clear_outbox({"first"});
    CHECK(state_of(box, "first") == "dispatched" && state_of(box, "second") == "outstanding");
}

TEST(sweeper_calls_the_producer_on_its_own_thread) {
    std::thread::id sweeper;
    event called;
    postbox::client box = open_memory([&](postbox::message_view) {
        sweeper = std::this_thread::get_id();
        called.set();
        return postbox::send_result::sent();
    });
    deposit(box, "swept");
    box.start_sweeper();
    called.wait();
    box.stop_sweeper();
    CHECK(sweeper != std::this_thread::get_id());
    CHECK(state_of(box, "swept") == "dispatched");
}

TEST(sweeper_sends_at_once_what_was_committed_elsewhere) {
    event called;
    postbox::client box(memory().set("sweep_interval_ms", 600000).producer(
        postbox::any_topic, [&](postbox::message_view) {
            called.set();
            return postbox::send_result::sent();
        }));
    box.start_sweeper();
    deposit(box, "committed");
    box.notify_committed({"committed", "nobody"});
    called.wait();
    box.stop_sweeper();
    CHECK(state_of(box, "committed") == "dispatched");
}

/* An exception on the sweeper's thread ends neither the thread nor the program. */
TEST(sweeper_survives_a_producer_that_throws) {
    std::atomic<int> calls = 0;
    event again;
    postbox::client box(memory().set("sweep_interval_ms", 10).producer(
        postbox::any_topic, [&](postbox::message_view) -> postbox::send_result {
            if (calls++ == 0)
                throw std::runtime_error("not now");
            again.set();
            return postbox::send_result::sent();
        }));
    deposit(box, "stubborn");
    box.start_sweeper();
    again.wait();
    box.stop_sweeper();
    CHECK(state_of(box, "stubborn") == "dispatched");
    CHECK(box.get_message("stubborn")->get("last_error").value_or("").find("not now") != std::string::npos);
}

TEST(archive_that_throws_keeps_the_message) {
    postbox::client box = open_memory();
    for (const char *id : {"kept", "stays"}) {
        deposit(box, id);
        box.mark_dispatched({id});
    }
    postbox::archive_result result = box.archive([](postbox::message_view message) {
        if (message.id() == "stays")
            throw std::runtime_error("the disk is full");
    });
    CHECK(result.archived == 1 && result.failed == 1);
    CHECK(state_of(box, "kept") == "none" && state_of(box, "stays") == "dispatched");

    event archived;
    auto alive = std::make_shared<int>();
    box.start_archiver([&archived, alive](postbox::message_view) { archived.set(); });
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "running already", box.start_archiver([](postbox::message_view) {}));
    archived.wait();
    box.stop_archiver();
    CHECK(alive.use_count() == 1);
    CHECK(state_of(box, "stays") == "none");

    directory place;
    deposit(box, "filed");
    box.mark_dispatched({"filed"});
    CHECK(box.archive_to_file(place.file("archive.jsonl")).archived == 1);
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "/nowhere/archive", box.start_archiver_to_file("/nowhere/archive"));
}

TEST(log_goes_to_a_function_that_may_throw) {
    auto lines = std::make_shared<std::atomic<int>>(0);
    postbox::set_log(POSTBOX_LOG_TRACE, [lines](postbox_log_level level, std::string_view text) {
        CHECK(level >= POSTBOX_LOG_ERROR && level <= POSTBOX_LOG_TRACE && !text.empty());
        (*lines)++;
        throw std::runtime_error("nobody hears this");
    });
    postbox::client box = open_memory([](postbox::message_view) { return postbox::send_result::retry("no"); });
    deposit(box, "logged");
    CHECK(clear(box, "logged").failed());
    CHECK(*lines > 0);
    postbox::stop_log();
    CHECK(lines.use_count() == 1);
}
