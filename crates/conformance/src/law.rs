//! [`Law`]: one promise of what a store implements, as a test. For runners other than [`laws!`](crate::laws) and its
//! like, which most stores use.

use std::{any::Any, fmt, panic::resume_unwind, sync::mpsc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::{runtime::Builder, time::timeout};

use crate::Subject;

/// How long a law may take: 120 seconds. Every one is done within a few, or on a slow store within thirty, unless
/// an operation of the store does not end.
pub const TIME_LIMIT: Duration = Duration::from_secs(120);

/// One promise, as a test of a subject of that type.
pub struct Law<S = Subject> {
    name: &'static str,
    run: Run<S>,
}

type Run<S> = for<'a> fn(&'a S) -> BoxFuture<'a, ()>;

#[doc(hidden)]
#[macro_export]
macro_rules! table_of_laws {
    ([] $family:ident: $($group:ident::$law:ident)*) => {
        [$($crate::Law::new(stringify!($law), |subject| Box::pin($crate::$family::$group::$law(subject)))),*]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! tests_of_laws {
    ([$subject:expr] $family:ident: $($group:ident::$law:ident)*) => {
        $(
            #[test]
            fn $law() {
                $crate::Law::new(stringify!($law), |subject| Box::pin($crate::$family::$group::$law(subject)))
                    .run_as_test(async { $subject });
            }
        )*
    };
}

impl<S: Send + Sync + 'static> Law<S> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, run: Run<S>) -> Self {
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
    pub async fn check(&self, subject: S, time_limit: Duration) -> Result<(), Breach> {
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
    pub fn run_as_test(&self, subject: impl Future<Output = S>) {
        match self.run_apart(subject, TIME_LIMIT) {
            Ok(()) => {}
            // It has been reported where it happened.
            Err(Breach { reason: Reason::Panic(panic), .. }) => resume_unwind(panic),
            Err(breach) => panic!("{breach}"),
        }
    }

    /// Checks the law on a runtime of its own, and gives up on it even if the store blocks all threads of that.
    fn run_apart(&self, subject: impl Future<Output = S>, time_limit: Duration) -> Result<(), Breach> {
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

impl<S> Clone for Law<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Law<S> {}

impl<S> fmt::Debug for Law<S> {
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
    use crate::{FEED_LAWS, LAWS, LEASE_LAWS, PROGRESS_LAWS, observe::side_by_side};

    const SHORT: Duration = Duration::from_millis(50);

    fn breach(time_limit: Duration, run: Run<Subject>) -> Breach {
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
        fn assert_different<S: Send + Sync + 'static>(laws: &[Law<S>]) {
            let mut names: Vec<_> = laws.iter().map(Law::name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), laws.len());
        }

        assert_different(LAWS);
        assert_different(PROGRESS_LAWS);
        assert_different(FEED_LAWS);
        assert_different(LEASE_LAWS);
    }
}
