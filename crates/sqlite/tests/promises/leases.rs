//! One process at a time follows the file for a subscription: for as long as it lives and does not stand still, and then
//! another one does. Who that is can be seen.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use aws_event_sourcing_core::{
    Clock as _, StoreError, SystemClock,
    subscription::{Feed as _, Part, Progress, ProgressStore as _, Start, SubscriptionKey},
};
use aws_event_sourcing_sqlite::SqliteStore;
use futures_util::{StreamExt as _, stream::BoxStream};
use rusqlite::Connection;
use tokio::time::{sleep, timeout};

use crate::{
    peer::{Peer, part, program, ready, say},
    support::{commit, explain, folder, open, resource, store},
};

/// How long a process may stand still, as the documentation says.
const LEASE: Duration = Duration::from_secs(10);

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(60);

type Parts = BoxStream<'static, Result<Part, StoreError>>;

async fn follow(store: &SqliteStore) -> Parts {
    let key = SubscriptionKey::new("reorders", "account");
    let registration = store.register(&key, Start::Beginning, SystemClock.now()).await.expect("registered");
    store.follow(&key, &registration)
}

async fn next(parts: &mut Parts) -> Part {
    timeout(PATIENCE, parts.next()).await.expect("in time").expect("parts never end").expect("a part")
}

fn locks(folder: &Path) -> Vec<fs::DirEntry> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "lock")).collect()
}

#[tokio::test]
async fn a_process_that_answers_keeps_what_it_follows_and_writes_nothing_while_nobody_asks() {
    let (folder, file) = folder();
    let (first, second, third) = (open(&file), open(&file), open(&file));
    let mut following = follow(&first).await;
    let part = next(&mut following).await;
    sleep(LEASE / 4).await;
    let lock = locks(folder.path()).remove(0);
    assert_eq!(lock.metadata().expect("a file").len(), 0, "nothing was written");

    let (mut second, mut third) = (follow(&second).await, follow(&third).await);
    let longer = LEASE + LEASE / 4;
    let (second_part, third_part) =
        tokio::join!(timeout(longer, second.next()), timeout(longer, third.next()));
    assert!(second_part.is_err() && third_part.is_err(), "it was taken from a process that is there");
    assert!(part.hold.is_ours());
    part.hold.save(0).await.expect("saved");

    let shell = Connection::open(&file).expect("opened");
    let who =
        "SELECT process, host, term FROM leases WHERE subscription = 'reorders' AND resource = 'account'";
    let who = |_: &str| {
        shell.query_row(who, [], |row| {
            Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
        })
    };
    let (process, host, term) = who("has it").expect("a row");
    assert_eq!((process, term), (std::process::id(), 1));
    assert!(!host.is_empty());

    drop(part);
    let since = Instant::now();
    let part = next(&mut second).await;
    assert!(since.elapsed() < LEASE / 2, "{:?}", since.elapsed());
    assert_eq!(who("has it now").expect("a row").2, 2);
    drop((part, second, third, following));
    assert!(locks(folder.path()).is_empty());
}

/// Whatever it believes: the file knows.
#[tokio::test]
async fn a_process_whose_lease_was_taken_notes_nothing_and_learns_it() {
    let (_folder, file) = folder();
    let (opened, account) = (open(&file), resource());
    store(&opened, &commit(&account, 1, 1)).await;
    let (shell, key) =
        (Connection::open(&file).expect("opened"), SubscriptionKey::new("reorders", "account"));
    for write in ["save", "advance", "swap"] {
        let mut following = follow(&opened).await;
        let mut part = next(&mut following).await;
        part.batches.next().await.expect("a batch").expect("a batch");
        shell.execute("UPDATE leases SET term = term + 1", []).expect("taken");
        assert!(part.hold.is_ours(), "it does not know yet");
        let progress = part.hold.progress().expect("leased");
        let error = match write {
            "save" => part.hold.save(1).await.err(),
            "advance" => progress.advance(&[(account.id.clone(), 1)]).await.err(),
            _ => progress
                .swap(&account.id, 0, &Progress { handled: Some(1), ..Progress::default() })
                .await
                .err(),
        };
        let line = explain(&error.expect(write));
        assert!(line.ends_with("is followed for reorders of account by another process now"), "{line}");
        assert!(!part.hold.is_ours() && part.batches.next().await.is_none());
        let noted = opened.load(&key, std::slice::from_ref(&account.id)).await.expect("loaded").remove(0);
        assert_eq!(noted.expect("a record"), Progress::default(), "{write}");
    }
    let mut following = follow(&opened).await;
    let batch = next(&mut following).await.batches.next().await.expect("a batch").expect("a batch");
    assert_eq!(batch.deliveries.len(), 1, "nothing was saved");
}

/// Somebody may tidy up.
#[tokio::test]
async fn a_lock_that_is_removed_by_hand_lets_go_of_the_lease() {
    let (folder, file) = folder();
    let (opened, account) = (open(&file), resource());
    let mut following = follow(&opened).await;
    let mut part = next(&mut following).await;
    fs::remove_file(locks(folder.path()).remove(0).path()).expect("removed");
    assert!(timeout(PATIENCE, part.batches.next()).await.expect("it ends").is_none());
    part.hold.save(1).await.expect_err("somebody else may have it");
    drop(part);
    store(&opened, &commit(&account, 1, 1)).await;
    let mut part = next(&mut following).await;
    let batch = part.batches.next().await.expect("a batch").expect("a batch");
    assert_eq!(batch.deliveries.len(), 1);
}

#[tokio::test]
async fn what_a_killed_process_followed_is_followed_at_once() {
    let test = "leases::what_a_killed_process_followed_is_followed_at_once";
    if let Some(file) = part() {
        let opened = open(Path::new(&file));
        let mut following = follow(&opened).await;
        let part = next(&mut following).await;
        say("follows");
        ready();
        unreachable!("{} is killed before", part.name);
    }
    let (folder, file) = folder();
    let mut peer = Peer::start(program(test, file.to_str().expect("text")));
    assert!(peer.any(|line| line == "follows"));
    let opened = open(&file);
    let mut following = follow(&opened).await;
    assert!(timeout(Duration::from_secs(1), following.next()).await.is_err(), "the other one follows");
    peer.kill();
    let since = Instant::now();
    let part = next(&mut following).await;
    assert!(since.elapsed() < LEASE / 2, "{:?}", since.elapsed());
    assert_eq!(locks(folder.path()).len(), 1, "what it left behind is cleared up");
    drop(part);
}
