//! Law 3, **one winner**: of any number of appends of one number, exactly one is stored.

use std::{slice::from_ref, sync::Arc};

use aws_event_sourcing_core::{AppendError, Appended, Commit, ResourceKey};
use tokio::sync::Barrier;

use crate::{
    Subject,
    observe::{append, assert_history, assert_in_the_way, explain, grow, lose, side_by_side, store},
    sample,
    subject::Store,
};

const WRITERS: usize = 32;
const ROUNDS: usize = 50;

/// Writers that race for the same number have one winner, round after round, and the history is what the winners wrote.
pub async fn one_winner_of_every_race(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("race").await);
    let mut winners: Vec<Commit> = Vec::new();
    for _ in 0..ROUNDS {
        winners.push(race(from_ref(&handle), &resource, next(&winners), |_| 1).await);
    }
    assert_history(&handle, &resource, &winners).await;
}

/// The same for commits of several events, and of different numbers of them.
pub async fn one_winner_of_every_race_of_many_events(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("race-of-many").await);
    let mut winners: Vec<Commit> = Vec::new();
    for round in 0..ROUNDS {
        winners.push(
            race(from_ref(&handle), &resource, next(&winners), |writer| (writer + round) % 5 + 1).await,
        );
    }
    assert_history(&handle, &resource, &winners).await;
}

/// The same when the writers have different handles, as in different processes.
pub async fn one_winner_of_every_race_across_handles(subject: &Subject) {
    let handles = [subject.open().await, subject.open().await, subject.open().await];
    let resource = sample::resource(&subject.resource_type("race-across").await);
    let mut winners: Vec<Commit> = Vec::new();
    for round in 0..ROUNDS {
        winners.push(race(&handles, &resource, next(&winners), |writer| (writer + round) % 2 + 1).await);
        assert_history(&handles[round % 3], &resource, &winners).await;
    }
}

/// The same for the first commit of a resource: it is created once.
pub async fn one_winner_of_every_race_to_create(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("race-to-create").await;
    for _ in 0..ROUNDS {
        let resource = sample::resource(&resource_type);
        let winner = race(from_ref(&handle), &resource, 1, |writer| writer % 2 + 1).await;
        assert_history(&handle, &resource, &[winner]).await;
    }
}

/// A writer that is far behind meets a conflict, and if that names a commit, it is the one with that number.
pub async fn a_late_writer_meets_a_conflict(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("late").await);
    let written = grow(&handle, &resource, [1, 2, 1, 5, 1, 1]).await;
    for in_the_way in &written {
        for events in [1, 4] {
            lose(&handle, &sample::commit(&resource, in_the_way.number, events), in_the_way).await;
        }
    }
    assert_history(&handle, &resource, &written).await;
}

/// Writers of different resources are in nobody's way.
pub async fn many_resources_are_written_side_by_side(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("side-by-side").await;
    side_by_side((0..64).map(|_| {
        let (handle, resource) = (handle.clone(), sample::resource(&resource_type));
        async move {
            let written = grow(&handle, &resource, [1, 2, 1, 1, 3, 1, 1, 1]).await;
            assert_history(&handle, &resource, &written).await;
        }
    }))
    .await;
}

/// Losing a race for one resource does nothing to the appends of others under way at the same time.
pub async fn a_conflict_is_of_one_resource_only(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("one-only").await;
    let contended = sample::resource(&resource_type);
    let first = grow(&handle, &contended, [1]).await;
    let others: Vec<_> = (0..100).map(|_| sample::commit(&sample::resource(&resource_type), 1, 2)).collect();
    side_by_side(others.iter().cloned().map(|other| {
        let (handle, first, loser) = (handle.clone(), first[0].clone(), sample::commit(&contended, 1, 2));
        async move {
            futures_util::future::join(lose(&handle, &loser, &first), store(&handle, &other)).await;
        }
    }))
    .await;
    assert_history(&handle, &contended, &first).await;
    for other in others {
        assert_eq!(
            append(&handle, &other).await,
            Appended::Before,
            "an append beside a conflict should be stored"
        );
        assert_history(&handle, &other.resource.clone(), &[other]).await;
    }
}

fn next(winners: &[Commit]) -> u64 {
    winners.last().map_or(0, Commit::last_number) + 1
}

/// Has many writers append that number at once, each `events(writer)` events, and gives what the winner wrote.
async fn race(
    handles: &[Store],
    resource: &ResourceKey,
    number: u64,
    events: impl Fn(usize) -> usize,
) -> Commit {
    let start = Arc::new(Barrier::new(WRITERS));
    let outcomes = side_by_side((0..WRITERS).map(|writer| {
        let (handle, start) = (handles[writer % handles.len()].clone(), start.clone());
        let commit = sample::commit(resource, number, events(writer));
        async move {
            start.wait().await;
            let outcome = handle.append(&commit).await;
            (commit, outcome)
        }
    }))
    .await;
    let (mut winners, mut in_the_way) = (Vec::new(), Vec::new());
    for (commit, outcome) in outcomes {
        match outcome {
            Ok(Appended::Now) => winners.push(commit),
            Ok(Appended::Before) => {
                panic!("a commit that nobody has written before was taken for one that is there")
            }
            Err(AppendError::Conflict(commit)) => in_the_way.extend(commit),
            Err(AppendError::Store(error)) => panic!("an append failed in a race: {}", explain(&error)),
        }
    }
    assert_eq!(winners.len(), 1, "of {WRITERS} appends of number {number}, one should be stored");
    for commit in in_the_way {
        assert_in_the_way(&winners[0], Some(&commit));
    }
    winners.swap_remove(0)
}
