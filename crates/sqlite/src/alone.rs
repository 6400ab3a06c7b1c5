//! [`Alone`]: what a file says of itself without its log, and which log belongs to it.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode};

use crate::{connection, layout::Found, seal::Seal};

/// How often a file and a log that do not seem to belong together are looked at, before that is believed: another process may be
/// folding the one into the other.
pub(crate) const LOOKS: u32 = 8;
pub(crate) const BETWEEN_LOOKS: Duration = Duration::from_millis(16);

/// What a file says of itself, and its seal.
pub(crate) type Seen = (Found, Option<Seal>);

/// What it says without its log.
pub(crate) struct Alone {
    seen: Seen,
    /// SQLite's number of its schema: another one after each change of that, and after each `VACUUM`.
    pub(crate) schema: i64,
}

impl Alone {
    /// Reads the file, whoever has it open.
    pub(crate) fn read(path: &Path, migrations: &[&str]) -> rusqlite::Result<Self> {
        let connection = connection::open_alone(path)?;
        // Before the rest: what is read after it is not older.
        let schema = schema(&connection)?;
        Ok(Self { seen: look_at(&connection, migrations)?, schema })
    }

    /// Whether the log that something was seen through belongs to the file.
    pub(crate) fn owns(&self, through_log: &rusqlite::Result<Seen>) -> bool {
        let (found, seal) = &self.seen;
        match through_log {
            // Somebody else's lock, or the disk, says nothing about the log.
            Err(error) => !matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown) | None
            ),
            // A log that makes one of ours what is none, or the other way round.
            Ok((through, _)) if (*found == Found::Foreign) != (*through == Found::Foreign) => false,
            Ok((_, Some(log))) => log.belongs_to(seal.as_ref()),
            Ok((_, None)) => seal.is_none(),
        }
    }
}

/// What a file says to a connection.
pub(crate) fn look_at(connection: &Connection, migrations: &[&str]) -> rusqlite::Result<Seen> {
    let reading = connection.unchecked_transaction()?;
    Ok((Found::read(&reading, migrations)?, Seal::find(&reading)?))
}

/// SQLite's number of the schema that a connection sees.
pub(crate) fn schema(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "schema_version", |row| row.get(0))
}
