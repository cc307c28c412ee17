#include "support.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

int failures = 0;

std::vector<test> &tests() {
    static std::vector<test> all;
    return all;
}

bool add(test test) {
    tests().push_back(test);
    return true;
}

void check(bool holds, const char *what, const char *file, int line) {
    if (!holds) {
        failures++;
        std::printf("%s:%d: %s: it is not so\n", file, line, what);
    }
}

void check_error(const postbox::error &error, postbox_code code, std::string_view part, const char *file, int line) {
    if (error.code() != code || std::string_view(error.what()).find(part) == std::string_view::npos) {
        failures++;
        std::printf("%s:%d: the error is %d, \"%s\", not %d with \"%.*s\"\n", file, line, error.code(), error.what(),
                    code, static_cast<int>(part.size()), part.data());
    }
}

postbox::send_result send_quietly(postbox::message_view) { return postbox::send_result::sent(); }

postbox::config memory() {
    return postbox::config()
        .set("embedded_path", ":memory:")
        .set("sweep_min_age_ms", 0)
        .set("dispatch_retry_delay_ms", 0)
        .set("archive_min_age_ms", 0);
}

postbox::client open_memory(postbox::send_function send) {
    postbox::client box(memory().producer(postbox::any_topic, std::move(send)));
    make_people(box);
    return box;
}

void make_people(postbox::client &box) {
    box.embedded_execute("CreateTable", R"({"TableName":"People","BillingMode":"PAY_PER_REQUEST",
        "AttributeDefinitions":[{"AttributeName":"Name","AttributeType":"S"}],
        "KeySchema":[{"AttributeName":"Name","KeyType":"HASH"}]})");
}

void deposit(postbox::client &box, std::string_view id) {
    CHECK(box.deposit_post(postbox::message("greeting.made", "hello").set("id", id)) == id);
}

std::string state_of(postbox::client &box, std::string_view id) {
    const std::optional<postbox::message> message = box.get_message(id);
    return message ? std::string(message->get("state").value_or("")) : "none";
}

postbox::message_outcome clear(postbox::client &box, const std::string &id) {
    postbox::report report;
    box.clear_outbox({id}, &report);
    CHECK(report.size() == 1 && report[0].id == id);
    return report.at(0);
}

directory::directory() {
    std::string name = (std::filesystem::temp_directory_path() / "postbox-XXXXXX").string();
    if (!mkdtemp(name.data()))
        std::perror("mkdtemp");
    path_ = name;
}

directory::~directory() { std::filesystem::remove_all(path_); }
