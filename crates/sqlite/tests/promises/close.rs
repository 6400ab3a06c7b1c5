//! A store that is closed in good order leaves one file. One that is dropped stores what it has begun.

use std::fs;

use aws_event_sourcing_core::{AppendError, Appended, EventStore as _, StoreError, StoreErrorKind};
use futures_util::{FutureExt as _, StreamExt as _, future::join_all};

use crate::support::{commit, files, folder, open, read, resource, store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_store_leaves_one_file() {
    let (folder, file) = folder();
    let (opened, account) = (open(&file), resource());
    for number in 1..=100 {
        store(&opened, &commit(&account, number, 1)).await;
    }
    assert_eq!(read(&opened, &account).await.len(), 100);
    assert!(files(folder.path()).len() > 1, "a log and its index");
    opened.close().await.expect("closed");
    assert_eq!(Vec::from_iter(files(folder.path()).into_keys()), ["events.db"]);

    let opened = open(&file);
    assert_eq!(read(&opened, &account).await.len(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_beside_a_close_is_stored_or_refused() {
    let (folder, file) = folder();
    let (opened, account) = (open(&file), resource());
    store(&opened, &commit(&account, 1, 1)).await;
    let appends: Vec<_> = (0..200).map(|_| commit(&resource(), 1, 2)).collect();
    let tasks = appends.iter().cloned().map(|commit| {
        let opened = opened.clone();
        tokio::spawn(async move { opened.append(&commit).await })
    });
    let tasks: Vec<_> = tasks.collect();
    opened.close().await.expect("closed");
    let outcomes = join_all(tasks).await;
    assert_eq!(files(folder.path()).len(), 1);

    let reopened = open(&file);
    for (commit, outcome) in appends.iter().zip(outcomes) {
        let stored = read(&reopened, &commit.resource).await;
        match outcome.expect("no panic") {
            Ok(Appended::Now) => assert_eq!(&stored, std::slice::from_ref(commit)),
            Err(AppendError::Store(error)) if error.kind() == StoreErrorKind::Unavailable => {
                assert_eq!(stored, []);
            }
            outcome => panic!("{outcome:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_store_refuses_everything() {
    let (folder, file) = folder();
    let (opened, account) = (open(&file), resource());
    for number in 1..=5_000 {
        store(&opened, &commit(&account, number, 1)).await;
    }
    let mut half_read = opened.read(&account, 0);
    half_read.next().await.expect("a commit").expect("a commit");
    let (clone, same) = (opened.clone(), opened.clone());
    tokio::join!(async { opened.close().await.expect("closed") }, async {
        same.close().await.expect("closed");
    });
    opened.close().await.expect("closed already");

    let unavailable = |error: &StoreError| assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    match clone.append(&commit(&account, 5_001, 1)).await {
        Err(AppendError::Store(error)) => unavailable(&error),
        outcome => panic!("{outcome:?}"),
    }
    unavailable(&clone.list(&account.resource_type, 1, None).await.expect_err("closed"));
    for mut stream in [clone.read(&account, 0), clone.scan(&account.resource_type).remove(0)] {
        unavailable(&stream.next().await.expect("an error").expect_err("closed"));
        assert!(stream.next().await.is_none(), "a stream ends after an error");
    }
    let rest: Vec<_> = half_read.collect().await;
    let (last, read) = rest.split_last().expect("an error");
    unavailable(last.as_ref().expect_err("closed"));
    assert!(read.iter().all(Result::is_ok) && read.len() < 4_999);
    assert_eq!(files(folder.path()).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_store_is_closed_in_the_background() {
    let (folder, file) = folder();
    let (opened, account) = (open(&file), resource());
    for number in 1..=300 {
        store(&opened, &commit(&account, number, 1)).await;
    }
    let stream = opened.read(&account, 0);
    drop(opened);
    // What it has given out keeps it open.
    assert_eq!(stream.count().await, 300);
    // Nobody can wait for what happens in the background but by looking.
    while fs::read_dir(folder.path()).expect("a folder").count() > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_appends_are_stored_whole_or_not_at_all() {
    let (folder, file) = folder();
    let opened = open(&file);
    let commits: Vec<_> = (0..2_000).map(|index| commit(&resource(), 1, 1 + index % 3)).collect();
    let mut dropped = 0;
    for chunk in commits.chunks(100) {
        let mut appends: Vec<_> = chunk.iter().map(|commit| opened.append(commit)).collect();
        for append in &mut appends {
            dropped += usize::from(append.now_or_never().is_none());
        }
        // Now they wait in the queue, or are being written.
    }
    assert!(dropped > 0, "some were dropped half-way");
    // The store works on, and has lost nobody's connection or place in the queue.
    store(&opened, &commit(&resource(), 1, 1)).await;
    opened.close().await.expect("closed");
    assert_eq!(files(folder.path()).len(), 1);

    let reopened = open(&file);
    for commit in commits {
        let stored = read(&reopened, &commit.resource).await;
        assert!(stored.is_empty() || stored == [commit]);
    }
}
