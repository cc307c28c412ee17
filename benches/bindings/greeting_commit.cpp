/*
 * Measures from C++ the commit with which the bindings are compared: an item with 10 attributes and a message of
 * 100 bytes on the embedded database in memory, 5,000 times. Prints the median in microseconds. greeting_commit.rs is the
 * same in Rust.
 */
#include "postbox.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

static void commit(postbox::client &box, const std::string &body) {
    postbox::unit_of_work work(box);
    work.put("People", postbox::item{{"Name", "Ada"},
                                     {"Email", "ada@example.com"},
                                     {"City", "London"},
                                     {"Greeting", "Hello, Countess"},
                                     {"Greetings", 1},
                                     {"Age", 36},
                                     {"Adult", true},
                                     {"Friend", nullptr},
                                     {"Photo", postbox::bytes(16, 7)},
                                     {"Languages", postbox::list{"English", "French"}}});
    work.deposit_post(postbox::message("greeting.made", body));
    work.commit();
}

int main() {
    using clock = std::chrono::steady_clock;
    postbox::client box(postbox::config().set("embedded_path", ":memory:"));
    box.embedded_execute("CreateTable", R"({"TableName":"People","BillingMode":"PAY_PER_REQUEST",
        "AttributeDefinitions":[{"AttributeName":"Name","AttributeType":"S"}],
        "KeySchema":[{"AttributeName":"Name","KeyType":"HASH"}]})");
    const std::string body(100, 'x');
    for (int i = 0; i < 500; ++i)
        commit(box, body);
    std::vector<double> times(5'000);
    for (double &time : times) {
        const auto start = clock::now();
        commit(box, body);
        time = std::chrono::duration<double, std::micro>(clock::now() - start).count();
    }
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    std::printf("%.1f\n", *middle);
}
