/* Every test, in the order in which they run. A test is a function without arguments. */
#ifndef TESTS_H
#define TESTS_H

#define EACH_TEST(TEST) \
    TEST(version_of_header_and_library_agree) \
    TEST(settings_are_set_and_read_by_name) \
    TEST(unknown_setting_lists_the_near_ones) \
    TEST(setting_out_of_range_says_the_range) \
    TEST(settings_that_contradict_each_other_fail_at_the_opening) \
    TEST(embedded_path_that_cannot_be_opened_is_named) \
    TEST(one_configuration_opens_many) \
    TEST(message_is_a_copy_with_an_id) \
    TEST(header_fields_are_set_and_read_by_name) \
    TEST(unknown_header_field_lists_the_near_ones) \
    TEST(wrong_value_leaves_the_message_as_it_was) \
    TEST(lent_strings_stay_until_their_field_changes) \
    TEST(impossible_lengths_are_errors) \
    TEST(wrong_json_is_refused_with_its_place) \
    TEST(key_that_is_not_the_tables_key_is_refused) \
    TEST(commit_writes_both_and_closes) \
    TEST(rollback_and_free_send_nothing) \
    TEST(every_kind_of_action_takes_effect) \
    TEST(more_than_100_actions_are_refused) \
    TEST(what_is_too_large_is_refused_with_the_numbers) \
    TEST(the_same_item_twice_is_refused) \
    TEST(cancelled_transaction_gives_reasons) \
    TEST(duplicate_message_takes_effect_once) \
    TEST(unknown_table_is_named) \
    TEST(empty_unit_commits) \
    TEST(unit_may_outlive_its_postbox) \
    TEST(message_is_deposited_read_cleared_and_skipped) \
    TEST(without_a_report_a_failed_message_is_an_error) \
    TEST(many_are_deposited_and_marked) \
    TEST(impossible_id_is_not_found) \
    TEST(post_deposits_and_sends) \
    TEST(message_that_cannot_be_deposited_is_refused) \
    TEST(body_of_any_bytes_comes_back) \
    TEST(what_is_not_there_is_null) \
    TEST(unreadable_item_names_its_attribute) \
    TEST(table_is_made_and_verified) \
    TEST(missing_index_is_named) \
    TEST(embedded_database_answers_and_refuses) \
    TEST(after_close_every_call_says_so) \
    TEST(producer_gets_the_message_on_the_callers_thread) \
    TEST(what_a_producer_returns_counts) \
    TEST(reason_that_fills_its_buffer_is_kept_whole) \
    TEST(accepted_message_waits_for_its_confirmation) \
    TEST(confirmation_may_come_first) \
    TEST(producer_may_call_postbox) \
    TEST(topics_go_to_their_producers) \
    TEST(release_is_called_once_when_the_last_handle_goes) \
    TEST(null_handles_have_documented_answers) \
    TEST(null_settings_and_messages_are_errors) \
    TEST(null_arguments_of_a_postbox_are_errors) \
    TEST(null_arguments_of_a_unit_are_errors) \
    TEST(text_that_is_not_utf8_is_refused) \
    TEST(unreachable_endpoint_is_an_error_within_the_timeout) \
    TEST(missing_credentials_are_an_error) \
    TEST(unit_used_by_two_threads_is_an_error) \
    TEST(threads_share_one_postbox) \
    TEST(unit_may_move_between_threads) \
    TEST(forked_child_gets_errors_and_can_open_its_own) \
    TEST(log_callback_gets_lines_up_to_its_level) \
    TEST(unknown_log_level_is_refused) \
    TEST(ten_thousand_handles) \
    TEST(many_are_opened_one_after_the_other)

#define DECLARE(test) void test(void);
EACH_TEST(DECLARE)
#undef DECLARE

#endif
