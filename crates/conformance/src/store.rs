//! The laws of an [`EventStore`](aws_event_sourcing_core::EventStore), in the order of its contract: a module for each of
//! them, or for what it is about.

pub mod order;

pub mod atomic;
pub mod cancelled;

pub mod race;

pub mod durable;

pub mod complete;
pub mod scan;

pub mod recognised;

pub mod listing;

pub mod faithful;
pub mod names;
pub mod remembered;

pub mod limited;

pub mod separate;

pub mod behind;

pub mod apart;

mod generate;
mod growth;
mod property;

use crate::Law;

/// The list of all laws of a store: calls the macro of that name, with what follows, and the path of each law.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_law {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { [$($with)*] store:
            order::commits_come_back_in_order
            order::order_is_that_of_numbers_and_not_of_times
            order::a_read_begins_behind_a_version
            order::a_resource_that_is_not_there_has_no_commits
            atomic::a_commit_of_many_events_comes_back_as_one
            atomic::a_commit_may_have_thousands_of_events
            atomic::a_refused_commit_leaves_nothing_behind
            atomic::readers_see_whole_commits_or_nothing
            cancelled::an_append_dropped_between_polls_leaves_all_or_nothing
            cancelled::an_append_dropped_by_a_time_limit_leaves_all_or_nothing
            cancelled::an_append_on_an_aborted_task_leaves_all_or_nothing
            cancelled::reads_dropped_half_way_leave_a_store_that_works
            race::one_winner_of_every_race
            race::one_winner_of_every_race_of_many_events
            race::one_winner_of_every_race_across_handles
            race::one_winner_of_every_race_to_create
            race::a_late_writer_meets_a_conflict
            race::many_resources_are_written_side_by_side
            race::a_conflict_is_of_one_resource_only
            durable::an_acknowledged_commit_is_read_at_once
            durable::what_one_handle_writes_every_other_one_reads
            durable::what_is_stored_is_there_when_the_store_is_opened_again
            durable::handles_may_be_opened_at_the_same_moment
            complete::a_long_history_is_read_whole
            complete::a_heavy_history_is_read_whole
            complete::a_read_during_appends_has_no_gaps
            complete::an_unread_stream_holds_nobody_up
            scan::a_scan_gives_each_resource_whole_and_once
            scan::the_streams_of_a_scan_do_not_wait_for_each_other
            scan::a_scan_of_nothing_is_empty
            scan::a_scan_of_heavy_histories_is_whole
            scan::a_scan_during_appends_has_no_gaps
            recognised::a_repeated_append_is_recognised
            recognised::a_repeated_append_is_recognised_however_late
            recognised::a_commit_appended_many_times_at_once_is_stored_once
            recognised::the_winner_of_a_race_is_recognised
            recognised::the_first_of_two_commits_with_one_id_stays
            recognised::a_commit_id_counts_for_its_own_number_only
            recognised::a_commit_id_counts_for_its_own_resource_only
            listing::a_list_is_in_order_in_pages_of_any_size
            listing::resources_of_the_same_time_are_listed_by_id
            listing::a_page_has_at_most_its_limit
            listing::the_last_page_has_no_next
            listing::a_resource_is_listed_by_its_first_commit
            listing::a_list_stands_what_is_created_between_its_pages
            listing::a_list_stands_what_is_created_meanwhile
            listing::a_made_up_cursor_is_a_place_in_the_list
            faithful::numbers_come_back_equal
            faithful::documents_come_back_equal
            faithful::no_data_null_and_empty_data_stay_apart
            faithful::what_belongs_to_a_commit_comes_back
            faithful::any_commit_comes_back_equal_or_is_refused
            remembered::what_a_repository_remembers_is_what_it_reads
            names::any_text_is_a_resource_id
            names::any_text_is_a_commit_id
            names::any_text_is_an_event_type
            names::a_resource_id_beyond_its_limits_is_not_there
            names::a_name_beyond_its_limits_is_refused
            limited::the_largest_commit_is_stored
            limited::a_byte_more_is_refused
            limited::the_deepest_nesting_is_stored
            limited::a_level_more_is_refused
            limited::keys_of_objects_have_limits
            limited::the_most_extreme_numbers_are_stored
            limited::a_number_beyond_the_limits_is_refused
            limited::a_limit_comes_before_a_conflict
            separate::one_id_under_two_types_is_two_resources
            separate::a_scan_is_of_one_type
            separate::a_list_is_of_one_type
            separate::types_and_ids_are_not_glued_together
            behind::a_commit_is_appended_behind_the_one_that_it_follows
            behind::nothing_is_appended_behind_a_commit_that_is_not_there
            behind::what_a_commit_follows_comes_back
            apart::what_cannot_be_read_hurts_its_resource_only
        }
    };
}

/// Has a test for each law of a store in the module where it stands, named like the law, each on a
/// [`Subject`](crate::Subject) of its own.
///
/// The subject is given as an expression. Each test evaluates it on its runtime; it may await.
#[macro_export]
macro_rules! laws {
    ($subject:expr) => {
        $crate::for_each_law! { tests_of_laws $subject }
    };
}

/// All laws of a store, in the order of the contract.
pub const LAWS: &[Law] = &crate::for_each_law!(table_of_laws);
