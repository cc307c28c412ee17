/* Deliberately wrong: reads a body after its message was freed. AddressSanitizer must abort the program. */
#include "postbox.hpp"

int main() {
    std::string_view body;
    {
        postbox::message message("greeting.made", "a body that is long enough for the heap");
        body = message.body();
    }
    return body[0] == 'a' ? 0 : 2;
}
