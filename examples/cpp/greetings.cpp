/*
 * The main job of Postbox: change your data and send a message about it, both or neither.
 *
 *     greetings [database-file]
 *
 * The example uses the embedded database, in memory unless a file is given. Run it twice with one
 * file: the second run finds the data of the first. examples/c/greetings.c is the same in C.
 */
#include "postbox.hpp"

#include <cstdlib>
#include <iostream>
#include <string>

namespace {

/* The producer. A real producer would pass the message to a broker. */
postbox::send_result print_message(postbox::message_view message) {
    std::cout << "  The producer of " << message.topic() << " sends: " << message.body() << "\n";
    return postbox::send_result::sent();
}

/* Creates the table of the program if it does not exist. */
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

/* Returns the key of a person, which is also the item of a new person. */
postbox::item key_of(const std::string &name) { return {{"Name", name}}; }

/* Returns the number of greetings of the person. */
long greetings_of(const postbox::item &person) {
    return person.get_or("Greetings", 0L);
}

const char *times(long count) { return count == 1 ? "time" : "times"; }

/* Reads the person, counts one greeting more, and adds the person and the message to the unit of work. */
long add_greeting(postbox::unit_of_work &work, const std::string &name, const std::string &id) {
    postbox::item person = work.read_item("People", key_of(name)).value_or(key_of(name));
    const long greetings = greetings_of(person) + 1;
    work.put("People", person.set("Greetings", greetings));
    const std::string body = name + " was greeted " + std::to_string(greetings) + " " + times(greetings);
    work.deposit_post(postbox::message("greeting.made", body).set("content_type", "text/plain").set("id", id));
    return greetings;
}

/* The handler. Greets a person and announces it, both or neither. */
void greet(postbox::client &box, const std::string &name, const std::string &id) {
    postbox::unit_of_work work(box);
    const long greetings = add_greeting(work, name, id);
    work.commit();
    std::cout << "Committed: " << name << " was greeted " << greetings << " " << times(greetings) << ", and message " << id
              << " is in the outbox.\n";
    box.clear_outbox({id});
    std::cout << "Cleared: message " << id << " is dispatched.\n";
}

/* Greets a person and rolls back, so that nothing is written or sent. */
void greet_and_roll_back(postbox::client &box, const std::string &name, const std::string &id) {
    {
        postbox::unit_of_work work(box);
        add_greeting(work, name, id);
    }
    std::cout << "Rolled back: the outbox has " << (box.get_message(id) ? "a" : "no") << " message " << id << ".\n";
}

/* Repeats the command, whose message already exists in the outbox, so that it has no effect. */
void greet_again(postbox::client &box, const std::string &name, const std::string &id) {
    try {
        greet(box, name, id);
    } catch (const postbox::error &rejected) {
        if (rejected.code() != POSTBOX_ERROR_DUPLICATE_MESSAGE)
            throw;
        std::cout << "Rejected: " << rejected.what() << ".\n";
    }
}

/* Reads the number of greetings of the person. */
long read_greetings(postbox::client &box, const std::string &name) {
    return greetings_of(box.read_item("People", key_of(name)).value_or(key_of(name)));
}

void run(const char *path, const std::string &name) {
    postbox::client box(postbox::config().set("embedded_path", path).producer("greeting.made", print_message));

    make_people(box);
    const long before = read_greetings(box, name);
    std::cout << name << " was greeted " << before << " " << times(before) << " before.\n";

    // The id of the command that is handled, such as that of a request. The command takes effect once.
    const std::string id = "greeting-" + std::to_string(before + 1);
    greet(box, name, id);
    greet_and_roll_back(box, name, "greeting-" + std::to_string(before + 2));
    greet_again(box, name, id);

    const long greetings = read_greetings(box, name);
    std::cout << name << " was greeted " << greetings << " " << times(greetings) << " in all.\n";
    box.close();
}

} // namespace

int main(int argc, char **argv) {
    try {
        run(argc > 1 ? argv[1] : ":memory:", "Ada");
        return EXIT_SUCCESS;
    } catch (const postbox::error &failed) {
        std::cerr << "greetings: " << failed.what() << "\n";
        for (const postbox::reason &reason : failed.reasons())
            std::cerr << "  " << reason.subject << ": " << reason.code << ": " << reason.message << "\n";
        return EXIT_FAILURE;
    }
}
