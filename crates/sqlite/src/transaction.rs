//! One transaction: any number of commits, stored together.
//!
//! That a commit's number is free is found out by storing it. Only when it is not does a second look tell whose commit
//! is in the way: the very same one, appended before, or another one.

use aws_event_sourcing_core::{AppendError, Appended, Commit, Json, limits};
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};

use crate::{
    commits::Commits,
    error::{Doing, Error},
    path::FilePath,
    rows::{PageSize, Rows},
};

const LAST_POSITION: &str = "SELECT coalesce(max(position), 0) FROM events";

const FIRST: &str = "SELECT first FROM events WHERE resource = ?1 AND id = ?2 AND number = 1";

const INSERT: &str = r#"
INSERT INTO events (resource, id, number, type, data, at, "commit", trace, cause, meta, position, first)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
ON CONFLICT DO NOTHING
"#;

/// What is stored from the event before a number on.
const IN_THE_WAY: &str = r#"
SELECT number, type, data, at, "commit", trace, cause, meta
FROM events
WHERE first = (SELECT first FROM events WHERE resource = ?1 AND id = ?2 AND number = 1) AND number >= ?3 - 1
ORDER BY number
"#;

/// A commit on its way into the file, checked, and with everything as text that is stored as text.
pub(crate) struct Record {
    commit: Commit,
    at: String,
    trace: Option<String>,
    bytes: usize,
}

impl Record {
    pub(crate) fn new(commit: &Commit) -> Result<Self, AppendError> {
        let bytes = limits::check(commit)?;
        let number = commit.last_number();
        if i64::try_from(number).is_err() {
            return Err(Error::NumberTooLarge { number }.into());
        }
        let (at, trace) = (commit.at.to_string(), commit.trace.map(|trace| trace.to_string()));
        Ok(Self { commit: commit.clone(), at, trace, bytes })
    }

    /// About how much it adds to the file.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// What came of an append.
pub(crate) type Outcome = Result<Appended, AppendError>;

/// A transaction that is on the disk.
pub(crate) struct Stored {
    /// What came of each append, in their order.
    pub(crate) outcomes: Vec<Outcome>,
    /// The last position in the file when it began.
    pub(crate) position_before: i64,
    /// The last position in the file since then.
    pub(crate) position: i64,
}

/// Stores these commits in one transaction. After an error none of them is stored.
pub(crate) fn store(connection: &Connection, path: &FilePath, records: &[Record]) -> Result<Stored, Error> {
    let failed = |source| Error::sqlite(path, Doing::Writing, source);
    run(connection, "BEGIN IMMEDIATE").map_err(failed)?;
    let stored = Transaction::begun(connection).and_then(|mut transaction| {
        let position_before = transaction.position;
        let outcomes = records.iter().map(|record| transaction.store(record)).collect::<Result<_, _>>()?;
        run(connection, "COMMIT")?;
        Ok(Stored { outcomes, position_before, position: transaction.position })
    });
    // After some errors, that of a full disk among them, SQLite has rolled back by itself.
    if stored.is_err() && !connection.is_autocommit() {
        run(connection, "ROLLBACK").map_err(failed)?;
    }
    stored.map_err(failed)
}

/// Does something else in a transaction. After an error nothing of it is there.
pub(crate) fn run_in<T>(
    connection: &Connection,
    path: &FilePath,
    change: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    let failed = |source| Error::sqlite(path, Doing::Writing, source);
    run(connection, "BEGIN IMMEDIATE").map_err(failed)?;
    let changed = change(connection).and_then(|changed| {
        run(connection, "COMMIT").map_err(failed)?;
        Ok(changed)
    });
    if changed.is_err() && !connection.is_autocommit() {
        run(connection, "ROLLBACK").map_err(failed)?;
    }
    changed
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

struct Transaction<'a> {
    connection: &'a Connection,
    insert: CachedStatement<'a>,
    first: CachedStatement<'a>,
    /// The last one given out.
    position: i64,
}

impl<'a> Transaction<'a> {
    fn begun(connection: &'a Connection) -> rusqlite::Result<Self> {
        let position = connection.prepare_cached(LAST_POSITION)?.query_row([], |row| row.get(0))?;
        let (insert, first) = (connection.prepare_cached(INSERT)?, connection.prepare_cached(FIRST)?);
        Ok(Self { connection, insert, first, position })
    }

    fn store(&mut self, record: &Record) -> rusqlite::Result<Outcome> {
        let commit = &record.commit;
        let first = match commit.number {
            1 => self.position + 1,
            number => match self.find_first(commit)? {
                Some(first) => first,
                None => {
                    let resource = commit.resource.to_string();
                    return Ok(Err(Error::NothingBefore { resource, number }.into()));
                }
            },
        };
        let stored = match commit.events.len() {
            1 => self.insert(record, first)?,
            _ => self.insert_whole(record, first)?,
        };
        if stored { Ok(Ok(Appended::Now)) } else { self.in_the_way(commit) }
    }

    fn find_first(&mut self, commit: &Commit) -> rusqlite::Result<Option<i64>> {
        let resource = (&*commit.resource.resource_type, commit.resource.id.as_str());
        self.first.query_row(resource, |row| row.get(0)).optional()
    }

    /// Inserts all events of a commit or, where one of its numbers is taken, none.
    fn insert_whole(&mut self, record: &Record, first: i64) -> rusqlite::Result<bool> {
        let before = self.position;
        run(self.connection, "SAVEPOINT whole")?;
        let stored = self.insert(record, first)?;
        if !stored {
            run(self.connection, "ROLLBACK TO whole")?;
            self.position = before;
        }
        run(self.connection, "RELEASE whole")?;
        Ok(stored)
    }

    /// Inserts the events of a commit up to the first whose number is taken. Whether none was.
    fn insert(&mut self, record: &Record, first: i64) -> rusqlite::Result<bool> {
        let Record { commit, at, trace, .. } = record;
        for (number, event) in commit.numbered() {
            let inserted = self.insert.execute(params![
                &*commit.resource.resource_type,
                commit.resource.id.as_str(),
                number.cast_signed(),
                &*event.event_type,
                event.data.as_ref().map(Json::as_str),
                at,
                commit.id.as_str(),
                trace,
                commit.cause,
                commit.meta.as_ref().map(Json::as_str),
                self.position + 1,
                first,
            ])?;
            if inserted == 0 {
                return Ok(false);
            }
            self.position += 1;
        }
        Ok(true)
    }

    /// What comes of an append whose number is taken.
    fn in_the_way(&self, commit: &Commit) -> rusqlite::Result<Outcome> {
        let mut statement = self.connection.prepare_cached(IN_THE_WAY)?;
        let resource = &commit.resource;
        let key = (&*resource.resource_type, resource.id.as_str(), commit.number.cast_signed());
        let mut found = statement.query(key)?;
        // Two events, and then the rest of their commit: that takes in the one with the number whole, or the one before
        // it, if that should reach so far.
        let (mut rows, size) = (Rows::default(), PageSize { rows: 2, bytes: usize::MAX });
        while let Some(row) = found.next()?
            && rows.take(row, 0, None, size)?
        {}
        let mut commits = Commits::new(resource.clone());
        commits.turn_page(rows);
        let mut in_the_way = None;
        for found in commits {
            match found {
                Ok(found) if found.number == commit.number => in_the_way = Some(found),
                Ok(_) => {}
                Err(unreadable) => return Ok(Err(unreadable.into())),
            }
        }
        Ok(match in_the_way {
            Some(same) if same.id == commit.id => Ok(Appended::Before),
            other => Err(AppendError::Conflict(other.map(Box::new))),
        })
    }
}
