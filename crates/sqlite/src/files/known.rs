//! [`Known`]: what is known of the file's contents, so that they are read again only when somebody has written to it.
//!
//! Only checkpoints write to the file: those of this process, and of others. After each the file is read, as it is without its
//! log: its [seal](crate::seal) says whether it is still the one that the log belongs to. So a checkpoint costs one small read
//! more, and a transaction that makes none costs the look at the file's stamp.

use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use super::loss::What;
use crate::{
    alone::{Alone, Seen, look_at, schema},
    connection::frames_in_log,
    file_id::Stamp,
    layout,
    path::FilePath,
    seal::Seal,
};

/// More than a tick of a file system's clock: a second change within the tick of the first cannot be told by the stamp.
const TICK: Duration = Duration::from_millis(100);

/// What is known of the file.
pub(super) struct Known {
    stamp: Stamp,
    read_at: Instant,
    /// The stamp was the same when the file was read once more a tick later.
    is_settled: bool,
    /// None as long as there was no telling.
    contents: Option<Contents>,
}

/// What there was when the file was last found to be the right one.
struct Contents {
    /// Of the file and its log together.
    seal: Seal,
    /// The number of its schema that the file alone had. While the log has another one, somebody has changed the schema, or
    /// moved everything by a `VACUUM`, and what of that is in the file already need not make sense.
    schema: i64,
}

/// What a file turns out to be.
pub(super) enum Found {
    /// The one that is known.
    Same,
    /// There is no telling before the log is folded in: somebody has changed the schema, or made a `VACUUM`.
    Unclear,
    /// Another one, or not all of it.
    Other(What),
}

impl Known {
    /// A file that has this stamp and has not been read.
    pub(super) fn of(stamp: Stamp) -> Self {
        Self { stamp, read_at: Instant::now(), is_settled: false, contents: None }
    }

    /// Whether the file is to be read, because somebody may have written to it.
    pub(super) fn is_outdated(&self, stamp: Stamp) -> bool {
        stamp != self.stamp || !self.is_settled && self.read_at.elapsed() >= TICK
    }

    /// Reads the file, and what its log makes of it, and compares it with what is known. The stamp was taken before.
    ///
    /// # Errors
    ///
    /// Those that may pass: of the disk, and locks of others.
    pub(super) fn compare(
        &mut self,
        stamp: Stamp,
        path: &FilePath,
        connection: &Connection,
    ) -> rusqlite::Result<Found> {
        let through_log = match Through::read(connection) {
            Ok(through_log) => through_log,
            Err(error) if may_pass(&error) => return Err(error),
            Err(_) => return Ok(Found::Other(What::WrittenOver)),
        };
        let known = self.contents.as_ref();
        let is_rebuilt = known.is_none_or(|known| known.schema != through_log.schema);
        let had = self.stamp.length;
        // Nothing but a `VACUUM` makes a file shorter by right.
        if stamp.length < had
            && (stamp.length < through_log.least_length || !is_rebuilt && through_log.length >= had)
        {
            return Ok(Found::Other(What::CutShort));
        }
        let alone = match Alone::read(path.as_path(), layout::MIGRATIONS) {
            Ok(alone) => Some(alone),
            Err(error) if may_pass(&error) => return Err(error),
            Err(_) => None,
        };
        let Through { seen, seal, .. } = through_log;
        let same = alone
            .filter(|alone| known.is_none_or(|known| known.seal.is_before(&seal)) && alone.owns(&Ok(seen)));
        if same.is_none() && !is_rebuilt {
            return Ok(Found::Other(What::WrittenOver));
        }
        self.is_settled = same.is_some() && stamp == self.stamp;
        (self.stamp, self.read_at) = (stamp, Instant::now());
        let Some(Alone { schema, .. }) = same else { return Ok(Found::Unclear) };
        self.contents = Some(Contents { seal, schema });
        Ok(Found::Same)
    }
}

/// What the file says through its log.
struct Through {
    seen: Seen,
    seal: Seal,
    schema: i64,
    /// How long the file is with what is in the log.
    length: u64,
    /// It cannot be shorter than this: pages that are not in the log are in the file.
    least_length: u64,
}

impl Through {
    fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let number = |of| connection.pragma_query_value(None, of, |row| row.get::<_, i64>(0));
        let frames = frames_in_log(connection)?;
        let (pages, bytes) = (number("page_count")?, number("page_size")?);
        let length = |pages: i64| (pages.max(0) * bytes).cast_unsigned();
        let schema = schema(connection)?;
        let seen = look_at(connection, layout::MIGRATIONS)?;
        let seal = seen.1.clone().ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        Ok(Self {
            seen,
            seal,
            schema,
            length: length(pages),
            least_length: length(pages - i64::from(frames)),
        })
    }
}

/// Whether it is the disk, or somebody else's lock.
fn may_pass(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_once_more_after_a_tick_and_then_when_it_has_changed() {
        let stamp = Stamp::default();
        let mut known = Known::of(stamp);
        let mut longer = stamp;
        longer.length += 1;
        assert!(known.is_outdated(longer));
        known.read_at = Instant::now();
        assert!(!known.is_outdated(stamp), "within the tick");
        known.read_at -= TICK;
        assert!(known.is_outdated(stamp));
        known.is_settled = true;
        assert!(!known.is_outdated(stamp));
    }
}
