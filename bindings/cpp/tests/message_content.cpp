/* The creation time and the header bag of a message. */
#include "support.hpp"

TEST(creation_time_keeps_all_its_digits) {
    postbox::client box = open_memory();
    const postbox::time_point exact(postbox::ticks(INT64_C(17000000001234567)));
    box.deposit_post(postbox::message("greeting.made").set("id", "exact").set_created_at(exact));
    CHECK(box.get_message("exact")->created_at() == exact);
    postbox::message message("greeting.made");
    CHECK(message.created_at() > exact && message.view().created_at() == message.created_at());
    const auto now = std::chrono::system_clock::now();
    message.set_created_at(now);
    CHECK(message.created_at() == std::chrono::floor<postbox::ticks>(now));
    for (const std::int64_t impossible : {INT64_MIN, INT64_MAX})
        FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "the years 1 to 9999",
              message.set_created_at(postbox::time_point(postbox::ticks(impossible))));
    CHECK(message.created_at() == std::chrono::floor<postbox::ticks>(now));
}

TEST(bag_has_values_of_any_json_type) {
    const char *digits = "1234567890.1234567890123456789012345678";
    postbox::client box = open_memory();
    box.deposit_post(postbox::message("greeting.made")
                         .set("id", "bagged")
                         .set_bag({{"precise", postbox::number(digits)},
                                   {"list", postbox::list{true, nullptr, "text"}},
                                   {"map", postbox::map{{"inner", 5}}}}));
    const postbox::item bag = box.get_message("bagged")->bag();
    CHECK(bag.get<postbox::number>("precise").digits() == digits);
    CHECK(bag["list"].size() == 3 && bag["list"][0].as<bool>() && bag["list"][2].as<std::string>() == "text");
    CHECK(bag["list"][1].kind() == POSTBOX_KIND_NULL && bag["map"]["inner"].as<int>() == 5);
    CHECK(bag.attributes().size() == 3 && bag.attributes().name_at(0) == "list");

    postbox::message message("greeting.made");
    message.set_bag(bag);
    CHECK(message.get("bag.precise") == digits);
    FAILS(POSTBOX_ERROR_INVALID_MESSAGE, "set or binary", message.set_bag({{"bytes", postbox::bytes{1}}}));
    CHECK(message.bag().attributes().size() == 3);
    message.set("bag", R"({"far":1e400})");
    CHECK(message.bag().get<postbox::number>("far").digits() == "1e400");
}
