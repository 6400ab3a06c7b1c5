//! Stores that break the law: each has one flaw, and a law that cannot tell it from a healthy store is no law.

#[macro_use]
mod table;

mod feed;
mod progress;

mod altering;
mod flaw;
mod listing;
mod reading;
mod recognising;
mod refusing;
mod scanning;
mod sharing;
mod telling;
mod writing;

use aws_event_sourcing_conformance::{LAWS, TIME_LIMIT, laws};

use crate::{
    altering::Stores,
    flaw::{Flaw, flawed, flawed_by_handle},
    table::check,
};

broken! { LAWS;
    // Writing.
    lets_losers_win: flawed::<writing::LetsLosersWin>() => breaks
        one_winner_of_every_race one_winner_of_every_race_of_many_events one_winner_of_every_race_across_handles
        one_winner_of_every_race_to_create a_late_writer_meets_a_conflict a_refused_commit_leaves_nothing_behind;
    looks_before_it_writes: flawed::<writing::LooksBeforeItWrites>() => breaks
        one_winner_of_every_race one_winner_of_every_race_of_many_events one_winner_of_every_race_across_handles
        one_winner_of_every_race_to_create the_winner_of_a_race_is_recognised;
    creates_twice: flawed::<writing::CreatesTwice>() => breaks one_winner_of_every_race_to_create;
    lets_many_events_win: flawed::<writing::LetsManyEventsWin>() => breaks one_winner_of_every_race_of_many_events;
    locks_within_a_handle: flawed_by_handle::<writing::LocksWithinAHandle>() => breaks
        one_winner_of_every_race_across_handles what_one_handle_writes_every_other_one_reads;
    names_the_newest_commit: flawed::<writing::NamesTheNewestCommit>() => breaks
        a_late_writer_meets_a_conflict a_commit_id_counts_for_its_own_number_only;
    writes_the_rest_of_a_loser: flawed::<writing::WritesTheRestOfALoser>() => breaks
        a_refused_commit_leaves_nothing_behind a_late_writer_meets_a_conflict
        one_winner_of_every_race_of_many_events;
    writes_one_at_a_time: flawed::<writing::WritesOneAtATime>() => breaks many_resources_are_written_side_by_side;
    undoes_the_whole_batch: flawed::<writing::UndoesTheWholeBatch>() => breaks a_conflict_is_of_one_resource_only;
    acknowledges_before_it_stores: flawed::<writing::AcknowledgesBeforeItStores>() => breaks
        an_acknowledged_commit_is_read_at_once what_one_handle_writes_every_other_one_reads
        a_read_during_appends_has_no_gaps a_scan_during_appends_has_no_gaps;
    stores_in_two_steps: flawed::<writing::StoresInTwoSteps>() => breaks
        an_append_dropped_between_polls_leaves_all_or_nothing an_append_dropped_by_a_time_limit_leaves_all_or_nothing
        an_append_on_an_aborted_task_leaves_all_or_nothing readers_see_whole_commits_or_nothing;

    appends_behind_any_commit: flawed::<writing::AppendsBehindAnyCommit>() => breaks
        nothing_is_appended_behind_a_commit_that_is_not_there;
    appends_behind_nobody: flawed::<writing::AppendsBehindNobody>() => breaks
        a_commit_is_appended_behind_the_one_that_it_follows;

    // Recognising.
    forgets_its_own_commits: flawed::<recognising::ForgetsItsOwnCommits>() => breaks
        a_repeated_append_is_recognised a_repeated_append_is_recognised_however_late
        a_commit_appended_many_times_at_once_is_stored_once the_winner_of_a_race_is_recognised
        an_append_dropped_between_polls_leaves_all_or_nothing any_text_is_a_commit_id;
    recognises_the_newest_only: flawed::<recognising::RecognisesTheNewestOnly>() => breaks
        a_repeated_append_is_recognised_however_late;
    says_now_each_time: flawed::<recognising::SaysNowEachTime>() => breaks
        a_repeated_append_is_recognised a_commit_appended_many_times_at_once_is_stored_once
        the_winner_of_a_race_is_recognised;
    writes_again: flawed::<recognising::WritesAgain>() => breaks
        a_repeated_append_is_recognised a_commit_appended_many_times_at_once_is_stored_once
        an_append_on_an_aborted_task_leaves_all_or_nothing;
    compares_all_of_a_commit: flawed::<recognising::ComparesAllOfACommit>() => breaks
        the_first_of_two_commits_with_one_id_stays;
    looks_for_the_id_at_any_number: flawed::<recognising::LooksForTheIdAtAnyNumber>() => breaks
        a_commit_id_counts_for_its_own_number_only;
    looks_for_the_id_of_any_resource: flawed::<recognising::LooksForTheIdOfAnyResource>() => breaks
        a_commit_id_counts_for_its_own_resource_only;
    looks_for_the_id_of_any_type: flawed::<recognising::LooksForTheIdOfAnyType>() => breaks
        a_commit_id_counts_for_its_own_resource_only;
    recognises_everything: flawed::<recognising::RecognisesEverything>() => breaks
        one_winner_of_every_race a_late_writer_meets_a_conflict a_commit_id_counts_for_its_own_number_only;

    // Refusing.
    checks_no_limits: flawed::<refusing::ChecksNoLimits>() => breaks
        a_byte_more_is_refused a_level_more_is_refused keys_of_objects_have_limits
        a_number_beyond_the_limits_is_refused
        a_limit_comes_before_a_conflict a_resource_id_beyond_its_limits_is_not_there
        a_name_beyond_its_limits_is_refused any_commit_comes_back_equal_or_is_refused;
    gives_no_reason: flawed::<refusing::GivesNoReason>() => breaks
        a_byte_more_is_refused a_level_more_is_refused keys_of_objects_have_limits
        a_number_beyond_the_limits_is_refused
        a_resource_id_beyond_its_limits_is_not_there a_name_beyond_its_limits_is_refused;
    writes_before_it_checks: flawed::<refusing::WritesBeforeItChecks>() => breaks
        a_byte_more_is_refused a_level_more_is_refused keys_of_objects_have_limits
        a_number_beyond_the_limits_is_refused
        any_commit_comes_back_equal_or_is_refused;
    looks_for_conflicts_first: flawed::<refusing::LooksForConflictsFirst>() => breaks a_limit_comes_before_a_conflict;
    stops_a_byte_too_early: flawed::<refusing::StopsAByteTooEarly>() => breaks the_largest_commit_is_stored;
    stops_a_level_too_early: flawed::<refusing::StopsALevelTooEarly>() => breaks the_deepest_nesting_is_stored;
    needs_longer_keys: flawed::<refusing::NeedsLongerKeys>() => breaks keys_of_objects_have_limits;
    refuses_long_integers: flawed::<refusing::RefusesLongIntegers>() => breaks
        the_most_extreme_numbers_are_stored numbers_come_back_equal;
    fails_for_an_impossible_resource: flawed::<refusing::FailsForAnImpossibleResource>() => breaks
        a_resource_id_beyond_its_limits_is_not_there;
    refuses_what_it_has_stored: flawed::<refusing::RefusesWhatItHasStored>() => breaks
        any_commit_comes_back_equal_or_is_refused documents_come_back_equal;
    fails_for_the_unknown: flawed::<refusing::FailsForTheUnknown>() => breaks
        a_resource_that_is_not_there_has_no_commits;

    // Altering.
    short_resource_ids: flawed::<Stores<altering::ShortResourceIds>>() => breaks any_text_is_a_resource_id;
    lower_case_resource_ids: flawed::<Stores<altering::LowerCaseResourceIds>>() => breaks
        any_text_is_a_resource_id a_list_is_in_order_in_pages_of_any_size;
    short_commit_ids: flawed::<Stores<altering::ShortCommitIds>>() => breaks any_text_is_a_commit_id;
    event_types_as_c_strings: flawed::<Stores<altering::EventTypesAsCStrings>>() => breaks
        any_text_is_an_event_type any_commit_comes_back_equal_or_is_refused;
    times_in_seconds: flawed::<Stores<altering::TimesInSeconds>>() => breaks
        what_belongs_to_a_commit_comes_back commits_come_back_in_order;
    no_trace: flawed::<Stores<altering::NoTrace>>() => breaks what_belongs_to_a_commit_comes_back;
    no_follows: flawed::<Stores<altering::NoFollows>>().writing_blindly() => breaks
        what_a_commit_follows_comes_back;
    no_look_behind: flawed::<Stores<altering::NoFollows>>() => breaks
        nothing_is_appended_behind_a_commit_that_is_not_there;
    empty_causes: flawed::<Stores<altering::EmptyCauses>>() => breaks what_belongs_to_a_commit_comes_back;
    no_empty_meta: flawed::<Stores<altering::NoEmptyMeta>>() => breaks what_belongs_to_a_commit_comes_back;
    no_empty_data: flawed::<Stores<altering::NoEmptyData>>() => breaks
        no_data_null_and_empty_data_stay_apart documents_come_back_equal;
    numbers_of_64_bits: flawed::<Stores<altering::NumbersOf64Bits>>() => breaks
        numbers_come_back_equal the_most_extreme_numbers_are_stored any_commit_comes_back_equal_or_is_refused;
    numbers_as_floats: flawed::<Stores<altering::NumbersAsFloats>>() => breaks
        numbers_come_back_equal any_commit_comes_back_equal_or_is_refused
        what_a_repository_remembers_is_what_it_reads;
    keys_backwards: flawed::<Stores<altering::KeysBackwards>>() => breaks what_a_repository_remembers_is_what_it_reads;
    no_nulls: flawed::<Stores<altering::NoNulls>>() => breaks
        documents_come_back_equal any_commit_comes_back_equal_or_is_refused;
    no_empty_text: flawed::<Stores<altering::NoEmptyText>>() => breaks
        documents_come_back_equal any_commit_comes_back_equal_or_is_refused;
    text_of_three_bytes: flawed::<Stores<altering::TextOfThreeBytes>>() => breaks
        documents_come_back_equal any_commit_comes_back_equal_or_is_refused;
    a_thousand_events: flawed::<Stores<altering::AThousandEvents>>() => breaks a_commit_may_have_thousands_of_events;

    // Reading.
    orders_numbers_as_text: flawed::<reading::OrdersNumbersAsText>() => breaks
        commits_come_back_in_order a_read_begins_behind_a_version a_long_history_is_read_whole;
    orders_by_time: flawed::<reading::OrdersByTime>() => breaks order_is_that_of_numbers_and_not_of_times;
    begins_at_the_version: flawed::<reading::BeginsAtTheVersion>() => breaks a_read_begins_behind_a_version;
    takes_versions_for_signed: flawed::<reading::TakesVersionsForSigned>() => breaks a_read_begins_behind_a_version;
    splits_commits: flawed::<reading::SplitsCommits>() => breaks
        a_commit_of_many_events_comes_back_as_one commits_come_back_in_order readers_see_whole_commits_or_nothing;
    stops_at_ten_thousand: flawed::<reading::StopsAtTenThousand>() => breaks a_long_history_is_read_whole;
    stops_after_a_megabyte: flawed::<reading::StopsAfterAMegabyte>() => breaks a_heavy_history_is_read_whole;
    loses_what_is_appended_between_pages: flawed::<reading::LosesWhatIsAppendedBetweenPages>() => breaks
        a_read_during_appends_has_no_gaps;
    gives_an_old_history: flawed::<reading::GivesAnOldHistory>() => breaks
        an_acknowledged_commit_is_read_at_once what_one_handle_writes_every_other_one_reads;
    loses_connections: flawed::<reading::LosesConnections>() => breaks
        reads_dropped_half_way_leave_a_store_that_works;
    waits_for_readers: flawed::<reading::WaitsForReaders>() => hangs an_unread_stream_holds_nobody_up;

    // Scanning.
    mixes_resources: flawed::<scanning::MixesResources>() => breaks
        a_scan_gives_each_resource_whole_and_once the_streams_of_a_scan_do_not_wait_for_each_other;
    scans_backwards: flawed::<scanning::ScansBackwards>() => breaks
        a_scan_gives_each_resource_whole_and_once a_scan_during_appends_has_no_gaps;
    spreads_resources: flawed::<scanning::SpreadsResources>() => breaks a_scan_gives_each_resource_whole_and_once;
    gives_a_resource_twice: flawed::<scanning::GivesAResourceTwice>() => breaks
        a_scan_gives_each_resource_whole_and_once;
    scans_a_megabyte: flawed::<scanning::ScansAMegabyte>() => breaks
        a_scan_gives_each_resource_whole_and_once a_scan_of_heavy_histories_is_whole;
    scans_a_page_of_each: flawed::<scanning::ScansAPageOfEach>() => breaks a_scan_gives_each_resource_whole_and_once;
    leaves_out_a_resource: flawed::<scanning::LeavesOutAResource>() => breaks
        a_scan_gives_each_resource_whole_and_once any_text_is_a_resource_id;
    gives_no_stream: flawed::<scanning::GivesNoStream>() => breaks a_scan_of_nothing_is_empty;
    wants_to_be_read_side_by_side: flawed::<scanning::WantsToBeReadSideBySide>() => hangs
        the_streams_of_a_scan_do_not_wait_for_each_other;
    loses_what_is_appended_during_a_scan: flawed::<scanning::LosesWhatIsAppendedDuringAScan>() => breaks
        a_scan_during_appends_has_no_gaps;

    // Listing.
    lists_by_id: flawed::<listing::ListsById>() => breaks
        a_list_is_in_order_in_pages_of_any_size a_resource_is_listed_by_its_first_commit;
    lists_by_the_last_commit: flawed::<listing::ListsByTheLastCommit>() => breaks
        a_resource_is_listed_by_its_first_commit;
    ignores_the_limit: flawed::<listing::IgnoresTheLimit>() => breaks a_page_has_at_most_its_limit;
    gives_none_for_none: flawed::<listing::GivesNoneForNone>() => breaks a_page_has_at_most_its_limit;
    cannot_count_that_far: flawed::<listing::CannotCountThatFar>() => breaks
        a_page_has_at_most_its_limit a_list_is_in_order_in_pages_of_any_size the_last_page_has_no_next;
    promises_an_empty_page: flawed::<listing::PromisesAnEmptyPage>() => breaks the_last_page_has_no_next;
    loses_one_between_pages: flawed::<listing::LosesOneBetweenPages>() => breaks
        a_list_is_in_order_in_pages_of_any_size resources_of_the_same_time_are_listed_by_id
        a_list_stands_what_is_created_between_its_pages a_list_stands_what_is_created_meanwhile;
    repeats_one_between_pages: flawed::<listing::RepeatsOneBetweenPages>() => breaks
        a_list_is_in_order_in_pages_of_any_size a_list_stands_what_is_created_between_its_pages;
    goes_on_by_time: flawed::<listing::GoesOnByTime>() => breaks
        resources_of_the_same_time_are_listed_by_id a_list_is_in_order_in_pages_of_any_size;
    pages_by_counting: flawed::<listing::PagesByCounting>() => breaks
        a_list_stands_what_is_created_between_its_pages a_list_stands_what_is_created_meanwhile;
    looks_for_the_resource_of_a_cursor: flawed::<listing::LooksForTheResourceOfACursor>() => breaks
        a_made_up_cursor_is_a_place_in_the_list;

    // Sharing.
    handles_that_share_nothing: sharing::handles_that_share_nothing() => breaks
        what_one_handle_writes_every_other_one_reads one_winner_of_every_race_across_handles
        what_is_stored_is_there_when_the_store_is_opened_again a_commit_appended_many_times_at_once_is_stored_once
        handles_may_be_opened_at_the_same_moment;
    a_store_that_forgets: sharing::a_store_that_forgets() => breaks
        what_is_stored_is_there_when_the_store_is_opened_again;
    a_store_that_is_made_twice: sharing::a_store_that_is_made_twice() => breaks
        handles_may_be_opened_at_the_same_moment;
    ignores_the_type: flawed::<sharing::IgnoresTheType>() => breaks
        one_id_under_two_types_is_two_resources a_scan_is_of_one_type a_list_is_of_one_type;
    glues_type_and_id: flawed::<sharing::GluesTypeAndId>() => breaks types_and_ids_are_not_glued_together;

    // Telling of what cannot be read.
    ends_at_what_it_cannot_read: flawed::<telling::EndsAtWhatItCannotRead>() => breaks
        what_cannot_be_read_hurts_its_resource_only;
    leaves_out_what_it_cannot_read: flawed::<telling::LeavesOutWhatItCannotRead>() => breaks
        what_cannot_be_read_hurts_its_resource_only;
    names_nobody: flawed::<telling::NamesNobody>() => breaks what_cannot_be_read_hurts_its_resource_only;
    names_the_one_before: flawed::<telling::NamesTheOneBefore>() => breaks
        what_cannot_be_read_hurts_its_resource_only;
    tells_of_it_in_the_end: flawed::<telling::TellsOfItInTheEnd>() => breaks
        what_cannot_be_read_hurts_its_resource_only;
}

#[test]
fn a_counterexample_is_made_small() {
    let law = "any_commit_comes_back_equal_or_is_refused";
    for subject in [flawed::<Stores<altering::EventTypesAsCStrings>>, flawed::<Stores<altering::NoEmptyText>>]
    {
        let breach = check(LAWS, &subject, law, TIME_LIMIT).expect_err(law).to_string();
        assert_eq!(breach.matches("EventMadeUp").count(), 1, "{breach}");
        assert!(breach.contains("trace: None") && breach.contains("cause: None"), "{breach}");
    }
}

/// What makes the broken stores is no flaw by itself.
mod healthy {
    use super::*;

    #[derive(Default)]
    struct NoFlaw;

    impl Flaw for NoFlaw {}

    laws!(flawed::<NoFlaw>());
}
