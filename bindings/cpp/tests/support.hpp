/* What several tests need: an outbox in memory, a table of the program's own, a producer, events. */
#ifndef SUPPORT_HPP
#define SUPPORT_HPP

#include "check.hpp"

#include <future>
#include <mutex>

inline constexpr std::string_view ada = R"({"Name":{"S":"Ada"}})";
inline constexpr std::string_view bob = R"({"Name":{"S":"Bob"}})";

/* Something that one thread waits for and another one makes happen. */
class event {
public:
    void set() {
        std::call_once(once_, [this] { promise_.set_value(); });
    }
    /* Waits until it has happened; after a minute, the check fails. */
    void wait() { CHECK(future_.wait_for(std::chrono::minutes(1)) == std::future_status::ready); }

private:
    std::once_flag once_;
    std::promise<void> promise_;
    std::shared_future<void> future_ = promise_.get_future().share();
};

postbox::send_result send_quietly(postbox::message_view message);

/* The embedded database in memory, on which nothing has to be old to be swept, tried again or archived. */
postbox::config memory();
/* An outbox on it with this producer for every topic, and a table People of the key Name. */
postbox::client open_memory(postbox::send_function send = send_quietly);
void make_people(postbox::client &box);

/* Deposits a message of the topic "greeting.made". */
void deposit(postbox::client &box, std::string_view id);
/* The state of a message in the outbox; "none" if it is not there. */
std::string state_of(postbox::client &box, std::string_view id);
/* Clears one message, and gives what became of it. */
postbox::message_outcome clear(postbox::client &box, const std::string &id);

/* A directory that is deleted with all that is in it. */
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
