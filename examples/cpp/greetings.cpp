/*
 * The main job of Postbox: change your data and send a message about it, both or neither.
 *
 *     greetings [database-file]
 *
 * The example uses the embedded database, in memory unless a file is given. Run it twice with one
 * file: the second run finds the data of the first. examples/c/greetings.c is the same in C.
 *
 * The example writes and reads items with a JSON library, nlohmann::json (Debian: nlohmann-json3-dev). A value that
 * is pasted into JSON by hand breaks it, or changes what it means, as soon as the value contains a quotation mark.
 */
#include "postbox.hpp"

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

namespace {

using nlohmann::json;

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

/* Returns the key of a person, in DynamoDB JSON. */
json key_of(const std::string &name) { return {{"Name", {{"S", name}}}}; }

/* Returns the number of greetings of the person. */
long greetings_of(const json &person) {
    return person.contains("Greetings") ? std::stol(person["Greetings"]["N"].get<std::string>()) : 0;
}

const char *times(long count) { return count == 1 ? "time" : "times"; }

/* Reads the person, counts one greeting more, and adds the person and the message to the unit of work. */
long add_greeting(postbox::unit_of_work &work, const std::string &name, const std::string &id) {
    const std::string key = key_of(name).dump();
    json person = json::parse(work.get_item("People", key).value_or(key));
    const long greetings = greetings_of(person) + 1;
    person["Greetings"] = {{"N", std::to_string(greetings)}};
    work.put("People", person.dump());
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
    return greetings_of(json::parse(box.get_item("People", key_of(name).dump()).value_or("{}")));
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
