//! A copy of an idle store's file is complete, and a log is applied to no other file than its own.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_event_sourcing_core::{Commit, EventStore as _, ResourceKey, StoreErrorKind};
use aws_event_sourcing_sqlite::SqliteStore;
use rusqlite::Connection;

use crate::{
    peer::{Peer, part, program, ready, say},
    support::{assert_sound, commit, explain, files, folder, open, read, resource, scan, store},
};

/// The file beside it whose name has this at the end.
fn with(file: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", file.display()))
}

/// Waits until nothing is in the log, as nobody can but by looking.
async fn folded(file: &Path) {
    while fs::metadata(with(file, "-wal")).is_ok_and(|log| log.len() > 0) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn store_some(opened: &SqliteStore, resources: usize) {
    for _ in 0..resources {
        store(opened, &commit(&resource(), 1, 2)).await;
    }
}

/// What is in a file that is opened anew.
async fn count(file: &Path) -> usize {
    let opened = open(file);
    let commits = scan(&opened, "account").await.len();
    opened.close().await.expect("closed");
    assert_sound(file);
    commits
}

/// What is in a copy of the file alone.
async fn count_in_copy(file: &Path) -> usize {
    let (_folder, copy) = folder();
    fs::copy(file, &copy).expect("copied");
    count(&copy).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_an_idle_file_is_complete() {
    let (_folder, file) = folder();
    let (opened, other) = (open(&file), open(&file));
    store_some(&opened, 20).await;
    folded(&file).await;
    assert_eq!(count_in_copy(&file).await, 20);
    // Whoever wrote, and however often.
    store_some(&other, 3).await;
    store_some(&opened, 2).await;
    folded(&file).await;
    assert_eq!(count_in_copy(&file).await, 25);

    // Somebody reads what there was: the log waits for them, and nobody waits for the log.
    let reader = Connection::open(&file).expect("opened");
    reader.execute_batch("BEGIN; SELECT count(*) FROM events").expect("read");
    store_some(&opened, 5).await;
    tokio::time::timeout(Duration::from_secs(2), folded(&file)).await.expect_err("it is read");
    store_some(&opened, 1).await;
    drop(reader);
    folded(&file).await;
    assert_eq!(count_in_copy(&file).await, 31);
    assert_eq!(scan(&opened, "account").await.len(), 31);
}

/// The part of the process that crashes: it stores so many commits, waits until they are in the file, and stores more.
async fn store_twice_and_wait(part: &str) -> ! {
    let (more, file) = part.split_once(' ').expect("a number and a file");
    let opened = open(Path::new(file));
    store_some(&opened, 20).await;
    folded(Path::new(file)).await;
    ready();
    store_some(&opened, more.parse().expect("a number")).await;
    say("stored");
    std::future::pending().await
}

/// What a crash leaves of a store that had 20 commits in its file when it was copied, and stored so many more since.
fn crashed(test: &str, more: usize, file: &Path, copy: &Path) {
    let mut writer = Peer::start(program(test, &format!("{more} {}", file.display())));
    writer.wait();
    fs::copy(file, copy).expect("copied");
    writer.go_on();
    assert!(writer.any(|line| line == "stored"), "the process has ended early");
    writer.kill();
}

fn refused(file: &Path) {
    let folder = file.parent().expect("a folder");
    let log = with(file, "-wal");
    let before = (fs::read(file).ok(), fs::read(&log).expect("a log"), files(folder).len());
    let error = SqliteStore::open(file).expect_err("it should be refused");
    let line = explain(&error);
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{line}");
    for name in [file, &log] {
        assert!(line.contains(&format!("{} ", name.display()).trim_end().to_owned()), "{line}");
    }
    assert!(line.contains("move the log away") && !line.contains('\n'), "{line}");
    // SQLite makes its index of the log, to see what is in it.
    let after = (fs::read(file).ok(), fs::read(&log).expect("a log"));
    assert_eq!(after, (before.0, before.1), "neither is changed");
}

#[tokio::test]
async fn an_older_file_is_not_brought_back_to_the_newest_by_the_log_beside_it() {
    if let Some(part) = part() {
        store_twice_and_wait(&part).await;
    }
    let test = "copies::an_older_file_is_not_brought_back_to_the_newest_by_the_log_beside_it";
    // One commit after the copy, some, and so many that the log has begun anew more than once.
    for more in [1, 30, 2_500] {
        let ((_folder, file), (_elsewhere, older)) = (folder(), folder());
        crashed(test, more, &file, &older);
        let newest = with(&older, "-newest");
        fs::rename(&file, &newest).expect("moved");
        refused(&file);

        // Written into its place, and moved there.
        fs::copy(&older, &file).expect("copied");
        refused(&file);
        let moved = with(&older, "-moved");
        fs::copy(&older, &moved).expect("copied");
        fs::rename(&moved, &file).expect("moved");
        refused(&file);
        // SQLite's index of the log says nothing.
        fs::remove_file(with(&file, "-shm")).expect("removed");
        refused(&file);

        // Either of the two ways out.
        let log = with(&older, "-log");
        fs::rename(with(&file, "-wal"), &log).expect("moved");
        assert_eq!(count(&file).await, 20, "the older file, as it was");
        fs::rename(&newest, &file).expect("moved");
        fs::rename(&log, with(&file, "-wal")).expect("moved");
        assert_eq!(count(&file).await, 20 + more, "the newest, with all that was acknowledged");
    }
}

#[tokio::test]
async fn the_log_of_another_store_is_not_applied() {
    if let Some(part) = part() {
        store_twice_and_wait(&part).await;
    }
    let test = "copies::the_log_of_another_store_is_not_applied";
    let ((_folder, file), (_elsewhere, copy)) = (folder(), folder());
    crashed(test, 5, &file, &copy);
    // A new store, one that has as much, and a file that is no store at all.
    for make in [0, 25] {
        let (_folder, other) = folder();
        let opened = open(&other);
        store_some(&opened, make).await;
        opened.close().await.expect("closed");
        fs::copy(&other, &file).expect("copied");
        refused(&file);
    }
    fs::write(&file, "").expect("written");
    refused(&file);
    fs::remove_file(&file).expect("removed");
    refused(&file);
}

#[tokio::test]
async fn an_index_without_a_log_does_no_harm() {
    if let Some(part) = part() {
        store_twice_and_wait(&part).await;
    }
    let ((_folder, file), (_elsewhere, older)) = (folder(), folder());
    crashed("copies::an_index_without_a_log_does_no_harm", 5, &file, &older);
    fs::remove_file(with(&file, "-wal")).expect("removed");
    fs::copy(&older, &file).expect("copied");
    assert_eq!(count(&file).await, 20);
}

/// How often the process is killed. `CRASHES` in the environment asks for more.
const CRASHES: usize = 40;

#[tokio::test]
async fn a_file_and_its_own_log_are_opened_whenever_the_process_was_killed() {
    if let Some(file) = part() {
        open_and_close(Path::new(&file)).await;
    }
    let crashes = std::env::var("CRASHES").ok().and_then(|crashes| crashes.parse().ok());
    let test = "copies::a_file_and_its_own_log_are_opened_whenever_the_process_was_killed";
    let (_folder, file) = folder();
    let mut acknowledged = Vec::new();
    for crash in 0..crashes.unwrap_or(CRASHES) {
        let mut writer = Peer::start(program(test, file.to_str().expect("text")));
        // At another point of what it does each time: the file is folded, and the log begun anew, all the time.
        let mut left = 1 + crash * 7 % 23;
        while let Some(line) = writer.next() {
            if let Some(id) = line.strip_prefix("acknowledged ") {
                acknowledged.push(id.to_owned());
                left = left.saturating_sub(1);
                if left == 0 {
                    std::thread::sleep(Duration::from_micros(crash as u64 * 997 % 9_000));
                    writer.kill();
                }
            }
        }
        let reopened = open(&file);
        let stored = scan(&reopened, "account").await.len();
        assert!(stored >= acknowledged.len(), "{stored} of {}", acknowledged.len());
        if crash % 3 == 0 {
            reopened.close().await.expect("closed");
        }
    }
    let reopened = open(&file);
    for id in acknowledged {
        assert_eq!(read(&reopened, &ResourceKey::new("account", id.as_str())).await.len(), 1);
    }
    reopened.close().await.expect("closed");
    assert_sound(&file);
}

/// Opens the store, stores a few commits and closes it, again and again.
async fn open_and_close(file: &Path) -> ! {
    loop {
        let opened = open(file);
        for _ in 0..3 {
            let commit: Commit = commit(&resource(), 1, 1);
            opened.append(&commit).await.expect("appended");
            say(&format!("acknowledged {}", commit.resource.id));
        }
        opened.close().await.expect("closed");
    }
}
