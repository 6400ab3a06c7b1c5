//! Feeds that break the law.

mod altering;
mod flaw;
mod forgetting;
mod hindering;
mod holding;
mod locking;
mod log;
mod naming;
mod saving;
mod sharing;
mod standing;
mod starting;
mod telling;
mod waking;

use aws_event_sourcing_conformance::{FEED_LAWS, feed_laws};

use self::{
    altering::Delivers,
    flaw::{Flaw, flawed, flawed_by_handle},
    forgetting::Forgets,
    naming::Named,
    sharing::OneLog,
    starting::{DeliversThePast, Registers},
};
use crate::progress::RegistersEachTime;

broken! { FEED_LAWS;
    // Delivering.
    stops_at_a_thousand: flawed::<Delivers<altering::AThousand>>() => hangs
        a_long_past_is_delivered_to_its_last_commit commits_made_meanwhile_are_all_delivered;
    loses_what_is_between_pages: flawed::<Delivers<altering::NothingBetweenPages>>() => breaks
        a_long_past_is_delivered_to_its_last_commit commits_made_meanwhile_are_all_delivered;
    repeats_the_last_of_a_page: flawed::<Delivers<altering::TheLastOfAPageTwice>>() => breaks
        a_long_past_is_delivered_to_its_last_commit positions_tell_deliveries_apart_and_grow;
    delivers_the_second_page_first: flawed::<Delivers<altering::TheSecondPageFirst>>() => breaks
        a_long_past_is_delivered_to_its_last_commit positions_tell_deliveries_apart_and_grow;
    delivers_by_time: flawed::<Delivers<altering::ByTime>>() => breaks
        commits_of_a_resource_are_delivered_in_order;
    gives_a_batch_one_position: flawed::<Delivers<altering::OnePositionForABatch>>() => breaks
        every_commit_of_the_past_is_delivered positions_tell_deliveries_apart_and_grow;
    counts_positions_within_a_batch: flawed::<Delivers<altering::PositionsWithinABatch>>() => breaks
        positions_tell_deliveries_apart_and_grow;
    goes_up_to_the_next: flawed::<Delivers<altering::UpToTheNext>>() => breaks
        positions_tell_deliveries_apart_and_grow;
    goes_up_to_the_first: flawed::<Delivers<altering::UpToTheFirst>>() => breaks
        positions_tell_deliveries_apart_and_grow;
    has_no_room_for_large_commits: flawed::<Delivers<altering::NothingLarge>>() => hangs
        large_commits_are_delivered_whole;
    delivers_a_hundred_events: flawed::<Delivers<altering::AHundredEvents>>() => breaks
        large_commits_are_delivered_whole;
    no_cause: flawed::<Delivers<altering::NoCause>>() => breaks what_belongs_to_a_commit_is_delivered;
    times_in_seconds: flawed::<Delivers<altering::TimesInSeconds>>() => breaks
        what_belongs_to_a_commit_is_delivered;

    // What cannot be read.
    leaves_out_what_it_cannot_read: flawed::<Delivers<telling::NothingUnread>>() => breaks
        what_cannot_be_read_is_told_of_and_holds_up_nobody;
    waits_behind_what_it_cannot_read: flawed::<Delivers<telling::WaitsBehindIt>>() => hangs
        what_cannot_be_read_is_told_of_and_holds_up_nobody;
    fails_at_what_it_cannot_read: flawed::<Delivers<telling::FailsAtIt>>() => breaks
        what_cannot_be_read_is_told_of_and_holds_up_nobody;
    names_the_number_before: flawed::<Delivers<telling::NamesTheNumberBefore>>() => breaks
        what_cannot_be_read_is_told_of_and_holds_up_nobody;
    gives_all_that_it_cannot_read_one_position: flawed::<Delivers<telling::OnePositionForAllOfIt>>() => breaks
        what_cannot_be_read_is_told_of_and_holds_up_nobody;

    // Sharing, by types and by subscriptions.
    delivers_all_types: flawed::<OneLog<sharing::EveryType>>() => breaks commits_of_other_types_are_not_delivered;
    looks_for_types_by_the_beginning: flawed::<OneLog<sharing::TypesThatBeginLikeIt>>() => breaks
        commits_of_other_types_are_not_delivered;
    stops_at_many_others: flawed::<OneLog<sharing::UpToManyOthers>>() => hangs
        commits_of_other_types_are_not_delivered;
    delivers_to_one_subscription: flawed::<Named<naming::ByType>>() => hangs
        each_subscription_gets_everything each_subscription_has_a_place_of_its_own
        a_follower_that_does_not_read_holds_nobody_up;
    ignores_the_case: flawed::<Named<naming::InLowerCase>>() => hangs each_subscription_gets_everything;
    looks_for_places_by_the_beginning: flawed::<naming::LooksForThePlaceByTheBeginning>() => hangs
        each_subscription_has_a_place_of_its_own;

    // Saving.
    saves_nothing: flawed::<saving::SavesNothing>() => breaks a_process_goes_on_behind_what_was_saved;
    saves_too_little: flawed::<saving::SavesTooLittle>() => breaks a_process_goes_on_behind_what_was_saved;
    saves_too_far: flawed::<saving::SavesTooFar>() => hangs
        a_process_goes_on_behind_what_was_saved a_commit_that_was_under_way_comes_again_whole;
    saves_in_its_handle: flawed_by_handle::<saving::SavesInItsHandle>() => breaks
        a_process_goes_on_behind_what_was_saved;
    saves_whole_batches: flawed::<saving::SavesWholeBatches>() => breaks
        a_process_goes_on_behind_what_was_saved positions_tell_deliveries_apart_and_grow;
    saves_what_it_delivers: flawed::<saving::SavesWhatItDelivers>() => hangs
        what_was_not_saved_comes_again what_happened_and_was_not_saved_comes_again
        a_part_that_was_dropped_comes_again a_follower_may_be_dropped_at_any_point;
    saves_what_happens: flawed::<saving::SavesWhatHappens>() => hangs what_happened_and_was_not_saved_comes_again;
    saves_what_it_releases: flawed::<saving::SavesWhatItReleases>() => hangs
        a_part_that_was_dropped_comes_again a_released_part_goes_to_another_process;
    takes_over_from_now: flawed::<saving::TakesOverFromNow>() => hangs
        what_was_not_saved_comes_again processes_that_take_turns_miss_nothing;
    gives_a_part_once: flawed::<saving::GivesAPartOnce>() => hangs a_part_that_was_dropped_comes_again;

    // Starting.
    begins_with_the_first: flawed::<Registers<starting::BeginsWithTheFirst>>() => breaks
        a_subscription_that_begins_now_leaves_out_the_past a_subscription_goes_on_from_when_it_first_ran;
    begins_with_the_next: flawed::<Registers<starting::BeginsWithTheNext>>() => hangs
        every_commit_of_the_past_is_delivered;
    begins_when_it_first_follows: flawed::<starting::BeginsWhenItFirstFollows>() => hangs
        a_subscription_that_begins_now_leaves_out_the_past;
    begins_each_time: flawed::<starting::BeginsEachTime>() => hangs
        a_subscription_that_begins_now_leaves_out_the_past a_subscription_goes_on_from_when_it_first_ran;
    registers_each_time: flawed::<Registers<RegistersEachTime>>() => breaks
        a_subscription_goes_on_from_when_it_first_ran the_past_is_delivered_to_who_began_with_it;
    does_not_tell_the_past: flawed::<DeliversThePast<starting::FromAnyTime>>() => breaks
        a_subscription_that_begins_now_leaves_out_the_past;
    tells_the_past_in_seconds: flawed::<DeliversThePast<starting::FromItsBeginningInSeconds>>() => breaks
        a_subscription_that_begins_now_leaves_out_the_past;

    // Locking and holding.
    locks_nothing: flawed::<locking::LocksNothing>() => breaks
        a_resource_is_delivered_to_one_process_at_a_time a_part_goes_to_another_process_of_the_same_handle
        a_released_part_goes_to_another_process processes_that_take_turns_miss_nothing;
    locks_within_a_handle: flawed_by_handle::<locking::LocksWithinAHandle>() => breaks
        a_resource_is_delivered_to_one_process_at_a_time a_released_part_goes_to_another_process;
    locks_out_other_handles: flawed_by_handle::<locking::LocksOutOtherHandles>() => breaks
        a_part_goes_to_another_process_of_the_same_handle;
    keeps_what_is_dropped: flawed::<holding::KeepsWhatIsDropped>() => hangs
        a_resource_is_delivered_to_one_process_at_a_time a_part_goes_to_another_process_of_the_same_handle
        a_part_that_was_dropped_comes_again whoever_waits_for_a_part_may_go_away;
    keeps_what_is_released: flawed::<holding::KeepsWhatIsReleased>() => hangs
        a_released_part_goes_to_another_process;
    loses_what_it_saves: flawed::<holding::LosesWhatItSaves>() => breaks a_part_is_ours_while_it_is_held;
    waits_in_a_task: flawed::<holding::WaitsInATask>() => hangs
        whoever_waits_for_a_part_may_go_away a_follower_may_be_dropped_at_any_point;

    // Waking up.
    does_not_wake_up: flawed::<Delivers<waking::NothingMoreAfterAPause>>() => hangs
        a_commit_is_delivered_when_it_happens the_first_commit_of_a_type_is_delivered;
    hears_itself_only: flawed_by_handle::<waking::HearsItselfOnly>() => hangs
        a_commit_is_delivered_when_it_happens the_first_commit_of_a_type_is_delivered;
    loses_what_happens_in_between: flawed::<waking::LosesWhatHappensInBetween>() => hangs
        a_commit_is_delivered_when_it_happens the_first_commit_of_a_type_is_delivered;
    gives_no_part_of_nothing: flawed::<waking::GivesNoPartOfNothing>() => hangs
        the_first_commit_of_a_type_is_delivered;
    passes_over_what_is_slow: flawed::<waking::PassesOverWhatIsSlow>() => breaks
        commits_made_meanwhile_are_all_delivered;

    // Hindering.
    waits_for_followers: flawed::<hindering::WaitsForFollowers>() => hangs
        a_follower_that_does_not_read_holds_nobody_up;
    loses_what_is_not_read: flawed::<hindering::LosesWhatIsNotRead>() => hangs
        a_follower_that_does_not_read_holds_nobody_up;

    // Forgetting.
    forgets_what_is_ahead: flawed::<Forgets<forgetting::WhatIsAhead>>() => breaks
        a_record_ahead_of_what_was_saved_stays;
    forgets_what_is_parked: flawed::<Forgets<forgetting::WhatIsParked>>() => breaks
        what_is_parked_stays_whatever_is_saved;
    forgets_revisions: flawed::<Forgets<forgetting::Revisions>>() => breaks a_revision_is_not_used_again;
}

/// Feeds that processes share, and that break the law of that.
mod leases {
    use aws_event_sourcing_conformance::{LEASE_LAWS, lease_laws};

    use super::{
        flaw::{Flaw, flawed},
        standing::{self, leased},
    };

    #[derive(Default)]
    struct LeasesNothing;

    /// A part is one's own until one gives it back.
    impl Flaw for LeasesNothing {}

    broken! { LEASE_LAWS;
        waits_for_ever: flawed::<LeasesNothing>() => hangs
            a_process_that_stands_still_is_taken_over a_process_that_goes_on_has_lost_its_parts;
        takes_over_from_now: leased::<standing::TakesOverFromNow>() => hangs
            a_process_that_stands_still_is_taken_over;
        is_sure_of_its_parts: leased::<standing::IsSureOfItsParts>() => breaks
            a_process_that_stands_still_is_taken_over a_process_that_goes_on_has_lost_its_parts;
        saves_what_it_has_lost: leased::<standing::SavesWhatItHasLost>() => breaks
            a_process_that_goes_on_has_lost_its_parts;
        notes_what_it_has_lost: leased::<standing::NotesWhatItHasLost>() => breaks
            a_process_that_goes_on_has_lost_its_parts;
        hands_over_what_it_has_lost: leased::<standing::HandsOverWhatItHasLost>() => breaks
            a_process_that_goes_on_has_lost_its_parts;
    }

    mod healthy {
        use super::*;

        lease_laws!(leased::<standing::NoFlaw>());
    }
}

/// What makes the broken feeds is no flaw by itself.
mod healthy {
    use super::*;

    #[derive(Default)]
    struct NoFlaw;

    impl Flaw for NoFlaw {}

    feed_laws!(flawed::<NoFlaw>());

    mod one_log_of_all_types {
        use super::*;

        feed_laws!(flawed::<OneLog<sharing::ThatType>>());
    }

    mod the_past_delivered_as_such {
        use super::*;

        feed_laws!(flawed::<DeliversThePast<starting::FromItsBeginning>>());
    }

    mod forgotten_records {
        use super::*;

        feed_laws!(flawed::<Forgets<forgetting::WhatIsBehind>>());
    }
}
