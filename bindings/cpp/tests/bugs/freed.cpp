/* Wrong on purpose: reads a body after its message is gone. AddressSanitizer must end it. */
#include "postbox.hpp"

int main() {
    std::string_view body;
    {
        postbox::message message("greeting.made", "a body that is long enough for the heap");
        body = message.body();
    }
    return body[0] == 'a' ? 0 : 2;
}
