/*
 * postbox.hpp: a transactional outbox on Amazon DynamoDB, for C++17. Header only, over postbox.h.
 *
 * Messages that are committed with your data are sent at least once. Messages that are rolled
 * back are never sent.
 *
 *     postbox::client box(postbox::config()
 *                             .set("table_name", "brighter_outbox")
 *                             .producer("greeting.made", [](postbox::message_view message) {
 *                                 send(message.topic(), message.body());
 *                                 return postbox::send_result::sent();
 *                             }));
 *
 *     postbox::unit_of_work work(box);
 *     work.put("People", postbox::item{{"Name", "Ada"}, {"Greetings", 1}});
 *     auto id = work.deposit_post(postbox::message("greeting.made", body));
 *     work.commit();                                                     // all or nothing
 *     box.clear_outbox({id});                                            // send the message now
 *
 * examples/cpp/greetings.cpp is the complete program. postbox_async.hpp has the functions that start an operation and
 * return without waiting for DynamoDB.
 *
 * Conventions, unless the documentation of a function says otherwise:
 *
 * - Errors. A function that fails throws postbox::error. All objects are still usable. postbox.h
 *   describes which errors change something.
 * - Ownership. Classes that own a handle free it in the destructor. Except for postbox::item, they
 *   are move-only. Using an object that was moved from throws POSTBOX_ERROR_NULL_ARGUMENT.
 * - Strings. Arguments are UTF-8 without NUL characters. A returned std::string_view is valid until
 *   the object that returned it is changed or destroyed.
 * - Callbacks. An exception in a producer counts as a failure to send, with the text of the
 *   exception. If an archive throws, the message is not deleted from the outbox.
 * - Terms, threads, blocking, codes and settings are described in postbox.h, for the functions of
 *   the same names.
 */
#ifndef POSTBOX_HPP
#define POSTBOX_HPP

#include "postbox.h"

#ifndef __cpp_exceptions
#error "postbox.hpp reports errors as exceptions: compile it with exceptions enabled"
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <ratio>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace postbox {

class item;

/** The reason for which an action of a transaction or a message of a call failed, or a problem with a table. */
struct reason {
    /** The index of the failed action or message. The first index is 0. */
    std::size_t index;
    /** The thing that failed: an action ("Put People"), a message id, or the name of an index. */
    std::string subject;
    /** The code that DynamoDB returned ("ConditionalCheckFailed"), or a code of Postbox if DynamoDB returned none. */
    std::string code;
    std::string message;
    /** The item whose condition failed, as DynamoDB JSON, if the action requested the item. */
    std::optional<std::string> item;
    /* The same item as a handle, which all copies of the reason share. */
    std::shared_ptr<const postbox_item> stored;

    /** Returns a copy of the item whose condition failed, if the action requested the item. */
    [[nodiscard]] std::optional<::postbox::item> read_item() const;
};

/** The exception that every function throws when it fails. what() returns the error text. */
class error : public std::exception {
public:
    error(postbox_code code, std::string message)
        : details_(std::make_shared<details>(details{code, false, std::move(message), {}})) {}

    /** Copies an error of the C functions, which the caller still owns. */
    explicit error(const postbox_error &from) : details_(std::make_shared<details>(read(&from))) {}

    /* An error that was moved from stays readable, so there is no move constructor. */
    error(const error &) = default;
    error &operator=(const error &) = default;

    [[nodiscard]] const char *what() const noexcept override { return details_->message.c_str(); }

    /**
     * Returns the code. A code that this header does not name is from a later library: treat it as
     * POSTBOX_ERROR_INTERNAL.
     */
    [[nodiscard]] postbox_code code() const noexcept { return details_->code; }

    /** Returns whether the same call may succeed later without any change. */
    [[nodiscard]] bool is_retryable() const noexcept { return details_->retryable; }

    /** Returns a reason for each part that failed. The list is empty if the error concerns only one thing. */
    [[nodiscard]] const std::vector<reason> &reasons() const noexcept { return details_->reasons; }

private:
    struct details {
        postbox_code code;
        bool retryable;
        std::string message;
        std::vector<reason> reasons;
    };

    static details read(const postbox_error *from) {
        details read{postbox_error_code(from), postbox_error_is_retryable(from), postbox_error_message(from), {}};
        for (std::size_t i = 0; i < postbox_error_reason_count(from); i++) {
            const char *item = postbox_error_reason_item(from, i);
            read.reasons.push_back({postbox_error_reason_index(from, i), postbox_error_reason_subject(from, i),
                                    postbox_error_reason_code(from, i), postbox_error_reason_message(from, i),
                                    item ? std::optional<std::string>(item) : std::nullopt, stored(from, i)});
        }
        return read;
    }

    /* Copies the item of a reason. The copy of a complete item does not fail. */
    static std::shared_ptr<const postbox_item> stored(const postbox_error *from, std::size_t reason) {
        postbox_item *copy = nullptr;
        if (const postbox_item *found = postbox_error_reason_read_item(from, reason))
            postbox_error_free(postbox_item_copy(found, &copy));
        return {copy, postbox_item_free};
    }

    /* Shared, so that copying the exception cannot throw. */
    std::shared_ptr<const details> details_;
};

/** Returns the version of the loaded library. POSTBOX_VERSION is the version of the headers. */
[[nodiscard]] inline std::string_view version() { return postbox_version(); }

namespace detail {

template <auto Free>
struct freer {
    template <class T>
    void operator()(T *handle) const noexcept {
        Free(handle);
    }
};

template <class T, auto Free>
using handle = std::unique_ptr<T, freer<Free>>;

inline void check(postbox_error *failed) {
    if (handle<postbox_error, postbox_error_free> owned{failed})
        throw error(*owned);
}

/* Copies a string for C. Rejects NUL characters, at which a C string would end. */
inline std::string text(std::string_view text, const char *name) {
    if (std::size_t nul = text.find('\0'); nul != std::string_view::npos)
        throw error(POSTBOX_ERROR_INVALID_ARGUMENT, std::string("the argument \"") + name +
                                                        "\" has a NUL character at " + std::to_string(nul) +
                                                        ": leave it out");
    return std::string(text);
}

/* An optional string for C, which is NULL if it is omitted. */
class optional_text {
public:
    optional_text(std::optional<std::string_view> given, const char *name) {
        if (given)
            text_ = text(*given, name);
    }
    [[nodiscard]] const char *get() const noexcept { return text_ ? text_->c_str() : nullptr; }

private:
    std::optional<std::string> text_;
};

inline std::vector<const char *> id_pointers(const std::vector<std::string> &ids) {
    std::vector<const char *> pointers;
    pointers.reserve(ids.size());
    for (const std::string &id : ids) {
        if (id.find('\0') != std::string::npos)
            throw error(POSTBOX_ERROR_INVALID_ARGUMENT, "an id has a NUL character: leave it out");
        pointers.push_back(id.c_str());
    }
    return pointers;
}

inline std::optional<std::string> take(char *string) {
    handle<char, postbox_string_free> owned{string};
    return owned ? std::optional<std::string>(owned.get()) : std::nullopt;
}

inline std::vector<std::string> lines(const std::string &text) {
    std::vector<std::string> lines;
    for (std::size_t start = 0, end = 0; start < text.size(); start = end + 1) {
        end = std::min(text.find('\n', start), text.size());
        lines.push_back(text.substr(start, end - start));
    }
    return lines;
}

/* Copies `text` to `reason`, truncated to whole UTF-8 characters if it is too long. */
inline void write_reason(std::string_view text, char *reason, std::size_t size) noexcept {
    std::size_t length = text.size();
    if (length >= size)
        for (length = size - 1; length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U;)
            length--;
    text.copy(reason, length);
    reason[length] = '\0';
}

/* Runs a callback. If it throws, writes the text of the exception to `reason` and returns `failed`. */
template <class F>
std::int32_t guarded(std::int32_t failed, char *reason, std::size_t size, F call) noexcept {
    try {
        return call();
    } catch (const std::exception &thrown) {
        write_reason(thrown.what(), reason, size);
    } catch (...) {
        write_reason("the callback threw something that is not a std::exception", reason, size);
    }
    return failed;
}

template <class T>
void release(void *data) noexcept {
    delete static_cast<T *>(data);
}

/* Moves a callback to the heap, where C can refer to it. Rejects an empty callback. */
template <class T>
std::unique_ptr<T> keep(T callback, const char *name) {
    /* A lambda is never empty. Without captures, it converts to bool implicitly, because it converts to a pointer. */
    if constexpr (std::is_pointer_v<T> || (std::is_constructible_v<bool, T &> && !std::is_convertible_v<T &, bool>))
        if (!callback)
            throw error(POSTBOX_ERROR_NULL_ARGUMENT, std::string("the argument \"") + name + "\" is empty");
    return std::make_unique<T>(std::move(callback));
}

/* Returns whether a library has the ABI of the header that a program was compiled with, and is not older. */
inline bool serves(std::string_view library, std::string_view header) {
    auto number = [](std::string_view &version) {
        unsigned long value = 0;
        while (!version.empty() && version[0] >= '0' && version[0] <= '9') {
            value = value * 10 + static_cast<unsigned long>(version[0] - '0');
            version.remove_prefix(1);
        }
        version.remove_prefix(version.empty() ? 0 : 1);
        return value;
    };
    unsigned long theirs[3], ours[3];
    for (int i = 0; i < 3; i++) {
        theirs[i] = number(library);
        ours[i] = number(header);
    }
    if (theirs[0] != ours[0] || theirs[1] < ours[1] || (ours[0] == 0 && theirs[1] != ours[1]))
        return false;
    return theirs[1] > ours[1] || theirs[2] >= ours[2];
}

} // namespace detail

/** The unit of the times in the outbox table, 100 nanoseconds. */
using ticks = std::chrono::duration<std::int64_t, std::ratio<1, 10000000>>;
/** A point in time with all digits of the outbox table. */
using time_point = std::chrono::time_point<std::chrono::system_clock, ticks>;

namespace detail {

/* Returns a time in the ticks of C. A time outside their range becomes one that the C functions reject. */
template <class Duration>
std::int64_t ticks_of(std::chrono::time_point<std::chrono::system_clock, Duration> time) noexcept {
    const std::int64_t since = std::chrono::floor<ticks>(time).time_since_epoch().count();
    return since > INT64_MAX - POSTBOX_UNIX_EPOCH_TICKS ? INT64_MAX : since + POSTBOX_UNIX_EPOCH_TICKS;
}

inline time_point time_of(std::int64_t since_year_1) noexcept {
    return time_point(ticks(since_year_1 - POSTBOX_UNIX_EPOCH_TICKS));
}

} // namespace detail

/** The bytes of a binary value. */
using bytes = std::vector<std::uint8_t>;

/** A decimal number with all its digits, up to 38: postbox::number("1.50"). */
class number {
public:
    explicit number(std::string digits) : digits_(std::move(digits)) {}
    [[nodiscard]] const std::string &digits() const noexcept { return digits_; }

private:
    std::string digits_;
};

class value;

namespace detail {

template <class T>
inline constexpr bool always_false = false;

template <class T>
T read(const value &from);

template <class T>
T read_or(const value &from, T missing);

/* Adds the name of a member or the index of an element to a path: Homes[0].City. */
inline std::string &add_step(std::string &path, std::string_view name) {
    return path.append(path.empty() ? "" : ".").append(name);
}
inline std::string &add_step(std::string &path, std::size_t index) {
    return path.append("[").append(std::to_string(index)).append("]");
}

/* Adds the path from a value to a value inside it. Leaves the path as it was, and returns false, if it is not inside. */
inline bool add_path(std::string &path, const postbox_value *from, const postbox_value *to) {
    if (from == to)
        return true;
    const std::size_t length = path.size();
    for (std::size_t i = 0; i < postbox_value_count(from); i++) {
        std::size_t size = 0;
        if (const char *name = postbox_value_name_at(from, i, &size))
            add_step(path, std::string_view(name, size));
        else
            add_step(path, i);
        if (add_path(path, postbox_value_at(from, i), to))
            return true;
        path.resize(length);
    }
    return false;
}

} // namespace detail

/**
 * A read-only view of a value inside an item. It is valid until the item is destroyed, also if the item is changed. A
 * missing value has the kind POSTBOX_KIND_MISSING. See postbox_value.
 */
class value {
public:
    explicit value(const postbox_value *handle = nullptr) noexcept : root_(handle), found_(handle) {}

    [[nodiscard]] postbox_kind kind() const noexcept { return static_cast<postbox_kind>(postbox_value_kind(handle())); }
    [[nodiscard]] explicit operator bool() const noexcept { return handle() != nullptr; }

    /** Returns the number of values in a map, a list or a set. */
    [[nodiscard]] std::size_t size() const noexcept { return postbox_value_count(handle()); }
    /** Returns the value at this position of a list, a set or a map, or a missing value. */
    template <class T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
    [[nodiscard]] value operator[](T index) const {
        const auto at = static_cast<std::size_t>(index);
        return inner(postbox_value_at(handle(), at), at);
    }
    /** Returns the value with this name in a map, or a missing value. */
    [[nodiscard]] value operator[](std::string_view name) const {
        return inner(postbox_value_member(handle(), detail::text(name, "name").c_str()), name);
    }
    [[nodiscard]] value operator[](const char *name) const { return (*this)[std::string_view(name)]; }
    /** Returns the name of the value at this position of a map. */
    [[nodiscard]] std::string_view name_at(std::size_t index) const noexcept {
        std::size_t length = 0;
        const char *name = postbox_value_name_at(handle(), index, &length);
        return name ? std::string_view(name, length) : std::string_view();
    }

    /**
     * Returns the value as std::string, std::string_view, std::int64_t or another integer, double, bool, postbox::number
     * or postbox::bytes. Throws POSTBOX_ERROR_INVALID_ARGUMENT, with the path of the value inside the item, if the value is of
     * another kind or out of range. A std::optional of these types is empty if the value is missing or null.
     */
    template <class T>
    [[nodiscard]] T as() const {
        return named([this] { return detail::read<T>(*this); });
    }

    /** Returns the value as the type of `missing`, or `missing` if the value is missing or null. Throws as value::as. */
    template <class T>
    [[nodiscard]] T as_or(T missing) const {
        return named([&] { return detail::read_or<T>(*this, std::move(missing)); });
    }
    [[nodiscard]] std::string as_or(const char *missing) const { return as_or(std::string(missing)); }

    /** Returns whether there is no value, or a null. */
    [[nodiscard]] bool is_missing_or_null() const noexcept {
        return handle() == nullptr || kind() == POSTBOX_KIND_NULL;
    }

    /** Visits the values of a map, a list or a set. */
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = value;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = value;

        [[nodiscard]] value operator*() const { return value(root_, postbox_value_at(of_, index_)); }
        iterator &operator++() noexcept {
            index_++;
            return *this;
        }
        [[nodiscard]] bool operator==(const iterator &other) const noexcept { return index_ == other.index_; }
        [[nodiscard]] bool operator!=(const iterator &other) const noexcept { return index_ != other.index_; }

    private:
        friend value;
        iterator(const value &of, std::size_t index) noexcept : root_(of.root_), of_(of.handle()), index_(index) {}

        const postbox_value *root_, *of_;
        std::size_t index_;
    };

    [[nodiscard]] iterator begin() const noexcept { return {*this, 0}; }
    [[nodiscard]] iterator end() const noexcept { return {*this, size()}; }

    [[nodiscard]] const postbox_value *handle() const noexcept { return missing_.empty() ? found_ : nullptr; }

private:
    friend class item;

    value(const postbox_value *root, const postbox_value *found) noexcept : root_(root), found_(found) {}

    /* Returns a value inside this one, which may be missing. */
    template <class Step>
    [[nodiscard]] value inner(const postbox_value *found, Step step) const {
        if (found)
            return {root_, found};
        value absent = *this;
        if constexpr (std::is_integral_v<Step>)
            detail::add_step(absent.missing_, step);
        else
            absent.missing_.append(".").append(step);
        return absent;
    }

    /* Returns the path inside the item, which is empty for the whole item and for a value that was replaced or removed. */
    [[nodiscard]] std::string path() const {
        std::string path;
        if (!detail::add_path(path, root_, found_))
            return path;
        return path.empty() && missing_[0] == '.' ? missing_.substr(1) : path + missing_;
    }

    /* Reads this value. Adds its path to errors. */
    template <class F>
    auto named(F read) const {
        try {
            return read();
        } catch (const error &wrong) {
            const std::string found = path();
            if (found.empty())
                throw;
            throw error(wrong.code(), "the attribute \"" + found + "\": " + wrong.what());
        }
    }

    /* The value from which the paths begin, the value or the innermost one that exists, and the rest of a missing value's path. */
    const postbox_value *root_, *found_;
    std::string missing_;
};

namespace detail {

inline error wrong_kind(const char *wanted) {
    return {POSTBOX_ERROR_INVALID_ARGUMENT, std::string("the value is missing or is not ") + wanted};
}

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
T narrowed(std::int64_t whole) {
    const T narrow = static_cast<T>(whole);
    if (static_cast<std::int64_t>(narrow) != whole || (narrow < T{}) != (whole < 0))
        throw error(POSTBOX_ERROR_INVALID_ARGUMENT, "the number " + std::to_string(whole) + " does not fit into the type");
    return narrow;
}

template <class T>
T read(const value &from) {
    std::size_t length = 0;
    if constexpr (std::is_same_v<T, bool>) {
        if (from.kind() != POSTBOX_KIND_BOOL)
            throw wrong_kind("a Boolean");
        return postbox_value_bool(from.handle());
    } else if constexpr (std::is_integral_v<T>) {
        std::int64_t whole = 0;
        check(postbox_value_int64(from.handle(), &whole));
        return narrowed<T>(whole);
    } else if constexpr (std::is_floating_point_v<T>) {
        double real = 0;
        check(postbox_value_double(from.handle(), &real));
        return static_cast<T>(real);
    } else if constexpr (std::is_same_v<T, number>) {
        if (from.kind() != POSTBOX_KIND_NUMBER)
            throw wrong_kind("a number");
        return number(postbox_value_string(from.handle(), nullptr));
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
        if (from.kind() != POSTBOX_KIND_STRING)
            throw wrong_kind("a string");
        const char *text = postbox_value_string(from.handle(), &length);
        return T(text, length);
    } else if constexpr (std::is_same_v<T, bytes>) {
        if (from.kind() != POSTBOX_KIND_BINARY)
            throw wrong_kind("a binary value");
        const std::uint8_t *start = postbox_value_binary(from.handle(), &length);
        return bytes(start, start + length);
    } else if constexpr (is_optional<T>) {
        return from.is_missing_or_null() ? T() : T(read<typename T::value_type>(from));
    } else {
        static_assert(always_false<T>, "a value of DynamoDB cannot be read as this type");
    }
}

template <class T>
T read_or(const value &from, T missing) {
    if constexpr (std::is_same_v<T, bool>) {
        bool flag = false;
        check(postbox_value_bool_or(from.handle(), missing, &flag));
        return flag;
    } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
        std::int64_t whole = 0;
        check(postbox_value_int64_or(from.handle(), missing, &whole));
        return narrowed<T>(whole);
    } else if constexpr (std::is_same_v<T, double>) {
        double real = 0;
        check(postbox_value_double_or(from.handle(), missing, &real));
        return real;
    } else {
        return from.is_missing_or_null() ? std::move(missing) : read<T>(from);
    }
}

} // namespace detail

class literal;

/** The values of a list: postbox::list{"a", 1}. */
using list = std::vector<literal>;
/** The values of a map by name: postbox::map{{"City", "London"}}. */
using map = std::vector<std::pair<std::string, literal>>;

/** A set of strings, numbers or bytes: postbox::set{"a", "b"}. All values have one kind. */
class set {
public:
    set(std::initializer_list<literal> values);
    explicit set(std::vector<literal> values);
    [[nodiscard]] const std::vector<literal> &values() const noexcept { return values_; }

private:
    std::vector<literal> values_;
};

/** A value that is written to an item: a string, a number, a Boolean, nullptr, bytes, a list, a map or a set. */
class literal {
public:
    literal(std::nullptr_t) {}
    literal(const char *text) : value_(std::string(text)) {}
    literal(std::string_view text) : value_(std::string(text)) {}
    literal(std::string text) : value_(std::move(text)) {}
    literal(number digits) : value_(std::move(digits)) {}
    literal(bytes binary) : value_(std::move(binary)) {}
    literal(list values) : value_(std::move(values)) {}
    literal(map members) : value_(std::move(members)) {}
    literal(set values) : value_(std::move(values)) {}
    literal(bool flag) : value_(flag) {}
    template <class T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int> = 0>
    literal(T whole) {
        if (std::is_unsigned_v<T> && sizeof(T) >= sizeof(std::int64_t))
            value_ = number(std::to_string(whole));
        else
            value_ = static_cast<std::int64_t>(whole);
    }
    template <class T, std::enable_if_t<std::is_floating_point_v<T>, int> = 0>
    literal(T real) : value_(static_cast<double>(real)) {}

    /* Sets an attribute of an item. */
    void write(postbox_item *item, std::string_view name) const {
        const std::string attribute = detail::text(name, "name");
        write(item, place{nullptr, attribute.c_str(), 0});
    }

    [[nodiscard]] postbox_kind kind() const noexcept {
        if (std::holds_alternative<std::string>(value_))
            return POSTBOX_KIND_STRING;
        return std::holds_alternative<bytes>(value_) ? POSTBOX_KIND_BINARY : POSTBOX_KIND_NUMBER;
    }

private:
    /* The place of a value inside the item: its name in a map, or its index in a list or a set. */
    struct place {
        const place *outer;
        const char *name;
        std::size_t index;

        [[nodiscard]] std::string path() const {
            std::string path = outer ? outer->path() : std::string();
            return name ? detail::add_step(path, name) : detail::add_step(path, index);
        }

        /* Copies a string for C. Rejects NUL characters. */
        [[nodiscard]] std::string text(std::string_view given, const char *what) const {
            if (std::size_t nul = given.find('\0'); nul != std::string_view::npos)
                throw error(POSTBOX_ERROR_INVALID_ARGUMENT, "the item: " + path() + ": " + what +
                                                                " has a NUL character at " + std::to_string(nul) +
                                                                ": leave it out");
            return std::string(given);
        }
    };

    void write(postbox_item *item, const place &at) const {
        std::visit([&](const auto &given) { write(item, at, given); }, value_);
    }
    static void write(postbox_item *item, const place &at, std::monostate) {
        detail::check(postbox_item_set_null(item, at.name));
    }
    static void write(postbox_item *item, const place &at, bool flag) {
        detail::check(postbox_item_set_bool(item, at.name, flag));
    }
    static void write(postbox_item *item, const place &at, std::int64_t whole) {
        detail::check(postbox_item_set_int64(item, at.name, whole));
    }
    static void write(postbox_item *item, const place &at, double real) {
        detail::check(postbox_item_set_double(item, at.name, real));
    }
    static void write(postbox_item *item, const place &at, const std::string &text) {
        detail::check(postbox_item_set_string_of_length(item, at.name, text.data(), text.size()));
    }
    static void write(postbox_item *item, const place &at, const number &digits) {
        detail::check(postbox_item_set_number(item, at.name, at.text(digits.digits(), "the number").c_str()));
    }
    static void write(postbox_item *item, const place &at, const bytes &binary) {
        detail::check(postbox_item_set_binary(item, at.name, binary.data(), binary.size()));
    }
    static void write(postbox_item *item, const place &at, const list &values) {
        write_all(item, at, POSTBOX_KIND_LIST, values);
    }
    static void write(postbox_item *item, const place &at, const set &values) {
        const postbox_kind first = values.values().empty() ? POSTBOX_KIND_STRING : values.values().front().kind();
        const postbox_kind kind = first == POSTBOX_KIND_STRING   ? POSTBOX_KIND_STRING_SET
                                  : first == POSTBOX_KIND_BINARY ? POSTBOX_KIND_BINARY_SET
                                                                 : POSTBOX_KIND_NUMBER_SET;
        write_all(item, at, kind, values.values());
    }
    static void write(postbox_item *item, const place &at, const map &members) {
        detail::check(postbox_item_begin(item, at.name, POSTBOX_KIND_MAP));
        for (const auto &[member, given] : members) {
            const std::string name = at.text(member, "a name");
            given.write(item, place{&at, name.c_str(), 0});
        }
        detail::check(postbox_item_end(item));
    }
    static void write_all(postbox_item *item, const place &at, postbox_kind kind, const std::vector<literal> &values) {
        detail::check(postbox_item_begin(item, at.name, kind));
        for (std::size_t i = 0; i < values.size(); i++)
            values[i].write(item, place{&at, nullptr, i});
        detail::check(postbox_item_end(item));
    }

    std::variant<std::monostate, bool, std::int64_t, double, std::string, number, bytes, list, map, set> value_;
};

inline set::set(std::initializer_list<literal> values) : values_(values) {}
inline set::set(std::vector<literal> values) : values_(std::move(values)) {}

/**
 * An item of a table, or the key of an item. See postbox_item.
 *
 *     postbox::item person{{"Name", "Ada"}, {"Age", 36}, {"Languages", postbox::list{"English"}}};
 *     work.put("People", person);
 *     int age = work.read_item("People", {{"Name", "Ada"}})->get<int>("Age");
 *
 * A value that DynamoDB cannot store is rejected with its path inside the item. If a list, a map or a set is rejected,
 * the item cannot be used any further.
 */
class item {
public:
    item() : handle_(postbox_item_new()) {}
    item(std::initializer_list<std::pair<std::string_view, literal>> attributes) : item() {
        for (const auto &[name, given] : attributes)
            set(name, given);
    }
    /* Takes ownership of a handle. */
    explicit item(postbox_item *handle) noexcept : handle_(handle) {}

    /** Copies an item with all its values. See postbox_item_copy. */
    item(const item &other) : item(copied(other.handle())) {}
    item &operator=(const item &other) { return *this = item(other); }
    item(item &&) noexcept = default;
    item &operator=(item &&) noexcept = default;
    ~item() = default;

    /* Copies an item of the C functions, which its owner keeps. */
    [[nodiscard]] static item copied(const postbox_item *from) {
        postbox_item *copy = nullptr;
        detail::check(postbox_item_copy(from, &copy));
        return item(copy);
    }

    /** Reads an item from DynamoDB JSON. See postbox_item_from_json. */
    [[nodiscard]] static item from_json(std::string_view json) {
        postbox_item *read = nullptr;
        detail::check(postbox_item_from_json(detail::text(json, "json").c_str(), &read));
        return item(read);
    }

    /** Returns the item as DynamoDB JSON. */
    [[nodiscard]] std::string to_json() const {
        char *json = nullptr;
        detail::check(postbox_item_to_json(handle(), &json));
        return detail::take(json).value_or("");
    }

    /** Sets an attribute, which replaces an earlier value. */
    item &set(std::string_view name, const literal &given) {
        given.write(handle(), name);
        return *this;
    }

    /** Removes an attribute. Does nothing if the item does not have it. */
    void remove(std::string_view name) { detail::check(postbox_item_remove(handle(), detail::text(name, "name").c_str())); }

    /** Returns an attribute, or a missing value. */
    [[nodiscard]] value operator[](std::string_view name) const {
        return attributes().inner(find(name), name);
    }

    /**
     * Returns an attribute as this type. Throws if it is missing or of another kind; see value::as. If it may be missing,
     * use get<std::optional<T>> or get_or.
     */
    template <class T>
    [[nodiscard]] T get(std::string_view name) const {
        return named(name, [](value found) { return found.as<T>(); });
    }

    /** Returns an attribute as the type of `missing`, or `missing` if the attribute is missing or null; see value::as_or. */
    template <class T>
    [[nodiscard]] T get_or(std::string_view name, T missing) const {
        return named(name, [&](value found) { return found.as_or(std::move(missing)); });
    }
    [[nodiscard]] std::string get_or(std::string_view name, const char *missing) const {
        return get_or(name, std::string(missing));
    }

    /** Returns all attributes as a map. */
    [[nodiscard]] value attributes() const { return value(postbox_item_value(handle())); }

    [[nodiscard]] postbox_item *handle() const noexcept { return handle_.get(); }

private:
    [[nodiscard]] const postbox_value *find(std::string_view name) const {
        return postbox_item_get(handle(), detail::text(name, "name").c_str());
    }

    /* Reads an attribute. Names it in errors. The value has no path, so that none is built if it is missing. */
    template <class F>
    auto named(std::string_view name, F read) const {
        try {
            return read(value(find(name)));
        } catch (const error &wrong) {
            throw error(wrong.code(), "the attribute \"" + std::string(name) + "\": " + wrong.what());
        }
    }

    detail::handle<postbox_item, postbox_item_free> handle_;
};

inline std::optional<item> reason::read_item() const {
    return stored ? std::optional<::postbox::item>(::postbox::item::copied(stored.get())) : std::nullopt;
}

/**
 * The expressions of an action. See postbox_expression.
 *
 *     work.update("People", key, postbox::expression().update("ADD Age :one").value(":one", 1));
 */
class expression {
public:
    expression &update(std::string text) { return keep(update_, std::move(text), "update"); }
    expression &condition(std::string text) { return keep(condition_, std::move(text), "condition"); }
    /** Sets a placeholder that begins with "#" to the name of an attribute. */
    expression &name(std::string_view placeholder, std::string_view attribute) {
        names_.emplace_back(placeholder, attribute);
        return *this;
    }
    /** Sets a placeholder that begins with ":" to a value. */
    expression &value(std::string_view placeholder, const literal &given) {
        values_.emplace_back(placeholder, given);
        return *this;
    }
    /** The reason of a condition that was not met contains the item. */
    expression &return_item() {
        return_item_ = true;
        return *this;
    }

    /* Calls a function of C with the expressions. */
    template <class F>
    void pass(F call) const {
        /* Most actions have no expressions, so an item without attributes is not created. */
        item names(names_.empty() ? nullptr : postbox_item_new()), values(values_.empty() ? nullptr : postbox_item_new());
        for (const auto &[placeholder, attribute] : names_)
            detail::check(postbox_item_set_string(names.handle(), detail::text(placeholder, "placeholder").c_str(),
                                                  detail::text(attribute, "attribute").c_str()));
        for (const auto &[placeholder, given] : values_)
            values.set(placeholder, given);
        const auto text = [](const std::string &given) { return given.empty() ? nullptr : given.c_str(); };
        const postbox_expression passed = {text(update_), text(condition_), names.handle(), values.handle(), return_item_};
        detail::check(call(&passed));
    }

private:
    expression &keep(std::string &member, std::string text, const char *argument) {
        member = detail::text(text, argument);
        return *this;
    }

    std::string update_, condition_;
    std::vector<std::pair<std::string, std::string>> names_;
    map values_;
    bool return_item_ = false;
};

class message;

/**
 * A read-only view of a message that belongs to a postbox::message or to a page, or that a callback
 * received. It is valid as long as its owner exists, or until the callback returns.
 */
class message_view {
public:
    explicit message_view(const postbox_message *handle) noexcept : handle_(handle) {}

    [[nodiscard]] std::string_view id() const noexcept { return postbox_message_id(handle_); }
    [[nodiscard]] std::string_view topic() const noexcept { return postbox_message_topic(handle_); }

    /** Returns the bytes of the body. */
    [[nodiscard]] std::string_view body() const noexcept {
        std::size_t length = 0;
        const std::uint8_t *start = postbox_message_body(handle_, &length);
        return {reinterpret_cast<const char *>(start), length};
    }

    /** Returns a header field by name, or an entry of the header bag by "bag.NAME"; see postbox_message_get. */
    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const {
        const char *value = nullptr;
        detail::check(postbox_message_get(handle_, detail::text(name, "name").c_str(), &value));
        return value ? std::optional<std::string_view>(value) : std::nullopt;
    }

    /** Returns the time at which the message was created, with all digits. */
    [[nodiscard]] time_point created_at() const noexcept {
        return detail::time_of(postbox_message_created_ticks(handle_));
    }

    /** Copies the header bag, whose entries are any JSON values. Numbers have all digits. See postbox_message_bag. */
    [[nodiscard]] item bag() const {
        postbox_item *bag = nullptr;
        detail::check(postbox_message_bag(handle_, &bag));
        return item(bag);
    }

    /** Copies the message with all its fields. A producer uses the copy after it has returned. See postbox_message_copy. */
    [[nodiscard]] message copy() const;

    [[nodiscard]] const postbox_message *handle() const noexcept { return handle_; }

private:
    const postbox_message *handle_;
};

/**
 * A message, with named header fields and a body of bytes. CONFIGURATION.md lists the fields.
 *
 *     auto greeting = postbox::message("greeting.made", body)
 *                         .set("partition_key", "Ada")
 *                         .set("bag.tenant", "north");
 */
class message {
public:
    /**
     * Creates a message with a new id and the current time. The body may contain any bytes. If it is not UTF-8, set
     * "content_type" to a type of bytes, such as application/octet-stream.
     */
    explicit message(std::string_view topic, std::string_view body = {}) {
        postbox_message *made = nullptr;
        detail::check(postbox_message_new(detail::text(topic, "topic").c_str(), bytes(body), body.size(), &made));
        handle_.reset(made);
    }

    /** Takes ownership of a message of the C functions. */
    explicit message(postbox_message *owned) noexcept : handle_(owned) {}

    /** Sets a header field by name. An empty value removes an optional field. See postbox_message_set. */
    message &set(std::string_view name, std::string_view value) & {
        detail::check(postbox_message_set(handle_.get(), detail::text(name, "name").c_str(),
                                          detail::text(value, "value").c_str()));
        return *this;
    }
    message set(std::string_view name, std::string_view value) && { return std::move(set(name, value)); }

    message &set_body(std::string_view body) & {
        detail::check(postbox_message_set_body(handle_.get(), bytes(body), body.size()));
        return *this;
    }
    message set_body(std::string_view body) && { return std::move(set_body(body)); }

    /** Sets the time at which the message was created. See postbox_message_set_created_ticks. */
    template <class Duration>
    message &set_created_at(std::chrono::time_point<std::chrono::system_clock, Duration> time) & {
        detail::check(postbox_message_set_created_ticks(handle_.get(), detail::ticks_of(time)));
        return *this;
    }
    template <class Duration>
    message set_created_at(std::chrono::time_point<std::chrono::system_clock, Duration> time) && {
        return std::move(set_created_at(time));
    }

    /**
     * Replaces the header bag: set_bag({{"tenant", "north"}, {"retries", 3}}). Its values are any JSON values. See
     * postbox_message_set_bag.
     */
    message &set_bag(const item &bag) & {
        detail::check(postbox_message_set_bag(handle_.get(), bag.handle()));
        return *this;
    }
    message set_bag(const item &bag) && { return std::move(set_bag(bag)); }

    [[nodiscard]] message_view view() const noexcept { return message_view(handle_.get()); }
    [[nodiscard]] std::string_view id() const noexcept { return view().id(); }
    [[nodiscard]] std::string_view topic() const noexcept { return view().topic(); }
    [[nodiscard]] std::string_view body() const noexcept { return view().body(); }
    [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const { return view().get(name); }
    [[nodiscard]] time_point created_at() const noexcept { return view().created_at(); }
    [[nodiscard]] item bag() const { return view().bag(); }
    /** Copies the message with all its fields. */
    [[nodiscard]] message copy() const { return view().copy(); }

    [[nodiscard]] const postbox_message *handle() const noexcept { return handle_.get(); }

private:
    static const std::uint8_t *bytes(std::string_view body) {
        return reinterpret_cast<const std::uint8_t *>(body.data());
    }

    detail::handle<postbox_message, postbox_message_free> handle_;
};

inline message message_view::copy() const { return message(postbox_message_copy(handle_)); }

namespace detail {

inline std::vector<const postbox_message *> message_pointers(const std::vector<message> &messages) {
    std::vector<const postbox_message *> handles;
    handles.reserve(messages.size());
    for (const message &message : messages)
        handles.push_back(message.handle());
    return handles;
}

} // namespace detail

/** The outcome of sending a message; see postbox_send_outcome. */
struct send_result {
    postbox_send_outcome outcome;
    std::string reason;

    static send_result sent() { return {POSTBOX_SEND_SENT, {}}; }
    /** The program must call client::confirm when it knows whether the message was sent. */
    static send_result accepted() { return {POSTBOX_SEND_ACCEPTED, {}}; }
    static send_result retry(std::string reason) { return {POSTBOX_SEND_RETRY, std::move(reason)}; }
    static send_result reject(std::string reason) { return {POSTBOX_SEND_REJECT, std::move(reason)}; }
    /** The transport cannot send any message at present. */
    static send_result unavailable(std::string reason) { return {POSTBOX_SEND_UNAVAILABLE, std::move(reason)}; }
    /** The message was not handed to the transport: nothing is written for it, and it stays outstanding. */
    static send_result not_tried() { return {POSTBOX_SEND_NOT_TRIED, {}}; }
};

namespace detail {

/* The arrays of confirm_many, which point into the results. */
struct confirmations {
    explicit confirmations(const std::vector<std::pair<std::string, send_result>> &results) {
        for (const auto &[id, result] : results) {
            text(id, "id");
            text(result.reason, "reason");
            ids.push_back(id.c_str());
            outcomes.push_back(result.outcome);
            reasons.push_back(result.reason.c_str());
        }
    }

    std::vector<const char *> ids, reasons;
    std::vector<postbox_send_outcome> outcomes;
};

} // namespace detail

/**
 * Sends one message; see postbox_send_callback for the thread and for what it may call. An
 * exception counts as send_result::retry with its text.
 */
using send_function = std::function<send_result(message_view)>;

/**
 * The results of the messages of one call to a send_batch_function. A message without a result was not tried: nothing
 * is written for it, and it stays outstanding. Any thread may set results until the function returns. After that, the
 * object is not valid.
 */
class send_results {
public:
    send_results(postbox_send_results *handle, std::size_t count) : handle_(handle), is_set_(count) {}

    /** Returns the number of messages in the call. */
    [[nodiscard]] std::size_t size() const noexcept { return is_set_.size(); }

    /**
     * Sets the result of a message, and replaces an earlier result. The first index is 0. Throws if no message has
     * this index.
     */
    void set(std::size_t index, const send_result &result) {
        if (index >= size())
            throw error(POSTBOX_ERROR_INVALID_ARGUMENT,
                        "result " + std::to_string(index) + " was set for a batch of " + std::to_string(size()));
        postbox_send_results_set(handle_, index, result.outcome, result.reason.c_str());
        is_set_[index] = true;
    }

    /** Sets every message without a result to send_result::retry, as an exception does. */
    void retry_rest(const char *reason) noexcept {
        for (std::size_t i = 0; i < size(); i++)
            if (!is_set_[i])
                postbox_send_results_set(handle_, i, POSTBOX_SEND_RETRY, reason);
    }

private:
    postbox_send_results *handle_;
    std::vector<std::atomic<bool>> is_set_;
};

/**
 * Sends some messages and sets the result of each:
 *
 *     [&](const std::vector<postbox::message_view> &batch, postbox::send_results &results) {
 *         for (std::size_t i = 0; i < batch.size() && !stopping; i++)
 *             results.set(i, publish(batch[i]) ? postbox::send_result::sent() : postbox::send_result::retry("queue full"));
 *     }
 *
 * An exception counts as send_result::retry, with the text of the exception, for each message whose result is not set.
 * postbox_send_batch_callback describes the messages of a batch, the thread and the permitted calls.
 */
using send_batch_function = std::function<void(const std::vector<message_view> &, send_results &)>;

/** A send_batch_function as a class. */
class producer {
public:
    virtual ~producer() = default;
    virtual send_result send(message_view message) = 0;
};

/**
 * Stores one message durably before the message is deleted. If the function throws, the message is not deleted. See
 * postbox_archive_callback.
 */
using archive_function = std::function<void(message_view)>;

/** Stands for every topic that has no producer of its own. */
inline constexpr std::nullopt_t any_topic = std::nullopt;

namespace detail {

inline std::int32_t call_send(void *data, const postbox_message *message, char *reason, std::size_t size) noexcept {
    return guarded(POSTBOX_SEND_RETRY, reason, size, [&]() -> std::int32_t {
        const send_result result = (*static_cast<send_function *>(data))(message_view(message));
        write_reason(result.reason, reason, size);
        return result.outcome;
    });
}

inline void call_send_batch(void *data, const postbox_message *const *messages, std::size_t count,
                            postbox_send_results *handle) noexcept {
    try {
        send_results results(handle, count);
        const std::vector<message_view> batch(messages, messages + count);
        try {
            (*static_cast<send_batch_function *>(data))(batch, results);
        } catch (const std::exception &thrown) {
            results.retry_rest(thrown.what());
        } catch (...) {
            results.retry_rest("it threw something that is not a std::exception");
        }
    } catch (...) {
        // There was no memory for the batch: no message was tried.
    }
}

inline std::int32_t call_archive(void *data, const postbox_message *message, char *reason, std::size_t size) noexcept {
    return guarded(1, reason, size, [&]() -> std::int32_t {
        (*static_cast<archive_function *>(data))(message_view(message));
        return 0;
    });
}

} // namespace detail

/** Receives one log message. Exceptions of the function are ignored. See postbox_log_callback. */
using log_function = std::function<void(postbox_log_level, std::string_view)>;

namespace detail {

inline void call_log(void *data, postbox_log_level level, const char *text) noexcept {
    try {
        (*static_cast<log_function *>(data))(static_cast<postbox_log_level>(level), text);
    } catch (...) {
        // The exception cannot be logged, because it comes from the log.
    }
}

} // namespace detail

/**
 * The settings and producers with which a client is opened. CONFIGURATION.md lists the settings. One config can open
 * several clients.
 */
class config {
public:
    config() : handle_(postbox_config_new()) {
        if (!detail::serves(version(), POSTBOX_VERSION))
            throw error(POSTBOX_ERROR_INVALID_ARGUMENT, "the loaded libpostbox is " + std::string(version()) +
                                                            ", and this program needs " POSTBOX_VERSION
                                                            " or a later one of the same SONAME");
    }

    /** Sets one setting by name. An empty value unsets an optional setting. See postbox_config_set. */
    config &set(std::string_view name, std::string_view value) & {
        detail::check(postbox_config_set(handle_.get(), detail::text(name, "name").c_str(),
                                         detail::text(value, "value").c_str()));
        return *this;
    }
    config set(std::string_view name, std::string_view value) && { return std::move(set(name, value)); }

    /** Sets a setting to a number: set("operation_timeout_ms", 2000). */
    template <class T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int> = 0>
    config &set(std::string_view name, T value) & {
        return set(name, std::to_string(value));
    }
    template <class T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int> = 0>
    config set(std::string_view name, T value) && {
        return std::move(set(name, value));
    }

    /** Returns a setting: "" for an optional setting that is not set, "***" for a secret that is set. */
    [[nodiscard]] std::string_view get(std::string_view name) const {
        const char *value = nullptr;
        detail::check(postbox_config_get(handle_.get(), detail::text(name, "name").c_str(), &value));
        return value;
    }

    /**
     * Adds the producer of a topic, of all topics with a prefix ("orders.*"), or of any_topic. The producer is kept until the configuration,
     * the clients that were opened with it and their units of work are destroyed.
     */
    config &producer(std::optional<std::string_view> topic, send_function send) & {
        auto kept = detail::keep(std::move(send), "send");
        detail::check(postbox_config_add_producer(handle_.get(), detail::optional_text(topic, "topic").get(),
                                              detail::call_send, kept.get(), detail::release<send_function>));
        static_cast<void>(kept.release());
        return *this;
    }
    config producer(std::optional<std::string_view> topic, send_function send) && {
        return std::move(producer(topic, std::move(send)));
    }

    /**
     * Adds a producer that receives up to `max_batch` messages in one call, for a topic or for any_topic. A topic has
     * only one producer, of either kind. See postbox_config_add_batch_producer.
     */
    config &batch_producer(std::optional<std::string_view> topic, std::size_t max_batch, send_batch_function send) & {
        auto kept = detail::keep(std::move(send), "send");
        detail::check(postbox_config_add_batch_producer(handle_.get(), detail::optional_text(topic, "topic").get(),
                                                        max_batch, detail::call_send_batch, kept.get(),
                                                        detail::release<send_batch_function>));
        static_cast<void>(kept.release());
        return *this;
    }
    config batch_producer(std::optional<std::string_view> topic, std::size_t max_batch, send_batch_function send) && {
        return std::move(batch_producer(topic, max_batch, std::move(send)));
    }

    config &producer(std::optional<std::string_view> topic, std::shared_ptr<::postbox::producer> shared) & {
        if (!shared)
            throw error(POSTBOX_ERROR_NULL_ARGUMENT, "the argument \"producer\" is empty");
        return producer(topic, [shared = std::move(shared)](message_view message) { return shared->send(message); });
    }
    config producer(std::optional<std::string_view> topic, std::shared_ptr<::postbox::producer> shared) && {
        return std::move(producer(topic, std::move(shared)));
    }

    /**
     * Sends the log messages of the clients that are opened with this configuration, up to `level`, to `log`, which is
     * kept as a producer is. Other clients use the function of set_log. See postbox_config_set_log_callback.
     */
    config &log(postbox_log_level level, log_function log) & {
        auto kept = detail::keep(std::move(log), "log");
        detail::check(postbox_config_set_log_callback(handle_.get(), level, detail::call_log, kept.get(),
                                                      detail::release<log_function>));
        static_cast<void>(kept.release());
        return *this;
    }
    config log(postbox_log_level level, log_function log) && { return std::move(this->log(level, std::move(log))); }

    [[nodiscard]] const postbox_config *handle() const noexcept { return handle_.get(); }

private:
    detail::handle<postbox_config, postbox_config_free> handle_;
};

/** The outcome of one message that was passed to a call, and the reason for the outcome, if there is one. */
struct message_outcome {
    std::string id;
    postbox_outcome outcome;
    std::string detail;

    /** Returns whether the message failed. */
    [[nodiscard]] bool failed() const noexcept { return outcome >= POSTBOX_OUTCOME_NOT_FOUND; }
};

/** The outcomes of the messages of one call, in the order in which their ids were passed. */
using report = std::vector<message_outcome>;

namespace detail {

inline report take(postbox_report *made) {
    const handle<postbox_report, postbox_report_free> owned{made};
    report outcomes;
    for (std::size_t i = 0; i < postbox_report_count(made); i++)
        outcomes.push_back({postbox_report_id(made, i), postbox_report_outcome(made, i), postbox_report_detail(made, i)});
    return outcomes;
}

} // namespace detail

using sweep_result = ::postbox_sweep_result;
using archive_result = ::postbox_archive_result;
using outstanding_count = ::postbox_outstanding_count;
using statistics = ::postbox_stats;

/** A message of the outbox that could not be read, and the reason. */
struct malformed_message {
    std::string id;
    std::string reason;
};

/** A page of stored messages, from client::list_messages or client::get_messages. */
class page {
public:
    /** Takes ownership of a page of the C functions. */
    explicit page(postbox_page *owned) noexcept : handle_(owned) {}

    /** Returns the messages, which are valid as long as the page exists. */
    [[nodiscard]] std::vector<message_view> messages() const {
        std::vector<message_view> messages;
        for (std::size_t i = 0; i < postbox_page_count(handle_.get()); i++)
            messages.emplace_back(postbox_page_message(handle_.get(), i));
        return messages;
    }

    [[nodiscard]] std::vector<malformed_message> malformed() const {
        std::vector<malformed_message> malformed;
        for (std::size_t i = 0; i < postbox_page_malformed_count(handle_.get()); i++) {
            const char *reason = "";
            const char *id = postbox_page_malformed(handle_.get(), i, &reason);
            malformed.push_back({id, reason});
        }
        return malformed;
    }

    /** Returns the ids that the outbox does not have, for a page of client::get_messages. */
    [[nodiscard]] std::vector<std::string> missing() const {
        std::vector<std::string> missing;
        for (std::size_t i = 0; i < postbox_page_missing_count(handle_.get()); i++)
            missing.emplace_back(postbox_page_missing(handle_.get(), i));
        return missing;
    }

    /** Returns the cursor of the next page for client::list_messages, or nothing after the last page. */
    [[nodiscard]] std::optional<std::string> next() const {
        const char *next = postbox_page_next(handle_.get());
        return next ? std::optional<std::string>(next) : std::nullopt;
    }

private:
    detail::handle<postbox_page, postbox_page_free> handle_;
};

namespace detail {
inline void call_on_wait(void *data) noexcept {
    try {
        (*static_cast<std::function<void()> *>(data))();
    } catch (...) {
        // The function can only cancel the token.
    }
}
} // namespace detail

/**
 * A selection of stored messages; see postbox_selection.
 *
 *     postbox::selection late;
 *     late.older_than = std::chrono::minutes(1);
 *     late.without_topics = {"bills"};
 *     std::uint64_t count = box.count_messages(POSTBOX_STATE_OUTSTANDING, late);
 */
struct selection {
    /** Only messages of this topic. */
    std::optional<std::string> topic;
    /** No messages of these topics, up to 100. */
    std::vector<std::string> without_topics;
    /** Only messages of at least this age: since their dispatch for dispatched messages, and otherwise since their creation. */
    std::optional<std::chrono::milliseconds> older_than;
    /** Only messages of at most this age. */
    std::optional<std::chrono::milliseconds> younger_than;
    /** The maximum number of messages, at least 1. It is 100 per page of a list unless it is set. */
    std::optional<std::uint32_t> limit;
    /** The result of page::next for the previous page of a list. */
    std::optional<std::string> cursor;
};

namespace detail {

using selection_handle = handle<postbox_selection, postbox_selection_free>;

inline selection_handle to_c(const selection &from) {
    selection_handle made{postbox_selection_new()};
    const auto set = [&](const char *name, const std::string &given) {
        check(postbox_selection_set(made.get(), name, text(given, name).c_str()));
    };
    if (from.topic)
        set("topic", *from.topic);
    for (const std::string &topic : from.without_topics)
        set("without_topic", topic);
    if (from.older_than)
        set("older_than_ms", std::to_string(from.older_than->count()));
    if (from.younger_than)
        set("younger_than_ms", std::to_string(from.younger_than->count()));
    if (from.limit)
        set("limit", std::to_string(*from.limit));
    if (from.cursor)
        set("cursor", *from.cursor);
    return made;
}

/* Returns a member of a map, or nothing if the map does not have it. */
template <class T>
std::optional<T> member(const value &map, const char *name) {
    const value found = map[name];
    return found ? std::optional<T>(found.as<T>()) : std::nullopt;
}

inline std::optional<time_point> time_member(const value &map, const char *name) {
    const std::optional<std::int64_t> found = member<std::int64_t>(map, name);
    return found ? std::optional<time_point>(time_of(*found)) : std::nullopt;
}

} // namespace detail

/** The number of messages of a topic by state. See postbox_topic_counts. */
struct topic_count {
    std::string topic;
    std::uint64_t outstanding;
    /** The creation time of the oldest outstanding message. */
    std::optional<time_point> oldest;
    std::uint64_t dispatched;
    std::uint64_t parked;
    /** The outstanding messages that wait for their next attempt, or for their confirmation. */
    std::uint64_t waiting;
    /** The time at which the first of the waiting messages is due. */
    std::optional<time_point> next_attempt;
    /** The outstanding messages of which an attempt has failed. */
    std::uint64_t failing;
    std::optional<time_point> failing_since;
    std::optional<std::string> last_error;
    /** The messages whose times are too far in the future to be right. */
    std::uint64_t invalid_times;
};

/** A lease in the lock table, or a pause of a lane. See postbox_leases. */
struct lease_info {
    std::string resource;
    std::string holder;
    time_point expires_at;
    std::optional<std::string> topic;
    /** The reason for which a lane is paused. Nothing for a lease. */
    std::optional<std::string> paused;
    bool is_ignored;
};

/** A process that has swept the outbox. See postbox_sweepers. */
struct sweeper_info {
    std::string holder;
    std::string version;
    std::vector<std::string> topics;
    time_point last_sweep;
    std::optional<time_point> last_success;
    std::optional<std::string> last_error;
    std::optional<time_point> stopped_at;
};

namespace detail {

inline std::vector<topic_count> topic_counts_of(const item &owned) {
    std::vector<topic_count> topics;
    for (const value &of : owned["topics"]) {
        const auto number = [&](const char *name) { return of[name].as<std::uint64_t>(); };
        topics.push_back({of["topic"].as<std::string>(), number("outstanding"), time_member(of, "oldest_ticks"),
                          number("dispatched"), number("parked"), number("waiting"),
                          time_member(of, "next_attempt_ticks"), number("failing"),
                          time_member(of, "failing_since_ticks"),
                          member<std::string>(of, "last_error"), number("invalid_times")});
    }
    return topics;
}

inline std::vector<lease_info> leases_of(const item &owned) {
    std::vector<lease_info> leases;
    for (const value &of : owned["leases"])
        leases.push_back({of["resource"].as<std::string>(), of["holder"].as<std::string>(),
                          time_of(of["expires_ticks"].as<std::int64_t>()),
                          member<std::string>(of, "topic"), member<std::string>(of, "paused"),
                          of["is_ignored"].as<bool>()});
    return leases;
}

inline std::vector<sweeper_info> sweepers_of(const item &owned) {
    std::vector<sweeper_info> sweepers;
    for (const value &of : owned["sweepers"]) {
        std::vector<std::string> topics;
        for (const value &topic : of["topics"])
            topics.push_back(topic.as<std::string>());
        sweepers.push_back({of["holder"].as<std::string>(), of["version"].as<std::string>(), std::move(topics),
                            time_of(of["last_sweep_ticks"].as<std::int64_t>()),
                            time_member(of, "last_success_ticks"),
                            member<std::string>(of, "last_error"), time_member(of, "stopped_ticks")});
    }
    return sweepers;
}

} // namespace detail
/**
 * A lease that the program has obtained with client::obtain_lease. The destructor releases it, and does not report a
 * failure. Any number of threads may use a lease. See postbox_held_lease.
 */
class held_lease {
public:
    /** Takes ownership of a lease of the C functions. */
    explicit held_lease(postbox_held_lease *owned) noexcept : handle_(owned) {}

    /** Returns the name of the lease in the lock table. */
    [[nodiscard]] std::string_view resource() const noexcept { return postbox_held_lease_resource(handle_.get()); }

    /** Returns whether the lease is held for certain. Sends no request. See postbox_held_lease_is_held. */
    [[nodiscard]] bool is_held() const noexcept { return postbox_held_lease_is_held(handle_.get()); }

    /** Extends the lease by its length from now. Returns whether it is still held. See postbox_held_lease_renew. */
    [[nodiscard]] bool renew() {
        bool is_held = false;
        detail::check(postbox_held_lease_renew(handle_.get(), &is_held));
        return is_held;
    }

    /** Releases the lease, and throws if this fails. See postbox_held_lease_release. */
    void release() { detail::check(postbox_held_lease_release(handle_.get())); }

    [[nodiscard]] postbox_held_lease *handle() const noexcept { return handle_.get(); }

private:
    detail::handle<postbox_held_lease, postbox_held_lease_free> handle_;
};

/** A request to stop running calls early. Any thread may cancel it. See postbox_cancel_token. */
class cancel_token {
public:
    /** Creates a token that is not canceled. */
    cancel_token() {
        postbox_cancel_token *made = nullptr;
        detail::check(postbox_cancel_token_new(&made));
        handle_.reset(made);
    }

    /** Cancels the token. This function is safe in a signal handler. */
    void cancel() const noexcept { postbox_cancel_token_cancel(handle_.get()); }

    /** Returns whether the token was canceled. */
    [[nodiscard]] bool is_canceled() const noexcept { return postbox_cancel_token_is_canceled(handle_.get()); }

    /**
     * Sets a function that is called while a sweep with this token waits for its additional threads, and that may cancel
     * the token. Exceptions of the function are ignored. See postbox_cancel_token_on_wait.
     */
    void on_wait(std::function<void()> function) const {
        auto kept = detail::keep(std::move(function), "function");
        detail::check(postbox_cancel_token_on_wait(handle_.get(), detail::call_on_wait, kept.get(),
                                                   detail::release<std::function<void()>>));
        static_cast<void>(kept.release());
    }

    /** Returns the C handle. The token owns it. */
    [[nodiscard]] postbox_cancel_token *handle() const noexcept { return handle_.get(); }

private:
    detail::handle<postbox_cancel_token, postbox_cancel_token_free> handle_;
};

namespace detail {
/** Returns the C handle of a token, or nullptr for no token. */
inline const postbox_cancel_token *token(const cancel_token *cancel) noexcept {
    return cancel ? cancel->handle() : nullptr;
}
} // namespace detail

/**
 * An open connection to an outbox. A program opens one client and shares it between its threads.
 * The destructor closes the client; see postbox_free. No other call on the client may be in progress
 * during the destructor. To make sure of this, share the client by std::shared_ptr. close() may be
 * called at any time.
 */
class client {
public:
    /** Opens a client. See postbox_open. */
    explicit client(const config &config) {
        postbox_client *opened = nullptr;
        detail::check(postbox_open(config.handle(), &opened));
        handle_.reset(opened);
    }

    /** Closes the client, and throws if this fails. The destructor does not report a failure. See postbox_close. */
    void close() { detail::check(postbox_close(handle())); }

    /** Closes the client, and waits up to this time instead of "close_timeout_ms". See postbox_close_within. */
    void close_within(std::chrono::milliseconds timeout) {
        const auto wait = timeout.count() > 0 ? static_cast<std::uint64_t>(timeout.count()) : 0;
        detail::check(postbox_close_within(handle(), wait));
    }

    /** Creates the outbox table if it does not exist, which may take two minutes. See postbox_create_table. */
    void create_table() { detail::check(postbox_create_table(handle())); }

    /**
     * Verifies the table. Returns a text for each property that costs more or makes some functions unavailable. See
     * postbox_table_warnings.
     */
    [[nodiscard]] std::vector<std::string> table_warnings() {
        char *warnings = nullptr;
        detail::check(postbox_table_warnings(handle(), &warnings));
        return detail::lines(detail::take(warnings).value_or(""));
    }

    /** Verifies the table. Returns whether messages can be replayed by causation id. See postbox_verify_table. */
    bool verify_table() {
        bool has_causation_index = false;
        detail::check(postbox_verify_table(handle(), &has_causation_index));
        return has_causation_index;
    }

    /** Stores a message in the outbox, without a transaction. Returns the id. See postbox_deposit_post. */
    std::string deposit_post(const message &message) {
        detail::check(postbox_deposit_post(handle(), message.handle()));
        return std::string(message.id());
    }

    /**
     * Returns the action that deposits this message, as JSON, for a transaction that the program sends itself. See
     * postbox_message_to_put.
     */
    [[nodiscard]] std::string message_to_put(const message &message) {
        char *put = nullptr;
        detail::check(postbox_message_to_put(handle(), message.handle(), &put));
        return detail::take(put).value_or("");
    }

    /**
     * Returns the error of a transaction of another client that DynamoDB cancelled. The arguments are the JSON lists of
     * its actions and of the reasons of the cancellation. See postbox_cancellation_error.
     */
    [[nodiscard]] error cancellation_error(std::string_view actions, std::string_view reasons) {
        const std::string sent = detail::text(actions, "actions"), failed = detail::text(reasons, "reasons");
        const detail::handle<postbox_error, postbox_error_free> owned{
            postbox_cancellation_error(handle(), sent.c_str(), failed.c_str())};
        return error(*owned);
    }

    /** Deposits messages outside a transaction. Each message is stored independently. See postbox_deposit_posts. */
    void deposit_posts(const std::vector<message> &messages) {
        const std::vector<const postbox_message *> handles = detail::message_pointers(messages);
        detail::check(postbox_deposit_posts(handle(), handles.data(), handles.size()));
    }

    /*
     * The following functions can write a report. Without a report, they throw POSTBOX_ERROR_CLEAR_INCOMPLETE if a
     * message failed, with a reason for each failed message. With a report, only the report shows the failure.
     */

    /** Stores a message in the outbox, without a transaction, and sends it on this thread. See postbox_post. */
    void post(const message &message, report *outcomes = nullptr) {
        reported(outcomes, [&](postbox_report **into) { return postbox_post(handle(), message.handle(), into); });
    }

    /** Sends these messages on this thread, and marks them dispatched. See postbox_clear_outbox. */
    void clear_outbox(const std::vector<std::string> &ids, report *outcomes = nullptr,
                      const cancel_token *cancel = nullptr) {
        const auto clear = [&](postbox_client *box, const char *const *all, std::size_t count, postbox_report **into) {
            return postbox_clear_outbox(box, all, count, detail::token(cancel), into);
        };
        by_id(clear, ids, outcomes);
    }

    /** Marks messages dispatched without sending them. See postbox_mark_dispatched. */
    void mark_dispatched(const std::vector<std::string> &ids, report *outcomes = nullptr) {
        by_id(postbox_mark_dispatched, ids, outcomes);
    }

    /**
     * Marks messages dispatched as mark_dispatched does, with this dispatch time instead of the current time. See
     * postbox_mark_dispatched_at.
     */
    template <class Duration>
    void mark_dispatched_at(const std::vector<std::string> &ids,
                            std::chrono::time_point<std::chrono::system_clock, Duration> time,
                            report *outcomes = nullptr) {
        const std::int64_t at = detail::ticks_of(time);
        const auto mark = [&](postbox_client *box, const char *const *all, std::size_t count, postbox_report **into) {
            return postbox_mark_dispatched_at(box, all, count, at, into);
        };
        by_id(mark, ids, outcomes);
    }

    /** Makes messages outstanding again. See postbox_replay. */
    void replay(const std::vector<std::string> &ids, report *outcomes = nullptr) { by_id(postbox_replay, ids, outcomes); }

    /** Replays all messages with this causation id. See postbox_replay_causation. */
    void replay_causation(std::string_view causation_id, report *outcomes = nullptr) {
        const std::string causation = detail::text(causation_id, "causation_id");
        reported(outcomes, [&](postbox_report **into) {
            return postbox_replay_causation(handle(), causation.c_str(), into);
        });
    }

    /** Confirms the outcome of a message that its producer had accepted. See postbox_confirm. */
    void confirm(std::string_view id, const send_result &result) {
        detail::check(postbox_confirm(handle(), detail::text(id, "id").c_str(), result.outcome,
                                      detail::text(result.reason, "reason").c_str()));
    }

    /**
     * Confirms the outcomes of many messages that their producers had accepted, up to 25 per request. Throws
     * POSTBOX_ERROR_MARK_INCOMPLETE with a reason for each message whose confirmation was not recorded. All other
     * messages are confirmed. See postbox_confirm_many.
     */
    void confirm_many(const std::vector<std::pair<std::string, send_result>> &results) {
        const detail::confirmations all(results);
        detail::check(postbox_confirm_many(handle(), all.ids.data(), all.outcomes.data(), all.reasons.data(), all.ids.size()));
    }

    /** Reads the message with this id from the outbox. See postbox_get_message. */
    [[nodiscard]] std::optional<message> get_message(std::string_view id) {
        postbox_message *found = nullptr;
        detail::check(postbox_get_message(handle(), detail::text(id, "id").c_str(), &found));
        return found ? std::optional<message>(std::in_place, found) : std::nullopt;
    }

    /**
     * Reads the messages with these ids, in this order. The page also has the ids that the outbox does not have, and the
     * messages that cannot be read. See postbox_get_messages.
     */
    [[nodiscard]] page get_messages(const std::vector<std::string> &ids) {
        const std::vector<const char *> pointers = detail::id_pointers(ids);
        postbox_page *read = nullptr;
        detail::check(postbox_get_messages(handle(), pointers.data(), pointers.size(), &read));
        return page(read);
    }

    /**
     * Deletes a message if it is in this state. Returns whether it was deleted. An outstanding message that is deleted is
     * never sent. See postbox_delete_message.
     */
    bool delete_message(std::string_view id, postbox_state state) {
        bool deleted = false;
        detail::check(postbox_delete_message(handle(), detail::text(id, "id").c_str(), state, &deleted));
        return deleted;
    }

    /** Reads one item of any table, with a consistent read. See postbox_read_item. */
    [[nodiscard]] std::optional<item> read_item(std::string_view table, const item &key) {
        postbox_item *found = nullptr;
        detail::check(postbox_read_item(handle(), detail::text(table, "table").c_str(), key.handle(), &found));
        return found ? std::optional<item>(found) : std::nullopt;
    }

    /** Reads one item of any table, as DynamoDB JSON. See postbox_get_item. */
    [[nodiscard]] std::optional<std::string> get_item(std::string_view table, std::string_view key) {
        char *item = nullptr;
        detail::check(postbox_get_item(handle(), detail::text(table, "table").c_str(),
                                       detail::text(key, "key").c_str(), &item));
        return detail::take(item);
    }

    /**
     * Runs a DynamoDB operation on the embedded database, and returns the response as JSON. See
     * postbox_embedded_execute.
     */
    std::string embedded_execute(std::string_view operation, std::string_view request) {
        char *response = nullptr;
        detail::check(postbox_embedded_execute(handle(), detail::text(operation, "operation").c_str(),
                                               detail::text(request, "request").c_str(), &response));
        return detail::take(response).value_or("");
    }

    /** Sends outstanding messages that are old enough, in one topic or in all topics. See postbox_sweep. */
    sweep_result sweep(std::optional<std::string_view> topic = std::nullopt, const cancel_token *cancel = nullptr) {
        sweep_result result{};
        detail::check(postbox_sweep(handle(), detail::optional_text(topic, "topic").get(), detail::token(cancel), &result));
        return result;
    }

    /** Starts a background thread that sweeps. See postbox_start_sweeper. */
    void start_sweeper() { detail::check(postbox_start_sweeper(handle())); }

    /** Signs the next requests with these credentials, in place of those of the settings or of AWS's default chain.
    *  See postbox_set_credentials. */
    void set_credentials(std::string_view access_key_id, std::string_view secret_access_key,
                         std::optional<std::string_view> session_token = std::nullopt) {
        detail::check(postbox_set_credentials(handle(), detail::text(access_key_id, "access_key_id").c_str(),
                                              detail::text(secret_access_key, "secret_access_key").c_str(),
                                              detail::optional_text(session_token, "session_token").get()));
    }

    /** Notifies the sweeper of this client that another client has committed messages. The sweeper sends them at once.
    *  See postbox_notify_committed. */
    void notify_committed(const std::vector<std::string> &ids) {
        const std::vector<const char *> pointers = detail::id_pointers(ids);
        detail::check(postbox_notify_committed(handle(), pointers.data(), pointers.size()));
    }

    /** Stops the sweeper. See postbox_stop_sweeper. */
    void stop_sweeper() { detail::check(postbox_stop_sweeper(handle())); }

    /** Returns the number of outstanding messages, in one topic or in all topics, and the age of the oldest message. */
    [[nodiscard]] outstanding_count count_outstanding(std::optional<std::string_view> topic = std::nullopt) {
        outstanding_count result{};
        detail::check(postbox_count_outstanding(handle(), detail::optional_text(topic, "topic").get(), &result));
        return result;
    }

    /**
     * Lists stored messages, page by page. `cursor` is the result of page::next for the previous page.
     * See postbox_list_messages.
     *
     *     std::optional<std::string> cursor;
     *     do {
     *         auto page = box.list_messages(POSTBOX_STATE_PARKED, std::nullopt, 100, cursor);
     *         for (auto message : page.messages())
     *             show(message);
     *         cursor = page.next();
     *     } while (cursor);
     */
    [[nodiscard]] page list_messages(postbox_state state, std::optional<std::string_view> topic = std::nullopt,
                            std::uint32_t limit = 100, std::optional<std::string_view> cursor = std::nullopt) {
        postbox_page *listed = nullptr;
        detail::check(postbox_list_messages(handle(), state, detail::optional_text(topic, "topic").get(), limit,
                                   detail::optional_text(cursor, "cursor").get(), &listed));
        return page(listed);
    }

    /** Lists the messages in a state that match a selection, page by page. See postbox_select_messages. */
    [[nodiscard]] page select_messages(postbox_state state, const selection &selected = {}) {
        postbox_page *listed = nullptr;
        detail::check(postbox_select_messages(handle(), state, detail::to_c(selected).get(), &listed));
        return page(listed);
    }

    /** Counts the messages in a state that match a selection, up to its limit. See postbox_count_messages. */
    [[nodiscard]] std::uint64_t count_messages(postbox_state state, const selection &selected = {}) {
        std::uint64_t count = 0;
        detail::check(postbox_count_messages(handle(), state, detail::to_c(selected).get(), &count));
        return count;
    }

    /** Counts the messages of each topic: the outstanding messages, or all, which reads the whole table. */
    [[nodiscard]] std::vector<topic_count> topic_counts(bool all_states = false) {
        postbox_item *counts = nullptr;
        detail::check(postbox_topic_counts(handle(), all_states, &counts));
        return detail::topic_counts_of(item(counts));
    }

    /** Counts the messages of a topic that were dispatched from one time until before another. */
    template <class From, class To>
    [[nodiscard]] std::uint64_t dispatched_between(std::string_view topic,
                                                   std::chrono::time_point<std::chrono::system_clock, From> from,
                                                   std::chrono::time_point<std::chrono::system_clock, To> to) {
        std::uint64_t count = 0;
        detail::check(postbox_dispatched_between(handle(), detail::text(topic, "topic").c_str(), detail::ticks_of(from),
                                                 detail::ticks_of(to), &count));
        return count;
    }

    /** Returns the leases of the sweepers and archivers of this outbox, sorted by resource. See postbox_leases. */
    [[nodiscard]] std::vector<lease_info> leases() {
        postbox_item *found = nullptr;
        detail::check(postbox_leases(handle(), &found));
        return detail::leases_of(item(found));
    }

    /** Returns the processes that have swept this outbox within a day, the latest first. See postbox_sweepers. */
    [[nodiscard]] std::vector<sweeper_info> sweepers() {
        postbox_item *found = nullptr;
        detail::check(postbox_sweepers(handle(), &found));
        return detail::sweepers_of(item(found));
    }

    /**
     * Obtains a lease on a resource of the program's own, or nothing if another holder has it. See postbox_obtain_lease.
     *
     *     if (auto lease = box.obtain_lease("nightly-report", std::chrono::minutes(1)))
     *         while (do_some_work() && lease->renew()) {}
     */
    [[nodiscard]] std::optional<held_lease> obtain_lease(std::string_view resource, std::chrono::milliseconds length) {
        postbox_held_lease *lease = nullptr;
        const auto ms = length.count() > 0 ? static_cast<std::uint64_t>(length.count()) : 0;
        detail::check(postbox_obtain_lease(handle(), detail::text(resource, "resource").c_str(), ms, &lease));
        return lease ? std::optional<held_lease>(lease) : std::nullopt;
    }

    /** Describes where the outbox table is, for prompts and logs. See postbox_location. */
    [[nodiscard]] std::string location() {
        char *found = nullptr;
        detail::check(postbox_location(handle(), &found));
        return detail::take(found).value_or("");
    }

    /** Releases a parked message. See postbox_unpark. */
    void unpark(std::string_view id) { detail::check(postbox_unpark(handle(), detail::text(id, "id").c_str())); }

    /** Passes old dispatched messages to `archive`, and deletes each message that was stored. See postbox_archive. */
    archive_result archive(archive_function archive, const cancel_token *cancel = nullptr) {
        archive_result result{};
        auto kept = detail::keep(std::move(archive), "archive");
        detail::check(postbox_archive(handle(), detail::call_archive, kept.get(), detail::token(cancel), &result));
        return result;
    }

    /** Archives messages in a file, one message per line. See postbox_archive_to_file. */
    archive_result archive_to_file(std::string_view path, const cancel_token *cancel = nullptr) {
        archive_result result{};
        detail::check(postbox_archive_to_file(handle(), detail::text(path, "path").c_str(), detail::token(cancel), &result));
        return result;
    }

    /**
     * Starts a background thread that archives messages. `archive` is kept until the thread has ended. See
     * postbox_start_archiver.
     */
    void start_archiver(archive_function archive) {
        auto kept = detail::keep(std::move(archive), "archive");
        detail::check(postbox_start_archiver(handle(), detail::call_archive, kept.get(),
                                             detail::release<archive_function>));
        static_cast<void>(kept.release());
    }

    /** Starts a thread that archives to a file. See postbox_start_archiver_to_file. */
    void start_archiver_to_file(std::string_view path) {
        detail::check(postbox_start_archiver_to_file(handle(), detail::text(path, "path").c_str()));
    }

    /** Stops the archiver. See postbox_stop_archiver. */
    void stop_archiver() { detail::check(postbox_stop_archiver(handle())); }

    /** Returns the statistics since the client was opened. May be called even after close(). See postbox_get_stats. */
    [[nodiscard]] statistics stats() {
        statistics stats{};
        detail::check(postbox_get_stats(handle(), &stats));
        return stats;
    }

    /** Returns the statistics as one JSON object, with further fields. See postbox_stats_json. */
    [[nodiscard]] std::string stats_json() {
        char *json = nullptr;
        detail::check(postbox_stats_json(handle(), &json));
        return detail::take(json).value_or("");
    }

    [[nodiscard]] postbox_client *handle() const noexcept { return handle_.get(); }

private:
    template <class F>
    static void reported(report *outcomes, F call) {
        if (!outcomes)
            return detail::check(call(nullptr));
        postbox_report *made = nullptr;
        detail::check(call(&made));
        *outcomes = detail::take(made);
    }

    template <class F>
    void by_id(F call, const std::vector<std::string> &ids, report *outcomes) {
        const std::vector<const char *> pointers = detail::id_pointers(ids);
        reported(outcomes, [&](postbox_report **into) { return call(handle(), pointers.data(), pointers.size(), into); });
    }

    detail::handle<postbox_client, postbox_free> handle_;
};

/**
 * A DynamoDB transaction that collects your writes and the messages that belong to them. Either all writes and messages
 * take effect, or none. The destructor discards the actions of a unit of work that was not committed. Only one thread
 * at a time may use a unit of work. After the client was destroyed, the functions of its units of work throw.
 *
 * Items and keys are passed as a postbox::item, or as DynamoDB JSON, as in the AWS CLI: {"Name": {"S": "Ada"}}.
 */
class unit_of_work {
public:
    explicit unit_of_work(client &box) : handle_(postbox_unit_of_work_begin(box.handle())) {}

    /** Takes ownership of a unit of work of the C functions. */
    explicit unit_of_work(postbox_unit_of_work *owned) noexcept : handle_(owned) {}

    /** Reads one item of any table immediately, with a consistent read. See postbox_unit_of_work_get_item. */
    [[nodiscard]] std::optional<std::string> get_item(std::string_view table, std::string_view key) {
        char *item = nullptr;
        detail::check(postbox_unit_of_work_get_item(handle(), detail::text(table, "table").c_str(),
                                                    detail::text(key, "key").c_str(), &item));
        return detail::take(item);
    }

    /** Reads one item as get_item does. See postbox_unit_of_work_read_item. */
    [[nodiscard]] std::optional<item> read_item(std::string_view table, const item &key) {
        postbox_item *found = nullptr;
        detail::check(postbox_unit_of_work_read_item(handle(), detail::text(table, "table").c_str(), key.handle(), &found));
        return found ? std::optional<item>(found) : std::nullopt;
    }

    /** Adds a put of an item, which replaces an existing item. See postbox_unit_of_work_put_item. */
    void put(std::string_view table, const item &written, const expression &with = {}) {
        act(postbox_unit_of_work_put_item, table, written, with);
    }

    /** Adds an update of the item with this key. See postbox_unit_of_work_update_item. */
    void update(std::string_view table, const item &key, const expression &with) {
        act(postbox_unit_of_work_update_item, table, key, with);
    }

    /** Adds a delete of the item with this key. See postbox_unit_of_work_delete_item. */
    void delete_item(std::string_view table, const item &key, const expression &with = {}) {
        act(postbox_unit_of_work_delete_item, table, key, with);
    }

    /** Adds a condition on an item that the unit of work does not write. See postbox_unit_of_work_check_item. */
    void condition_check(std::string_view table, const item &key, const expression &with) {
        act(postbox_unit_of_work_check_item, table, key, with);
    }

    /** Adds a put of an item, which replaces an existing item. See postbox_unit_of_work_put. */
    void put(std::string_view table, std::string_view item) {
        detail::check(postbox_unit_of_work_put(handle(), detail::text(table, "table").c_str(),
                                               detail::text(item, "item").c_str()));
    }

    /** Adds an update of one item. See postbox_unit_of_work_update. */
    void update(std::string_view update) {
        detail::check(postbox_unit_of_work_update(handle(), detail::text(update, "update").c_str()));
    }

    /** Adds a delete of the item with this key. A missing item is not an error. */
    void delete_item(std::string_view table, std::string_view key) {
        detail::check(postbox_unit_of_work_delete(handle(), detail::text(table, "table").c_str(),
                                                  detail::text(key, "key").c_str()));
    }

    /** Adds a condition on an item that the unit of work does not write. See postbox_unit_of_work_condition_check. */
    void condition_check(std::string_view check) {
        detail::check(postbox_unit_of_work_condition_check(handle(), detail::text(check, "check").c_str()));
    }

    /**
     * Adds any action: {"Put": {"TableName": ..., "Item": ..., "ConditionExpression": ...}}. See
     * postbox_unit_of_work_add.
     */
    void add(std::string_view action) {
        detail::check(postbox_unit_of_work_add(handle(), detail::text(action, "action").c_str()));
    }

    /**
     * Adds a deposit of this message in the outbox. Returns the message id, for client::clear_outbox after the
     * commit.
     */
    std::string deposit_post(const message &message) {
        detail::check(postbox_unit_of_work_deposit_post(handle(), message.handle()));
        return std::string(message.id());
    }

    /** Commits all actions in one transaction. See postbox_unit_of_work_commit. */
    void commit() { detail::check(postbox_unit_of_work_commit(handle())); }

    /** Discards the actions and closes the unit of work. See postbox_unit_of_work_rollback. */
    void rollback() { detail::check(postbox_unit_of_work_rollback(handle())); }

    [[nodiscard]] postbox_unit_of_work *handle() const noexcept { return handle_.get(); }

private:
    template <class F>
    void act(F function, std::string_view table, const item &passed, const expression &with) {
        with.pass([&](const postbox_expression *expressions) {
            return function(handle(), detail::text(table, "table").c_str(), passed.handle(), expressions);
        });
    }

    detail::handle<postbox_unit_of_work, postbox_unit_of_work_free> handle_;
};

/**
 * Sets the W3C trace context of this thread, which its messages get when they are deposited. See
 * postbox_set_trace_context.
 */
inline void set_trace_context(std::string_view trace_parent, std::string_view trace_state = {}) {
    detail::check(postbox_set_trace_context(detail::text(trace_parent, "trace_parent").c_str(),
                                            detail::text(trace_state, "trace_state").c_str()));
}

/** Removes the trace context of this thread. */
inline void clear_trace_context() { detail::check(postbox_set_trace_context(nullptr, nullptr)); }

/**
 * Sends the log messages of the process, up to `level`, to `log`, which replaces an earlier function. Clients with a
 * function of their own (see config::log) are not included. See postbox_set_log_callback.
 */
inline void set_log(postbox_log_level level, log_function log) {
    auto kept = detail::keep(std::move(log), "log");
    detail::check(postbox_set_log_callback(level, detail::call_log, kept.get(), detail::release<log_function>));
    static_cast<void>(kept.release());
}

/** Discards the log messages of clients that have no function of their own. */
inline void stop_log() { detail::check(postbox_set_log_callback(POSTBOX_LOG_ERROR, nullptr, nullptr, nullptr)); }

} // namespace postbox

#endif
