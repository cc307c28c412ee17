/* Operations that are started with a callback for their result. */
#include "support.hpp"

#include "postbox_async.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace async = postbox::async;

static_assert(!std::is_copy_constructible_v<async::operation> && std::is_nothrow_move_constructible_v<async::operation>);
static_assert(!std::is_copy_constructible_v<async::completed<postbox::page>> &&
              std::is_nothrow_move_constructible_v<async::completed<postbox::page>>);

/* Returns a callback that passes the result of an operation to a future, as the comment of postbox_async.hpp shows. */
template <class T>
static auto fulfil(std::promise<T> promise) {
    return [promise = std::move(promise)](async::completed<T> done) mutable {
        try {
            if constexpr (std::is_void_v<T>) {
                done.get();
                promise.set_value();
            } else {
                promise.set_value(done.get());
            }
        } catch (...) {
            promise.set_exception(std::current_exception());
        }
    };
}

/* Waits for a result, and returns it or throws the error. */
template <class T>
static T awaited(std::future<T> future) {
    if (future.wait_for(std::chrono::minutes(1)) != std::future_status::ready)
        throw std::runtime_error("no callback was called within a minute");
    return future.get();
}

/* Starts an operation with `start`, and waits for its result. */
template <class T, class Start>
static T result_of(Start start) {
    std::promise<T> promise;
    std::future<T> future = promise.get_future();
    start(fulfil(std::move(promise)));
    return awaited(std::move(future));
}

/* The result of an operation with these arguments: RESULT(bool, verify_table, box). */
#define RESULT(type, function, ...) \
    result_of<type>([&](auto done) { return async::function(__VA_ARGS__, std::move(done)); })

static postbox::unit_of_work unit_with_message(postbox::client &box, const char *id) {
    postbox::unit_of_work work = async::begin(box);
    work.put("People", ada);
    work.deposit_post(postbox::message("greeting.made", "hello").set("id", id));
    return work;
}

TEST(started_commit_is_reported) {
    postbox::client box = open_memory();
    postbox::unit_of_work work = unit_with_message(box, "a");
    RESULT(void, commit, work);
    CHECK(box.get_item("People", ada) == ada && state_of(box, "a") == "outstanding");
    FAILS(POSTBOX_ERROR_UNIT_OF_WORK_CLOSED, "committed", RESULT(void, commit, work));
}

/* The commit continues after its unit of work was destroyed. */
TEST(started_commit_of_a_duplicate_fails) {
    postbox::client box = open_memory();
    deposit(box, "a");
    const auto commit_it = [&](auto done) {
        postbox::unit_of_work work = unit_with_message(box, "a");
        async::commit(work, std::move(done));
    };
    FAILS(POSTBOX_ERROR_DUPLICATE_MESSAGE, "a", result_of<void>(commit_it));
    CHECK(!box.get_item("People", ada));
}

TEST(two_puts_of_one_item_fail_at_a_started_commit) {
    postbox::client box = open_memory();
    postbox::unit_of_work work = async::begin(box);
    work.put("People", ada);
    work.put("People", ada);
    FAILS(POSTBOX_ERROR_SERVICE_ERROR, "multiple operations", RESULT(void, commit, work));
}

TEST(messages_are_deposited_and_read_without_waiting) {
    postbox::client box = open_memory();
    std::vector<postbox::message> more;
    more.push_back(postbox::message("other", "two").set("id", "b"));
    RESULT(void, deposit_post, box, postbox::message("greeting.made", "one").set("id", "a"));
    RESULT(void, deposit_posts, box, more);

    CHECK(RESULT(std::optional<postbox::message>, get_message, box, "b").value().body() == "two");
    CHECK(!RESULT(std::optional<postbox::message>, get_message, box, "none"));
    CHECK(RESULT(postbox::outstanding_count, count_outstanding, box, std::nullopt).count == 2);
    CHECK(RESULT(postbox::outstanding_count, count_outstanding, box, "other").count == 1);
    const std::vector<std::string> ids{"a", "none"};
    const postbox::page found = RESULT(postbox::page, get_messages, box, ids);
    CHECK(found.messages().size() == 1 && found.missing() == std::vector<std::string>{"none"});

    const postbox::page first = RESULT(postbox::page, list_messages, box, POSTBOX_STATE_OUTSTANDING, std::nullopt, 1, std::nullopt);
    CHECK(first.messages().size() == 1 && first.next());
    const postbox::page rest = RESULT(postbox::page, list_messages, box, POSTBOX_STATE_OUTSTANDING, std::nullopt, 1, first.next());
    CHECK(rest.messages().size() == 1 && rest.messages()[0].id() != first.messages()[0].id());
    CHECK(!RESULT(bool, delete_message, box, "a", POSTBOX_STATE_DISPATCHED));
    CHECK(RESULT(bool, delete_message, box, "a", POSTBOX_STATE_OUTSTANDING));
    CHECK(state_of(box, "a") == "none");
}

TEST(messages_are_cleared_and_replayed_without_waiting) {
    postbox::client box = open_memory();
    for (const char *id : {"a", "b"})
        deposit(box, id);
    const std::vector<std::string> a{"a"}, b{"b"};
    const auto yesterday = std::chrono::system_clock::now() - std::chrono::hours(24);
    CHECK(RESULT(postbox::report, clear_outbox, box, a).at(0).outcome == POSTBOX_OUTCOME_DISPATCHED);
    CHECK(RESULT(postbox::report, mark_dispatched, box, a).at(0).outcome == POSTBOX_OUTCOME_ALREADY_DISPATCHED);
    CHECK(RESULT(postbox::report, mark_dispatched_at, box, b, yesterday).at(0).outcome == POSTBOX_OUTCOME_DISPATCHED);
    CHECK(RESULT(postbox::report, replay, box, a).at(0).outcome == POSTBOX_OUTCOME_REPLAYED);
    CHECK(state_of(box, "a") == "outstanding" && state_of(box, "b") == "dispatched");
    CHECK(RESULT(postbox::report, replay_causation, box, "no cause").empty());
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "not parked", RESULT(void, unpark, box, "a"));
}

TEST(accepted_messages_are_confirmed_without_waiting) {
    postbox::client box = open_memory([](postbox::message_view) { return postbox::send_result::accepted(); });
    for (const char *id : {"a", "b", "c"}) {
        deposit(box, id);
        CHECK(clear(box, id).outcome == POSTBOX_OUTCOME_ACCEPTED);
    }
    const std::vector<std::pair<std::string, postbox::send_result>> results{
        {"a", postbox::send_result::sent()}, {"b", postbox::send_result::reject("too large")}};
    RESULT(void, confirm_many, box, results);
    RESULT(void, confirm, box, "c", postbox::send_result::sent());
    CHECK(state_of(box, "a") == "dispatched" && state_of(box, "b") == "parked" && state_of(box, "c") == "dispatched");
    RESULT(void, unpark, box, "b");
    CHECK(state_of(box, "b") == "outstanding");
}

TEST(items_and_tables_are_read_without_waiting) {
    postbox::client box = open_memory();
    const postbox::item key{{"Name", "Ada"}};
    CHECK(!RESULT(std::optional<postbox::item>, read_item, box, "People", key));
    postbox::unit_of_work work = unit_with_message(box, "a");
    RESULT(void, commit, work);
    CHECK(RESULT(std::optional<postbox::item>, read_item, box, "People", key).value().get<std::string>("Name") == "Ada");
    FAILS(POSTBOX_ERROR_TABLE_NOT_FOUND, "Nobody", RESULT(std::optional<postbox::item>, read_item, box, "Nobody", key));

    RESULT(void, create_table, box);
    CHECK(RESULT(bool, verify_table, box));
    CHECK(RESULT(std::vector<std::string>, table_warnings, box) == box.table_warnings());
}

/* An endpoint that accepts connections and does not respond. */
class silent_endpoint {
public:
    silent_endpoint() {
        sockaddr_in address{};
        socklen_t length = sizeof address;
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto *general = reinterpret_cast<sockaddr *>(&address);
        CHECK(bind(listener_, general, length) == 0 && listen(listener_, 8) == 0);
        CHECK(getsockname(listener_, general, &length) == 0);
        port_ = ntohs(address.sin_port);
    }
    ~silent_endpoint() { close(listener_); }
    silent_endpoint(const silent_endpoint &) = delete;
    silent_endpoint &operator=(const silent_endpoint &) = delete;

    [[nodiscard]] postbox::client open() const {
        return postbox::client(postbox::config()
                                   .set("endpoint_url", "http://127.0.0.1:" + std::to_string(port_))
                                   .set("region", "eu-central-1")
                                   .set("access_key_id", "made-up")
                                   .set("secret_access_key", "made-up")
                                   .set("operation_timeout_ms", 60000)
                                   .set("attempt_timeout_ms", 60000));
    }

private:
    int listener_ = socket(AF_INET, SOCK_STREAM, 0);
    int port_ = 0;
};

TEST(canceled_operation_is_no_longer_waited_for) {
    const silent_endpoint endpoint;
    postbox::client box = endpoint.open();
    const auto read = [&](auto done) { async::get_message(box, "a", std::move(done)).cancel(); };
    FAILS(POSTBOX_ERROR_CANCELED, "get_message", result_of<std::optional<postbox::message>>(read));

    postbox::unit_of_work work = unit_with_message(box, "a");
    const auto commit = [&](auto done) {
        const async::operation committing = async::commit(work, std::move(done));
        FAILS(POSTBOX_ERROR_CONCURRENT_USE, "being committed", work.put("People", bob));
        FAILS(POSTBOX_ERROR_CONCURRENT_USE, "being committed", work.commit());
        committing.cancel();
        committing.cancel();
    };
    FAILS(POSTBOX_ERROR_OUTCOME_UNKNOWN, "canceled", result_of<void>(commit));
    /* The outcome can be asked again, and stays unknown. */
    FAILS(POSTBOX_ERROR_OUTCOME_UNKNOWN, "", result_of<void>(commit));
}

TEST(close_reports_the_operations_that_it_does_not_wait_for) {
    const silent_endpoint endpoint;
    postbox::client box = endpoint.open();
    std::promise<std::optional<postbox::message>> promise;
    auto read = promise.get_future();
    async::get_message(box, "a", fulfil(std::move(promise)));
    FAILS(POSTBOX_ERROR_TIMEOUT, "abandoned", box.close_within(std::chrono::milliseconds(10)));
    FAILS(POSTBOX_ERROR_CLOSED, "closed", awaited(std::move(read)));
}

TEST(callback_may_call_the_client_but_not_close_it) {
    event done;
    postbox::client box = open_memory();
    async::get_message(box, "a", [&](async::completed<std::optional<postbox::message>> read) {
        CHECK(!read.get() && !box.get_message("a"));
        FAILS(POSTBOX_ERROR_REENTRANT_CALL, "completion", box.close());
        async::create_table(box, [&](async::completed<void>) { done.set(); });
    });
    done.wait();
    box.close();
}

TEST(callback_is_destroyed_whether_it_was_called_or_not) {
    const auto alive = std::make_shared<int>();
    int calls = 0;
    postbox::client box = open_memory();
    const auto count = [&calls, alive](async::completed<bool>) { calls++; };
    async::verify_table(box, count);
    box.close();
    CHECK(calls == 1);
    FAILS(POSTBOX_ERROR_CLOSED, "closed", async::verify_table(box, count));
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "done", async::verify_table(box, std::function<void(async::completed<bool>)>()));
    /* The last owners are this function and the lambda that it copied. */
    CHECK(calls == 1 && alive.use_count() == 2);
}

TEST(result_may_outlive_its_callback_and_its_client) {
    std::optional<async::completed<std::optional<postbox::message>>> kept;
    {
        postbox::client box = open_memory();
        deposit(box, "a");
        async::get_message(box, "a", [&](auto done) { kept = std::move(done); });
        box.close();
    }
    CHECK(kept.value().get().value().id() == "a");
}

/* The exception that leaves the callback ends a child process. */
TEST(exception_of_a_callback_ends_the_program) {
    const pid_t child = fork();
    if (child == 0) {
        std::set_terminate([] { _exit(42); });
        postbox::client box = open_memory();
        async::unpark(box, "none", [](async::completed<void> done) { done.get(); });
        event().wait();
        _exit(1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

TEST(operators_read_without_waiting) {
    postbox::client box = open_memory();
    deposit(box, "a");
    postbox::selection of_topic;
    of_topic.topic = "greeting.made";
    const auto epoch = std::chrono::system_clock::time_point();
    CHECK(RESULT(postbox::page, select_messages, box, POSTBOX_STATE_OUTSTANDING, of_topic).messages().size() == 1);
    CHECK(RESULT(std::uint64_t, count_messages, box, POSTBOX_STATE_OUTSTANDING, of_topic) == 1);
    CHECK(RESULT(std::uint64_t, dispatched_between, box, "greeting.made", epoch, epoch) == 0);
    const auto counts = RESULT(std::vector<postbox::topic_count>, topic_counts, box, false);
    CHECK(counts.size() == 1 && counts.at(0).outstanding == 1);
    CHECK(RESULT(std::vector<postbox::lease_info>, leases, box).empty());
    CHECK(RESULT(std::vector<postbox::sweeper_info>, sweepers, box).empty());
    auto lease = RESULT(std::optional<postbox::held_lease>, obtain_lease, box, "report", std::chrono::minutes(1)).value();
    CHECK(RESULT(bool, renew, lease));
    CHECK(!RESULT(std::optional<postbox::held_lease>, obtain_lease, box, "report", std::chrono::minutes(1)));
    RESULT(void, release, lease);
    CHECK(!lease.is_held());
    CHECK(RESULT(std::string, location, box).find(":memory:") != std::string::npos);
}
