/* Units of work and messages. */
#include "support.hpp"

#include <nlohmann/json.hpp>

using namespace std::string_literals;

static_assert(!std::is_copy_constructible_v<postbox::unit_of_work> && std::is_nothrow_move_constructible_v<postbox::unit_of_work>);
static_assert(!std::is_copy_constructible_v<postbox::client> && std::is_nothrow_move_constructible_v<postbox::client>);
static_assert(!std::is_copy_constructible_v<postbox::message> && std::is_nothrow_move_constructible_v<postbox::message>);
static_assert(!std::is_copy_constructible_v<postbox::config> && std::is_nothrow_move_constructible_v<postbox::config>);
static_assert(!std::is_copy_constructible_v<postbox::page> && std::is_nothrow_move_constructible_v<postbox::page>);
static_assert(std::is_nothrow_copy_constructible_v<postbox::error>);

TEST(commit_writes_both_and_clear_sends) {
    std::vector<std::string> sent;
    postbox::client box = open_memory([&](postbox::message_view message) {
        sent.push_back(std::string(message.topic()) + ": " + std::string(message.body()));
        return postbox::send_result::sent();
    });
    postbox::unit_of_work work(box);
    CHECK(!work.get_item("People", ada));
    work.put("People", ada);
    const std::string id = work.deposit_post(postbox::message("greeting.made", "hello"));
    CHECK(!box.get_message(id));
    work.commit();

    CHECK(box.get_item("People", ada) == ada);
    CHECK(state_of(box, id) == "outstanding");
    box.clear_outbox({id});
    CHECK(state_of(box, id) == "dispatched");
    CHECK(sent == std::vector<std::string>{"greeting.made: hello"});
    FAILS(POSTBOX_ERROR_UNIT_OF_WORK_CLOSED, "", work.put("People", bob));
}

TEST(every_kind_of_action_takes_effect) {
    postbox::client box = open_memory();
    postbox::unit_of_work first(box);
    first.put("People", ada);
    first.put("People", bob);
    first.commit();

    postbox::unit_of_work work(box);
    work.update(R"({"TableName":"People","Key":{"Name":{"S":"Ada"}},"UpdateExpression":"SET Age = :a",
        "ExpressionAttributeValues":{":a":{"N":"36"}}})");
    work.delete_item("People", bob);
    work.condition_check(R"json({"TableName":"People","Key":{"Name":{"S":"Eve"}},
        "ConditionExpression":"attribute_not_exists(#n)","ExpressionAttributeNames":{"#n":"Name"}})json");
    work.add(R"({"Put":{"TableName":"People","Item":{"Name":{"S":"Cy"}}}})");
    work.commit();
    CHECK(box.get_item("People", ada).value_or("").find(R"("Age":{"N":"36"})") != std::string::npos);
    CHECK(!box.get_item("People", bob));
    CHECK(box.get_item("People", R"({"Name":{"S":"Cy"}})"));
}

TEST(unit_is_rolled_back_at_the_end_of_its_scope) {
    postbox::client box = open_memory();
    try {
        postbox::unit_of_work work(box);
        work.put("People", ada);
        work.deposit_post(postbox::message("greeting.made", "x").set("id", "never"));
        throw std::runtime_error("the handler failed");
    } catch (const std::runtime_error &) {
    }
    postbox::unit_of_work work(box);
    work.put("People", ada);
    work.rollback();
    FAILS(POSTBOX_ERROR_UNIT_OF_WORK_CLOSED, "rolled back", work.commit());
    CHECK(!box.get_item("People", ada));
    CHECK(state_of(box, "never") == "none");
    CHECK(box.count_outstanding().count == 0);
}

TEST(cancelled_transaction_gives_reasons) {
    postbox::client box = open_memory();
    postbox::unit_of_work other(box);
    other.put("People", bob);
    other.commit();

    postbox::unit_of_work work(box);
    work.put("People", ada);
    work.condition_check(R"json({"TableName":"People","Key":{"Name":{"S":"Bob"}},
        "ConditionExpression":"attribute_not_exists(#n)","ExpressionAttributeNames":{"#n":"Name"},
        "ReturnValuesOnConditionCheckFailure":"ALL_OLD"})json");
    try {
        work.commit();
        CHECK(!"the commit throws");
    } catch (const postbox::error &canceled) {
        CHECK(canceled.code() == POSTBOX_ERROR_TRANSACTION_CANCELED && !canceled.is_retryable());
        CHECK(canceled.reasons().size() == 1);
        const postbox::reason &reason = canceled.reasons().at(0);
        CHECK(reason.index == 1 && reason.subject == "ConditionCheck People");
        CHECK(reason.code == "ConditionalCheckFailed" && !reason.message.empty());
        CHECK(reason.item == bob);
    }
    CHECK(!box.get_item("People", ada));
}

TEST(duplicate_message_takes_effect_once) {
    postbox::client box = open_memory();
    deposit(box, "once");
    deposit(box, "once");
    postbox::unit_of_work work(box);
    work.put("People", ada);
    work.deposit_post(postbox::message("greeting.made", "x").set("id", "once"));
    FAILS(POSTBOX_ERROR_DUPLICATE_MESSAGE, "once", work.commit());
    CHECK(!box.get_item("People", ada));
}

TEST(message_gets_the_trace_context_of_the_thread) {
    const std::string parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    postbox::client box = open_memory();
    postbox::set_trace_context(parent, "vendor=1");
    deposit(box, "inside");
    postbox::clear_trace_context();
    deposit(box, "after");
    CHECK(box.get_message("inside")->get("trace_parent") == parent && box.get_message("inside")->get("trace_state") == "vendor=1");
    CHECK(!box.get_message("after")->get("trace_parent"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "traceparent", postbox::set_trace_context("1"));
}

TEST(message_is_put_by_another_client) {
    postbox::client box = open_memory();
    const postbox::message message("greeting.made", "hello");
    const auto put = nlohmann::json::parse(box.message_to_put(message));
    const nlohmann::json actions = {{{"Put", {{"TableName", "People"}, {"Item", nlohmann::json::parse(ada)}}}}, put};
    CHECK(!box.get_message(message.id()));
    box.embedded_execute("TransactWriteItems", nlohmann::json{{"TransactItems", actions}}.dump());
    CHECK(box.get_item("People", ada) && box.get_message(message.id()));

    const auto failed = [&](std::string_view reasons) { return box.cancellation_error(actions.dump(), reasons); };
    const postbox::error duplicate = failed(R"([{"Code":"None"},{"Code":"ConditionalCheckFailed"}])");
    CHECK(duplicate.code() == POSTBOX_ERROR_DUPLICATE_MESSAGE && duplicate.reasons().at(0).index == 1);
    CHECK(failed(R"([{"Code":"ConditionalCheckFailed"},{"Code":"None"}])").code() == POSTBOX_ERROR_TRANSACTION_CANCELED);
    CHECK(failed("{").code() == POSTBOX_ERROR_INVALID_JSON);
    FAILS(POSTBOX_ERROR_ITEM_TOO_LARGE, "",
          (void)box.message_to_put(postbox::message("greeting.made", std::string(500'000, 'x'))));
}

TEST(action_over_a_limit_is_rejected_when_added) {
    postbox::client box = open_memory();
    postbox::unit_of_work work(box);
    work.put("People", ada);
    FAILS(POSTBOX_ERROR_DUPLICATE_ITEM, "Put People", work.put("People", ada));
    FAILS(POSTBOX_ERROR_ITEM_TOO_LARGE, "",
          work.deposit_post(postbox::message("greeting.made", std::string(500'000, 'x'))));
    for (int i = 1; i < 100; i++)
        work.put("People", nlohmann::json{{"Name", {{"S", std::to_string(i)}}}}.dump());
    FAILS(POSTBOX_ERROR_TOO_MANY_ACTIONS, "100", work.delete_item("People", bob));
    work.commit();
    CHECK(box.get_item("People", ada));

    postbox::unit_of_work large(box);
    FAILS(POSTBOX_ERROR_TRANSACTION_TOO_LARGE, "", [&] {
        for (int i = 0; i < 12; i++)
            large.deposit_post(postbox::message("greeting.made", std::string(390'000, 'x')));
    }());
}

TEST(invalid_arguments_are_rejected) {
    postbox::client box = open_memory();
    postbox::unit_of_work work(box);
    const std::string nul = "a\0b"s, lone_surrogate = "\xed\xa0\x80", half = "abc\xff";
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"topic\" has a NUL character at 1", postbox::message(nul));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"item\" has a NUL", work.put("People", nul));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "an id has a NUL", box.clear_outbox({nul}));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"topic\" has a NUL", box.sweep(nul));
    FAILS(POSTBOX_ERROR_INVALID_UTF8, "topic", postbox::message(lone_surrogate));
    FAILS(POSTBOX_ERROR_INVALID_UTF8, "", box.clear_outbox({half}));
    FAILS(POSTBOX_ERROR_INVALID_UTF8, "", work.put(half, ada));
    FAILS(POSTBOX_ERROR_INVALID_JSON, "", work.put("People", R"({"Name":)"));
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "\"send\" is empty", memory().producer("t", postbox::send_function()));
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "is empty", memory().producer("t", std::shared_ptr<postbox::producer>()));
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "is empty", box.archive(nullptr));
    work.commit();
    CHECK(box.count_outstanding().count == 0);
}

TEST(message_is_built_fluently) {
    const auto message = postbox::message("greeting.made", "hello")
                             .set("id", "fluent")
                             .set("partition_key", "Ada")
                             .set("bag.tenant", "north")
                             .set("content_type", "application/octet-stream")
                             .set_body("bytes\0and \xff"s);
    CHECK(message.id() == "fluent" && message.topic() == "greeting.made");
    CHECK(message.get("partition_key") == "Ada" && message.get("bag.tenant") == "north");
    CHECK(!message.get("reply_to"));
    CHECK(message.body() == "bytes\0and \xff"s);
    CHECK(postbox::message("t").body().empty());
    FAILS(POSTBOX_ERROR_UNKNOWN_NAME, "partition_key", message.get("partition_kye"));

    postbox::client box = open_memory();
    box.deposit_post(message);
    CHECK(box.get_message("fluent")->body() == message.body());
}

TEST(settings_are_set_and_read_by_name) {
    postbox::config config;
    config.set("table_name", "orders").set("operation_timeout_ms", 2000);
    CHECK(config.get("table_name") == "orders" && config.get("operation_timeout_ms") == "2000");
    FAILS(POSTBOX_ERROR_UNKNOWN_NAME, "table_name", config.set("tabel_name", "x"));
    FAILS(POSTBOX_ERROR_INVALID_SETTING, "operation_timeout_ms", config.set("operation_timeout_ms", -1));
    CHECK(postbox::version() == POSTBOX_VERSION);
}

TEST(library_serves_programs_of_its_abi_that_are_not_newer) {
    using postbox::detail::serves;
    CHECK(serves("0.1.0", "0.1.0") && serves("0.1.4", "0.1.2") && serves("1.4.0", "1.2.7"));
    CHECK(!serves("0.1.0", "0.1.1") && !serves("0.2.0", "0.1.0") && !serves("0.1.0", "0.2.0"));
    CHECK(!serves("1.2.7", "1.4.0") && !serves("2.0.0", "1.0.0") && !serves("", "0.1.0"));
}
