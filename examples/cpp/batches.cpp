/*
 * Sends several messages in one call, and confirms many in one call, as brokers do.
 *
 * The broker of this program accepts two of three messages, since the producer is asked to stop before the third, and
 * confirms later that it has the first and lost the second. examples/c/batches.c is the same in C.
 */
#include "postbox.hpp"

#include <iostream>

using postbox::send_result;

/* The producer. A real producer would pass the messages to a broker. */
static void send_batch(const std::vector<postbox::message_view> &batch, postbox::send_results &results) {
    std::cout << "The producer gets " << batch.size() << " messages in one call\n";
    for (std::size_t i = 0; i < batch.size(); i++) {
        if (batch[i].id() == "order-3")
            return; // asked to stop: the rest was not tried
        results.set(i, send_result::accepted());
    }
}

int main() try {
    postbox::client box(
        postbox::config().set("embedded_path", ":memory:").batch_producer("order.placed", 10, send_batch));
    const std::vector<std::string> ids = {"order-1", "order-2", "order-3"};
    for (const std::string &id : ids)
        box.deposit_post(postbox::message("order.placed").set("id", id));
    postbox::report report;
    box.clear_outbox(ids, &report);
    // A real program does this when the broker responds, on any thread.
    box.confirm_many({{"order-1", send_result::sent()}, {"order-2", send_result::retry("no leader")}});
    for (const std::string &id : ids) {
        const auto message = box.get_message(id);
        std::cout << id << " is " << message->get("state").value_or("none");
        if (const auto error = message->get("last_error"))
            std::cout << ": " << *error;
        std::cout << '\n';
    }
} catch (const postbox::error &failed) {
    std::cerr << failed.what() << '\n';
    return 1;
}
