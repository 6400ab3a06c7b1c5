//! The laws of a [`ProgressStore`](aws_event_sourcing_core::subscription::ProgressStore), in the order of its contract: a
//! module for each of them, or for what it is about.
//!
//! No event of the resources here exists: what a store may forget because its feed will not deliver it again is not
//! asked for. What it must keep then is among the laws of a [feed](crate::feed::kept).

pub mod together;

pub mod winner;

pub mod onward;

pub mod seen;

pub mod durable;

pub mod separate;

pub mod apart;

pub mod faithful;

pub mod parked;

pub mod skipped;

pub mod registered;

mod ledger;
pub(crate) mod made_up;

pub(crate) use self::ledger::Ledger;
use crate::{Law, ProgressSubject};

/// The list of all laws of progress: calls the macro of that name, with what follows, and the path of each law.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_progress_law {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { [$($with)*] progress:
            together::a_swap_brings_along_what_is_skipped
            together::a_swap_that_is_dropped_is_made_whole_or_not_at_all
            together::whoever_loads_a_record_sees_it_whole
            winner::one_winner_of_all_swaps_of_a_revision
            winner::one_winner_of_all_swaps_of_a_revision_across_handles
            winner::one_winner_of_all_swaps_that_make_a_record
            winner::a_late_swap_changes_nothing
            winner::swaps_and_advances_do_not_undo_each_other
            onward::a_revision_grows_with_every_change
            onward::an_advance_goes_on_and_never_back
            onward::an_advance_leaves_alone_what_is_parked
            onward::hundreds_are_advanced_at_once
            onward::advances_side_by_side_come_to_the_furthest
            seen::a_record_that_is_not_there_is_the_default
            seen::a_change_is_seen_at_once_by_every_handle
            seen::an_advance_is_seen_by_a_swap
            seen::records_are_loaded_in_the_order_asked_for
            durable::records_are_there_when_the_store_is_opened_again
            separate::subscriptions_have_nothing_to_do_with_each_other
            separate::keys_and_ids_of_records_are_not_glued_together
            apart::a_record_that_cannot_be_read_hides_no_other_one
            apart::a_record_that_cannot_be_read_is_not_replaced
            apart::a_record_that_cannot_be_read_hides_nothing_that_is_parked
            faithful::a_record_comes_back_as_it_was_swapped_in
            faithful::any_text_is_the_id_of_a_record
            faithful::any_text_can_be_in_a_record
            parked::parked_resources_are_in_order_in_pages_of_any_size
            parked::parked_resources_of_the_same_time_are_listed_by_id
            parked::a_page_of_parked_resources_has_at_most_its_limit
            parked::the_last_page_of_parked_resources_has_no_next
            parked::a_long_list_of_parked_resources_is_whole
            parked::only_what_is_due_is_listed
            parked::what_is_far_in_the_future_is_found_behind_a_time
            parked::a_made_up_cursor_is_a_place_among_parked_resources
            parked::what_is_parked_and_released_between_pages_disturbs_no_others
            parked::a_released_resource_leaves_the_list
            parked::a_resource_is_listed_by_its_next_attempt
            skipped::what_was_skipped_comes_back_in_order
            skipped::what_was_skipped_is_of_one_resource
            registered::the_first_registration_stays
            registered::one_of_many_registrations_is_the_first
            registered::registrations_are_listed_in_the_order_of_their_keys
        }
    };
}

/// Has a test for each law of a [`ProgressStore`](aws_event_sourcing_core::subscription::ProgressStore) in the module where
/// it stands, named like the law, each on a [`ProgressSubject`](crate::ProgressSubject) of its own.
///
/// The subject is given as an expression. Each test evaluates it on its runtime; it may await.
#[macro_export]
macro_rules! progress_laws {
    ($subject:expr) => {
        $crate::for_each_progress_law! { tests_of_laws $subject }
    };
}

/// All laws of a [`ProgressStore`](aws_event_sourcing_core::subscription::ProgressStore), in the order of its contract.
pub const PROGRESS_LAWS: &[Law<ProgressSubject>] = &crate::for_each_progress_law!(table_of_laws);
