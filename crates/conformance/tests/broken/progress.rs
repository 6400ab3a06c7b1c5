//! Progress stores that break the law.

mod altering;
mod apart;
mod flaw;
mod keys;
mod listing;
mod noting;
mod swapping;

use aws_event_sourcing_conformance::{PROGRESS_LAWS, progress_laws};

use self::{
    altering::Keeps,
    flaw::{flawed, flawed_by_handle},
    keys::Named,
    listing::Lists,
};
pub(crate) use self::{
    flaw::{Asked, Flaw, Flawed, Outcome, records},
    noting::RegistersEachTime,
};

broken! { PROGRESS_LAWS;
    // Swapping and advancing.
    notes_what_was_not_skipped: flawed::<swapping::NotesWhatWasNotSkipped>() => breaks
        a_swap_brings_along_what_is_skipped a_late_swap_changes_nothing one_winner_of_all_swaps_of_a_revision;
    loses_what_is_skipped: flawed::<swapping::LosesWhatIsSkipped>() => breaks
        a_swap_brings_along_what_is_skipped what_was_skipped_comes_back_in_order what_was_skipped_is_of_one_resource
        one_winner_of_all_swaps_of_a_revision;
    swaps_in_two_steps: flawed::<swapping::SwapsInTwoSteps>() => breaks
        a_swap_that_is_dropped_is_made_whole_or_not_at_all whoever_loads_a_record_sees_it_whole;
    ignores_the_revision: flawed::<swapping::IgnoresTheRevision>() => breaks
        a_late_swap_changes_nothing one_winner_of_all_swaps_of_a_revision an_advance_is_seen_by_a_swap
        a_record_that_is_not_there_is_the_default;
    looks_before_it_swaps: flawed::<swapping::LooksBeforeItSwaps>() => breaks
        one_winner_of_all_swaps_of_a_revision one_winner_of_all_swaps_of_a_revision_across_handles
        one_winner_of_all_swaps_that_make_a_record;
    looks_before_it_makes_a_record: flawed::<swapping::LooksBeforeItMakesARecord>() => breaks
        one_winner_of_all_swaps_that_make_a_record;
    locks_within_a_handle: flawed_by_handle::<swapping::LocksWithinAHandle>() => breaks
        one_winner_of_all_swaps_of_a_revision_across_handles;
    looks_before_it_advances: flawed::<swapping::LooksBeforeItAdvances>() => breaks
        swaps_and_advances_do_not_undo_each_other advances_side_by_side_come_to_the_furthest;
    advances_in_silence: flawed::<swapping::AdvancesInSilence>() => breaks
        a_revision_grows_with_every_change an_advance_is_seen_by_a_swap;
    goes_back: flawed::<swapping::GoesBack>() => breaks
        an_advance_goes_on_and_never_back hundreds_are_advanced_at_once advances_side_by_side_come_to_the_furthest;
    advances_what_is_parked: flawed::<swapping::AdvancesWhatIsParked>() => breaks
        an_advance_leaves_alone_what_is_parked hundreds_are_advanced_at_once;
    advances_a_hundred: flawed::<swapping::AdvancesAHundred>() => breaks hundreds_are_advanced_at_once;

    // Loading.
    takes_none_for_zero: flawed::<noting::TakesNoneForZero>() => breaks
        a_record_that_is_not_there_is_the_default records_are_loaded_in_the_order_asked_for;
    remembers_records: flawed_by_handle::<noting::RemembersRecords>() => breaks
        a_change_is_seen_at_once_by_every_handle an_advance_is_seen_by_a_swap;
    loads_in_the_order_of_ids: flawed::<noting::LoadsInTheOrderOfIds>() => breaks
        records_are_loaded_in_the_order_asked_for;
    loads_a_hundred: flawed::<noting::LoadsAHundred>() => breaks
        records_are_loaded_in_the_order_asked_for hundreds_are_advanced_at_once;

    // Sharing.
    handles_that_share_nothing: keys::handles_that_share_nothing() => breaks
        a_change_is_seen_at_once_by_every_handle records_are_there_when_the_store_is_opened_again
        one_of_many_registrations_is_the_first the_first_registration_stays;
    a_store_that_forgets: keys::a_store_that_forgets() => breaks
        records_are_there_when_the_store_is_opened_again;
    ignores_the_type: flawed::<Named<keys::IgnoresTheType>>() => breaks
        subscriptions_have_nothing_to_do_with_each_other registrations_are_listed_in_the_order_of_their_keys;
    ignores_the_case: flawed::<Named<keys::IgnoresTheCase>>() => breaks
        subscriptions_have_nothing_to_do_with_each_other;
    glues_keys_and_ids: flawed::<Named<keys::GluesKeysAndIds>>() => breaks
        keys_and_ids_of_records_are_not_glued_together;

    // What cannot be read.
    fails_for_all_records: flawed::<apart::FailsForAllRecords>() => breaks
        a_record_that_cannot_be_read_hides_no_other_one;
    takes_what_it_cannot_read_for_none: flawed::<apart::TakesWhatItCannotReadForNone>() => breaks
        a_record_that_cannot_be_read_hides_no_other_one a_record_that_cannot_be_read_is_not_replaced;
    replaces_what_it_cannot_read: flawed::<apart::ReplacesWhatItCannotRead>() => breaks
        a_record_that_cannot_be_read_is_not_replaced;
    lists_nothing_beside_what_it_cannot_read: flawed::<apart::ListsNothingBesideWhatItCannotRead>() => breaks
        a_record_that_cannot_be_read_hides_nothing_that_is_parked;
    leaves_out_what_it_cannot_read: flawed::<apart::LeavesOutWhatItCannotRead>() => breaks
        a_record_that_cannot_be_read_hides_nothing_that_is_parked;

    // Altering.
    no_trace: flawed::<Keeps<altering::NoTrace>>() => breaks a_record_comes_back_as_it_was_swapped_in;
    no_claim: flawed::<Keeps<altering::NoClaim>>() => breaks a_record_comes_back_as_it_was_swapped_in;
    empty_types: flawed::<Keeps<altering::EmptyTypes>>() => breaks a_record_comes_back_as_it_was_swapped_in;
    times_in_seconds: flawed::<Keeps<altering::TimesInSeconds>>() => breaks
        a_record_comes_back_as_it_was_swapped_in;
    numbers_as_floats: flawed::<Keeps<altering::NumbersAsFloats>>() => breaks
        a_record_comes_back_as_it_was_swapped_in;
    keeps_what_was_there: flawed::<altering::KeepsWhatWasThere>() => breaks
        a_record_comes_back_as_it_was_swapped_in;
    short_errors: flawed::<Keeps<altering::ShortErrors>>() => breaks
        any_text_can_be_in_a_record a_record_comes_back_as_it_was_swapped_in;
    reasons_as_c_strings: flawed::<Keeps<altering::ReasonsAsCStrings>>() => breaks any_text_can_be_in_a_record;
    lower_case_ids: flawed::<Named<keys::LowerCaseIds>>() => breaks any_text_is_the_id_of_a_record;
    short_ids: flawed::<Named<keys::ShortIds>>() => hangs any_text_is_the_id_of_a_record;

    // Listing what is parked.
    lists_by_id: flawed::<Lists<listing::ById>>() => hangs
        parked_resources_are_in_order_in_pages_of_any_size a_resource_is_listed_by_its_next_attempt;
    goes_on_by_time: flawed::<Lists<listing::GoesOnByTime>>() => hangs
        parked_resources_of_the_same_time_are_listed_by_id;
    loses_the_last_of_a_page: flawed::<Lists<listing::LosesTheLastOfAPage>>() => hangs
        parked_resources_are_in_order_in_pages_of_any_size a_long_list_of_parked_resources_is_whole;
    ignores_the_limit: flawed::<Lists<listing::IgnoresTheLimit>>() => breaks
        a_page_of_parked_resources_has_at_most_its_limit;
    gives_none_for_none: flawed::<Lists<listing::GivesNoneForNone>>() => breaks
        a_page_of_parked_resources_has_at_most_its_limit;
    promises_an_empty_page: flawed::<Lists<listing::PromisesAnEmptyPage>>() => breaks
        the_last_page_of_parked_resources_has_no_next;
    stops_at_a_thousand: flawed::<Lists<listing::StopsAtAThousand>>() => hangs
        a_long_list_of_parked_resources_is_whole;
    lists_what_is_not_due: flawed::<Lists<listing::ListsWhatIsNotDue>>() => hangs only_what_is_due_is_listed;
    lists_what_is_overdue: flawed::<Lists<listing::ListsWhatIsOverdue>>() => hangs only_what_is_due_is_listed;
    looks_a_year_ahead: flawed::<Lists<listing::LooksAYearAhead>>() => hangs
        what_is_far_in_the_future_is_found_behind_a_time;
    looks_for_the_resource_of_a_cursor: flawed::<Lists<listing::LooksForTheResourceOfACursor>>() => hangs
        a_made_up_cursor_is_a_place_among_parked_resources;
    pages_by_counting: flawed::<listing::PagesByCounting>() => breaks
        what_is_parked_and_released_between_pages_disturbs_no_others;
    lists_what_was_parked: flawed::<listing::ListsWhatWasParked>() => hangs
        a_released_resource_leaves_the_list a_resource_is_listed_by_its_next_attempt;

    // Noting.
    orders_skips_as_text: flawed::<noting::OrdersSkipsAsText>() => breaks what_was_skipped_comes_back_in_order;
    orders_skips_by_time: flawed::<noting::OrdersSkipsByTime>() => breaks what_was_skipped_comes_back_in_order;
    looks_for_skips_by_the_beginning: flawed::<noting::LooksForSkipsByTheBeginning>() => breaks
        what_was_skipped_is_of_one_resource;
    registers_each_time: flawed::<noting::RegistersEachTime>() => breaks
        the_first_registration_stays one_of_many_registrations_is_the_first
        records_are_there_when_the_store_is_opened_again;
    looks_before_it_registers: flawed::<noting::LooksBeforeItRegisters>() => breaks
        one_of_many_registrations_is_the_first;
    lists_registrations_by_time: flawed::<noting::ListsRegistrationsByTime>() => breaks
        registrations_are_listed_in_the_order_of_their_keys;
    lists_registrations_by_text: flawed::<noting::ListsRegistrationsByText>() => breaks
        registrations_are_listed_in_the_order_of_their_keys;
}

/// What makes the broken stores is no flaw by itself.
mod healthy {
    use super::*;

    #[derive(Default)]
    struct NoFlaw;

    impl Flaw for NoFlaw {}

    progress_laws!(flawed::<NoFlaw>());
}
