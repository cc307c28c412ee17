/* Fixtures of the tests: an outbox in memory, a table of the program, a producer, events. */
#ifndef SUPPORT_HPP
#define SUPPORT_HPP

#include "check.hpp"

#include <future>
#include <mutex>

inline constexpr std::string_view ada = R"({"Name":{"S":"Ada"}})";
inline constexpr std::string_view bob = R"({"Name":{"S":"Bob"}})";

/* An event that one thread waits for and another one triggers. */
class event {
public:
    void set() {
        std::call_once(once_, [this] { promise_.set_value(); });
    }
    /* Waits for the event. After a minute, the check fails. */
    void wait() { CHECK(future_.wait_for(std::chrono::minutes(1)) == std::future_status::ready); }

private:
    std::once_flag once_;
    std::promise<void> promise_;
    std::shared_future<void> future_ = promise_.get_future().share();
};

postbox::send_result send_quietly(postbox::message_view message);

/* Returns settings of the embedded database in memory, with which messages are swept, retried and archived at once. */
postbox::config memory();
/* Opens an outbox with these settings and this producer for every topic, and creates a table People with the key Name. */
postbox::client open_memory(postbox::send_function send = send_quietly);
void make_people(postbox::client &box);

/* Deposits a message of the topic "greeting.made". */
void deposit(postbox::client &box, std::string_view id);
/* Returns the state of a message in the outbox, or "none" if it does not exist. */
std::string state_of(postbox::client &box, std::string_view id);
/* Clears one message and returns its outcome. */
postbox::message_outcome clear(postbox::client &box, const std::string &id);

/* A directory that is deleted with its content. */
class directory {
public:
    directory();
    ~directory();
    directory(const directory &) = delete;
    directory &operator=(const directory &) = delete;
    [[nodiscard]] std::string file(const char *name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

/* A program that ends while its sweeper runs; see lifetime.cpp. */
int exit_with_a_sweeper(const char *path);

#endif
