/* Items that are built from literals and read value by value. */
#include "support.hpp"

#include <cmath>

using postbox::item;

TEST(item_is_built_from_literals_and_read_by_type) {
    const std::string with_nul("a\0b", 3);
    const item person{
        {"Name", "Ada"},
        {"Age", 36},
        {"Height", 1.7},
        {"Exact", postbox::number("3.141592653589793238462643383279502884")},
        {"Adult", true},
        {"Friend", nullptr},
        {"Photo", postbox::bytes{0, 0xff}},
        {"Text", with_nul},
        {"Home", postbox::map{{"City", "London"}, {"Lines", postbox::list{"1", 2, postbox::map{}}}}},
        {"Tags", postbox::set{"a", "b"}},
        {"Lucky", postbox::set{7, 13.5}},
        {"Photos", postbox::set{postbox::bytes{1}}},
    };
    const item read = item::from_json(person.to_json());
    CHECK(read.to_json() == person.to_json());
    CHECK(read.get<std::string>("Name") == "Ada" && read.get<std::string_view>("Text") == with_nul);
    CHECK(read.get<int>("Age") == 36 && read.get<std::uint8_t>("Age") == 36 && read.get<double>("Height") == 1.7);
    CHECK(read.get<postbox::number>("Exact").digits() == "3.141592653589793238462643383279502884");
    CHECK(read.get<bool>("Adult") && read["Friend"].kind() == POSTBOX_KIND_NULL);
    CHECK((read.get<postbox::bytes>("Photo") == postbox::bytes{0, 0xff}));
    CHECK(read["Home"]["City"].as<std::string>() == "London" && read["Home"]["Lines"][1].as<int>() == 2);
    std::string tags;
    for (postbox::value tag : read["Tags"])
        tags += tag.as<std::string_view>();
    CHECK(tags == "ab" && read["Lucky"].kind() == POSTBOX_KIND_NUMBER_SET && read["Photos"].size() == 1);
    CHECK(read.attributes().size() == 12 && read.attributes().name_at(0) == "Adult");
}

TEST(names_that_were_stored_can_contain_nul) {
    using namespace std::string_view_literals;
    const item read = item::from_json(R"({"a\u0000b":{"S":"x"}})");
    CHECK(read.attributes().name_at(0) == "a\0b"sv && read.attributes()[0].as<std::string>() == "x");
}

TEST(value_of_another_type_is_an_error_with_the_name) {
    item person{{"Name", "Ada"}, {"Age", 300}, {"Debt", -1}};
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Name\": the value is a string, not a number", (void)person.get<int>("Name"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Age\"", (void)person.get<std::string>("Age"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "does not fit", (void)person.get<std::uint8_t>("Age"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "does not fit", (void)person.get<std::uint64_t>("Debt"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Nothing\"", (void)person.get<bool>("Nothing"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "Age is not a decimal number", person.set("Age", std::nan("")));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "39 digits", person.set("Age", postbox::number(std::string(39, '9'))));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "the set contains strings only", item().set("Tags", postbox::set{"a", 1}));
    CHECK(!person["Nothing"] && person["Nothing"]["x"].kind() == POSTBOX_KIND_MISSING);
    person.remove("Debt");
    CHECK(person.attributes().size() == 2);
}

TEST(value_that_cannot_be_read_is_an_error_with_its_path) {
    item person{{"Homes", postbox::list{postbox::map{{"City", true}, {"Lines", postbox::list{"1", 300}}}}},
                {"Work", postbox::map{{"Home", postbox::map{{"Zip", "SW1"}}}}},
                {"Tags", postbox::set{"a", "b"}},
                {"Lucky", postbox::set{7, postbox::number("1e30")}},
                {"Photos", postbox::set{postbox::bytes{1}}}};
    const postbox::value home = person["Homes"][0];
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "the attribute \"Homes[0].City\": the value is missing or is not a string",
          (void)home["City"].as<std::string>());
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Homes[0].City\": the value is a Boolean, not a number",
          (void)home["City"].as<int>());
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Homes[0].Lines[1]\": the number 300 does not fit",
          (void)home["Lines"][1].as<std::int8_t>());
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Homes[0].Lines\": ", (void)home["Lines"].as<postbox::bytes>());
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Homes\": ", (void)person.get<bool>("Homes"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Work.Home.Zip\": the value is a string, not a number",
          (void)person["Work"]["Home"]["Zip"].as_or(1));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Tags[1]\": the value is a string, not a number",
          (void)person["Tags"][1].as<double>());
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Lucky[1]\": the number 1e30", (void)person["Lucky"][1].as<std::int64_t>());
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Photos[0]\": ", (void)person["Photos"][0].as<postbox::number>());
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Photos[0]\": ", (void)person["Photos"][0].as<std::optional<std::string>>());

    /* A missing value has the path that was asked for. */
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Homes[0].Street\": the value is missing", (void)home["Street"].as<bool>());
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Homes[1].City\": ", (void)person["Homes"][1]["City"].as<std::string>());
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Nobody.Lines[2]\": ", (void)person["Nobody"]["Lines"][2].as<std::string>());
    CHECK(!person["Nobody"]["Lines"][2] && person["Nobody"]["Lines"].size() == 0 && person["Nobody"]["Lines"].as_or(7) == 7);

    /* Values that a loop visits have paths too. */
    std::string wrong;
    for (postbox::value line : home["Lines"])
        try {
            wrong += line.as<std::string>() + ' ';
        } catch (const postbox::error &failed) {
            wrong += failed.what();
        }
    CHECK(wrong == "1 the attribute \"Homes[0].Lines[1]\": the value is missing or is not a string");
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Work.Home.Zip\": ",
          (void)(*person.attributes()["Work"]["Home"].begin()).as<int>());

    /* A value that is no longer in the item has no path. */
    const postbox::value city = home["City"];
    person.remove("Homes");
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "the value is a Boolean, not a number", (void)city.as<int>());
    CHECK(city.as<bool>());
}

TEST(value_that_cannot_be_written_is_an_error_with_its_path) {
    using postbox::list;
    using postbox::map;
    using postbox::number;
    using postbox::set;
    const std::string nul("a\0b", 3);
    const std::string ff("\xff", 1);
    auto rejects = [](std::string_view text, const postbox::literal &homes) {
        FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, text, item({{"Homes", homes}}));
    };
    rejects("the item: Homes[1].Size is not a decimal number: \"NaN\"", list{1, map{{"Size", std::nan("")}}});
    rejects("the item: Homes.Size is not a decimal number: \"inf\"", map{{"Size", HUGE_VAL}});
    rejects("the item: Homes[0].Sizes[1] is not a decimal number: \"1,5\"", list{map{{"Sizes", set{1, number("1,5")}}}});
    rejects("the item: Homes[0] is a number of 39 digits", list{number(std::string(39, '9'))});
    rejects("the item: Homes.Tags[1] is a number, but the set contains strings only", map{{"Tags", set{"a", 1}}});
    rejects("the item: Homes[0][0] is a Boolean, but the set contains numbers only", list{set{true}});
    rejects("the item: Homes.Photos[0] is a list, but the set contains numbers only", map{{"Photos", set{list{}}}});
    rejects("the item: Homes[0].Tags is an empty set", list{map{{"Tags", set{}}}});
    rejects("the item: Homes.Home. has an empty name", map{{"Home", map{{"", 1}}}});
    rejects("the item: Homes[0].City: the number has a NUL character at 1", list{map{{"City", number(nul)}}});
    rejects("the item: Homes[0].Home: a name has a NUL character at 1", list{map{{"Home", map{{nul, 1}}}}});

    postbox::literal nested = list{};
    std::string path = "Homes";
    for (int i = 0; i < 32; i++) {
        nested = list{std::move(nested)};
        path += "[0]";
    }
    rejects("the item: " + path + " is nested in 32 lists and maps", nested);

    FAILS(POSTBOX_ERROR_INVALID_UTF8, "the item: Homes[0].City: argument \"value\": invalid UTF-8 at byte 0",
          item({{"Homes", list{map{{"City", ff}}}}}));
    FAILS(POSTBOX_ERROR_INVALID_UTF8, "the item: Homes[0]: argument \"name\": invalid UTF-8 at byte 0",
          item({{"Homes", list{map{{ff, 1}}}}}));
    FAILS(POSTBOX_ERROR_INVALID_UTF8, "the item: Homes: argument \"name\": invalid UTF-8 at byte 0",
          item({{"Homes", map{{ff, map{}}}}}));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "the item: :home.City is not a decimal number",
          postbox::expression().value(":home", map{{"City", std::nan("")}}).pass([](auto) -> postbox_error * { return nullptr; }));
}

TEST(copy_of_an_item_has_its_own_values) {
    const item person{{"Name", std::string("A\0da", 4)}, {"Photo", postbox::bytes{0, 0xff}}, {"Tags", postbox::set{"a", "b"}}};
    item copy = person;
    CHECK(copy.to_json() == person.to_json());
    copy.set("Name", "Bob");
    CHECK(person.get<std::string>("Name") == std::string("A\0da", 4) && copy.get<std::string>("Name") == "Bob");
    copy = *&copy;
    CHECK(copy.get<std::string>("Name") == "Bob");
    copy = person;
    CHECK(copy.to_json() == person.to_json() && item(item()).to_json() == "{}");
    const item moved = std::move(copy);
    FAILS(POSTBOX_ERROR_NULL_ARGUMENT, "item", (void)item(copy));
}

TEST(missing_attribute_has_a_default) {
    const item person{{"Name", "Ada"}, {"Age", 300}, {"Height", 1.7}, {"Adult", true}, {"Friend", nullptr}};
    CHECK(person.get_or("Age", 1) == 300 && person.get_or("Greetings", 7) == 7 && person.get_or("Friend", -7) == -7);
    CHECK(person.get_or("Height", 0.5) == 1.7 && person.get_or("Weight", 0.5) == 0.5);
    CHECK(person.get_or("Height", 0.5F) == 1.7F && person.get_or("Weight", 0.5F) == 0.5F);
    CHECK(person.get_or("Adult", false) && person.get_or("Known", true) && !person.get_or("Friend", false));
    CHECK(person.get_or("Name", "Bob") == "Ada" && person.get_or("Friend", "Bob") == "Bob");
    CHECK(person.get_or<std::uint64_t>("Age", 1) == 300 && person.get_or<std::uint64_t>("None", UINT64_MAX) == UINT64_MAX);
    CHECK(person.get_or("Code", postbox::number("1.50")).digits() == "1.50");
    CHECK(person["Home"]["City"].as_or("London") == "London" && person["Age"].as_or(0) == 300);

    CHECK(person.get<std::optional<int>>("Age") == 300 && !person.get<std::optional<int>>("Greetings"));
    CHECK(!person.get<std::optional<std::string>>("Friend") && person.get<std::optional<std::string>>("Name") == "Ada");

    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Name\": the value is a string, not a number", (void)person.get_or("Name", 1));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Age\": the number 300 does not fit",
          (void)person.get_or<std::int8_t>("Age", 1));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Age\": the value is a number, not a Boolean", (void)person.get_or("Age", true));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Age\"", (void)person.get_or("Age", "36"));
    FAILS(POSTBOX_ERROR_INVALID_ARGUMENT, "\"Age\"", (void)person.get<std::optional<std::string>>("Age"));
}

TEST(unit_of_work_writes_and_reads_items) {
    postbox::client box = open_memory();
    const item ada_key{{"Name", "Ada"}};
    const auto is_new = postbox::expression().condition("attribute_not_exists(#n)").name("#n", "Name").return_item();
    {
        postbox::unit_of_work work(box);
        work.put("People", item{{"Name", "Ada"}, {"Age", 36}}, is_new);
        work.commit();
    }
    postbox::unit_of_work work(box);
    CHECK(work.read_item("People", ada_key)->get<int>("Age") == 36);
    work.update("People", ada_key, postbox::expression().update("ADD Age :one").value(":one", 1));
    work.condition_check("People", {{"Name", "Bob"}}, is_new);
    work.delete_item("People", item{{"Name", "Eve"}});
    work.commit();
    CHECK(box.read_item("People", ada_key)->get<int>("Age") == 37 && !box.read_item("People", {{"Name", "Eve"}}));

    postbox::unit_of_work again(box);
    again.put("People", item{{"Name", "Ada"}}, is_new);
    try {
        again.commit();
        CHECK(false);
    } catch (const postbox::error &failed) {
        const postbox::reason reason = failed.reasons().at(0);
        CHECK(item::from_json(reason.item.value()).get<int>("Age") == 37);
        item stored = reason.read_item().value();
        CHECK(stored.get<int>("Age") == 37);
        stored.set("Age", 38);
        CHECK(reason.read_item()->get<int>("Age") == 37);
    }
    postbox::unit_of_work without(box);
    without.put("People", ada_key, postbox::expression().condition("attribute_not_exists(#n)").name("#n", "Name"));
    try {
        without.commit();
        CHECK(false);
    } catch (const postbox::error &failed) {
        CHECK(!failed.reasons().at(0).item && !failed.reasons().at(0).read_item());
    }
}
