/* Deliberately wrong: leaks a message. LeakSanitizer must report the leak. */
#include "postbox.hpp"

int main() {
    postbox_message *message = nullptr;
    postbox::detail::check(postbox_message_new("greeting.made", nullptr, 0, &message));
    message = nullptr;
    return 0;
}
