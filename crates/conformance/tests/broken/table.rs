//! [`broken!`]: which laws a broken store must break.

use std::{collections::BTreeSet, time::Duration};

use aws_event_sourcing_conformance::{Breach, Law, TIME_LIMIT};

/// Of a list of laws, for each broken store those that it must break, or at which it must hang: one test each, and one row
/// of a table, in which each law must be.
macro_rules! broken {
    ($laws:expr; $($name:ident: $subject:expr => $how:ident $($law:ident)+;)*) => {
        const TABLE: &[(&str, &[&str])] = &[$((stringify!($name), &[$(stringify!($law)),+])),*];

        $(
            #[test]
            fn $name() {
                crate::table::$how($laws, || $subject, &[$(stringify!($law)),+]);
            }
        )*

        #[test]
        fn no_law_is_unable_to_fail() {
            crate::table::assert_each_is_broken($laws, TABLE);
        }
    };
}

pub(crate) fn assert_each_is_broken<S: Send + Sync + 'static>(laws: &[Law<S>], table: &[(&str, &[&str])]) {
    let names: BTreeSet<_> = laws.iter().map(Law::name).collect();
    let broken: BTreeSet<_> = table.iter().flat_map(|(_, laws)| laws.iter().copied()).collect();
    assert_eq!(broken, names, "left: the laws that a broken store breaks; right: all laws");
    assert_eq!(names.len(), laws.len(), "two laws have one name");
}

pub(crate) fn breaks<S: Send + Sync + 'static>(laws: &[Law<S>], subject: impl Fn() -> S, broken: &[&str]) {
    for law in broken {
        let breach = check(laws, &subject, law, TIME_LIMIT).expect_err(law);
        assert!(!breach.is_timeout(), "{breach}");
    }
}

pub(crate) fn hangs<S: Send + Sync + 'static>(laws: &[Law<S>], subject: impl Fn() -> S, broken: &[&str]) {
    for law in broken {
        let breach = check(laws, &subject, law, Duration::from_secs(3)).expect_err(law);
        assert!(breach.is_timeout(), "{breach}");
    }
}

/// On a thread pool of its own, whose output belongs to this test: nobody wants to see what is meant to fail.
pub(crate) fn check<S: Send + Sync + 'static>(
    laws: &[Law<S>],
    subject: &impl Fn() -> S,
    law: &str,
    time_limit: Duration,
) -> Result<(), Breach> {
    let law = laws.iter().find(|other| other.name() == law).expect(law);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build();
    let runtime = runtime.expect("a few threads");
    let outcome = runtime.block_on(async { law.check(subject(), time_limit).await });
    runtime.shutdown_background();
    outcome
}
