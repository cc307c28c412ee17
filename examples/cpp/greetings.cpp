/*
 * The main job of Postbox: change your data and send a message about it, both or neither.
 *
 *     greetings [database-file]
 *
 * It works on the embedded database, in memory unless a file is given. Run it twice on one file:
 * the second run finds what the first has written. examples/c/greetings.c is the same in C.
 */
#include "postbox.hpp"

#include <cstdlib>
#include <iostream>
#include <string>

namespace {

constexpr std::string_view ada = R"({"Name":{"S":"Ada"}})";

/* The producer: a real one would hand the message to a broker. */
postbox::send_result print_message(postbox::message_view message) {
    std::cout << "  The producer of " << message.topic() << " sends: " << message.body() << "\n";
    return postbox::send_result::sent();
}

/* Makes the program's own table, if it is not there. */
void make_people(postbox::client &box) {
    try {
        box.embedded_execute("DescribeTable", R"({"TableName":"People"})");
    } catch (const postbox::error &failed) {
        if (failed.code() != POSTBOX_ERROR_TABLE_NOT_FOUND)
            throw;
        box.embedded_execute("CreateTable", R"({"TableName":"People","BillingMode":"PAY_PER_REQUEST",
            "AttributeDefinitions":[{"AttributeName":"Name","AttributeType":"S"}],
            "KeySchema":[{"AttributeName":"Name","KeyType":"HASH"}]})");
    }
}

/* How often the person was greeted; a program of your own would use a JSON library. */
long greetings_of(const std::optional<std::string> &person) {
    const std::string before = R"("Greetings":{"N":")";
    const std::size_t found = person ? person->find(before) : std::string::npos;
    return found == std::string::npos ? 0 : std::strtol(person->c_str() + found + before.size(), nullptr, 10);
}

const char *times(long count) { return count == 1 ? "time" : "times"; }

/* Reads Ada, counts one greeting more, and puts that and the message into the unit of work. */
long add_greeting(postbox::unit_of_work &work, const std::string &id) {
    const long greetings = greetings_of(work.get_item("People", ada)) + 1;
    const std::string count = std::to_string(greetings);
    work.put("People", R"({"Name":{"S":"Ada"},"Greetings":{"N":")" + count + R"("}})");
    work.deposit_post(postbox::message("greeting.made", R"({"name":"Ada","greetings":)" + count + "}").set("id", id));
    return greetings;
}

/* The handler: greets Ada and tells the world, both or neither. */
void greet(postbox::client &box, const std::string &id) {
    postbox::unit_of_work work(box);
    const long greetings = add_greeting(work, id);
    work.commit();
    std::cout << "Committed: Ada was greeted " << greetings << " " << times(greetings) << ", and message " << id
              << " is in the outbox.\n";
    box.clear_outbox({id});
    std::cout << "Cleared: message " << id << " is dispatched.\n";
}

/* The same, but it changes its mind: nothing is written, and nothing is ever sent. */
void greet_and_roll_back(postbox::client &box, const std::string &id) {
    {
        postbox::unit_of_work work(box);
        add_greeting(work, id);
    }
    std::cout << "Rolled back: the outbox has " << (box.get_message(id) ? "a" : "no") << " message " << id << ".\n";
}

/* The same command once more: its message is in the outbox already, so it takes no effect. */
void greet_again(postbox::client &box, const std::string &id) {
    try {
        greet(box, id);
    } catch (const postbox::error &refused) {
        if (refused.code() != POSTBOX_ERROR_DUPLICATE_MESSAGE)
            throw;
        std::cout << "Refused: " << refused.what() << ".\n";
    }
}

void run(const char *path) {
    postbox::client box(postbox::config().set("embedded_path", path).producer("greeting.made", print_message));

    make_people(box);
    const long before = greetings_of(box.get_item("People", ada));
    std::cout << "Ada was greeted " << before << " " << times(before) << " before.\n";

    // The id of the command that is handled, such as a request's: it takes effect once.
    const std::string id = "greeting-" + std::to_string(before + 1);
    greet(box, id);
    greet_and_roll_back(box, "greeting-" + std::to_string(before + 2));
    greet_again(box, id);

    const long greetings = greetings_of(box.get_item("People", ada));
    std::cout << "Ada was greeted " << greetings << " " << times(greetings) << " in all.\n";
    box.close();
}

} // namespace

int main(int argc, char **argv) {
    try {
        run(argc > 1 ? argv[1] : ":memory:");
        return EXIT_SUCCESS;
    } catch (const postbox::error &failed) {
        std::cerr << "greetings: " << failed.what() << "\n";
        for (const postbox::reason &reason : failed.reasons())
            std::cerr << "  " << reason.subject << ": " << reason.code << ": " << reason.message << "\n";
        return EXIT_FAILURE;
    }
}
