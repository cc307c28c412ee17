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

/* An exception in a producer counts as a failed dispatch, with the exception's text as the reason. */
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

TEST(batch_has_a_result_for_each_message) {
    std::vector<std::size_t> batches;
    postbox::client box(memory().set("breaker_threshold", 0).batch_producer(
        postbox::any_topic, 6, [&](const std::vector<postbox::message_view> &batch, postbox::send_results &results) {
            CHECK(results.size() == batch.size());
            batches.push_back(batch.size());
            for (std::size_t i = 0; i < batch.size(); i++) {
                if (batch[i].id() == "retry")
                    results.set(i, postbox::send_result::retry("queue full"));
                else if (batch[i].id() == "unavailable")
                    results.set(i, postbox::send_result::unavailable("no leader"));
                else if (batch[i].id() == "reject")
                    results.set(i, postbox::send_result::reject("too large"));
                else if (batch[i].id() == "not-tried")
                    results.set(i, postbox::send_result::not_tried());
                else if (batch[i].id() != "unset")
                    results.set(i, postbox::send_result::sent());
            }
        }));
    const std::vector<std::string> ids = {"sent", "retry", "unavailable", "reject", "not-tried", "unset", "second"};
    for (const std::string &id : ids)
        deposit(box, id);
    postbox::report report;
    box.clear_outbox(ids, &report);
    CHECK(batches == std::vector<std::size_t>({6, 1}));
    const postbox_outcome expected[] = {POSTBOX_OUTCOME_DISPATCHED, POSTBOX_OUTCOME_FAILED,  POSTBOX_OUTCOME_FAILED,
                                        POSTBOX_OUTCOME_REJECTED,   POSTBOX_OUTCOME_SKIPPED, POSTBOX_OUTCOME_SKIPPED,
                                        POSTBOX_OUTCOME_DISPATCHED};
    for (std::size_t i = 0; i < ids.size(); i++)
        CHECK(report.at(i).outcome == expected[i]);
    CHECK(report.at(1).detail == "queue full" && report.at(2).detail == "no leader");
    CHECK(state_of(box, "reject") == "parked" && state_of(box, "unset") == "outstanding");
    CHECK(box.get_message("unset")->get("dispatch_attempts") == "0");
}

TEST(exception_of_a_batch_producer_fails_the_messages_without_a_result) {
    auto alive = std::make_shared<int>();
    bool is_exception = true;
    {
        postbox::client box(memory().set("breaker_threshold", 0).batch_producer(
            "greeting.made", 10, [&, alive](const std::vector<postbox::message_view> &, postbox::send_results &results) {
                results.set(0, postbox::send_result::sent());
                if (!is_exception)
                    throw 7;
                results.set(2, postbox::send_result::sent());
            }));
        for (const char *id : {"one", "two", "three"})
            deposit(box, id);
        postbox::report report;
        box.clear_outbox({"one", "two"}, &report);
        CHECK(report.at(0).outcome == POSTBOX_OUTCOME_DISPATCHED && report.at(1).outcome == POSTBOX_OUTCOME_FAILED);
        CHECK(report.at(1).detail.find("result 2 was set for a batch of 2") != std::string::npos);
        is_exception = false;
        box.clear_outbox({"two", "three"}, &report);
        CHECK(report.at(0).outcome == POSTBOX_OUTCOME_DISPATCHED && report.at(1).outcome == POSTBOX_OUTCOME_FAILED);
        CHECK(report.at(1).detail.find("not a std::exception") != std::string::npos);
        CHECK(alive.use_count() == 2);
    }
    CHECK(alive.use_count() == 1);
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "max_batch",
          postbox::config().batch_producer("t", 0, [](const auto &, postbox::send_results &) {}));
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "send", postbox::config().batch_producer("t", 1, nullptr));
}

TEST(many_are_confirmed_in_one_call) {
    postbox::client box = open_memory([](postbox::message_view) { return postbox::send_result::accepted(); });
    std::vector<std::pair<std::string, postbox::send_result>> results;
    for (int i = 0; i < 30; i++) {
        results.emplace_back("many-" + std::to_string(i), postbox::send_result::sent());
        deposit(box, results.back().first);
        box.clear_outbox({results.back().first});
    }
    results.at(0).second = postbox::send_result::retry("no leader");
    results.at(1).second = postbox::send_result::reject("too large");
    box.confirm_many(results);
    CHECK(state_of(box, "many-0") == "outstanding" && box.get_message("many-0")->get("last_error") == "no leader");
    CHECK(state_of(box, "many-1") == "parked");
    for (std::size_t i = 2; i < results.size(); i++)
        CHECK(state_of(box, results.at(i).first) == "dispatched");
    try {
        box.confirm_many({{"nobody", postbox::send_result::sent()}, {"many-2", postbox::send_result::sent()}});
        CHECK(!"it throws");
    } catch (const postbox::error &incomplete) {
        CHECK(incomplete.code() == POSTBOX_ERROR_MARK_INCOMPLETE && !incomplete.is_retryable());
        CHECK(incomplete.reasons().size() == 1 && incomplete.reasons().at(0).subject == "nobody");
    }
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "many-2", box.confirm_many({{"many-2", postbox::send_result::accepted()}}));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "NUL", box.confirm_many({{std::string("a\0b", 3), postbox::send_result::sent()}}));
    box.confirm_many({});
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
    counting_producer(int &sends, int &ends) : sent(sends), destroyed(ends) {}
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

TEST(producer_may_keep_a_copy_of_its_message) {
    std::optional<postbox::message> kept;
    {
        postbox::client box = open_memory([&](postbox::message_view message) {
            kept = message.copy();
            return postbox::send_result::accepted();
        });
        box.deposit_post(postbox::message("greeting.made", "hello").set("id", "one").set("bag.tenant", "north"));
        CHECK(clear(box, "one").outcome == POSTBOX_OUTCOME_ACCEPTED);
    }
    postbox::message changed = kept.value().copy();
    changed.set("bag.tenant", "south");
    CHECK(kept->id() == "one" && kept->topic() == "greeting.made" && kept->body() == "hello");
    CHECK(kept->get("bag.tenant") == "north" && changed.get("bag.tenant") == "south");
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

TEST(sweeper_sends_messages_committed_by_another_client) {
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

TEST(log_of_a_client_goes_to_its_own_function) {
    auto first = std::make_shared<std::atomic<int>>(0), second = std::make_shared<std::atomic<int>>(0);
    auto count = [](const std::shared_ptr<std::atomic<int>> &lines) {
        return [lines](postbox_log_level, std::string_view) { (*lines)++; };
    };
    auto fail = [](postbox::message_view) { return postbox::send_result::retry("no"); };
    postbox::set_log(POSTBOX_LOG_TRACE, [](postbox_log_level, std::string_view) { CHECK(false); });
    {
        postbox::client box(memory().producer(postbox::any_topic, fail).log(POSTBOX_LOG_WARN, count(first)));
        postbox::client other(memory().producer(postbox::any_topic, fail).log(POSTBOX_LOG_WARN, count(second)));
        deposit(box, "logged");
        CHECK(clear(box, "logged").failed());
        CHECK(*first == 1 && *second == 0);
    }
    postbox::stop_log();
    CHECK(first.use_count() == 1 && second.use_count() == 1);
}

TEST(sweep_can_be_canceled_while_its_caller_waits) {
    const std::thread::id caller = std::this_thread::get_id();
    event other_called, canceled;
    auto waits = std::make_shared<std::atomic<int>>(0);
    postbox::client box(memory().set("sweep_threads", 2).producer(postbox::any_topic, [&](postbox::message_view) {
        if (std::this_thread::get_id() == caller) {
            other_called.wait();
        } else {
            other_called.set();
            canceled.wait();
        }
        return postbox::send_result::sent();
    }));
    for (const char *topic : {"one", "two"})
        box.deposit_post(postbox::message(topic, "x"));
    {
        postbox::cancel_token token;
        token.on_wait([&, waits] {
            (*waits)++;
            token.cancel();
            canceled.set();
            throw std::runtime_error("nobody hears this");
        });
        box.sweep({}, &token);
        CHECK(*waits > 0 && token.is_canceled());
    }
    CHECK(waits.use_count() == 1);
}

/* A producer that stops the sweeper or closes the client is told that it cannot wait for itself. Both end after it. */
TEST(producer_may_stop_the_sweeper_and_close_its_client) {
    for (const bool closes : {false, true}) {
        event called;
        postbox::client *inside = nullptr;
        int code = POSTBOX_ERROR_NONE;
        postbox::client box(memory().set("sweep_interval_ms", 10).producer(
            postbox::any_topic, [&](postbox::message_view) -> postbox::send_result {
                try {
                    closes ? inside->close() : inside->stop_sweeper();
                } catch (const postbox::error &refused) {
                    code = refused.code();
                }
                called.set();
                return postbox::send_result::sent();
            }));
        inside = &box;
        deposit(box, "only");
        box.start_sweeper();
        called.wait();
        if (closes) {
            box.close();
            FAILS(POSTBOX_ERROR_CLOSED, "closed", box.get_message("only"));
        } else {
            box.stop_sweeper();
            CHECK(state_of(box, "only") == "dispatched");
            /* The sweeper has ended, so it can be started again. */
            box.start_sweeper();
        }
        CHECK(code == POSTBOX_ERROR_REENTRANT_CALL);
    }
}
