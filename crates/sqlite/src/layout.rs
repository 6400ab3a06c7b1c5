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
//! Triggers refuse to change or delete an event: events are immutable, also for a person with a shell.
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
//! # Layout 3
//!
//! Declares the columns of `events` in the order in which they are stored: `first` and `number`, which are the key, and then
//! the others as above. `PRAGMA integrity_check` of SQLite 3.40, which Debian 12 has, looks for the columns of a
//! table without row numbers where they are declared, and so reported values as missing that are all there. Nothing is
//! stored in another way: the text of the table is replaced, and no row is written.
//!
//! And a third trigger refuses to replace an event, as `INSERT OR REPLACE` would, by whichever of its keys it collides.
//! SQLite does not ask the other two about rows that it replaces, unless `PRAGMA recursive_triggers` is on. It looks for
//! the keys in the pages where the new row is about to go. It fails (`raise(FAIL)`), and so does our own statement that
//! inserts, for a row is then refused before anything is done; for a statement that can be aborted, SQLite first copies
//! every page that it changes, which had one take a third longer. What a person has inserted with the same statement before
//! the row that is refused stays.
//!
//! A person can drop a trigger. What the triggers refuse is a mistake, not an intent.
//!
//! And there is the table `leases`, with a row for each subscription and resource type: which process follows the file for
//! it, or was the last to do so, and since when. `term` counts how often that changed. See [`lease`](crate::lease).
//!
//! And the table `seal`, which tells whether a log belongs to the file: see [`seal`](crate::seal).
//!
//! # What guards the layout
//!
//! `application_id` says that the file is one of ours, `user_version` which layout it has. [`bring_up_to_date`] takes
//! a file from any older layout, an empty file included, to the newest in one transaction. [Opening](crate::open) refuses what is
//! not ours or newer than this program. Both numbers are read as any row is, under SQLite's locks and through the log.
//!
//! Neither is in a dump (`.dump`). A file that was made of one is known by its schema: if that is word for word the schema of
//! a layout, with nothing besides, then the file has that layout, and is made to say so. With anything besides it might
//! have a layout that this program does not know, and is refused: a person has to say it.

mod migrations;
mod schema;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use self::schema::Schema;
pub(crate) use self::{migrations::MIGRATIONS, schema::Differences};

/// Marks the file as an event store of this library: `AWES`. In the output of `file(1)` too.
pub(crate) const APPLICATION_ID: i64 = 0x4157_4553;

/// The layout that the migrations lead to.
pub(crate) fn number_of(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// What a file says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing: it is empty, and whoever comes first may make it what they like.
    Empty,
    /// A store of ours, with this layout.
    Layout(i64),
    /// The same by its schema, and it does not say so.
    Unmarked(i64),
    /// It does not say so, and its schema is not quite that of a layout.
    Similar(Differences),
    /// A store of ours, but for this table, which is not as the layout has it.
    Altered { layout: i64, table: String },
    /// A database, but none of ours.
    Foreign,
}

impl Found {
    /// Looks at the numbers in the file's first page, and at its schema where these leave a doubt.
    ///
    /// To be called in a transaction: another process may be changing them.
    pub(crate) fn read(connection: &Transaction<'_>, migrations: &[&str]) -> rusqlite::Result<Self> {
        let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        let (application, layout) = (number("application_id")?, number("user_version")?);
        match (application, layout) {
            (APPLICATION_ID, 1..) => Self::marked(connection, layout, migrations),
            (0, 0) if number("schema_version")? == 0 => Ok(Self::Empty),
            (0 | APPLICATION_ID, 0..) => Self::unmarked(connection, layout, migrations),
            _ => Ok(Self::Foreign),
        }
    }

    /// What is to be migrated has to be what the migrations were written for.
    fn marked(connection: &Connection, layout: i64, migrations: &[&str]) -> rusqlite::Result<Self> {
        let found = Self::Layout(layout);
        if !found.lacks(migrations) {
            return Ok(found);
        }
        let expected = Schema::after(&migrations[..found.migrations()])?;
        Ok(match Schema::read(connection)?.other_table(&expected) {
            Some(table) => Self::Altered { layout, table },
            None => found,
        })
    }

    fn unmarked(connection: &Connection, layout: i64, migrations: &[&str]) -> rusqlite::Result<Self> {
        let differences = Schema::read(connection)?.differences(migrations)?;
        Ok(match differences {
            // One of the two numbers may have been said.
            Some(found) if layout != 0 && layout != found.layout => Self::Foreign,
            Some(found) if found.is_empty() => Self::Unmarked(found.layout),
            Some(found) => Self::Similar(found),
            None => Self::Foreign,
        })
    }

    /// Whether there is something to do to the file, by the migrations.
    pub(crate) fn lacks(&self, migrations: &[&str]) -> bool {
        match self {
            Self::Empty | Self::Layout(_) => self.migrations() < migrations.len(),
            Self::Unmarked(_) => true,
            Self::Similar(_) | Self::Altered { .. } | Self::Foreign => false,
        }
    }

    /// The layout; 0 where there is none.
    pub(crate) fn layout(&self) -> i64 {
        match self {
            Self::Layout(layout) | Self::Unmarked(layout) => *layout,
            Self::Empty | Self::Similar(_) | Self::Altered { .. } | Self::Foreign => 0,
        }
    }

    /// The layout, as a number of migrations that have been applied.
    fn migrations(&self) -> usize {
        match self {
            Self::Layout(layout) | Self::Unmarked(layout) => usize::try_from(*layout).unwrap_or_default(),
            Self::Empty | Self::Similar(_) | Self::Altered { .. } | Self::Foreign => 0,
        }
    }
}

/// Applies the migrations that the file has not seen yet, all in one transaction. Of several processes that do this at
/// the same time one does the work; the others wait for it and find it done. Gives what had been there before, as
/// this process found it when it was its turn.
///
/// Does nothing to a file that is not ours, is not as its layout says, or has a newer layout than the migrations lead to.
pub(crate) fn bring_up_to_date(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<Found> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = Found::read(&transaction, migrations)?;
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
        Found::read(&connection.unchecked_transaction().unwrap(), LATER).unwrap()
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
        assert_eq!(bring_up_to_date(&mut connection, &LATER[..2]).unwrap(), Found::Layout(3));
        assert_eq!(found(&connection), Found::Layout(3));
    }
}
