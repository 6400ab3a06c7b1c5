//! [`Page`]: the events of one resource type between two positions.
//!
//! Rows lie by resource, and positions are handed out as events come: neighbours in the one order are far from each other in
//! the other. So a page is read in two steps. An index that has nothing else tells which events the positions are; these are
//! fetched resource by resource. The more positions a page reaches over, the more of a history is fetched in one go, so
//! pages grow while there is much to read.

use std::sync::Arc;

use aws_event_sourcing_core::{ResourceKey, StoreError, subscription::Batch};
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Transaction};

use crate::{
    commits::Commits,
    error::{Doing, Error},
    path::FilePath,
    rows::{PageSize, Rows},
};

/// Positions that the first page reaches over. It is there soon.
pub(super) const SHORTEST: usize = 256;

/// Positions that a page reaches over at the most.
const LONGEST: usize = 32 * 1024;

/// Bytes of text in a page, unless it is a single commit.
const BYTES: usize = 8 << 20;

const POSITIONS: &str = r#"
SELECT first, number, position
FROM events INDEXED BY events_by_position
WHERE position > ?1
ORDER BY position
LIMIT ?2
"#;

const EVENTS: &str = r#"
SELECT resource, id, position, number, type, data, at, "commit", trace, cause, meta
FROM events
WHERE first = ?1 AND number >= ?2
ORDER BY number
"#;

/// Whether the event behind a position is of the same commit as the one at it.
const GOES_ON: &str = r#"
SELECT 1
FROM events AS event JOIN events AS next ON next.first = event.first AND next.number = event.number + 1
WHERE event.position = ?1 AND next.position = ?1 + 1 AND next."commit" = event."commit"
"#;

/// Rows of one type between two positions, each resource's together.
pub(super) struct Page {
    rows: Rows,
    /// The position of the last event of each commit.
    positions: Vec<i64>,
    length: usize,
    pub(super) up_to: i64,
    pub(super) then: Then,
}

/// What is behind a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// More.
    More,
    /// Nothing, when it was read.
    Nothing,
}

/// Whether a page had room for all that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Enough,
    TooLittle,
}

/// Where an event is in the table, and in the order of the whole store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    first: i64,
    number: i64,
    position: i64,
}

/// The position to begin behind, when everything up to a position is handled. If that is in the midst of a commit, it
/// begins before it: a commit is delivered as a whole.
pub(super) fn begin(connection: &Connection, path: &FilePath, mut position: i64) -> Result<i64, Error> {
    let goes_on = |position| {
        let mut statement = connection.prepare_cached(GOES_ON)?;
        Ok(statement.query_row([position], |_| Ok(())).optional()?.is_some())
    };
    while goes_on(position).map_err(|source| Error::sqlite(path, Doing::Reading, source))? {
        position -= 1;
    }
    Ok(position)
}

impl Page {
    /// Reads what is behind a position, over so many positions or, where there is too much in them, fewer.
    pub(super) fn read(
        connection: &Connection,
        path: &FilePath,
        resource_type: &str,
        behind: i64,
        mut length: usize,
    ) -> Result<Self, Error> {
        loop {
            let mut page = Self {
                rows: Rows::default(),
                positions: Vec::new(),
                length,
                up_to: behind,
                then: Then::Nothing,
            };
            let filled =
                connection.unchecked_transaction().and_then(|reading| page.fill(&reading, resource_type));
            match filled.map_err(|source| Error::sqlite(path, Doing::Reading, source))? {
                Room::Enough => return Ok(page),
                Room::TooLittle => length = (length / 8).max(1),
            }
        }
    }

    /// How many positions the next page should reach over.
    pub(super) fn next_length(&self) -> usize {
        let is_light = self.rows.text(0).len() < BYTES / 8;
        match self.then {
            Then::More if is_light => (self.length * 4).min(LONGEST),
            Then::More => self.length,
            Then::Nothing => SHORTEST,
        }
    }

    fn fill(&mut self, reading: &Transaction<'_>, resource_type: &str) -> rusqlite::Result<Room> {
        let mut events = events(reading, self.up_to, self.length)?;
        let Some(last) = events.last().copied() else { return Ok(Room::Enough) };
        if events.len() == self.length {
            self.then = Then::More;
        }
        events.sort_unstable();
        let mut statement = reading.prepare_cached(EVENTS)?;
        let mut up_to = last.position;
        for run in events
            .chunk_by(|one, next| one.first == next.first && next.number.checked_sub(one.number) == Some(1))
        {
            let ends = run.last().is_some_and(|event| *event == last);
            match self.take(&mut statement, run, if ends { Some(&mut up_to) } else { None }, resource_type)? {
                Room::Enough => {}
                Room::TooLittle => return Ok(Room::TooLittle),
            }
        }
        self.up_to = up_to;
        Ok(Room::Enough)
    }

    /// Takes events of one resource that follow one another, if they are of the type. Those that end the page go on to the
    /// end of their commit.
    fn take(
        &mut self,
        statement: &mut CachedStatement<'_>,
        run: &[Event],
        mut end: Option<&mut i64>,
        resource_type: &str,
    ) -> rusqlite::Result<Room> {
        let (Some(begin), mut left) = (run.first(), run.len()) else { return Ok(Room::Enough) };
        let mut found = statement.query((begin.first, begin.number))?;
        while left > 0 || end.is_some() {
            let Some(row) = found.next()? else { break };
            let is_first = left == run.len();
            if is_first && row.get_ref(0)?.as_bytes()? != resource_type.as_bytes() {
                // Whatever commit of it the page ends in.
                return Ok(Room::Enough);
            }
            let id = if is_first { Some(row.get_ref(1)?.as_bytes()?) } else { None };
            let size = match left {
                // Nothing but what belongs to the last commit.
                0 => PageSize { rows: 0, bytes: 0 },
                _ => PageSize { rows: usize::MAX, bytes: BYTES },
            };
            if !self.rows.take(row, 3, id, size)? {
                return Ok(if left == 0 { Room::Enough } else { Room::TooLittle });
            }
            let position = row.get(2)?;
            if self.rows.last_begins_commit() {
                self.positions.push(position);
            } else if let Some(last) = self.positions.last_mut() {
                *last = position;
            }
            if let Some(end) = &mut end {
                **end = position;
            }
            left = left.saturating_sub(1);
        }
        Ok(Room::Enough)
    }

    pub(super) fn into_batch(self, resource_type: &Arc<str>) -> Result<Batch, StoreError> {
        // The rows say whose they are.
        let mut commits = Commits::new(ResourceKey::new(resource_type.clone(), ""));
        commits.turn_page(self.rows);
        let mut batch = Batch { up_to: self.up_to.cast_unsigned(), ..Batch::default() };
        for (read, position) in commits.zip(self.positions) {
            batch.add(position.cast_unsigned(), read.map_err(StoreError::from))?;
        }
        Ok(batch)
    }
}

/// The events behind a position, as many as that.
fn events(reading: &Transaction<'_>, behind: i64, count: usize) -> rusqlite::Result<Vec<Event>> {
    let mut statement = reading.prepare_cached(POSITIONS)?;
    let found = statement.query_map((behind, count.cast_signed()), |row| {
        Ok(Event { first: row.get(0)?, number: row.get(1)?, position: row.get(2)? })
    })?;
    found.collect()
}
