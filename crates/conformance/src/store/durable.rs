//! Law 4, **durable**: what is acknowledged is there, at once, for every handle, and for those who open the store
//! later. What a crash leaves behind needs a process that is killed: the store's own tests see to that.

use std::{slice::from_ref, sync::Arc};

use aws_event_sourcing_core::{Appended, Commit};
use tokio::sync::Barrier;

use crate::{
    Subject,
    compare::assert_same,
    observe::{append, assert_history, grow, lose, page, read, scan, side_by_side, store, walk},
    sample,
};

/// An acknowledged commit is in the very next read, list and scan.
pub async fn an_acknowledged_commit_is_read_at_once(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("at-once").await;
    let resource = sample::resource(&resource_type);
    let mut written: Vec<Commit> = Vec::new();
    for number in 1..=100 {
        let next = sample::commit(&resource, number, 1);
        store(&handle, &next).await;
        written.push(next);
        assert_same(
            "what is read at once",
            &written[written.len() - 1..],
            &read(&handle, &resource, number - 1).await,
        );
    }
    assert_history(&handle, &resource, &written).await;
    for created in 1..=20 {
        grow(&handle, &sample::resource(&resource_type), [1]).await;
        let listed = page(&handle, &resource_type, 100, None).await.ids.len();
        let scanned = scan(&handle, &resource_type).await.concat().len();
        assert_eq!(
            (listed, scanned),
            (created + 1, created + 100),
            "what is listed and what is scanned at once"
        );
    }
}

/// What one handle was told is stored, every other one reads; and they can go on from there.
pub async fn what_one_handle_writes_every_other_one_reads(subject: &Subject) {
    let handles = [subject.open().await, subject.open().await, subject.open().await];
    let resource_type = subject.resource_type("handles").await;
    let resource = sample::resource(&resource_type);
    let mut written: Vec<Commit> = Vec::new();
    for round in 0..60 {
        let writer = &handles[round % 3];
        let next =
            sample::commit(&resource, written.last().map_or(0, Commit::last_number) + 1, round % 2 + 1);
        store(writer, &next).await;
        written.push(next);
        for handle in &handles {
            assert_history(handle, &resource, &written).await;
        }
        let rival = sample::commit(&resource, written[round].number, 1);
        lose(&handles[(round + 1) % 3], &rival, &written[round]).await;
        assert_eq!(append(&handles[(round + 2) % 3], &written[round]).await, Appended::Before);
    }
    for handle in &handles {
        assert_same("what a scan gives", &written, &scan(handle, &resource_type).await.concat());
        assert_eq!(walk(handle, &resource_type, 1).await, from_ref(&resource.id), "the list");
    }
}

/// When all handles are gone and the store is opened again, everything is there, and the history goes on.
pub async fn what_is_stored_is_there_when_the_store_is_opened_again(subject: &Subject) {
    let resource_type = subject.resource_type("again").await;
    let (one, other) = (sample::resource(&resource_type), sample::resource(&resource_type));
    let mut written: Vec<Commit> = Vec::new();
    for round in 0..5 {
        let handle = subject.open().await;
        assert_history(&handle, &one, &written).await;
        for commit in &written {
            assert_eq!(
                append(&handle, commit).await,
                Appended::Before,
                "an append after the store was opened again"
            );
        }
        if round == 0 {
            grow(&handle, &other, [2, 1]).await;
        }
        for events in [1, 3, 1] {
            let number = written.last().map_or(0, Commit::last_number) + 1;
            written.push(sample::commit(&one, number, events));
            store(&handle, &written[written.len() - 1]).await;
        }
    }
    let handle = subject.open().await;
    assert_history(&handle, &one, &written).await;
    let mut listed = walk(&handle, &resource_type, 1).await;
    listed.sort();
    let mut expected = [one.id, other.id];
    expected.sort();
    assert_eq!(listed, expected, "the list");
    assert_eq!(
        scan(&handle, &resource_type).await.concat().len(),
        written.len() + 2,
        "the commits of a scan"
    );
}

/// A store may be opened by several at the same moment, the first time too.
pub async fn handles_may_be_opened_at_the_same_moment(subject: &Subject) {
    let resource_type = subject.resource_type("opened").await;
    let start = Arc::new(Barrier::new(8));
    let handles = side_by_side((0..8).map(|_| {
        let (subject, start) = (subject.clone(), start.clone());
        async move {
            start.wait().await;
            subject.open().await
        }
    }))
    .await;
    let resources: Vec<_> = handles.iter().map(|_| sample::resource(&resource_type)).collect();
    let histories = side_by_side(
        handles
            .iter()
            .cloned()
            .zip(resources.clone())
            .map(|(handle, resource)| async move { grow(&handle, &resource, [1, 2, 1, 1]).await }),
    )
    .await;
    for (resource, written) in resources.iter().zip(&histories) {
        for handle in &handles {
            assert_history(handle, resource, written).await;
        }
    }
}
