/* Lifetimes: closing, moving and freeing objects, and the end of the program. */
#include "support.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

TEST(after_close_every_call_says_so) {
    postbox::client box = open_memory();
    postbox::unit_of_work work(box);
    work.put("People", ada);
    box.close();
    box.close();
    FAILS(POSTBOX_ERROR_CLOSED, "closed", work.commit());
    FAILS(POSTBOX_ERROR_CLOSED, "closed", box.get_message("x"));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", box.start_sweeper());
    CHECK(box.stats().deposited == 0);
}

/* Nobody listens at the endpoint, which shows that the request was signed. */
TEST(credentials_can_be_set_while_a_client_is_open) {
    postbox::client box(postbox::config().set("endpoint_url", "http://127.0.0.1:1").set("region", "eu-west-1").set("max_request_attempts", "1"));
    FAILS(POSTBOX_ERROR_NO_AWS_CONFIG, "access_key_id", box.get_message("x"));
    FAILS(POSTBOX_ERROR_INVALID_SETTING, "secret_access_key", box.set_credentials("key", ""));
    box.set_credentials("key", "secret", "token");
    FAILS(POSTBOX_ERROR_UNREACHABLE, "could not be reached", box.get_message("x"));
    box.set_credentials("key", "secret");
    FAILS(POSTBOX_ERROR_UNREACHABLE, "could not be reached", box.get_message("x"));
}

/* A moved-from object owns nothing: it is not freed twice, and using it is an error. */
TEST(moved_from_object_throws_and_is_not_freed_again) {
    postbox::client first = open_memory();
    postbox::client box = std::move(first);
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "", first.close());
    postbox::unit_of_work old(box);
    postbox::unit_of_work work = std::move(old);
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "", old.commit());
    postbox::message one("greeting.made", "x");
    postbox::message other = std::move(one);
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "", work.deposit_post(one));
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "", one.set("id", "x"));
    CHECK(one.id().empty() && one.body().empty());
    one = std::move(other);
    work.deposit_post(one);
    work.commit();
}

TEST(unit_of_work_may_outlive_its_outbox) {
    auto box = std::make_unique<postbox::client>(open_memory());
    postbox::unit_of_work work(*box);
    work.put("People", ada);
    box.reset();
    FAILS(POSTBOX_ERROR_CLOSED, "", work.commit());
}

TEST(error_outlives_its_objects) {
    std::exception_ptr kept;
    try {
        postbox::client box = open_memory();
        box.clear_outbox({"missing"});
    } catch (...) {
        kept = std::current_exception();
    }
    try {
        std::rethrow_exception(kept);
    } catch (const postbox::error &error) {
        CHECK(error.reasons().at(0).subject == "missing");
    }
}

static long resident_pages() {
    long size = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> size >> resident;
    return resident;
}

/* Creates and frees handles of five kinds. */
static void make_and_free(postbox::client &box, int times) {
    for (int i = 0; i < times; i++) {
        postbox::config config;
        FAILS(POSTBOX_ERROR_UNKNOWN_NAME, "", config.set("nonsense", "x"));
        config.producer("greeting.made", send_quietly);
        postbox::message message("greeting.made", "body");
        postbox::unit_of_work work(box);
        work.deposit_post(message);
        postbox::report report;
        box.clear_outbox({}, &report);
    }
}

TEST(ten_thousand_handles_leave_nothing_behind) {
    postbox::client box = open_memory();
    make_and_free(box, 2'000);
    const long before = resident_pages();
    make_and_free(box, 2'000);
    const long grown = (resident_pages() - before) * sysconf(_SC_PAGESIZE);
    /* A leak of 100 bytes in each of the 10,000 handles would add up to a megabyte. */
    CHECK(grown < 1'000'000);
}

/* Closing while another thread is in a call: the call reports its outcome, and no message is lost. */
TEST(closing_during_a_call_loses_nothing) {
    directory place;
    auto config = postbox::config().set("embedded_path", place.file("db")).set("close_timeout_ms", 1);
    event called, may_return;
    postbox::client box(postbox::config()
                            .set("embedded_path", place.file("db"))
                            .set("close_timeout_ms", 1)
                            .producer("greeting.made", [&](postbox::message_view) {
                                called.set();
                                may_return.wait();
                                return postbox::send_result::sent();
                            }));
    deposit(box, "under way");
    std::thread clearer([&] {
        try {
            CHECK(clear(box, "under way").outcome == POSTBOX_OUTCOME_MARK_FAILED);
        } catch (const postbox::error &error) {
            CHECK(error.code() == POSTBOX_ERROR_CLOSED);
        }
    });
    called.wait();
    FAILS(POSTBOX_ERROR_TIMEOUT, "", box.close());
    FAILS(POSTBOX_ERROR_CLOSED, "", box.get_message("under way"));
    may_return.set();
    clearer.join();
    postbox::client next(config);
    CHECK(state_of(next, "under way") == "outstanding");
}

TEST(no_producer_is_called_after_close) {
    event called, may_return;
    int sent = 0;
    postbox::client box = open_memory([&](postbox::message_view) {
        sent++;
        called.set();
        may_return.wait();
        return postbox::send_result::sent();
    });
    for (const char *id : {"first", "second"})
        deposit(box, id);
    postbox::report report;
    std::thread clearer([&] { box.clear_outbox({"first", "second"}, &report); });
    called.wait();
    FAILS(POSTBOX_ERROR_TIMEOUT, "longer than 1 ms", box.close_within(std::chrono::milliseconds(1)));
    may_return.set();
    clearer.join();
    CHECK(sent == 1 && report.at(1).outcome == POSTBOX_OUTCOME_SKIPPED);
}

TEST(error_that_was_moved_from_can_be_read) {
    postbox::error error(POSTBOX_ERROR_TIMEOUT, "late");
    const postbox::error moved(std::move(error));
    CHECK(std::string_view(error.what()) == "late" && error.code() == POSTBOX_ERROR_TIMEOUT);
    CHECK(std::string_view(moved.what()) == "late");
}

/* A client that is shared by std::shared_ptr lives until the last call has ended. */
TEST(last_owner_frees_the_outbox) {
    event called, may_return;
    auto alive = std::make_shared<int>();
    auto box = std::make_shared<postbox::client>(open_memory([&called, &may_return, alive](postbox::message_view) {
        called.set();
        may_return.wait();
        return postbox::send_result::sent();
    }));
    deposit(*box, "one");
    std::thread clearer([mine = box] { CHECK(clear(*mine, "one").outcome == POSTBOX_OUTCOME_DISPATCHED); });
    called.wait();
    box.reset();
    may_return.set();
    clearer.join();
    CHECK(alive.use_count() == 1);
}

/*
 * Ends the program with two sweepers: one calls a producer that does not return, and the client of
 * the other is destroyed at the end of the program.
 */
int exit_with_a_sweeper(const char *path) {
    /* These are not destroyed at the end, since the thread of the sweeper still uses them. */
    static event &called = *new event, &never = *new event;
    static auto *leaked = new postbox::client(postbox::config()
                                                  .set("embedded_path", path)
                                                  .set("sweep_min_age_ms", 0)
                                                  .producer("greeting.made", [](postbox::message_view) {
                                                      called.set();
                                                      never.wait();
                                                      return postbox::send_result::sent();
                                                  }));
    static postbox::client destroyed = open_memory();
    deposit(*leaked, "in the call");
    deposit(destroyed, "swept");
    destroyed.start_sweeper();
    leaked->start_sweeper();
    called.wait();
    return failures;
}

TEST(program_may_end_while_a_sweeper_runs) {
    directory place;
    const std::string path = place.file("db");
    const pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "tests", "exit-with-a-sweeper", path.c_str(), nullptr);
        _exit(127);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    postbox::client box(postbox::config().set("embedded_path", path));
    CHECK(state_of(box, "in the call") == "outstanding");
}
