//! A file that an older version has made becomes one of the newest layout, and so does one that was made of a dump; and
//! other programs find nothing wrong with it.

use std::{fs, path::Path, process::Command};

use aws_event_sourcing_core::{
    Commit, EventStore as _, ResourceKey, StoreErrorKind,
    subscription::{Parked, ProgressStore as _, Start, SubscriptionKey},
};
use rusqlite::{Connection, types::Value};

use crate::{
    open::refused,
    support::{assert_sound, commit, files, folder, open, read, scan, store},
};

const OLDER: [&str; 2] = [include_str!("../layouts/1.sql"), include_str!("../layouts/2.sql")];

/// How the programs of these layouts inserted an event.
const INSERT: &str = r#"
INSERT INTO events (resource, id, number, type, data, at, "commit", trace, cause, meta, position, first)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
ON CONFLICT DO NOTHING
"#;

const PROGRESS: &str = "
INSERT INTO subscriptions VALUES ('reorders', 'account', 'now', '2026-11-23T09:30:00.000Z', 20);
INSERT INTO progress (subscription, resource, id, revision, handled, position, number, \"after\", type, waiting, error,
  attempts, first_failed_at, last_failed_at, next_attempt_at)
VALUES ('reorders', 'account', '3', 7, 2, 18, 3, 2, 'Credited', 3, 'no', 4, '2026-11-23T09:30:00.000Z',
  '2026-11-23T09:30:00.000Z', '2026-11-23T09:31:00.000Z');
INSERT INTO skipped VALUES ('reorders', 'account', '4', 1, 'Credited', 'no', 'known', 'me', '2026-11-23T09:30:00.000Z');
";

fn account(id: u64) -> ResourceKey {
    ResourceKey::new("account", id.to_string())
}

/// Makes a file as the version of that layout did, marked or not, and gives the commits that are in it.
fn older(file: &Path, layout: usize, marked: bool) -> Vec<Commit> {
    let connection = Connection::open(file).expect("opened");
    connection.execute_batch("PRAGMA journal_mode = WAL").expect("a log");
    connection.execute_batch(&OLDER[..layout].concat()).expect("tables");
    if layout > 1 {
        connection.execute_batch(PROGRESS).expect("progress");
    }
    if marked {
        mark(&connection, layout);
    }
    let commits: Vec<_> =
        (1..=3).flat_map(|round| (0..30).map(move |id| commit(&account(id), 2 * round - 1, 2))).collect();
    let mut position = 0;
    for commit in &commits {
        let first = match commit.number {
            1 => position + 1,
            _ => 1 + 2 * commit.resource.id.as_str().parse::<i64>().expect("a number"),
        };
        for (number, event) in commit.numbered() {
            position += 1;
            let text = |text: &str| Value::from(text.to_owned());
            let row = [
                text(&commit.resource.resource_type),
                text(commit.resource.id.as_str()),
                Value::from(number as i64),
                text(&event.event_type),
                event.data.as_ref().map_or(Value::Null, |data| text(data.as_str())),
                text(&commit.at.to_string()),
                text(commit.id.as_str()),
                commit.trace.map_or(Value::Null, |trace| text(&trace.to_string())),
                commit.cause.as_ref().map_or(Value::Null, |cause| text(cause)),
                commit.meta.as_ref().map_or(Value::Null, |meta| text(meta.as_str())),
                Value::from(position),
                Value::from(first),
            ];
            connection.execute(INSERT, rusqlite::params_from_iter(row)).expect("inserted");
        }
    }
    connection.close().expect("closed");
    commits
}

fn mark(connection: &Connection, layout: usize) {
    connection.pragma_update(None, "application_id", 0x4157_4553).expect("marked");
    connection.pragma_update(None, "user_version", layout as i64).expect("marked");
}

/// What the file has in it, and which layout it says that it has.
fn schema(file: &Path) -> (Vec<(String, String)>, i64, i64) {
    let connection = Connection::open(file).expect("opened");
    let mut statement =
        connection.prepare("SELECT type || ' ' || name, sql FROM sqlite_schema ORDER BY 1").expect("a query");
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("a schema");
    let number = |name| connection.pragma_query_value(None, name, |row| row.get(0)).expect("a number");
    (found.collect::<Result<_, _>>().expect("a schema"), number("application_id"), number("user_version"))
}

/// That a store has these commits and takes another one, and that its file is as one that was made today.
async fn assert_whole(file: &Path, commits: &[Commit], layout: usize) {
    let opened = open(file);
    for id in 0..30 {
        let history: Vec<_> = commits.iter().filter(|it| it.resource == account(id)).cloned().collect();
        assert_eq!(read(&opened, &account(id)).await, history);
    }
    assert_eq!(scan(&opened, "account").await.len(), commits.len());
    if layout > 1 {
        let key = SubscriptionKey::new("reorders", "account");
        let registered = opened.registered().await.expect("registered");
        assert_eq!(registered.len(), 1);
        assert_eq!((&registered[0].key, registered[0].start), (&key, Start::Now));
        let parked = opened.parked(&key, None, 10, None).await.expect("parked").resources;
        assert_eq!(parked.len(), 1);
        assert_eq!((parked[0].0.as_str(), parked[0].1.handled, parked[0].1.revision), ("3", Some(2), 7));
        let marker: &Parked = parked[0].1.parked.as_ref().expect("a marker");
        assert_eq!((marker.number, marker.waiting, marker.attempts), (3, 3, 4));
        assert_eq!(opened.skipped(&key, &"4".into()).await.expect("skipped").len(), 1);
    }
    store(&opened, &commit(&account(0), 7, 3)).await;
    opened.append(&commit(&account(0), 9, 1)).await.expect_err("the number is taken");
    opened.close().await.expect("closed");
    assert_sound(file);

    let (_folder, today) = folder();
    open(&today).close().await.expect("closed");
    assert_eq!(schema(file), schema(&today));
}

#[tokio::test]
async fn a_file_of_an_older_layout_is_brought_to_the_newest() {
    for layout in 1..=OLDER.len() {
        let (_folder, file) = folder();
        let commits = older(&file, layout, true);
        let before = fs::metadata(&file).expect("a file").len();
        assert_whole(&file, &commits, layout).await;
        let after = fs::metadata(&file).expect("a file").len();
        assert!(after < before + 100_000, "no row is written anew: {before} {after}");
    }
}

/// What a process that is killed has written of a migration is nothing, or the whole.
#[tokio::test]
async fn a_migration_that_is_cut_off_anywhere_is_not_there_or_whole() {
    let (folder, file) = folder();
    let commits = older(&file, 2, true);
    let bystander = Connection::open(&file).expect("opened");
    let rows = || bystander.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0));
    // Whoever reads what the file had before keeps the log from being folded in.
    bystander.execute_batch("BEGIN").expect("begun");
    assert_eq!(rows(), Ok(180));
    open(&file).close().await.expect("closed");
    assert_eq!(rows(), Ok(180));
    let (database, log) = (&files(folder.path())["events.db"], &files(folder.path())["events.db-wal"]);

    let mut layouts = Vec::new();
    let frames = (log.len() - 32) / (24 + 4096);
    for written in (0..=frames).map(|frame| 32 + frame * (24 + 4096)).flat_map(|end| [end, end + 1000]) {
        let (_folder, cut_off) = crate::support::folder();
        fs::write(&cut_off, database).expect("written");
        let log_of = format!("{}-wal", cut_off.display());
        fs::write(log_of, &log[..written.min(log.len())]).expect("written");
        layouts.push(schema(&cut_off).2);
        assert_whole(&cut_off, &commits, 2).await;
    }
    assert!(layouts.is_sorted() && layouts.first() == Some(&2) && layouts.last() == Some(&3), "{layouts:?}");
}

/// A process of the version before that has the file open goes on.
#[tokio::test]
async fn who_has_an_older_file_open_goes_on() {
    let (_folder, file) = folder();
    older(&file, 2, true);
    let running = Connection::open(&file).expect("opened");
    let mut insert = running.prepare(INSERT).expect("a statement");
    let mut select = running
        .prepare("SELECT number, type, data FROM events WHERE first = 1 AND number > 6 ORDER BY number")
        .expect("a statement");
    let opened = open(&file);
    store(&opened, &commit(&account(0), 7, 1)).await;
    let row = ["account", "0", "8", "Credited", "{}", "2026-11-23T09:30:00.000Z", "c"].map(str::to_owned);
    let row = row.map(Value::from).into_iter().chain([Value::Null, Value::Null, Value::Null]);
    let row = row.chain([Value::from(182), Value::from(1)]);
    assert_eq!(insert.execute(rusqlite::params_from_iter(row)), Ok(1));
    let seen = select.query_map([], |row| row.get::<_, i64>(0)).expect("rows");
    assert_eq!(seen.collect::<Result<Vec<_>, _>>(), Ok(vec![7, 8]));
    assert_eq!(read(&opened, &account(0)).await.len(), 5);
}

#[test]
fn an_older_file_whose_tables_were_changed_is_refused() {
    let (_folder, file) = folder();
    older(&file, 2, true);
    let shell = Connection::open(&file).expect("opened");
    shell.execute_batch("ALTER TABLE events ADD COLUMN note TEXT").expect("changed");
    shell.close().expect("closed");
    let line = refused(&file, StoreErrorKind::Misconfigured);
    assert!(
        line.contains("somebody has changed its table events, which is not as layout 2 has it"),
        "{line}"
    );
}

/// Runs Python's SQLite, which is the system's: on some systems years older than ours.
fn python(script: &str, files: &[&Path]) -> String {
    let python = Command::new("python3").args(["-c", script]).args(files).output().expect("python3");
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    String::from_utf8(python.stdout).expect("text")
}

#[tokio::test]
async fn what_was_made_of_a_dump_is_a_store() {
    let dump = "
import sqlite3, sys
old, new = map(sqlite3.connect, sys.argv[1:])
new.executescript('\\n'.join(old.iterdump()))";
    for layout in 1..=OLDER.len() + 1 {
        let (_folder, file) = folder();
        let commits = older(&file, layout.min(2), true);
        if layout > OLDER.len() {
            open(&file).close().await.expect("closed");
        }
        let restored = file.with_file_name("restored.db");
        python(dump, &[&file, &restored]);
        assert_eq!((schema(&restored).1, schema(&restored).2), (0, 0), "the dump does not have them");
        assert_whole(&restored, &commits, layout.min(2)).await;
    }
}

/// Who restores a part of a dump, or clears a table by hand, has removed what tells whether a log belongs to the file. The
/// rows of all other tables may be there or not.
#[tokio::test]
async fn a_store_without_its_seal_gets_another_one() {
    let dump = "
import sqlite3, sys
old, new = map(sqlite3.connect, sys.argv[1:])
new.executescript('\\n'.join(line for line in old.iterdump() if not line.startswith('INSERT INTO \"seal\"')))";
    let (_folder, file) = folder();
    let commits = older(&file, 2, true);
    open(&file).close().await.expect("closed");
    let restored = file.with_file_name("restored.db");
    python(dump, &[&file, &restored]);
    Connection::open(&file).expect("opened").execute("DELETE FROM seal", []).expect("deleted");
    let seals = |file: &Path| {
        let shell = Connection::open(file).expect("opened");
        shell.query_row("SELECT count(*) FROM seal", [], |row| row.get::<_, i64>(0)).expect("counted")
    };
    for file in [&file, &restored] {
        assert_eq!(seals(file), 0);
        assert_whole(file, &commits, 2).await;
        assert_eq!(seals(file), 1);
    }
}

/// It may have been through a program that ends lines in another way, and somebody may have said half of what it is.
#[tokio::test]
async fn what_is_a_store_word_for_word_is_one_whatever_it_says() {
    for said in ["", "PRAGMA application_id = 0x41574553", "PRAGMA user_version = 2"] {
        let (_folder, file) = folder();
        let connection = Connection::open(&file).expect("opened");
        connection.execute_batch(&OLDER.concat().replace('\n', "\r\n")).expect("tables");
        connection.execute_batch(said).expect("said");
        connection.close().expect("closed");
        open(&file).close().await.expect("closed");
    }
    let (_folder, file) = folder();
    older(&file, 2, false);
    Connection::open(&file).and_then(|it| it.execute_batch("PRAGMA user_version = 3")).expect("said");
    let line = refused(&file, StoreErrorKind::Misconfigured);
    assert!(line.ends_with("it is a SQLite database of another application"), "{line}");
}

#[tokio::test]
async fn what_might_be_a_store_is_refused_with_what_to_do() {
    let (_folder, file) = folder();
    let commits = older(&file, 2, false);
    let shell = Connection::open(&file).expect("opened");
    shell.execute_batch("CREATE VIEW credits AS SELECT id, data FROM events").expect("made");
    shell.close().expect("closed");
    let line = refused(&file, StoreErrorKind::Misconfigured);
    assert!(line.contains("and it has view credits besides"), "{line}");
    let said = line.split('`').find(|part| part.starts_with("PRAGMA")).expect("what to say");
    assert_eq!(said, "PRAGMA application_id = 1096238419; PRAGMA user_version = 2;");
    Connection::open(&file).and_then(|shell| shell.execute_batch(said)).expect("said");
    let opened = open(&file);
    assert_eq!(scan(&opened, "account").await, commits_by_age(&commits));
    opened.close().await.expect("closed");

    let (_folder, file) = folder();
    older(&file, 2, false);
    let shell = Connection::open(&file).expect("opened");
    shell.execute_batch("DROP TRIGGER events_are_not_deleted; DROP VIEW parked").expect("dropped");
    shell.close().expect("closed");
    let line = refused(&file, StoreErrorKind::Misconfigured);
    let lacking =
        "it has no trigger events_are_not_deleted, view parked of that layout; restore the dump as a whole";
    assert!(line.ends_with(lacking), "{line}");
}

/// As a scan has them.
fn commits_by_age(commits: &[Commit]) -> Vec<Commit> {
    let mut commits = commits.to_vec();
    commits.sort_by_key(|commit| (commit.resource.id.clone(), commit.number));
    commits
}

/// SQLite 3.40 looks for the columns of a key where they are declared, and takes others for missing.
#[tokio::test]
async fn other_versions_of_sqlite_find_the_file_in_good_order() {
    let (_folder, file) = folder();
    older(&file, 2, true);
    let opened = open(&file);
    store(&opened, &commit(&account(0), 7, 3)).await;
    let check = "
import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute('PRAGMA integrity_check'): print(row[0])";
    assert_eq!(python(check, &[&file]), "ok\n");

    // Whatever version that was.
    let shell = Connection::open(&file).expect("opened");
    let out_of_order: Vec<String> = shell
        .prepare(
            "SELECT tables.name || '.' || columns.name FROM pragma_table_list AS tables
             JOIN pragma_table_info(tables.name) AS columns
             WHERE tables.wr AND columns.pk > 0 AND columns.pk <> columns.cid + 1",
        )
        .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
        .expect("columns");
    assert_eq!(out_of_order, Vec::<String>::new());
    let with_keys = "SELECT count(*) > 4 FROM pragma_table_list WHERE wr";
    assert_eq!(shell.query_row(with_keys, [], |row| row.get(0)), Ok(true));
}
