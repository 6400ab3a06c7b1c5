//! A copy of an idle store's file is complete, and a log is applied to no other file than its own.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_event_sourcing_core::{Commit, EventStore as _, ResourceKey, StoreErrorKind};
use aws_event_sourcing_sqlite::{Existing, Origin, SqliteStore, restore};
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
    let emptied = async {
        while fs::metadata(with(file, "-wal")).is_ok_and(|log| log.len() > 0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), emptied).await.expect("the log is not folded in");
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
    let opened = open(&file);
    for resources in [10, 20] {
        store_some(&opened, 10).await;
        folded(&file).await;
        assert_eq!(count_in_copy(&file).await, resources);
    }
    let shell = Connection::open(&file).expect("opened");
    shell.execute_batch("CREATE TABLE notes (text)").expect("made");
    folded(&file).await;
    drop(shell);
    let other = open(&file);
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

/// By what the copy says of itself: that it is all there is.
#[tokio::test]
async fn a_copy_of_a_closed_file_is_known_to_be_complete() {
    let ((_folder, file), (_elsewhere, copy)) = (folder(), folder());
    for stored in 1..=2 {
        let opened = open(&file);
        store_some(&opened, 1).await;
        opened.close().await.expect("closed");
        let restored = restore(&file, &copy, Existing::Replace, |_| {}).expect("restored");
        assert_eq!((restored.contents.events, restored.origin), (2 * stored, Origin::Whole));
    }
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
    // One that has been through the very same.
    let ((_folder, twin), (_elsewhere, idle_twin)) = (folder(), folder());
    crashed(test, 5, &twin, &idle_twin);
    for twin in [twin, idle_twin] {
        fs::copy(&twin, &file).expect("copied");
        refused(&file);
    }
    fs::write(&file, "").expect("written");
    refused(&file);
    fs::remove_file(&file).expect("removed");
    refused(&file);
}

#[tokio::test]
async fn an_older_log_is_not_applied_to_a_newer_file() {
    if let Some(part) = part() {
        store_twice_and_wait(&part).await;
    }
    let ((_folder, file), (_elsewhere, older)) = (folder(), folder());
    crashed("copies::an_older_log_is_not_applied_to_a_newer_file", 5, &file, &older);
    let older_log = with(&older, "-log");
    fs::copy(with(&file, "-wal"), &older_log).expect("copied");
    assert_eq!(count(&file).await, 25);
    fs::rename(&older_log, with(&file, "-wal")).expect("moved");
    refused(&file);
}

/// What each transaction of a log says, however it has come about that the log began anew with it.
#[tokio::test]
async fn each_log_says_which_file_it_belongs_to() {
    if let Some(part) = part() {
        begin_logs(&part).await;
    }
    for how in ["after a rollback", "after another's checkpoint", "after its own"] {
        let ((_folder, file), (_elsewhere, older)) = (folder(), folder());
        let test = "copies::each_log_says_which_file_it_belongs_to";
        let mut writer = Peer::start(program(test, &format!("{}|{how}", file.display())));
        writer.wait();
        fs::copy(&file, &older).expect("copied");
        writer.go_on();
        assert!(writer.any(|line| line == "stored"), "{how}: the process has ended early");
        writer.kill();
        fs::rename(&file, with(&older, "-newest")).expect("moved");
        fs::copy(&older, &file).expect("copied");
        refused(&file);
    }
}

/// The part of the process that crashes with a log that it has begun in that way.
async fn begin_logs(part: &str) -> ! {
    let (file, how) = part.split_once('|').expect("a file, and how");
    let file = Path::new(file);
    let shell = Connection::open(file).expect("opened");
    let opened = open(file);
    shell.busy_timeout(Duration::from_secs(10)).expect("patience");
    shell
        .execute_batch(
            "CREATE TRIGGER refused BEFORE INSERT ON events WHEN new.resource = 'refused'
             BEGIN SELECT raise(ABORT, 'refused'); END",
        )
        .expect("made");
    store_some(&opened, 5).await;
    folded(file).await;
    ready();
    match how {
        "after a rollback" => {
            let refused = commit(&ResourceKey::new("refused", "1"), 1, 1);
            opened.append(&refused).await.expect_err("it is refused");
            store_some(&opened, 1).await;
        }
        "after another's checkpoint" => {
            store_some(&opened, 5).await;
            shell.execute_batch("PRAGMA wal_checkpoint").expect("folded");
            store_some(&opened, 2).await;
        }
        _ => {
            // What it begins with is another one each time.
            let log = || {
                let mut begins = [0; 32];
                fs::File::open(with(file, "-wal"))
                    .and_then(|mut log| log.read_exact(&mut begins))
                    .expect("a log");
                begins
            };
            store_some(&opened, 2).await;
            let begun = log();
            // Until the first transaction of the next one is in it, and nothing else.
            while log() == begun {
                store(&opened, &commit(&resource(), 1, 100)).await;
            }
        }
    }
    say("stored");
    std::future::pending().await
}

/// Another process may be folding the log in: a file and a log are looked at more than once.
#[tokio::test]
async fn a_file_that_belongs_to_its_log_a_moment_later_is_opened() {
    if let Some(part) = part() {
        store_twice_and_wait(&part).await;
    }
    let ((_folder, file), (_elsewhere, older)) = (folder(), folder());
    crashed("copies::a_file_that_belongs_to_its_log_a_moment_later_is_opened", 5, &file, &older);
    let newest = with(&older, "-newest");
    fs::copy(&file, &newest).expect("copied");
    fs::copy(&older, &file).expect("copied");
    let index = with(&file, "-shm");
    fs::remove_file(&index).expect("removed");
    let stored = std::thread::scope(|scope| {
        scope.spawn(|| {
            // It has the index made when it looks through the log.
            while !index.exists() {
                std::thread::yield_now();
            }
            std::thread::sleep(Duration::from_millis(5));
            fs::copy(&newest, &file).expect("copied");
        });
        open(&file)
    });
    assert_eq!(scan(&stored, "account").await.len(), 25);
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
