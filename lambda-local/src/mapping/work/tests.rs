//! What happens to a batch next, rule by rule.

use std::time::UNIX_EPOCH;

use super::*;
use crate::Backoff;

/// Records that were made in these seconds, and are called after them.
fn records(seconds: impl IntoIterator<Item = u64>) -> Vec<Record> {
    let record = |second: u64| Record {
        sequence_number: second.to_string(),
        made: UNIX_EPOCH + Duration::from_secs(second),
        json: String::new(),
    };
    seconds.into_iter().map(record).collect()
}

fn numbers(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.sequence_number.parse().expect("a number")).collect()
}

/// The numbers of what was given up, why, and how often the function was called with it.
type Lost = (Vec<u64>, Condition, u32);

/// Does all that is to be done with records 1 to 8, at the time 10. The function fails as it is told by the numbers that
/// it is called with. Gives the calls, and what was given up.
fn run(settings: &Settings, mut function: impl FnMut(&[u64]) -> Outcome) -> (Vec<Vec<u64>>, Vec<Lost>) {
    let mut work = Work::new(records(1..=8));
    let (mut calls, mut given_up) = (Vec::new(), Vec::new());
    let now = UNIX_EPOCH + Duration::from_secs(10);
    while let Some(step) = work.next(settings, now) {
        match step {
            Step::Call(records) => {
                let called = numbers(records);
                let outcome = function(&called);
                calls.push(called);
                work.note(settings, outcome);
            }
            Step::GiveUp(records) => {
                given_up.push((numbers(&records.records), records.condition, records.calls));
            }
        }
        assert!(calls.len() < 1000, "it has no end");
    }
    (calls, given_up)
}

fn retries(retries: u32) -> Settings {
    Settings { retries: Some(retries), ..Settings::default() }
}

#[test]
fn what_was_handled_is_done() {
    let (calls, given_up) = run(&retries(3), |_| Outcome::Handled);
    assert_eq!(calls, [(1..=8).collect::<Vec<_>>()]);
    assert!(given_up.is_empty());
}

#[test]
fn a_failed_batch_is_tried_again_as_often_as_it_may_and_then_given_up() {
    for most in [0, 1, 5] {
        let (calls, given_up) = run(&retries(most), |_| Outcome::Failed);
        assert_eq!(calls, vec![(1..=8).collect::<Vec<_>>(); most as usize + 1]);
        assert_eq!(given_up, [((1..=8).collect(), Condition::RetriesExhausted, most + 1)]);
    }
}

#[test]
fn without_a_bound_it_is_tried_for_ever() {
    let mut left = 500;
    let (calls, given_up) = run(&Settings::default(), |_| {
        left -= 1;
        if left == 0 { Outcome::Handled } else { Outcome::Failed }
    });
    assert_eq!((calls.len(), given_up.len()), (500, 0));
}

#[test]
fn everything_from_the_reported_record_on_comes_again() {
    let mut failed = false;
    let (calls, given_up) = run(&retries(3), |_| {
        let outcome = if failed { Outcome::Handled } else { Outcome::FailedFrom(5) };
        failed = true;
        outcome
    });
    assert_eq!(calls, [vec![1, 2, 3, 4, 5, 6, 7, 8], vec![6, 7, 8]]);
    assert!(given_up.is_empty());
}

#[test]
fn a_record_is_tried_as_often_as_it_may_whatever_came_before_it() {
    // Each call handles one record, but for number 3, which is never handled.
    let handle_one = |called: &[u64]| match called {
        [3, ..] => Outcome::FailedFrom(0),
        [_] => Outcome::Handled,
        _ => Outcome::FailedFrom(1),
    };
    let (calls, given_up) = run(&retries(2), handle_one);
    let tried = |number| calls.iter().filter(|call| call[0] == number).count();
    // Number 3 was part of the call that failed at it, too.
    assert_eq!((tried(1), tried(2), tried(3)), (1, 1, 2));
    assert_eq!(given_up, [((3..=8).collect(), Condition::RetriesExhausted, 4)]);
}

#[test]
fn a_failed_batch_is_split_until_the_record_is_found_and_the_others_are_handled_in_order() {
    let settings = Settings { bisects: true, ..retries(2) };
    let mut handled = Vec::new();
    let (calls, given_up) = run(&settings, |called| {
        if called.contains(&6) {
            return Outcome::Failed;
        }
        handled.extend_from_slice(called);
        Outcome::Handled
    });
    let whole: Vec<u64> = (1..=8).collect();
    assert_eq!(
        calls,
        [&whole[..], &[1, 2, 3, 4], &[5, 6, 7, 8], &[5, 6], &[5], &[6], &[6], &[6], &[7, 8]],
        "splitting is no retry, and the record alone is retried twice"
    );
    assert_eq!(given_up.len(), 1);
    assert_eq!((&given_up[0].0, given_up[0].1), (&vec![6], Condition::RetriesExhausted));
    assert_eq!(handled, [1, 2, 3, 4, 5, 7, 8]);
}

#[test]
fn with_bisecting_a_reported_failure_splits_at_the_record() {
    let settings = Settings { bisects: true, ..retries(1) };
    let (calls, given_up) = run(&settings, |called| match called.iter().position(|number| *number == 4) {
        Some(place) => Outcome::FailedFrom(place),
        None => Outcome::Handled,
    });
    let rest: Vec<u64> = (4..=8).collect();
    assert_eq!(calls, [(1..=8).collect(), rest.clone(), rest.clone()]);
    assert_eq!(given_up, [(rest, Condition::RetriesExhausted, 3)]);
}

#[test]
fn what_has_become_too_old_is_given_up_and_the_rest_is_handed_over() {
    let settings = Settings { record_age: Some(Duration::from_secs(6)), ..retries(3) };
    let (calls, given_up) = run(&settings, |_| Outcome::Handled);
    assert_eq!(calls, [(4..=8).collect::<Vec<_>>()]);
    assert_eq!(given_up, [((1..=3).collect(), Condition::TooOld, 0)]);
}

#[test]
fn a_batch_is_given_up_while_it_is_retried_when_it_becomes_too_old() {
    let settings = Settings { record_age: Some(Duration::from_secs(60)), ..Settings::default() };
    let mut work = Work::new(records([100, 101]));
    let at = |second| UNIX_EPOCH + Duration::from_secs(second);
    assert!(matches!(work.next(&settings, at(150)), Some(Step::Call(_))));
    work.note(&settings, Outcome::Failed);
    let Some(Step::GiveUp(given_up)) = work.next(&settings, at(162)) else { panic!("they are too old") };
    assert_eq!((numbers(&given_up.records), given_up.condition), (vec![100, 101], Condition::TooOld));
    assert_eq!((given_up.calls, given_up.last), (1, Some(Outcome::Failed)));
    assert_eq!(work.next(&settings, at(162)), None);
}

#[test]
fn retries_wait_longer_and_longer_and_splits_do_not_wait() {
    let backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(60) };
    let settings = Settings { backoff, bisects: true, ..Settings::default() };
    let mut work = Work::new(records([1, 2]));
    assert_eq!(work.note(&settings, Outcome::Failed), Duration::ZERO, "it is split");
    let pauses = [(); 3].map(|()| work.note(&settings, Outcome::Failed).as_secs());
    assert_eq!(pauses, [1, 2, 4]);
    assert_eq!(work.note(&settings, Outcome::Handled), Duration::ZERO);
    assert_eq!(work.note(&settings, Outcome::Failed).as_secs(), 1, "the other half begins anew");
}
