//! Law 2, **all or nothing**, for callers that go away: a future may be dropped at any point.

use std::{slice::from_ref, sync::Arc, time::Duration};

use aws_event_sourcing_core::{Appended, Commit};
use futures_util::StreamExt as _;

use crate::{
    Subject,
    compare::assert_same,
    observe::{append, assert_history, drop_after_polls, grow, read, scan, side_by_side, store, walk},
    sample,
    subject::Store,
};

/// An append that is dropped after a few polls, or before the first, has stored the whole commit, or nothing.
/// Appending it again stores it, or finds it stored; and the history goes on.
pub async fn an_append_dropped_between_polls_leaves_all_or_nothing(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("dropped").await;
    side_by_side((0..120).map(|index| {
        let (handle, resource) = (handle.clone(), sample::resource(&resource_type));
        async move {
            let mut written = grow(&handle, &resource, [1; 2].into_iter().take(index % 3)).await;
            let commit = sample::commit(&resource, written.len() as u64 + 1, 5);
            drop_after_polls(handle.append(&commit), index % 5).await;
            assert_whole_or_absent(&handle, &mut written, commit).await;
        }
    }))
    .await;
}

/// The same for an append that is dropped after a short while, as a request's time limit does.
pub async fn an_append_dropped_by_a_time_limit_leaves_all_or_nothing(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("timed-out").await;
    side_by_side((0..120).map(|index| {
        let (handle, resource) = (handle.clone(), sample::resource(&resource_type));
        async move {
            let mut written = grow(&handle, &resource, [1; 2].into_iter().take(index % 3)).await;
            let commit = sample::commit(&resource, written.len() as u64 + 1, 5);
            let limit = Duration::from_micros(fastrand::u64(..3_000));
            // Whether it was in time does not matter: what is there afterwards does.
            drop(tokio::time::timeout(limit, handle.append(&commit)).await);
            assert_whole_or_absent(&handle, &mut written, commit).await;
        }
    }))
    .await;
}

/// The same for a task that is aborted, wherever it is.
pub async fn an_append_on_an_aborted_task_leaves_all_or_nothing(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("aborted").await;
    side_by_side((0..120).map(|index| {
        let (handle, resource) = (handle.clone(), sample::resource(&resource_type));
        async move {
            let commit = Arc::new(sample::commit(&resource, 1, 5));
            let task = {
                let (handle, commit) = (handle.clone(), commit.clone());
                tokio::spawn(async move { drop(handle.append(&commit).await) })
            };
            // Before it has begun, just after, or somewhere on its way.
            match index % 3 {
                0 => {}
                1 => tokio::task::yield_now().await,
                _ => tokio::time::sleep(Duration::from_micros(fastrand::u64(..3_000))).await,
            }
            task.abort();
            drop(task.await);
            assert_whole_or_absent(&handle, &mut Vec::new(), Arc::unwrap_or_clone(commit)).await;
        }
    }))
    .await;
}

/// Reads, scans and lists that are dropped half-way leave a store that works.
pub async fn reads_dropped_half_way_leave_a_store_that_works(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("half-read").await;
    let resource = sample::resource(&resource_type);
    let mut written = grow(&handle, &resource, [1; 300]).await;
    for round in 0..60 {
        drop(handle.read(&resource, 0));
        drop(handle.read(&resource, 0).take(round * 3).collect::<Vec<_>>().await);
        drop_after_polls(handle.read(&resource, 0).collect::<Vec<_>>(), round % 4).await;
        for scan in handle.scan(&resource_type) {
            drop(scan.take(round).collect::<Vec<_>>().await);
        }
        drop(handle.scan(&resource_type));
        drop_after_polls(handle.list(&resource_type, 10, None), round % 3).await;
    }
    let next = sample::commit(&resource, 301, 1);
    store(&handle, &next).await;
    written.push(next);
    assert_history(&handle, &resource, &written).await;
    assert_same("what a scan gives", &written, &scan(&handle, &resource_type).await.concat());
    assert_eq!(walk(&handle, &resource_type, 10).await, [resource.id], "the list");
}

/// Looks for a commit whose append was dropped: it is there as a whole or not at all, can be appended once, and the
/// history goes on behind it.
async fn assert_whole_or_absent(handle: &Store, written: &mut Vec<Commit>, commit: Commit) {
    let resource = commit.resource.clone();
    let found = read(handle, &resource, written.len() as u64).await;
    let there = !found.is_empty();
    if there {
        assert_same("what a dropped append left", from_ref(&commit), &found);
    }
    let again = append(handle, &commit).await;
    assert!(!there || again == Appended::Before, "a commit that was there already was stored a second time");
    assert_eq!(append(handle, &commit).await, Appended::Before, "the third append of one commit");
    let next = sample::commit(&resource, commit.last_number() + 1, 1);
    written.extend([commit, next]);
    store(handle, &written[written.len() - 1]).await;
    assert_history(handle, &resource, written).await;
}
