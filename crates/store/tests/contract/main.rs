//! What every engine promises. A test here is an `async fn(Arc<dyn Engine>)` over an empty
//! database; the list below runs each of them on each engine.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected ends there"
)]

mod defaults;
mod documents;
mod expiry;
mod facts;
mod filters;
mod fixture;
mod flows;
mod lists;
mod outbox;
mod references;
mod retention;
mod tallies;
mod tasks;
mod tokens;
mod tombstones;
mod transactions;

/// One test per engine and entry: a function cannot make a test.
macro_rules! contract {
    ($($module:ident :: $test:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let directory = tempfile::tempdir().unwrap();
                    let options = stepgate_store::sqlite::Options::default();
                    let engine = stepgate_store::sqlite::SqliteEngine::open(directory.path(), &options).unwrap();
                    crate::$module::$test(std::sync::Arc::new(engine)).await;
                }
            )*
        }
    };
}

contract! {
    transactions::a_batch_happens_whole_or_not_at_all,
    transactions::a_refused_batch_takes_no_other_with_it,
    transactions::a_broken_statement_fails_its_own_batch_only,
    transactions::a_commit_that_has_answered_is_read_by_everyone,
    transactions::every_type_of_value_comes_back,
    tasks::commits_end_whoever_polls_them,
    documents::what_is_written_is_read_back,
    documents::a_replacement_keeps_the_age_and_raises_the_version,
    documents::an_outdated_version_is_refused,
    documents::of_eight_writers_of_one_version_one_wins,
    documents::a_key_belongs_to_one_object,
    documents::of_eight_objects_with_one_key_one_is_made,
    documents::a_key_within_the_owner_is_free_elsewhere,
    documents::objects_of_the_organization_have_their_own_space,
    documents::another_environment_or_kind_finds_nothing,
    documents::raising_an_owner_lets_one_of_two_changes_through,
    documents::changes_of_configuration_are_logged,
    references::a_mention_of_nothing_is_refused,
    references::a_mention_of_the_wrong_kind_or_owner_is_refused,
    references::a_mentioned_object_stays,
    references::a_weak_mention_holds_nothing,
    references::an_owner_must_exist,
    references::deleting_an_owner_deletes_what_it_owns,
    references::a_population_with_users_stays,
    defaults::there_is_one_default_and_it_moves,
    defaults::a_default_that_is_cleared_or_deleted_is_none,
    defaults::racing_defaults_leave_one,
    tallies::counts_follow_the_writes,
    tallies::mentions_are_counted_by_the_kind_that_mentions,
    tallies::counts_survive_a_race,
    tallies::a_move_changes_the_owners_counts,
    lists::pages_neither_skip_nor_repeat_across_writes,
    lists::a_foreign_cursor_is_refused,
    lists::an_order_by_terms_pages_in_both_directions,
    lists::a_list_ends_where_the_reach_ends,
    lists::a_filtered_count_is_exact_up_to_a_thousand,
    filters::filters_mean_what_they_say,
    filters::an_attribute_within_brackets_is_the_dotted_one,
    filters::times_are_compared_with_or_without_a_zone,
    flows::a_flow_is_written_by_version,
    flows::a_flow_is_found_without_its_environment,
    flows::a_counter_begins_at_absence,
    flows::whoever_judged_by_a_counter_before_its_reset_finds_it_stale,
    flows::sixty_four_guesses_are_judged_five_times,
    facts::a_user_comes_with_devices_and_counters,
    facts::a_flow_comes_with_its_user,
    tokens::a_code_sent_eight_times_at_once_is_redeemed_once,
    tokens::a_refresh_token_is_used_once_and_dies_with_its_family,
    tokens::a_grant_is_read_with_its_user_and_its_session,
    tokens::a_session_is_found_by_its_cookie,
    tokens::the_sessions_that_were_used_last_stay,
    tokens::facts_of_the_installation_are_established_once,
    outbox::eight_workers_claim_each_message_once,
    outbox::a_lost_lease_decides_nothing,
    outbox::what_is_over_leaves_no_payload,
    outbox::the_inbox_receives_a_message_once,
    expiry::what_has_expired_goes_in_small_batches,
    retention::the_audit_trail_is_forgotten_in_small_batches,
    retention::changes_are_forgotten_by_age,
    retention::dead_messages_are_forgotten_by_age,
    tombstones::a_deleted_environment_is_emptied_and_no_other,
}
