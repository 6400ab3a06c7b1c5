//! `eventctl backup` and `eventctl restore` beside a store that is in use, closed, or has crashed.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use aws_event_sourcing_core::{Aggregate, Event, Repository};
use aws_event_sourcing_sqlite::SqliteStore;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use testbed::ShellBlock;

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
enum NoteEvent {
    Noted { text: String },
}

#[derive(Debug, Clone, Default)]
struct Note;

impl Aggregate for Note {
    const TYPE: &'static str = "note";
    type Event = NoteEvent;
    type Error = std::convert::Infallible;

    fn validate(&self, _: &NoteEvent) -> Result<(), Self::Error> {
        Ok(())
    }

    fn apply(&mut self, _: &NoteEvent) {}
}

/// A folder with a store that has so many notes, closed.
async fn store_of(notes: usize) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.db");
    add(&file, notes).await;
    (folder, file)
}

async fn add(file: &Path, notes: usize) {
    let store = SqliteStore::open(file).expect("a store");
    note(&store, notes).await;
    store.close().await.expect("closed");
}

async fn note(store: &SqliteStore, notes: usize) {
    let repository = Repository::<Note>::new(store.clone());
    for _ in 0..notes {
        repository.create(NoteEvent::Noted { text: "n".repeat(200) }).await.expect("stored");
    }
}

async fn count(file: &Path) -> usize {
    let store = SqliteStore::open(file).expect("a store");
    let notes: Vec<_> =
        Repository::<Note>::new(store.clone()).find_all().try_collect().await.expect("they are read");
    store.close().await.expect("closed");
    notes.len()
}

/// A crash leaves the file and its log: this gives so many notes in the file and so many in the log.
async fn crashed(in_file: usize, in_log: usize) -> (tempfile::TempDir, PathBuf) {
    let (_running, running) = store_of(in_file).await;
    let store = SqliteStore::open(&running).expect("a store");
    note(&store, in_log).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.db");
    fs::copy(&running, &file).expect("copied");
    fs::copy(with(&running, "-wal"), with(&file, "-wal")).expect("copied");
    (folder, file)
}

fn with(file: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", file.display()))
}

fn eventctl(file: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventctl"));
    command.env_clear().env("DATA_DIR", file.parent().expect("a folder")).args(arguments);
    command
}

struct Said {
    status: i32,
    stdout: String,
    stderr: String,
}

fn run(mut command: Command) -> Said {
    let Output { status, stdout, stderr } = command.output().expect("it runs");
    Said {
        status: status.code().expect("it ended by itself"),
        stdout: String::from_utf8(stdout).expect("text"),
        stderr: String::from_utf8(stderr).expect("text"),
    }
}

fn json(command: Command) -> Value {
    let Said { status, stdout, stderr } = run(command);
    assert_eq!(status, 0, "{stderr}");
    serde_json::from_str(&stdout).expect("JSON")
}

/// The last line of what it complains about.
fn refused(command: Command) -> String {
    let Said { status, stdout, stderr } = run(command);
    assert_eq!((status, stdout.as_str()), (1, ""), "{stderr}");
    stderr.lines().last().expect("a complaint").to_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().expect("text")).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_backed_up_while_it_is_written() {
    let (_folder, file) = store_of(300).await;
    let elsewhere = tempfile::tempdir().expect("a folder");
    let backup = elsewhere.path().join("backup.db");
    let to = backup.to_str().expect("text");
    let store = SqliteStore::open(&file).expect("a store");
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (store, stop) = (store.clone(), stop.clone());
        async move {
            let mut written = 0;
            while !stop.load(Ordering::SeqCst) {
                note(&store, 1).await;
                written += 1;
            }
            written
        }
    });
    let report = json(eventctl(&file, &["backup", to, "--json"]));
    let in_backup = report["events"].as_u64().expect("a number") as usize;
    assert!(in_backup >= 300 && report["resources"] == report["events"], "{report}");
    assert_eq!(report["bytes"], fs::metadata(&backup).expect("a file").len());

    let complaint = refused(eventctl(&file, &["backup", to]));
    assert!(complaint.contains("--force") && complaint.contains(to), "{complaint}");
    let Said { status, stdout, stderr } = run(eventctl(&file, &["backup", "--force", to]));
    assert_eq!(status, 0, "{stderr}");
    assert!(stdout.contains("newest event") && stderr.contains("copying: 100%"), "{stdout}{stderr}");
    assert_eq!(names(elsewhere.path()), ["backup.db"], "nothing is left beside it");

    stop.store(true, Ordering::SeqCst);
    let written = writer.await.expect("no panic");
    store.close().await.expect("closed");
    let later = count(&backup).await;
    assert!((in_backup..=300 + written).contains(&later), "{later} of {written}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_takes_the_place_of_no_file_of_the_store_and_of_nothing_but_files() {
    let (folder, file) = store_of(3).await;
    let store = SqliteStore::open(&file).expect("a store");
    note(&store, 2).await;
    let elsewhere = tempfile::tempdir().expect("a folder");
    let link = elsewhere.path().join("link");
    std::os::unix::fs::symlink(&file, &link).expect("linked");
    let dangling = elsewhere.path().join("dangling");
    std::os::unix::fs::symlink("nowhere", &dangling).expect("linked");
    let pipe = elsewhere.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("it runs").success());
    // By another name of the folder, too.
    let alias = elsewhere.path().join("data");
    std::os::unix::fs::symlink(folder.path(), &alias).expect("linked");

    for (to, why) in [
        (file.clone(), "cannot be a copy of itself"),
        (with(&file, "-wal"), "belongs to the store"),
        (with(&file, "-shm"), "belongs to the store"),
        (with(&file, "-journal"), "belongs to the store"),
        (alias.join("events.db-wal"), "belongs to the store"),
        (link, "is no regular file"),
        (dangling.clone(), "is no regular file"),
        (pipe, "is no regular file"),
        (elsewhere.path().to_owned(), "is a folder"),
    ] {
        let to = to.to_str().expect("text");
        let complaint = refused(eventctl(&file, &["backup", "--force", to]));
        assert!(complaint.contains(why), "{complaint}");
    }
    let nowhere = elsewhere.path().join("none/backup.db");
    let complaint = refused(eventctl(&file, &["backup", nowhere.to_str().expect("text")]));
    assert!(complaint.contains("its folder does not exist"), "{complaint}");
    // A folder in its place, so that nobody may make it.
    fs::create_dir(elsewhere.path().join("taken.db.partial")).expect("a folder");
    let complaint =
        refused(eventctl(&file, &["backup", elsewhere.path().join("taken.db").to_str().expect("text")]));
    assert!(complaint.contains("taken.db.partial") && complaint.contains("directory"), "{complaint}");
    let complaint = refused(eventctl(&file, &["backup", dangling.to_str().expect("text")]));
    assert!(complaint.contains("is no regular file"), "{complaint}");
    store.close().await.expect("closed");
    assert_eq!(count(&file).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_takes_the_place_of_a_store_that_nobody_has_open() {
    let (folder, file) = store_of(20).await;
    let backup = folder.path().join("backup");
    let from = backup.to_str().expect("text");
    assert!(run(eventctl(&file, &["backup", from])).status == 0);
    let store = SqliteStore::open(&file).expect("a store");
    note(&store, 5).await;
    assert!(refused(eventctl(&file, &["restore", from])).contains("--force"));
    let complaint = refused(eventctl(&file, &["restore", "--force", from]));
    assert!(complaint.contains("events.db is in use"), "{complaint}");
    note(&store, 5).await;
    store.close().await.expect("closed");

    let report = json(eventctl(&file, &["restore", "--force", from, "--json"]));
    assert_eq!((&report["events"], &report["without_log"]), (&20.into(), &false.into()));
    let replaced = PathBuf::from(report["replaced"].as_str().expect("a path"));
    assert!(replaced.to_str().expect("text").contains("events.db.replaced-20"), "{report}");
    assert_eq!(count(&file).await, 20);
    assert_eq!(count(&replaced).await, 30, "the store that was there is kept");
    assert_eq!(names(folder.path()).len(), 3, "{:?}", names(folder.path()));

    // Into a folder that is not there yet.
    let fresh = folder.path().join("new/data/events.db");
    let report = json(eventctl(&fresh, &["restore", from, "--json"]));
    assert_eq!(report["replaced"], Value::Null);
    assert_eq!(count(&fresh).await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_has_crashed_is_backed_up_and_replaced_with_its_log() {
    let (folder, file) = crashed(20, 7).await;
    let (_elsewhere, backup) = store_of(1).await;
    let whole = folder.path().join("whole");
    let report = json(eventctl(&file, &["backup", whole.to_str().expect("text"), "--json"]));
    assert_eq!(report["events"], 27);

    let from = backup.to_str().expect("text");
    let report = json(eventctl(&file, &["restore", "--force", "--json", from]));
    let replaced = PathBuf::from(report["replaced"].as_str().expect("a path"));
    assert!(!with(&file, "-wal").exists() && !with(&file, "-shm").exists(), "{:?}", names(folder.path()));
    assert_eq!(count(&file).await, 1);
    assert_eq!(count(&replaced).await, 27);
    // The backup is another file than the one that it is a copy of.
    let (_folder, file) = crashed(20, 7).await;
    fs::copy(&whole, &file).expect("copied");
    let complaint = refused(eventctl(&file, &["parked", "list"]));
    assert!(complaint.contains("events.db-wal") && complaint.contains("move the log away"), "{complaint}");
    // What somebody has put beside a log that is not its own is replaced as well, and nothing is thrown away.
    let report = json(eventctl(&file, &["restore", "--force", "--json", from]));
    let replaced = PathBuf::from(report["replaced"].as_str().expect("a path"));
    assert_eq!(count(&file).await, 1);
    assert!(with(&replaced, "-wal").exists() && replaced.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sound_store_is_not_restored() {
    let (folder, file) = store_of(40).await;
    let backup = folder.path().join("backup");
    let from = backup.to_str().expect("text");
    let before = fs::read(&file).expect("a file");
    let harmed = |harm: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = before.clone();
        harm(&mut bytes);
        fs::write(&backup, bytes).expect("written");
        let complaint = refused(eventctl(&file, &["restore", "--force", from]));
        assert!(complaint.contains("backup"), "{complaint}");
        assert_eq!(fs::read(&file).expect("a file"), before, "{complaint}");
    };
    harmed(&|bytes| bytes.truncate(bytes.len() / 2));
    harmed(&|bytes| bytes.clear());
    harmed(&|bytes| *bytes = b"id,text\n1,a\n".to_vec());
    harmed(&|bytes| {
        let middle = 3 * 4096;
        bytes[middle..middle + 2048].fill(0xa5);
    });
    let complaint = refused(eventctl(&file, &["restore", "--force", "no-such-file"]));
    assert!(complaint.contains("there is no backup no-such-file"), "{complaint}");
    let complaint = refused(eventctl(&folder.path().join("none/events.db"), &["backup", "x"]));
    assert!(complaint.contains("there is no event store"), "{complaint}");
}

/// All that is there can be had, and what is not is told of.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_which_events_were_deleted_is_backed_up_and_restored() {
    let (folder, file) = store_of(40).await;
    let store = SqliteStore::open(&file).expect("a store");
    let notes = Repository::<Note>::new(store.clone());
    let id = notes.create(NoteEvent::Noted { text: "1".into() }).await.expect("stored").id().clone();
    for text in ["2", "3"] {
        notes.commit(&id, NoteEvent::Noted { text: text.into() }).await.expect("stored");
    }
    store.close().await.expect("closed");
    let delete = |condition: &str| {
        let python = format!(
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript('DROP TRIGGER IF EXISTS \
             events_are_not_deleted; DELETE FROM events WHERE {condition}')"
        );
        let deleted = Command::new("python3").arg("-c").arg(python).arg(&file).status().expect("python3");
        assert!(deleted.success());
    };
    let backup = folder.path().join("backup");
    let to = backup.to_str().expect("text");

    delete("position = 7");
    let Said { status, stdout, stderr } = run(eventctl(&file, &["backup", to]));
    assert!(
        status == 1 && stdout.contains("missing events          1\nbroken histories        0\n"),
        "{stdout}{stderr}"
    );
    assert!(
        stderr.ends_with("eventctl: events are missing, 1 in all: somebody has deleted them\n"),
        "{stderr}"
    );

    delete("number = 2");
    let Said { status, stdout, stderr } = run(eventctl(&file, &["backup", "--force", to]));
    assert!(
        status == 1 && stdout.contains("missing events          2\nbroken histories        1\n"),
        "{stdout}{stderr}"
    );
    assert!(stderr.contains(&format!("missing in the history of note {id}: ")), "{stderr}");

    let report = json(eventctl(&file, &["restore", "--force", to, "--json"]));
    assert_eq!(
        (&report["events"], &report["missing_events"], &report["broken_histories"]),
        (&41.into(), &2.into(), &1.into())
    );
    let notes: Vec<_> =
        Repository::<Note>::new(SqliteStore::open(&file).expect("a store")).find_all().collect().await;
    assert_eq!((notes.iter().filter(|note| note.is_ok()).count(), notes.len()), (39, 40));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_copy_is_restored_and_one_without_its_log_is_told_of() {
    let (_folder, busy) = crashed(20, 7).await;
    fs::remove_file(with(&busy, "-wal")).expect("removed");
    let (_elsewhere, idle) = store_of(20).await;
    for (copy, told) in [(&idle, false), (&busy, true)] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("events.db");
        let Said { status, stderr, .. } = run(eventctl(&file, &["restore", copy.to_str().expect("text")]));
        assert_eq!((status, stderr.contains("was copied without its log")), (0, told), "{stderr}");
        assert_eq!(count(&file).await, 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_a_restore_is_killed_there_is_the_old_store_or_the_new_one() {
    let (_elsewhere, backup) = store_of(3).await;
    let from = backup.to_str().expect("text");
    // How long it takes tells when to kill it, in the beginning, in the midst and at the end.
    let (_folder, file) = crashed(10, 7).await;
    let since = Instant::now();
    assert_eq!(run(eventctl(&file, &["restore", "--force", from])).status, 0);
    let step = since.elapsed() / 24;
    for round in 0..30 {
        let (_folder, file) = crashed(10, 7).await;
        let mut restore = eventctl(&file, &["restore", "--force", from]).spawn().expect("it runs");
        tokio::time::sleep(step * round).await;
        restore.kill().expect("killed");
        restore.wait().expect("an end");
        let notes = count(&file).await;
        assert!(
            notes == 17 || notes == 3,
            "{notes} in round {round}: {:?}",
            names(file.parent().expect("a folder"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_commands_back_up_and_restore() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("data/events.db");
    fs::create_dir(file.parent().expect("a folder")).expect("a folder");
    add(&file, 3).await;
    let programs = Path::new(env!("CARGO_BIN_EXE_eventctl")).parent().expect("a folder").to_owned();
    let system = env::split_paths(&env::var_os("PATH").expect("a path")).collect::<Vec<_>>();
    let path = env::join_paths([programs].into_iter().chain(system)).expect("a path");
    let say = |beginning| {
        let mut command = Command::new("sh");
        let block = ShellBlock::find("docs/backup.md", beginning);
        command.args(["-e", "-c", &block]).env_clear().env("PATH", &path).current_dir(folder.path());
        assert_eq!(run(command).status, 0, "{block}");
    };
    say("eventctl backup");
    add(&file, 2).await;
    say("eventctl restore");
    assert_eq!(count(&file).await, 3);
}

#[test]
fn on_dynamodb_it_says_what_to_do_instead() {
    for (verb, instead) in [("backup", "create-backup"), ("restore", "restore-table-to-point-in-time")] {
        let mut command = eventctl(Path::new("data/events.db"), &[verb, "file"]);
        command.env_clear().env("DYNAMODB_TABLE", "products");
        let Said { status, stdout, stderr } = run(command);
        assert_eq!((status, stdout.as_str()), (2, ""), "{stderr}");
        assert!(
            stderr.starts_with("eventctl: the events are in DynamoDB") && stderr.contains(instead),
            "{stderr}"
        );
    }
}
