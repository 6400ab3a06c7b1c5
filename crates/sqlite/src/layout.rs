//! The layout of the file: its table, its indexes, and how a file comes to have them.
//!
//! # Layout 1
//!
//! One table, one row per event. It is made to be read by people too, with any SQLite shell.
//!
//! | column | | |
//! |---|---|---|
//! | `resource` | TEXT | the resource's type |
//! | `id` | TEXT | the resource's id |
//! | `number` | INTEGER | of the event within its resource: 1, 2, 3, … |
//! | `type` | TEXT | the event's type |
//! | `data` | TEXT, may be NULL | its payload, JSON |
//! | `at` | TEXT | when the commit was made: RFC 3339, UTC, milliseconds |
//! | `commit` | TEXT | the commit's id |
//! | `trace` | TEXT, may be NULL | W3C `traceparent` |
//! | `cause` | TEXT, may be NULL | what led to the commit |
//! | `meta` | TEXT, may be NULL | the caller's own, a JSON object |
//! | `position` | INTEGER | place in the order of the whole store: 1, 2, 3, … |
//! | `first` | INTEGER | the position of the resource's first event |
//!
//! What belongs to a commit is repeated on each of its events: neighbouring rows of one resource with the same
//! `commit` are one commit.
//!
//! ```text
//! events                 (first, number) ──────────▶ the whole row     one resource's history, in one place
//!   resources            (resource, id) ───────────▶ first             number 1 only: one entry per resource
//!   listing              (resource, at, id) ───────▶ first             number 1 only: resources by age
//!   events_by_position   (position) ───────────────▶ first, number     the change feed
//! ```
//!
//! Rows are kept in the order of their key, without a hidden row number, so that a history lies together on the disk
//! however many years it took to happen. The key begins with `first` and not with `id` because ids are random: a new
//! resource then goes to the end of the table, next to those made just before it, and of all that a commit touches
//! only its entry in `resources` is at a random place. That entry is a third of a row: the pages that hold such
//! entries are few, and most of what a busy store writes to its log is those pages. With `(resource, id, number)` as
//! the key, the log of a store that creates resources was as good as one whole page of rows per commit, and 256 callers
//! at a time created 27,000 resources a second where this layout allows 40,000. A history read by an integer is also
//! read faster than by two texts.
//!
//! To find a history by hand:
//!
//! ```sql
//! SELECT * FROM events WHERE first = (SELECT first FROM events WHERE resource = 'product' AND id = '…' AND number = 1);
//! ```
//!
//! Two triggers refuse to change or delete an event: events are immutable, also for a person with a shell.
//!
//! # Layout 2
//!
//! Adds how far subscriptions are.
//!
//! | table | a row for | |
//! |---|---|---|
//! | `subscriptions` | a subscription and a resource type that it follows | `position`: everything up to there is handled, or waits behind a marker |
//! | `progress` | a resource that is ahead of that position, or parked | `handled`: its last event that is handled. From `number` on, the marker: the event that cannot be handled, and why |
//! | `skipped` | an event that somebody had passed over | which, why, who and when |
//!
//! The view `parked` shows the rows of `progress` that have a marker:
//!
//! ```sql
//! SELECT * FROM parked;
//! ```
//!
//! # What guards the layout
//!
//! `application_id` says that the file is one of ours, `user_version` which layout it has. [`bring_up_to_date`] takes
//! a file from any older layout, an empty file included, to the newest in one transaction. [Opening](crate::open) refuses what is
//! not ours or newer than this program. Both numbers are read as any row is, under SQLite's locks and through the log.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// Marks the file as an event store of this library: `AWES`. In the output of `file(1)` too.
pub(crate) const APPLICATION_ID: i64 = 0x4157_4553;

/// What leads from each layout to the next, the first from an empty file. Part of the stored form: entries are added
/// and never changed.
pub(crate) const MIGRATIONS: &[&str] = &[
    r#"
CREATE TABLE events (
  resource TEXT NOT NULL,
  id TEXT NOT NULL,
  number INTEGER NOT NULL,
  type TEXT NOT NULL,
  data TEXT,
  at TEXT NOT NULL,
  "commit" TEXT NOT NULL,
  trace TEXT,
  cause TEXT,
  meta TEXT,
  position INTEGER NOT NULL,
  first INTEGER NOT NULL,
  PRIMARY KEY (first, number)
) WITHOUT ROWID, STRICT;

CREATE UNIQUE INDEX resources ON events (resource, id) WHERE number = 1;
CREATE UNIQUE INDEX listing ON events (resource, at, id) WHERE number = 1;
CREATE UNIQUE INDEX events_by_position ON events (position);

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
BEGIN SELECT raise(ABORT, 'events are immutable'); END;
CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
BEGIN SELECT raise(ABORT, 'events are immutable'); END;
"#,
    r#"
CREATE TABLE subscriptions (
  subscription TEXT NOT NULL,
  resource TEXT NOT NULL,
  start TEXT NOT NULL,
  started_at TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (subscription, resource)
) WITHOUT ROWID, STRICT;

CREATE TABLE progress (
  subscription TEXT NOT NULL,
  resource TEXT NOT NULL,
  id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  handled INTEGER,
  position INTEGER,
  number INTEGER,
  "after" INTEGER,
  type TEXT,
  waiting INTEGER,
  error TEXT,
  attempts INTEGER,
  first_failed_at TEXT,
  last_failed_at TEXT,
  next_attempt_at TEXT,
  claimed_until TEXT,
  trace TEXT,
  PRIMARY KEY (subscription, resource, id)
) WITHOUT ROWID, STRICT;

CREATE INDEX progress_by_position ON progress (subscription, resource, position) WHERE number IS NULL;
CREATE INDEX progress_by_next_attempt ON progress (subscription, resource, next_attempt_at, id)
WHERE number IS NOT NULL;

CREATE TABLE skipped (
  subscription TEXT NOT NULL,
  resource TEXT NOT NULL,
  id TEXT NOT NULL,
  number INTEGER NOT NULL,
  type TEXT,
  error TEXT NOT NULL,
  reason TEXT NOT NULL,
  "by" TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (subscription, resource, id, number)
) WITHOUT ROWID, STRICT;

CREATE VIEW parked AS
SELECT subscription, resource, id, number, type, waiting, error, attempts, first_failed_at, last_failed_at,
  next_attempt_at, trace
FROM progress WHERE number IS NOT NULL;
"#,
];

/// The layout that the migrations lead to.
pub(crate) fn number_of(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// What a file says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing: it is empty, and whoever comes first may make it what they like.
    Empty,
    /// A store of ours, with this layout.
    Layout(i64),
    /// A database, but none of ours.
    Foreign,
}

impl Found {
    /// Looks at the numbers in the file's first page. Neither reads nor understands its tables, so that it works on
    /// any layout.
    ///
    /// To be called in a transaction: another process may be changing them.
    pub(crate) fn read(connection: &Transaction<'_>) -> rusqlite::Result<Self> {
        let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        let layout = number("user_version")?;
        Ok(match number("application_id")? {
            APPLICATION_ID if layout > 0 => Self::Layout(layout),
            0 if layout == 0 && number("schema_version")? == 0 => Self::Empty,
            _ => Self::Foreign,
        })
    }

    /// Whether there are migrations that the file has not seen yet.
    pub(crate) fn lacks(self, migrations: &[&str]) -> bool {
        self != Self::Foreign && self.migrations() < migrations.len()
    }

    /// The layout, as a number of migrations that have been applied.
    fn migrations(self) -> usize {
        match self {
            Self::Layout(layout) => usize::try_from(layout).unwrap_or_default(),
            Self::Empty | Self::Foreign => 0,
        }
    }
}

/// Applies the migrations that the file has not seen yet, all in one transaction. Of several processes that do this at
/// the same time one does the work; the others wait for it and find it done. Gives what had been there before, as
/// this process found it when it was its turn.
///
/// Does nothing to a file that is not ours or has a newer layout than the migrations lead to.
pub(crate) fn bring_up_to_date(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<Found> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = Found::read(&transaction)?;
    if !found.lacks(migrations) {
        return Ok(found);
    }
    for migration in &migrations[found.migrations()..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", number_of(migrations))?;
    transaction.commit()?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: &[&str] = &[MIGRATIONS[0], "CREATE TABLE later (a TEXT)", "INSERT INTO later VALUES ('b')"];

    fn found(connection: &Connection) -> Found {
        Found::read(&connection.unchecked_transaction().unwrap()).unwrap()
    }

    fn tables(connection: &Connection) -> Vec<String> {
        let mut statement =
            connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn an_empty_file_and_every_older_layout_come_to_the_newest() {
        for layout in 0..LATER.len() {
            let mut connection = Connection::open_in_memory().unwrap();
            bring_up_to_date(&mut connection, &LATER[..layout]).unwrap();
            let before = found(&connection);
            assert_eq!(before, if layout == 0 { Found::Empty } else { Found::Layout(layout as i64) });
            assert_eq!(bring_up_to_date(&mut connection, LATER).unwrap(), before);
            assert_eq!(found(&connection), Found::Layout(3));
            assert_eq!(tables(&connection), ["events", "later"]);
            let rows = || connection.query_row("SELECT count(*) FROM later", [], |row| row.get::<_, i64>(0));
            assert_eq!(rows(), Ok(1));
        }
    }

    #[test]
    fn a_migration_that_fails_leaves_the_file_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        bring_up_to_date(&mut connection, &LATER[..1]).unwrap();
        let broken = [LATER[0], LATER[1], "INSERT INTO gone VALUES (1)"];
        bring_up_to_date(&mut connection, &broken).unwrap_err();
        assert!(connection.is_autocommit());
        assert_eq!(found(&connection), Found::Layout(1));
        assert_eq!(tables(&connection), ["events"]);
    }

    #[test]
    fn what_is_not_ours_or_newer_is_left_alone() {
        for sql in ["PRAGMA application_id = 1", "PRAGMA user_version = 1", "CREATE TABLE theirs (a)"] {
            let mut connection = Connection::open_in_memory().unwrap();
            connection.execute_batch(sql).unwrap();
            assert_eq!(bring_up_to_date(&mut connection, MIGRATIONS).unwrap(), Found::Foreign, "{sql}");
            assert!(!tables(&connection).contains(&"events".to_owned()), "{sql}");
        }
        let mut connection = Connection::open_in_memory().unwrap();
        bring_up_to_date(&mut connection, LATER).unwrap();
        assert_eq!(bring_up_to_date(&mut connection, MIGRATIONS).unwrap(), Found::Layout(3));
        assert_eq!(found(&connection), Found::Layout(3));
    }
}
