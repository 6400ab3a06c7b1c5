//! Law 6, **recognised**: a commit that is already there is recognised by its number and commit id.

use aws_event_sourcing_core::{AppendError, Appended, Commit, TraceParent};

use crate::{
    Subject,
    compare::name,
    observe::{append, assert_history, explain, grow, lose, plan, side_by_side, store},
    sample,
    subject::Store,
};

/// An append that is repeated, because its answer was lost, succeeds and writes nothing.
pub async fn a_repeated_append_is_recognised(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("repeated").await);
    let planned = plan(&resource, [1, 1, 3, 2, 1]);
    for (index, commit) in planned.iter().enumerate() {
        store(&handle, commit).await;
        for _ in 0..3 {
            assert_recognised(&handle, commit).await;
        }
        assert_history(&handle, &resource, &planned[..=index]).await;
    }
}

/// A repeated append is recognised, however many commits came after it.
pub async fn a_repeated_append_is_recognised_however_late(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("repeated-late").await);
    let written = grow(&handle, &resource, (0..300).map(|index| if index % 50 == 7 { 4 } else { 1 })).await;
    for commit in &written {
        assert_recognised(&handle, commit).await;
    }
    assert_history(&handle, &resource, &written).await;
}

/// Appends of one and the same commit at the same time, through several handles: one stores it, the others find it
/// stored.
pub async fn a_commit_appended_many_times_at_once_is_stored_once(subject: &Subject) {
    let handles = [subject.open().await, subject.open().await];
    let resource = sample::resource(&subject.resource_type("repeated-at-once").await);
    let planned = plan(&resource, (0..30).map(|round| round % 3 + 1));
    for (round, commit) in planned.iter().enumerate() {
        let appends = (0..16).map(|index| {
            let (handle, commit) = (handles[index % 2].clone(), commit.clone());
            async move { append(&handle, &commit).await }
        });
        let appended = side_by_side(appends).await;
        let now = appended.iter().filter(|appended| **appended == Appended::Now).count();
        assert_eq!(now, 1, "of 16 appends of one commit, one should be told that it was stored now");
        assert_history(&handles[round % 2], &resource, &planned[..=round]).await;
    }
}

/// The same in a race: all appends of the winner succeed, and none of anybody else's.
pub async fn the_winner_of_a_race_is_recognised(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("repeated-race").await);
    let mut winners: Vec<Commit> = Vec::new();
    for round in 0..30 {
        let number = winners.last().map_or(0, Commit::last_number) + 1;
        let rivals: Vec<_> =
            (0..6).map(|rival| sample::commit(&resource, number, (rival + round) % 3 + 1)).collect();
        let outcomes = side_by_side((0..24).map(|index| {
            let (handle, commit) = (handle.clone(), rivals[index % rivals.len()].clone());
            async move {
                match handle.append(&commit).await {
                    Ok(appended) => Some((commit, appended)),
                    Err(AppendError::Conflict(_)) => None,
                    Err(AppendError::Store(error)) => {
                        panic!("an append failed in a race: {}", explain(&error))
                    }
                }
            }
        }))
        .await;
        let (winning, appended): (Vec<_>, Vec<_>) = outcomes.into_iter().flatten().unzip();
        let now = appended.iter().filter(|appended| **appended == Appended::Now).count();
        let winner = winning.first().expect("somebody should win a race").clone();
        assert!(winning.iter().all(|commit| commit.id == winner.id), "a race has two winners");
        assert_eq!(
            (now, winning.len()),
            (1, 4),
            "how many of the winner's 4 appends stored it, and succeeded"
        );
        winners.push(winner);
    }
    assert_history(&handle, &resource, &winners).await;
}

/// Number and commit id are what a commit is recognised by, and nothing else: the first one stays as it was written.
pub async fn the_first_of_two_commits_with_one_id_stays(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("same-id").await);
    let written = grow(&handle, &resource, [1, 2, 1]).await;
    for first in &written {
        for events in [1, 2, 3] {
            let again = Commit {
                id: first.id.clone(),
                at: sample::time(86_400_000),
                trace: Some(TraceParent::new_root(sample::time(0))),
                ..sample::commit(&resource, first.number, events)
            };
            assert_recognised(&handle, &again).await;
        }
    }
    assert_history(&handle, &resource, &written).await;
}

/// Another commit's number stays taken, also for a commit whose id is that of yet another commit of the resource.
pub async fn a_commit_id_counts_for_its_own_number_only(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("other-number").await);
    let written = grow(&handle, &resource, [1, 1, 2, 1]).await;
    for in_the_way in &written {
        for other in written.iter().filter(|other| other.id != in_the_way.id) {
            let foreign = Commit { id: other.id.clone(), ..sample::commit(&resource, in_the_way.number, 1) };
            lose(&handle, &foreign, in_the_way).await;
        }
    }
    assert_history(&handle, &resource, &written).await;
}

/// A commit id tells commits of one resource apart. That another resource has it too means nothing.
pub async fn a_commit_id_counts_for_its_own_resource_only(subject: &Subject) {
    let handle = subject.open().await;
    let (one_type, other_type) = (subject.resource_type("own").await, subject.resource_type("own").await);
    let (one, other) = (sample::resource(&one_type), sample::resource(&one_type));
    let namesake = aws_event_sourcing_core::ResourceKey::new(other_type, one.id.clone());
    let written = grow(&handle, &one, [1, 2, 1]).await;
    for resource in [&other, &namesake] {
        let mut same_ids = plan(resource, [1, 2, 1]);
        for (commit, written) in same_ids.iter_mut().zip(&written) {
            commit.id = written.id.clone();
            store(&handle, commit).await;
        }
        assert_history(&handle, resource, &same_ids).await;
    }
    assert_history(&handle, &one, &written).await;
}

async fn assert_recognised(handle: &Store, commit: &Commit) {
    let appended = append(handle, commit).await;
    assert_eq!(appended, Appended::Before, "{} had been stored before", name(commit));
}
