/*
 * postbox_async.hpp: operations that are started and whose results are passed to a callback, for threads that must not
 * wait, such as that of an event loop. Header only, over postbox.hpp.
 *
 *     postbox::unit_of_work work = postbox::async::begin(box);
 *     work.put("People", postbox::item{{"Name", "Ada"}, {"Greetings", 1}});
 *     work.deposit_post(postbox::message("greeting.made", body));
 *     postbox::async::commit(work, [&](postbox::async::completed<void> done) {
 *         try {
 *             done.get();                            // throws if the commit failed
 *             respond(200);
 *         } catch (const postbox::error &failed) {
 *             respond(failed.is_retryable() ? 503 : 500);
 *         }
 *     });
 *
 * A callback that owns a std::promise passes the result to a std::future:
 *
 *     std::promise<postbox::outstanding_count> promise;
 *     auto count = promise.get_future();
 *     postbox::async::count_outstanding(box, std::nullopt, [promise = std::move(promise)](auto done) mutable {
 *         try {
 *             promise.set_value(done.get());
 *         } catch (...) {
 *             promise.set_exception(std::current_exception());
 *         }
 *     });
 *
 * The conventions of postbox.hpp apply, and the following:
 *
 * - Starting. Each function starts the function of the same name of postbox::client or postbox::unit_of_work, copies its
 *   arguments and returns without waiting for DynamoDB. If the operation cannot be started, the function throws, and
 *   the callback is destroyed without being called.
 * - Callbacks. A callback is any object that can be called with a completed<T>, where T is the type of the result. It
 *   need not be copyable. It is called once, also if the operation is canceled or the client is closed, and then
 *   destroyed. Both happen on a thread of the client, possibly before the function that starts the operation has
 *   returned. While the callback runs, no other operation of the client is reported, so it should return quickly. See
 *   postbox_completion_callback.
 * - Exceptions. An exception that leaves a callback ends the program with std::terminate, as in a std::thread. A
 *   callback that calls completed<T>::get catches the error.
 * - Closing. A callback can call functions of the client, but client::close throws POSTBOX_ERROR_REENTRANT_CALL in it. A
 *   callback must not destroy the client. In particular, it must not own the last std::shared_ptr to the client.
 */
#ifndef POSTBOX_ASYNC_HPP
#define POSTBOX_ASYNC_HPP

#include "postbox.hpp"

namespace postbox {

namespace detail {

/* Takes a result of this type out of a result of C. */
template <class T>
T take_result(postbox_result *result) {
    if constexpr (std::is_same_v<T, std::optional<message>>) {
        postbox_message *found = postbox_result_take_message(result);
        return found ? T(std::in_place, found) : std::nullopt;
    } else if constexpr (std::is_same_v<T, std::optional<item>>) {
        postbox_item *found = postbox_result_take_item(result);
        return found ? T(std::in_place, found) : std::nullopt;
    } else if constexpr (std::is_same_v<T, page>) {
        return page(postbox_result_take_page(result));
    } else if constexpr (std::is_same_v<T, report>) {
        return take(postbox_result_take_report(result));
    } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
        return lines(take(postbox_result_take_text(result)).value_or(""));
    } else if constexpr (std::is_same_v<T, outstanding_count>) {
        outstanding_count count{};
        postbox_result_outstanding_count(result, &count);
        return count;
    } else if constexpr (std::is_same_v<T, bool>) {
        return postbox_result_flag(result);
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
        return postbox_result_number(result);
    } else if constexpr (std::is_same_v<T, std::optional<held_lease>>) {
        postbox_held_lease *obtained = postbox_result_take_lease(result);
        return obtained ? T(std::in_place, obtained) : std::nullopt;
    } else if constexpr (std::is_same_v<T, std::string>) {
        return take(postbox_result_take_text(result)).value_or("");
    } else if constexpr (std::is_same_v<T, std::vector<topic_count>>) {
        return topic_counts_of(item(postbox_result_take_item(result)));
    } else if constexpr (std::is_same_v<T, std::vector<lease_info>>) {
        return leases_of(item(postbox_result_take_item(result)));
    } else if constexpr (std::is_same_v<T, std::vector<sweeper_info>>) {
        return sweepers_of(item(postbox_result_take_item(result)));
    } else {
        static_assert(std::is_void_v<T>, "no operation has a result of this type");
    }
}

} // namespace detail

namespace async {

/** The result of an operation, which its callback receives. It may be moved, and may outlive the callback. */
template <class T>
class completed {
public:
    /** Takes ownership of the error and the result that a callback of C received. */
    completed(postbox_error *failed, postbox_result *result) noexcept : failed_(failed), result_(result) {}

    /**
     * Returns the value, or throws the error of the operation. The value is moved out of this object, so this function
     * is called once.
     */
    T get() {
        if (failed_)
            throw error(*failed_);
        return detail::take_result<T>(result_.get());
    }

private:
    detail::handle<postbox_error, postbox_error_free> failed_;
    detail::handle<postbox_result, postbox_result_free> result_;
};

/**
 * An operation that was started. It is needed only to cancel the operation, which continues if this object is destroyed.
 * Any number of threads may use it.
 */
class operation {
public:
    /** Takes ownership of an operation of the C functions. */
    explicit operation(postbox_operation *owned) noexcept : handle_(owned) {}

    /**
     * Ends the wait for the operation, whose callback then receives POSTBOX_ERROR_CANCELED, or for a commit
     * POSTBOX_ERROR_OUTCOME_UNKNOWN. A write may have taken effect. Does nothing if the operation is done, or if this
     * object was moved from. See postbox_operation_cancel.
     */
    void cancel() const noexcept { postbox_operation_cancel(handle_.get()); }

private:
    detail::handle<postbox_operation, postbox_operation_free> handle_;
};

} // namespace async

namespace detail {

/* Calls and destroys the callback of an operation. An exception of the callback ends the program. */
template <class T, class F>
void complete(void *data, postbox_error *failed, postbox_result *result) noexcept {
    const std::unique_ptr<F> done(static_cast<F *>(data));
    (*done)(async::completed<T>(failed, result));
}

/* Starts an operation with the result T, whose function of C is called with the callback, its data and the operation. */
template <class T, class F, class Start>
async::operation start(F done, Start call) {
    static_assert(std::is_invocable_v<F &, async::completed<T>>, "the callback cannot be called with the result");
    auto kept = keep(std::move(done), "done");
    postbox_operation *started = nullptr;
    check(call(complete<T, F>, kept.get(), &started));
    static_cast<void>(kept.release());
    return async::operation(started);
}

/* Starts an operation with the result T on messages that are passed by their ids. */
template <class T, class F, class Start>
async::operation start_by_ids(Start call, client &box, const std::vector<std::string> &ids, F done) {
    const std::vector<const char *> pointers = id_pointers(ids);
    return start<T>(std::move(done), [&](auto... rest) {
        return call(box.handle(), pointers.data(), pointers.size(), rest...);
    });
}

} // namespace detail

namespace async {

/**
 * Begins a unit of work whose functions that add actions send no request. Commit it with async::commit. See
 * postbox_unit_of_work_begin_async.
 */
[[nodiscard]] inline unit_of_work begin(client &box) { return unit_of_work(postbox_unit_of_work_begin_async(box.handle())); }

/**
 * Starts unit_of_work::commit. Until the callback is called, functions on the unit of work throw
 * POSTBOX_ERROR_CONCURRENT_USE. The unit of work may be destroyed, and the commit continues. If the operation is
 * canceled, the error is POSTBOX_ERROR_OUTCOME_UNKNOWN, and another commit determines the outcome. See
 * postbox_unit_of_work_commit_async.
 */
template <class F>
operation commit(unit_of_work &work, F done) {
    return detail::start<void>(std::move(done), [&](auto... rest) {
        return postbox_unit_of_work_commit_async(work.handle(), rest...);
    });
}

/** Starts client::deposit_post. The message already has its id. See postbox_deposit_post_async. */
template <class F>
operation deposit_post(client &box, const message &message, F done) {
    return detail::start<void>(std::move(done), [&](auto... rest) {
        return postbox_deposit_post_async(box.handle(), message.handle(), rest...);
    });
}

/** Starts client::deposit_posts. See postbox_deposit_posts_async. */
template <class F>
operation deposit_posts(client &box, const std::vector<message> &messages, F done) {
    const std::vector<const postbox_message *> handles = detail::message_pointers(messages);
    return detail::start<void>(std::move(done), [&](auto... rest) {
        return postbox_deposit_posts_async(box.handle(), handles.data(), handles.size(), rest...);
    });
}

/*
 * The results of the following functions are reports. A message that failed is shown only by its outcome in the report,
 * and completed<report>::get does not throw.
 */

/**
 * Starts client::clear_outbox. Producers are called on another thread of the client. If the operation is canceled, it
 * ends after the current calls to producers, and the outcome of the other messages is POSTBOX_OUTCOME_SKIPPED. See
 * postbox_clear_outbox_async.
 */
template <class F>
operation clear_outbox(client &box, const std::vector<std::string> &ids, F done) {
    return detail::start_by_ids<report>(postbox_clear_outbox_async, box, ids, std::move(done));
}

/** Starts client::mark_dispatched. See postbox_mark_dispatched_async. */
template <class F>
operation mark_dispatched(client &box, const std::vector<std::string> &ids, F done) {
    return detail::start_by_ids<report>(postbox_mark_dispatched_async, box, ids, std::move(done));
}

/** Starts client::mark_dispatched_at. See postbox_mark_dispatched_at_async. */
template <class Duration, class F>
operation mark_dispatched_at(client &box, const std::vector<std::string> &ids,
                             std::chrono::time_point<std::chrono::system_clock, Duration> time, F done) {
    const std::int64_t at = detail::ticks_of(time);
    const auto mark = [at](auto *in, auto *all, std::size_t count, auto... rest) {
        return postbox_mark_dispatched_at_async(in, all, count, at, rest...);
    };
    return detail::start_by_ids<report>(mark, box, ids, std::move(done));
}

/** Starts client::replay. See postbox_replay_async. */
template <class F>
operation replay(client &box, const std::vector<std::string> &ids, F done) {
    return detail::start_by_ids<report>(postbox_replay_async, box, ids, std::move(done));
}

/** Starts client::replay_causation. See postbox_replay_causation_async. */
template <class F>
operation replay_causation(client &box, std::string_view causation_id, F done) {
    return detail::start<report>(std::move(done), [&](auto... rest) {
        return postbox_replay_causation_async(box.handle(), detail::text(causation_id, "causation_id").c_str(), rest...);
    });
}

/** Starts client::confirm. Confirmations at the same time share requests. See postbox_confirm_async. */
template <class F>
operation confirm(client &box, std::string_view id, const send_result &result, F done) {
    return detail::start<void>(std::move(done), [&](auto... rest) {
        return postbox_confirm_async(box.handle(), detail::text(id, "id").c_str(), result.outcome,
                                     detail::text(result.reason, "reason").c_str(), rest...);
    });
}

/** Starts client::confirm_many. See postbox_confirm_many_async. */
template <class F>
operation confirm_many(client &box, const std::vector<std::pair<std::string, send_result>> &results, F done) {
    const detail::confirmations all(results);
    return detail::start<void>(std::move(done), [&](auto... rest) {
        return postbox_confirm_many_async(box.handle(), all.ids.data(), all.outcomes.data(), all.reasons.data(),
                                          all.ids.size(), rest...);
    });
}

/** Starts client::get_message. The result is a std::optional<message>. See postbox_get_message_async. */
template <class F>
operation get_message(client &box, std::string_view id, F done) {
    return detail::start<std::optional<message>>(std::move(done), [&](auto... rest) {
        return postbox_get_message_async(box.handle(), detail::text(id, "id").c_str(), rest...);
    });
}

/** Starts client::get_messages. The result is a page. See postbox_get_messages_async. */
template <class F>
operation get_messages(client &box, const std::vector<std::string> &ids, F done) {
    return detail::start_by_ids<page>(postbox_get_messages_async, box, ids, std::move(done));
}

/** Starts client::delete_message. The result is whether it was deleted. See postbox_delete_message_async. */
template <class F>
operation delete_message(client &box, std::string_view id, postbox_state state, F done) {
    return detail::start<bool>(std::move(done), [&](auto... rest) {
        return postbox_delete_message_async(box.handle(), detail::text(id, "id").c_str(), state, rest...);
    });
}

/** Starts client::read_item. The result is a std::optional<item>. See postbox_read_item_async. */
template <class F>
operation read_item(client &box, std::string_view table, const item &key, F done) {
    return detail::start<std::optional<item>>(std::move(done), [&](auto... rest) {
        return postbox_read_item_async(box.handle(), detail::text(table, "table").c_str(), key.handle(), rest...);
    });
}

/** Starts client::list_messages. The result is a page. See postbox_list_messages_async. */
template <class F>
operation list_messages(client &box, postbox_state state, std::optional<std::string_view> topic, std::uint32_t limit,
                        std::optional<std::string_view> cursor, F done) {
    return detail::start<page>(std::move(done), [&](auto... rest) {
        return postbox_list_messages_async(box.handle(), state, detail::optional_text(topic, "topic").get(), limit,
                                           detail::optional_text(cursor, "cursor").get(), rest...);
    });
}

/** Starts client::count_outstanding. The result is an outstanding_count. See postbox_count_outstanding_async. */
template <class F>
operation count_outstanding(client &box, std::optional<std::string_view> topic, F done) {
    return detail::start<outstanding_count>(std::move(done), [&](auto... rest) {
        return postbox_count_outstanding_async(box.handle(), detail::optional_text(topic, "topic").get(), rest...);
    });
}

/** Starts client::select_messages. The result is a page. See postbox_select_messages_async. */
template <class F>
operation select_messages(client &box, postbox_state state, const selection &selected, F done) {
    return detail::start<page>(std::move(done), [&](auto... rest) {
        return postbox_select_messages_async(box.handle(), state, detail::to_c(selected).get(), rest...);
    });
}

/** Starts client::count_messages. The result is a std::uint64_t. See postbox_count_messages_async. */
template <class F>
operation count_messages(client &box, postbox_state state, const selection &selected, F done) {
    return detail::start<std::uint64_t>(std::move(done), [&](auto... rest) {
        return postbox_count_messages_async(box.handle(), state, detail::to_c(selected).get(), rest...);
    });
}

/** Starts client::topic_counts. The result is a std::vector<topic_count>. See postbox_topic_counts_async. */
template <class F>
operation topic_counts(client &box, bool all_states, F done) {
    return detail::start<std::vector<topic_count>>(std::move(done), [&](auto... rest) {
        return postbox_topic_counts_async(box.handle(), all_states, rest...);
    });
}

/** Starts client::dispatched_between. The result is a std::uint64_t. See postbox_dispatched_between_async. */
template <class From, class To, class F>
operation dispatched_between(client &box, std::string_view topic,
                             std::chrono::time_point<std::chrono::system_clock, From> from,
                             std::chrono::time_point<std::chrono::system_clock, To> to, F done) {
    return detail::start<std::uint64_t>(std::move(done), [&](auto... rest) {
        return postbox_dispatched_between_async(box.handle(), detail::text(topic, "topic").c_str(),
                                                detail::ticks_of(from), detail::ticks_of(to), rest...);
    });
}

/** Starts client::leases. The result is a std::vector<lease_info>. See postbox_leases_async. */
template <class F>
operation leases(client &box, F done) {
    return detail::start<std::vector<lease_info>>(std::move(done), [&](auto... rest) {
        return postbox_leases_async(box.handle(), rest...);
    });
}

/** Starts client::sweepers. The result is a std::vector<sweeper_info>. See postbox_sweepers_async. */
template <class F>
operation sweepers(client &box, F done) {
    return detail::start<std::vector<sweeper_info>>(std::move(done), [&](auto... rest) {
        return postbox_sweepers_async(box.handle(), rest...);
    });
}

/**
 * Starts client::obtain_lease. The result is a std::optional<held_lease>, without a value if another holder has the lease.
 * See postbox_obtain_lease_async.
 */
template <class F>
operation obtain_lease(client &box, std::string_view resource, std::chrono::milliseconds length, F done) {
    const auto ms = length.count() > 0 ? static_cast<std::uint64_t>(length.count()) : 0;
    return detail::start<std::optional<held_lease>>(std::move(done), [&](auto... rest) {
        return postbox_obtain_lease_async(box.handle(), detail::text(resource, "resource").c_str(), ms, rest...);
    });
}

/** Starts held_lease::renew. The result is whether the lease is still held. See postbox_held_lease_renew_async. */
template <class F>
operation renew(held_lease &lease, F done) {
    return detail::start<bool>(std::move(done), [&](auto... rest) {
        return postbox_held_lease_renew_async(lease.handle(), rest...);
    });
}

/** Starts held_lease::release. See postbox_held_lease_release_async. */
template <class F>
operation release(held_lease &lease, F done) {
    return detail::start<void>(std::move(done), [&](auto... rest) {
        return postbox_held_lease_release_async(lease.handle(), rest...);
    });
}

/** Starts client::location. The result is a std::string. See postbox_location_async. */
template <class F>
operation location(client &box, F done) {
    return detail::start<std::string>(std::move(done), [&](auto... rest) {
        return postbox_location_async(box.handle(), rest...);
    });
}

/** Starts client::unpark. See postbox_unpark_async. */
template <class F>
operation unpark(client &box, std::string_view id, F done) {
    return detail::start<void>(std::move(done), [&](auto... rest) {
        return postbox_unpark_async(box.handle(), detail::text(id, "id").c_str(), rest...);
    });
}

/** Starts client::create_table. See postbox_create_table_async. */
template <class F>
operation create_table(client &box, F done) {
    return detail::start<void>(std::move(done), [&](auto... rest) {
        return postbox_create_table_async(box.handle(), rest...);
    });
}

/**
 * Starts client::verify_table. The result is whether messages can be replayed by causation id. See
 * postbox_verify_table_async.
 */
template <class F>
operation verify_table(client &box, F done) {
    return detail::start<bool>(std::move(done), [&](auto... rest) {
        return postbox_verify_table_async(box.handle(), rest...);
    });
}

/** Starts client::table_warnings. The result is a std::vector<std::string>. See postbox_table_warnings_async. */
template <class F>
operation table_warnings(client &box, F done) {
    return detail::start<std::vector<std::string>>(std::move(done), [&](auto... rest) {
        return postbox_table_warnings_async(box.handle(), rest...);
    });
}

} // namespace async
} // namespace postbox

#endif
