//! One transaction: any number of commits, stored together.
//!
//! That a commit's number is free is found out by storing it. Only when it is not does a second look tell whose commit
//! is in the way: the very same one, appended before, or another one.

use aws_event_sourcing_core::{AppendError, Appended, Commit, Json, limits};
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, ffi, params};

use crate::{
    commits::Commits,
    connection::{roll_back_unless, run},
    error::{Doing, Error},
    log::Log,
    path::FilePath,
    rows::{PageSize, Rows},
};

const LAST_POSITION: &str = "SELECT coalesce(max(position), 0) FROM events";

const FIRST: &str = "SELECT first FROM events WHERE resource = ?1 AND id = ?2 AND number = 1";

const COMMIT_OF: &str = r#"SELECT "commit" FROM events WHERE first = ?1 AND number = ?2"#;

/// Fails where a number is taken, by the trigger that keeps events from being replaced. To fail and not to be aborted spares
/// SQLite the copies that it would make of every page that is about to change.
const INSERT: &str = r#"
INSERT OR FAIL INTO events (resource, id, number, type, data, at, "commit", trace, cause, meta, position, first)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
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
        if number > limits::MAX_EVENT_NUMBER {
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
pub(crate) fn store(
    connection: &Connection,
    path: &FilePath,
    log: &mut Log,
    records: &[Record],
) -> Result<Stored, Error> {
    let failed = |source| Error::sqlite(path, Doing::Writing, source);
    in_transaction(connection, log, failed, |connection| {
        let mut transaction = Transaction::begun(connection).map_err(failed)?;
        let position_before = transaction.position;
        let outcomes: Result<_, _> = records.iter().map(|record| transaction.store(record)).collect();
        Ok(Stored { outcomes: outcomes.map_err(failed)?, position_before, position: transaction.position })
    })
}

/// Does something else in a transaction. After an error nothing of it is there.
pub(crate) fn run_in<T>(
    connection: &Connection,
    path: &FilePath,
    log: &mut Log,
    change: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    in_transaction(connection, log, |source| Error::sqlite(path, Doing::Writing, source), change)
}

fn in_transaction<T>(
    connection: &Connection,
    log: &mut Log,
    failed: impl Fn(rusqlite::Error) -> Error,
    job: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    let begun = log.begin(connection).map_err(&failed);
    let done = begun.and_then(|()| job(connection)).and_then(|done| {
        run(connection, "COMMIT").map_err(&failed)?;
        Ok(done)
    });
    match &done {
        Ok(_) => log.committed(),
        Err(_) => log.rolled_back(),
    }
    roll_back_unless(connection, &done).map_err(failed)?;
    done
}

/// What SQLite says of an event that it does not insert because of those that are there.
struct Refused(rusqlite::Error);

fn is_refusal(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    // The others where a person has dropped the trigger.
    matches!(
        code,
        Some(
            ffi::SQLITE_CONSTRAINT_TRIGGER
                | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                | ffi::SQLITE_CONSTRAINT_UNIQUE
        )
    )
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
            1 if commit.follows.is_some() => return Ok(Err(AppendError::Conflict(None))),
            1 => self.position + 1,
            number => match self.find_first(commit)? {
                Some(first) if self.is_behind(commit, first)? => first,
                Some(_) => return self.in_the_way(commit, None),
                None if commit.follows.is_some() => return Ok(Err(AppendError::Conflict(None))),
                None => {
                    let resource = commit.resource.to_string();
                    return Ok(Err(Error::NothingBefore { resource, number }.into()));
                }
            },
        };
        let refused = match commit.events.len() {
            1 => self.insert(record, first)?,
            _ => self.insert_whole(record, first)?,
        };
        match refused {
            None => Ok(Ok(Appended::Now)),
            Some(refused) => self.in_the_way(commit, Some(refused)),
        }
    }

    /// Whether the event before a commit is one of the commit that it follows.
    fn is_behind(&self, commit: &Commit, first: i64) -> rusqlite::Result<bool> {
        let Some(follows) = &commit.follows else { return Ok(true) };
        let before = (first, commit.number.cast_signed() - 1);
        let mut statement = self.connection.prepare_cached(COMMIT_OF)?;
        let before = statement
            .query_row(before, |row| Ok(row.get_ref(0)?.as_str()? == follows.as_str()))
            .optional()?;
        Ok(before == Some(true))
    }

    fn find_first(&mut self, commit: &Commit) -> rusqlite::Result<Option<i64>> {
        let resource = (&*commit.resource.resource_type, commit.resource.id.as_str());
        self.first.query_row(resource, |row| row.get(0)).optional()
    }

    /// Inserts all events of a commit or, where one of them is refused, none.
    fn insert_whole(&mut self, record: &Record, first: i64) -> rusqlite::Result<Option<Refused>> {
        let before = self.position;
        run(self.connection, "SAVEPOINT whole")?;
        let refused = self.insert(record, first)?;
        if refused.is_some() {
            run(self.connection, "ROLLBACK TO whole")?;
            self.position = before;
        }
        run(self.connection, "RELEASE whole")?;
        Ok(refused)
    }

    /// Inserts the events of a commit up to the first that is refused. Gives why that one is.
    fn insert(&mut self, record: &Record, first: i64) -> rusqlite::Result<Option<Refused>> {
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
            ]);
            match inserted {
                Ok(_) => self.position += 1,
                Err(error) if is_refusal(&error) => return Ok(Some(Refused(error))),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// What comes of an append that is not behind what it follows, or of which an event was refused: its number is taken.
    fn in_the_way(&self, commit: &Commit, refused: Option<Refused>) -> rusqlite::Result<Outcome> {
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
        if rows.last_number().is_none_or(|last| last < commit.number.cast_signed()) {
            return match refused {
                None => Ok(Err(AppendError::Conflict(None))),
                // It is not: somebody has a trigger of their own.
                Some(refused) => Err(refused.0),
            };
        }
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
