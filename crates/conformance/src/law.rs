//! [`Law`]: one promise of a store, as a test. [`LAWS`]: all of them. For runners other than
//! [`laws!`](crate::laws), which most stores use.

use std::{any::Any, fmt, panic::resume_unwind, sync::mpsc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::{runtime::Builder, time::timeout};

use crate::Subject;

/// How long a law may take: 120 seconds. Every one is done within a few, or on a slow store within thirty, unless
/// an operation of the store does not end.
pub const TIME_LIMIT: Duration = Duration::from_secs(120);

/// One promise of a store, as a test.
#[derive(Clone, Copy)]
pub struct Law {
    name: &'static str,
    run: for<'a> fn(&'a Subject) -> BoxFuture<'a, ()>,
}

/// The list of all laws: calls the macro of that name, with what follows, and the path of each law.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_law {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { [$($with)*]
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
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! table_of_laws {
    ([] $($group:ident::$law:ident)*) => {
        [$($crate::Law::new(stringify!($law), |subject| Box::pin($crate::$group::$law(subject)))),*]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! tests_of_laws {
    ([$subject:expr] $($group:ident::$law:ident)*) => {
        $(
            #[test]
            fn $law() {
                $crate::Law::new(stringify!($law), |subject| Box::pin($crate::$group::$law(subject)))
                    .run_as_test(async { $subject });
            }
        )*
    };
}

/// Has a test for each law in the module where it stands, named like the law, each on a [`Subject`](crate::Subject) of
/// its own.
///
/// The subject is given as an expression. Each test evaluates it on its runtime; it may await.
#[macro_export]
macro_rules! laws {
    ($subject:expr) => {
        $crate::for_each_law! { tests_of_laws $subject }
    };
}

/// All laws, in the order of the contract.
pub const LAWS: &[Law] = &crate::for_each_law!(table_of_laws);

impl Law {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, run: for<'a> fn(&'a Subject) -> BoxFuture<'a, ()>) -> Self {
        Self { name, run }
    }

    /// The law's name, which is that of its function in this crate.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether a store keeps this law. Runs it as a task of its own on the current runtime, which should be
    /// multi-threaded: races are closer there.
    ///
    /// # Errors
    ///
    /// When the store breaks the law, or does not answer within the time limit.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with timers.
    pub async fn check(&self, subject: Subject, time_limit: Duration) -> Result<(), Breach> {
        let run = self.run;
        let mut task = tokio::spawn(async move { run(&subject).await });
        let reason = match timeout(time_limit, &mut task).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => match error.try_into_panic() {
                Ok(panic) => Reason::Panic(panic),
                Err(_) => Reason::Cancelled,
            },
            Err(_) => {
                task.abort();
                Reason::NotDone(time_limit)
            }
        };
        Err(Breach { law: self.name, reason })
    }

    /// What the test of a law does: panics if the store breaks it.
    #[doc(hidden)]
    pub fn run_as_test(&self, subject: impl Future<Output = Subject>) {
        match self.run_apart(subject, TIME_LIMIT) {
            Ok(()) => {}
            // It has been reported where it happened.
            Err(Breach { reason: Reason::Panic(panic), .. }) => resume_unwind(panic),
            Err(breach) => panic!("{breach}"),
        }
    }

    /// Checks the law on a runtime of its own, and gives up on it even if the store blocks all threads of that.
    fn run_apart(&self, subject: impl Future<Output = Subject>, time_limit: Duration) -> Result<(), Breach> {
        // A few threads, whatever the machine has: writers on one thread would hardly race.
        let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build();
        let runtime = runtime.expect("the machine should be able to start a few threads");
        let subject = runtime.block_on(subject);
        let (law, (done, outcome)) = (*self, mpsc::channel());
        runtime.spawn(async move { done.send(law.check(subject, time_limit).await) });
        let outcome = outcome.recv_timeout(time_limit + Duration::from_secs(1));
        // Not dropped: that would wait for those threads.
        runtime.shutdown_background();
        outcome.unwrap_or(Err(Breach { law: self.name, reason: Reason::NotDone(time_limit) }))
    }
}

impl fmt::Debug for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Law").field(&self.name).finish()
    }
}

/// A store does not keep a law.
#[derive(Debug, thiserror::Error)]
#[error("the law {law} is broken: {reason}")]
pub struct Breach {
    law: &'static str,
    reason: Reason,
}

impl Breach {
    /// Whether the law was not done within its time limit: an operation of the store did not end, or took too long.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.reason, Reason::NotDone(_))
    }
}

#[derive(Debug)]
enum Reason {
    Panic(Box<dyn Any + Send>),
    NotDone(Duration),
    Cancelled,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic(panic) => {
                let message = panic.downcast_ref::<String>().map(String::as_str);
                let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
                f.write_str(message.unwrap_or("a panic without a message"))
            }
            Self::NotDone(limit) => write!(f, "not done after {limit:?}"),
            Self::Cancelled => f.write_str("the runtime was shut down meanwhile"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::ready, thread};

    use aws_event_sourcing_core::MemoryStore;

    use super::*;
    use crate::observe::side_by_side;

    const SHORT: Duration = Duration::from_millis(50);

    fn breach(time_limit: Duration, run: for<'a> fn(&'a Subject) -> BoxFuture<'a, ()>) -> Breach {
        let subject = ready(Subject::new(|| ready(MemoryStore::new())));
        Law::new("a_law", run).run_apart(subject, time_limit).expect_err("a broken law")
    }

    #[test]
    fn a_panic_breaks_a_law_and_says_why() {
        let breach = breach(TIME_LIMIT, |_| Box::pin(async { panic!("because of {}", 7) }));
        assert!(!breach.is_timeout());
        assert_eq!(breach.to_string(), "the law a_law is broken: because of 7");
    }

    #[test]
    fn a_store_that_does_not_answer_breaks_a_law() {
        let breach = breach(SHORT, |_| Box::pin(std::future::pending()));
        assert!(breach.is_timeout());
        assert_eq!(breach.to_string(), "the law a_law is broken: not done after 50ms");
    }

    #[test]
    fn a_store_that_blocks_all_threads_breaks_a_law() {
        let breach = breach(SHORT, |_| {
            Box::pin(async {
                side_by_side((0..8).map(|_| async { thread::sleep(Duration::from_secs(600)) })).await;
            })
        });
        assert!(breach.is_timeout());
    }

    #[test]
    fn laws_have_names_of_their_own() {
        let mut names: Vec<_> = LAWS.iter().map(Law::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), LAWS.len());
    }
}
