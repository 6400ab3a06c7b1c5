//! The laws of a [`Feed`](aws_event_sourcing_core::subscription::Feed), in the order of its contract: a module for each of
//! them, or for what it is about.
//!
//! What must happen is awaited. That something does not happen is shown by what happens after it would have: nothing here
//! sleeps and hopes.

pub mod complete;
pub mod saved;
pub mod start;

pub mod order;

pub mod held;

pub mod live;

pub mod apart;

pub mod unhindered;

pub mod kept;

pub mod still;

mod process;

use crate::{FeedSubject, Law};

/// The list of all laws of a feed: calls the macro of that name, with what follows, and the path of each law.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_feed_law {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { [$($with)*] feed:
            complete::every_commit_of_the_past_is_delivered
            complete::a_long_past_is_delivered_to_its_last_commit
            complete::large_commits_are_delivered_whole
            complete::what_belongs_to_a_commit_is_delivered
            complete::commits_of_other_types_are_not_delivered
            complete::each_subscription_gets_everything
            saved::a_process_goes_on_behind_what_was_saved
            saved::a_commit_that_was_under_way_comes_again_whole
            saved::what_was_not_saved_comes_again
            saved::what_happened_and_was_not_saved_comes_again
            saved::a_part_that_was_dropped_comes_again
            saved::each_subscription_has_a_place_of_its_own
            start::a_subscription_that_begins_now_leaves_out_the_past
            start::a_subscription_goes_on_from_when_it_first_ran
            start::the_past_is_delivered_to_who_began_with_it
            order::commits_of_a_resource_are_delivered_in_order
            order::positions_tell_deliveries_apart_and_grow
            held::a_resource_is_delivered_to_one_process_at_a_time
            held::a_part_goes_to_another_process_of_the_same_handle
            held::a_released_part_goes_to_another_process
            held::a_part_is_ours_while_it_is_held
            held::whoever_waits_for_a_part_may_go_away
            held::processes_that_take_turns_miss_nothing
            live::a_commit_is_delivered_when_it_happens
            live::the_first_commit_of_a_type_is_delivered
            live::commits_made_meanwhile_are_all_delivered
            apart::what_cannot_be_read_is_told_of_and_holds_up_nobody
            unhindered::a_follower_that_does_not_read_holds_nobody_up
            unhindered::a_follower_may_be_dropped_at_any_point
            kept::a_record_ahead_of_what_was_saved_stays
            kept::what_is_parked_stays_whatever_is_saved
            kept::a_revision_is_not_used_again
        }
    };
}

/// Has a test for each law of a [`Feed`](aws_event_sourcing_core::subscription::Feed) in the module where it stands, named
/// like the law, each on a [`FeedSubject`](crate::FeedSubject) of its own.
///
/// The subject is given as an expression. Each test evaluates it on its runtime; it may await.
#[macro_export]
macro_rules! feed_laws {
    ($subject:expr) => {
        $crate::for_each_feed_law! { tests_of_laws $subject }
    };
}

/// All laws of a [`Feed`](aws_event_sourcing_core::subscription::Feed), in the order of its contract.
pub const FEED_LAWS: &[Law<FeedSubject>] = &crate::for_each_feed_law!(table_of_laws);

/// The list of all laws of a feed that processes share: calls the macro of that name, with what follows, and the path of each
/// law.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_lease_law {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { [$($with)*] feed:
            still::a_process_that_stands_still_is_taken_over
            still::a_process_that_goes_on_has_lost_its_parts
        }
    };
}

/// Has a test for each law of a [`Feed`](aws_event_sourcing_core::subscription::Feed) that processes share, besides those that
/// [`feed_laws!`] has of every feed, and in the same way.
#[macro_export]
macro_rules! lease_laws {
    ($subject:expr) => {
        $crate::for_each_lease_law! { tests_of_laws $subject }
    };
}

/// All laws of a feed that processes share, besides [`FEED_LAWS`].
pub const LEASE_LAWS: &[Law<FeedSubject>] = &crate::for_each_lease_law!(table_of_laws);
