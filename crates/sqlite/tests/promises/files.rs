//! What happens to the files under an open store is noticed, and nothing is acknowledged that is not in a file with a name.
#![cfg(unix)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use aws_event_sourcing_core::subscription::ProgressStore as _;
use aws_event_sourcing_core::{AppendError, EventStore as _, StoreErrorKind, Timestamp, subscription};
use aws_event_sourcing_sqlite::SqliteStore;
use futures_util::StreamExt as _;

use crate::support::{assert_sound, commit, explain, folder, open, read, resource, scan, store};

fn with(file: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", file.display()))
}

/// What somebody does to the files.
type Harm = (&'static str, fn(&Path));

fn remove(file: PathBuf) {
    fs::remove_file(file).expect("removed");
}

/// Another store, with so many times fifty events in it.
fn another(commits: u64) -> (tempfile::TempDir, PathBuf) {
    let (folder, file) = folder();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let opened = open(&file);
                for _ in 0..commits {
                    store(&opened, &commit(&resource(), 1, 50)).await;
                }
                opened.close().await.expect("closed");
            });
        });
        other.join().expect("stored");
    });
    (folder, file)
}

const HARMS: &[Harm] = &[
    ("the file is removed", |file| remove(file.to_owned())),
    ("the log is removed", |file| remove(with(file, "-wal"))),
    ("the index of the log is removed", |file| remove(with(file, "-shm"))),
    ("everything is removed", |file| {
        for end in ["", "-wal", "-shm"] {
            remove(with(file, end));
        }
    }),
    ("the folder is removed", |file| fs::remove_dir_all(file.parent().expect("a folder")).expect("removed")),
    ("the file is renamed", |file| fs::rename(file, with(file, ".old")).expect("renamed")),
    ("the folder is renamed", |file| {
        let folder = file.parent().expect("a folder");
        fs::rename(folder, with(folder, ".old")).expect("renamed");
    }),
    ("another store's file is put in its place", |file| {
        let (_folder, other) = another(1);
        let moved = with(file, ".new");
        fs::copy(other, &moved).expect("copied");
        fs::rename(&moved, file).expect("renamed");
    }),
    ("the log is emptied", |file| fs::write(with(file, "-wal"), "").expect("written")),
    ("the log is cut short", |file| {
        let log = fs::File::options().write(true).open(with(file, "-wal")).expect("a log");
        let length = log.metadata().expect("a log").len();
        log.set_len(length / 2).expect("cut");
    }),
    ("the last page of the log is cut off", |file| {
        let log = fs::File::options().write(true).open(with(file, "-wal")).expect("a log");
        let length = log.metadata().expect("a log").len();
        log.set_len(length - 4_120).expect("cut");
    }),
];

/// A store in a folder within a folder, so that the inner one can be renamed.
fn within() -> (tempfile::TempDir, PathBuf) {
    let (folder, _) = folder();
    let inner = folder.path().join("data");
    fs::create_dir(&inner).expect("a folder");
    (folder, inner.join("events.db"))
}

fn assert_lost(error: &aws_event_sourcing_core::StoreError, harm: &str) {
    assert_eq!(error.kind(), StoreErrorKind::Lost, "{harm}: {}", explain(error));
    assert!(!error.is_retryable() && explain(error).contains("events.db"), "{harm}: {}", explain(error));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_that_is_not_in_a_file_with_a_name() {
    for (harm, do_harm) in HARMS {
        let (_folder, file) = within();
        let (opened, account) = (open(&file), resource());
        for number in 1..=20 {
            store(&opened, &commit(&account, number, 1)).await;
        }
        do_harm(&file);
        match opened.append(&commit(&account, 21, 1)).await {
            Err(AppendError::Store(error)) => assert_lost(&error, harm),
            outcome => panic!("{harm}: {outcome:?}"),
        }
        let key = subscription::SubscriptionKey::new("reorders", "account");
        let registered =
            opened.register(&key, subscription::Start::Beginning, Timestamp::from_unix_millis(0)).await;
        assert_lost(&registered.expect_err(harm), harm);
        assert_lost(&opened.read(&account, 0).next().await.expect("an error").expect_err(harm), harm);
        assert_lost(&opened.check().expect_err(harm), harm);
        drop(opened.close().await);
    }
}

/// Also when what is in the log would make the file long again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_once_the_file_is_cut_short() {
    for is_idle in [true, false] {
        let (_folder, file) = within();
        let (opened, account) = (open(&file), resource());
        for number in 1..=5 {
            store(&opened, &commit(&account, number, 1)).await;
        }
        if is_idle {
            folded(&file).await;
        }
        fs::OpenOptions::new().write(true).open(&file).expect("opened").set_len(0).expect("cut");
        for _ in 0..3 {
            match opened.append(&commit(&account, 6, 1)).await {
                Err(AppendError::Store(error)) => assert_lost(&error, "the file is cut short"),
                outcome => panic!("idle: {is_idle}: {outcome:?}"),
            }
        }
        let log = fs::metadata(with(&file, "-wal")).expect("a log").len();
        drop(opened.close().await);
        // The last that there is of what was not folded in.
        assert_eq!(fs::metadata(with(&file, "-wal")).map_or(0, |left| left.len()), log, "idle: {is_idle}");
    }
}

/// Writes to the very same file. In a process of its own: to close a file is to give up all locks on it.
fn copy_over(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg(from).arg(to).status().expect("run").success());
}

/// Also when the log has all that is read, and when the file is as long as before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_once_the_file_is_written_over_and_nothing_is_folded_into_it() {
    for what in ["an older copy", "another store", "a longer one", "no database"] {
        for is_busy in [false, true] {
            let case = format!("{what}, busy: {is_busy}");
            let (_folder, file) = within();
            let (opened, account) = (open(&file), resource());
            store(&opened, &commit(&account, 1, 20)).await;
            folded(&file).await;
            let source = with(&file, ".new");
            match what {
                "an older copy" => copy_over(&file, &source),
                "another store" => copy_over(&another(1).1, &source),
                "a longer one" => copy_over(&another(100).1, &source),
                _ => fs::write(&source, [7; 100_000]).expect("written"),
            }
            store(&opened, &commit(&account, 21, 1)).await;
            let writes = is_busy.then(|| {
                let (opened, other) = (opened.clone(), resource());
                tokio::spawn(async move {
                    let mut number = 1;
                    while opened.append(&commit(&other, number, 1)).await.is_ok() {
                        number += 1;
                    }
                })
            });
            tokio::time::sleep(Duration::from_millis(30)).await;
            copy_over(&source, &file);
            for _ in 0..3 {
                match opened.append(&commit(&account, 22, 1)).await {
                    Err(AppendError::Store(error)) => assert_lost(&error, &case),
                    outcome => panic!("{case}: {outcome:?}"),
                }
            }
            if let Some(writes) = writes {
                writes.await.expect("it ends");
            }
            let log = fs::metadata(with(&file, "-wal")).expect("a log").len();
            assert!(log > 0, "{case}");
            if (what, is_busy) == ("another store", false) {
                // An idle store would have folded its log in by then.
                tokio::time::sleep(Duration::from_millis(1_700)).await;
            }
            drop(opened.close().await);
            let is_same = fs::read(&file).expect("read") == fs::read(&source).expect("read");
            assert!(is_same, "{case}: something was written to the file");
            assert_eq!(fs::metadata(with(&file, "-wal")).map_or(0, |left| left.len()), log, "{case}");
        }
    }
}

/// The next transaction makes it as long as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_once_the_log_is_cut_short_or_written_over_while_it_is_written() {
    for what in ["cut to 8192", "cut to 60000", "an older log", "file and log as they were"] {
        let (_folder, file) = within();
        let (opened, account, other) = (open(&file), resource(), resource());
        store(&opened, &commit(&account, 1, 20)).await;
        let log = with(&file, "-wal");
        for end in ["", "-wal"] {
            copy_over(&with(&file, end), &with(&file, &format!(".old{end}")));
        }
        for number in 1..=60 {
            store(&opened, &commit(&other, number, 1)).await;
        }
        let writer = {
            let opened = opened.clone();
            tokio::spawn(async move {
                let mut number = 61;
                while opened.append(&commit(&other, number, 1)).await.is_ok() {
                    number += 1;
                }
            })
        };
        tokio::time::sleep(Duration::from_millis(10)).await;
        match what {
            "cut to 8192" | "cut to 60000" => {
                let length = if what.ends_with("8192") { 8_192 } else { 60_000 };
                fs::File::options().write(true).open(&log).expect("a log").set_len(length).expect("cut");
            }
            "an older log" => copy_over(&with(&file, ".old-wal"), &log),
            _ => {
                copy_over(&with(&file, ".old"), &file);
                copy_over(&with(&file, ".old-wal"), &log);
            }
        }
        match opened.append(&commit(&account, 21, 1)).await {
            Err(AppendError::Store(error)) => assert_lost(&error, what),
            outcome => panic!("{what}: {outcome:?}"),
        }
        writer.await.expect("it ends");
        let kept = (fs::read(&file).expect("read"), fs::read(&log).expect("read"));
        drop(opened.close().await);
        assert!(
            kept == (fs::read(&file).expect("read"), fs::read(&log).expect("read")),
            "{what}: written to"
        );
    }
}

/// Until an idle store has folded its log into the file.
async fn folded(file: &Path) {
    while fs::metadata(with(file, "-wal")).expect("a log").len() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Its time changes, and what is in it does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_somebody_touches_is_whole() {
    use std::os::unix::fs::PermissionsExt as _;

    let (_folder, file) = within();
    let (opened, account) = (open(&file), resource());
    for number in 1..=10 {
        store(&opened, &commit(&account, number, 1)).await;
        let mode = if number % 2 == 0 { 0o600 } else { 0o640 };
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("changed");
        assert!(Command::new("touch").arg(&file).status().expect("run").success());
    }
    opened.check().expect("whole");
    opened.close().await.expect("closed");
    assert_sound(&file);
}

/// `VACUUM` makes a file shorter, by right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_somebody_vacuums_is_whole() {
    let (_folder, file) = within();
    let (opened, account) = (open(&file), resource());
    store(&opened, &commit(&account, 1, 1)).await;
    let length = || fs::metadata(&file).expect("a file").len();
    let shell = rusqlite::Connection::open(&file).expect("opened");
    shell.busy_timeout(Duration::from_secs(10)).expect("patience");
    shell
        .execute_batch(
            "CREATE TABLE room AS SELECT zeroblob(1000000) AS taken; PRAGMA wal_checkpoint; DROP TABLE room;",
        )
        .expect("room");
    let long = length();
    store(&opened, &commit(&account, 2, 1)).await;
    shell.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);").expect("vacuumed");
    assert!(length() < long);
    for number in 3..=20 {
        store(&opened, &commit(&account, number, 1)).await;
    }
    opened.check().expect("whole");
    drop(shell);
    opened.close().await.expect("closed");
    assert_sound(&file);
}

/// It is shorter for a moment, and longer in the log than ever, before the store looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_somebody_vacuums_and_then_fills_is_whole() {
    let (_folder, file) = within();
    let (opened, account) = (open(&file), resource());
    store(&opened, &commit(&account, 1, 1)).await;
    let shell = rusqlite::Connection::open(&file).expect("opened");
    shell.busy_timeout(Duration::from_secs(10)).expect("patience");
    let fill = "CREATE TABLE room AS SELECT zeroblob(1000000) AS taken";
    shell.execute_batch(&format!("{fill}; PRAGMA wal_checkpoint; DROP TABLE room;")).expect("room");
    store(&opened, &commit(&account, 2, 1)).await;
    shell.execute_batch(&format!("VACUUM; PRAGMA wal_checkpoint(TRUNCATE); {fill}")).expect("vacuumed");
    store(&opened, &commit(&account, 3, 1)).await;
    opened.check().expect("whole");
    opened.close().await.expect("closed");
    shell.execute_batch("DROP TABLE room").expect("dropped");
    drop(shell);
    assert_sound(&file);
}

/// A checkpoint that cannot go on, because somebody reads, leaves a file half of which is from before the `VACUUM`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vacuum_that_is_folded_in_by_half_is_no_loss() {
    let (_folder, file) = within();
    let (opened, account) = (open(&file), resource());
    for number in 1..=10 {
        store(&opened, &commit(&account, number, 1)).await;
    }
    let shell = rusqlite::Connection::open(&file).expect("opened");
    shell.busy_timeout(Duration::from_secs(10)).expect("patience");
    folded(&file).await;
    // It moves all tables; and the store looks before any of it is in the file.
    shell.execute_batch("VACUUM").expect("vacuumed");
    tokio::time::sleep(Duration::from_millis(600)).await;
    let reader = rusqlite::Connection::open(&file).expect("opened");
    reader.execute_batch("BEGIN; SELECT count(*) FROM events").expect("read");
    for number in 11..=15 {
        store(&opened, &commit(&account, number, 1)).await;
    }
    shell.execute_batch("PRAGMA wal_checkpoint").expect("folded by half");
    for number in 16..=20 {
        store(&opened, &commit(&account, number, 1)).await;
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    opened.check().expect("whole");

    // What a crash leaves.
    let (_elsewhere, copy) = within();
    for end in ["", "-wal"] {
        assert!(
            Command::new("cp").arg(with(&file, end)).arg(with(&copy, end)).status().expect("run").success()
        );
    }
    let crashed = open(&copy);
    assert_eq!(read(&crashed, &account).await.len(), 20);
    crashed.close().await.expect("closed");
    drop(reader);
    drop(shell);
    opened.close().await.expect("closed");
    assert_sound(&file);
}

/// Whoever folds the log in, and however often: what is read of the file and of the log is never of one moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_into_which_others_fold_the_log_all_the_time_is_whole() {
    let (_folder, file) = within();
    let (opened, other) = (open(&file), open(&file));
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let folding = scope.spawn(|| {
            let shell = rusqlite::Connection::open(&file).expect("opened");
            shell.busy_timeout(Duration::from_secs(10)).expect("patience");
            while !is_over.load(std::sync::atomic::Ordering::SeqCst) {
                shell.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("folded");
            }
        });
        let writers = [&opened, &other].map(|store_of| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(async {
                    for _ in 0..300 {
                        let commit = commit(&resource(), 1, 1);
                        // Who folds without a pause may keep the lock from others.
                        while let Err(error) = store_of.append(&commit).await {
                            assert!(error.to_string().contains("unavailable"), "{}", explain(&error));
                        }
                    }
                });
            })
        });
        let ends = writers.map(std::thread::ScopedJoinHandle::join);
        is_over.store(true, std::sync::atomic::Ordering::SeqCst);
        folding.join().expect("it folds");
        for end in ends {
            end.expect("all is stored");
        }
    });
    for each in [opened, other] {
        each.check().expect("whole");
        each.close().await.expect("closed");
    }
    assert_sound(&file);
}

/// SQLite keeps the log beside the file, and not beside the link.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_leads_to_the_file_and_does_not_take_its_place() {
    let (_folder, file) = within();
    let link = file.parent().expect("a folder").parent().expect("a folder").join("linked.db");
    std::os::unix::fs::symlink(&file, &link).expect("linked");
    let dangling = SqliteStore::open(&link).expect_err("it leads nowhere");
    assert!(explain(&dangling).contains("is a link to") && !file.exists(), "{}", explain(&dangling));

    let (opened, account) = (open(&file), resource());
    store(&opened, &commit(&account, 1, 1)).await;
    let linked = open(&link);
    store(&linked, &commit(&account, 2, 1)).await;
    assert!(with(&file, "-wal").exists() && !with(&link, "-wal").exists());
    linked.close().await.expect("closed");

    let moved = with(&file, ".moved");
    fs::rename(&file, &moved).expect("renamed");
    std::os::unix::fs::symlink(&moved, &file).expect("linked");
    match opened.append(&commit(&account, 3, 1)).await {
        Err(AppendError::Store(error)) => assert_lost(&error, "a link is put in its place"),
        outcome => panic!("{outcome:?}"),
    }
    drop(opened.close().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_to_the_files_of_an_idle_store_is_noticed_within_a_second() {
    let over: &[Harm] = &[
        ("the file is cut short", |file| fs::write(file, "").expect("written")),
        ("another store is written over the file", |file| {
            fs::copy(another(1).1, file).expect("copied");
        }),
        ("an older copy is written over the file", |file| {
            fs::copy(with(file, ".older"), file).expect("copied");
        }),
    ];
    for (harm, do_harm) in HARMS.iter().chain(over) {
        let (_folder, file) = within();
        let (opened, account) = (open(&file), resource());
        if harm.starts_with("an older copy") {
            store(&opened, &commit(&resource(), 1, 1)).await;
            folded(&file).await;
            copy_over(&file, &with(&file, ".older"));
        }
        store(&opened, &commit(&account, 1, 20)).await;
        if over.iter().any(|(over, _)| over == harm) {
            // What is in the log is not read from the file. And it has been looked at.
            folded(&file).await;
            tokio::time::sleep(Duration::from_millis(600)).await;
        }
        do_harm(&file);
        let since = Instant::now();
        loop {
            match opened.read(&account, 0).next().await {
                Some(Err(error)) if error.kind() == StoreErrorKind::Lost => break assert_lost(&error, harm),
                // What is in place now may be read until then, or SQLite may be the first to notice.
                _ => assert!(since.elapsed() < Duration::from_secs(20), "{harm}: it is not noticed"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(opened.close().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_goes_on_when_the_very_same_files_are_back() {
    let (_folder, file) = within();
    let (opened, account) = (open(&file), resource());
    store(&opened, &commit(&account, 1, 1)).await;
    let folder = file.parent().expect("a folder");
    let away = with(folder, ".old");
    fs::rename(folder, &away).expect("renamed");
    let lost = commit(&account, 2, 1);
    opened.append(&lost).await.expect_err("lost");
    fs::rename(&away, folder).expect("renamed");
    opened.check().expect("they are back");
    // The commit may have been stored: whoever tries again learns that it is.
    opened.append(&lost).await.expect("stored, now or before");
    store(&opened, &commit(&account, 3, 1)).await;
    opened.close().await.expect("closed");
    assert_sound(&file);
    assert_eq!(read(&open(&file), &account).await.len(), 3);
}

/// What is acknowledged until the files are moved is in them, and what is in their place is left alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_whose_files_are_moved_leaves_them_whole_and_others_alone() {
    let (_folder, file) = within();
    let (opened, account) = (open(&file), resource());
    for number in 1..=20 {
        store(&opened, &commit(&account, number, 1)).await;
    }
    let folder = file.parent().expect("a folder");
    let away = with(folder, ".old");
    fs::rename(folder, &away).expect("renamed");
    fs::create_dir(folder).expect("a folder");
    let (successor, other): (SqliteStore, _) = (open(&file), resource());
    store(&successor, &commit(&other, 1, 1)).await;
    opened.append(&commit(&account, 21, 1)).await.expect_err("lost");
    drop(opened.close().await);

    successor.check().expect("its files are there");
    store(&successor, &commit(&other, 2, 1)).await;
    successor.close().await.expect("closed");
    assert_sound(&file);
    assert_eq!(scan(&open(&file), "account").await.len(), 2);
    let moved = away.join("events.db");
    assert!(read(&open(&moved), &account).await.len() >= 20);
}
