//! The records of subscriptions, as rows.
//!
//! A record is a row of `progress`. Its marker, when it has one, is in the columns from `number` on. A record without a
//! marker is only needed until the place of its subscription has come past its event: `position` is that event's, and
//! whoever saves the place removes what lies behind it.

use std::{error::Error as StdError, str::FromStr};

use aws_event_sourcing_core::{
    ResourceId, Timestamp, TraceParent,
    subscription::{
        Parked, ParkedCursor, ParkedPage, Progress, Registration, Skipped, Start, SubscriptionKey, Swap,
        UnreadableRecord,
    },
};
use rusqlite::{
    Connection, OptionalExtension as _, Row, params,
    types::{FromSql, Value},
};

use crate::{
    error::{Doing, Error},
    path::FilePath,
};

/// Why the records could not be read or changed.
pub(super) enum Failed {
    Sqlite(rusqlite::Error),
    /// A column holds something else than this program writes.
    Unreadable {
        what: String,
        column: &'static str,
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl Failed {
    pub(super) fn at(self, path: &FilePath, doing: Doing) -> Error {
        match self {
            Self::Sqlite(source) => Error::sqlite(path, doing, source),
            Self::Unreadable { what, column, source } => {
                Error::UnreadableRecord { path: path.clone(), what, column, source }
            }
        }
    }
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

pub(super) type Result<T> = std::result::Result<T, Failed>;

const REGISTRATION: &str =
    "SELECT start, started_at FROM subscriptions WHERE subscription = ?1 AND resource = ?2";

const REGISTER: &str = "
INSERT INTO subscriptions (subscription, resource, start, started_at, position)
VALUES (?1, ?2, ?3, ?4, iif(?3 = 'now', (SELECT coalesce(max(position), 0) FROM events), 0))
ON CONFLICT DO NOTHING";

const REGISTERED: &str =
    "SELECT start, started_at, subscription, resource FROM subscriptions ORDER BY subscription, resource";

const PLACE: &str = "SELECT position FROM subscriptions WHERE subscription = ?1 AND resource = ?2";

const SAVE: &str =
    "UPDATE subscriptions SET position = max(position, ?3) WHERE subscription = ?1 AND resource = ?2";

const FORGET: &str =
    "DELETE FROM progress WHERE subscription = ?1 AND resource = ?2 AND number IS NULL AND position <= ?3";

const IS_THERE_ANY: &str = "SELECT EXISTS (SELECT 1 FROM progress WHERE subscription = ?1 AND resource = ?2)";

const RECORD: &str = r#"
SELECT revision, handled, number, "after", type, waiting, error, attempts, first_failed_at, last_failed_at,
    next_attempt_at, claimed_until, trace
FROM progress WHERE subscription = ?1 AND resource = ?2 AND id = ?3"#;

/// The first revision of a record is a random number that leaves room for more: when one is made again after it was
/// forgotten, nobody takes it for the one before. A time would do only as long as nobody sets the clock back.
const ADVANCE: &str = "
INSERT INTO progress (subscription, resource, id, revision, handled, position)
VALUES (?1, ?2, ?3, random() & 0x3FFFFFFFFFFFFFFF | 1, ?4, (
    SELECT position FROM events
    WHERE first = (SELECT first FROM events WHERE resource = ?2 AND id = ?3 AND number = 1) AND number = ?4
))
ON CONFLICT DO UPDATE
SET revision = revision + 1, handled = excluded.handled, position = excluded.position
WHERE number IS NULL AND coalesce(handled, 0) < excluded.handled";

const REPLACE: &str = r#"
REPLACE INTO progress (subscription, resource, id, revision, handled, number, "after", type, waiting, error, attempts,
    first_failed_at, last_failed_at, next_attempt_at, claimed_until, trace, position)
VALUES (?1, ?2, ?3, coalesce(nullif(?4, 0), random() & 0x3FFFFFFFFFFFFFFF | 1) + 1, ?5, ?6, ?7, ?8, ?9,
    ?10, ?11, ?12, ?13, ?14, ?15, ?16, (
    SELECT position FROM events
    WHERE first = (SELECT first FROM events WHERE resource = ?2 AND id = ?3 AND number = 1) AND number = ?5
))
RETURNING revision"#;

const PARKED: &str = r#"
SELECT revision, handled, number, "after", type, waiting, error, attempts, first_failed_at, last_failed_at,
    next_attempt_at, claimed_until, trace, id
FROM progress
WHERE subscription = ?1 AND resource = ?2 AND number IS NOT NULL AND next_attempt_at <= ?3
    AND (next_attempt_at, id) > (?4, ?5)
ORDER BY next_attempt_at, id"#;

const WITHOUT_NEXT_ATTEMPT: &str = r#"
SELECT revision, handled, number, "after", type, waiting, error, attempts, first_failed_at, last_failed_at,
    next_attempt_at, claimed_until, trace, id
FROM progress
WHERE subscription = ?1 AND resource = ?2 AND number IS NOT NULL AND next_attempt_at IS NULL"#;

const SKIP: &str = r#"
REPLACE INTO skipped (subscription, resource, id, number, type, error, reason, "by", at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"#;

const SKIPPED: &str = r#"
SELECT number, type, error, reason, "by", at
FROM skipped WHERE subscription = ?1 AND resource = ?2 AND id = ?3 ORDER BY number"#;

pub(super) fn register(
    connection: &Connection,
    key: &SubscriptionKey,
    start: Start,
    now: Timestamp,
) -> Result<Registration> {
    let name = match start {
        Start::Beginning => "beginning",
        Start::Now => "now",
    };
    let mut register = connection.prepare_cached(REGISTER)?;
    register.execute(params![&*key.subscription, &*key.resource_type, name, now.to_string()])?;
    let mut registration = connection.prepare_cached(REGISTRATION)?;
    let row = |row: &Row<'_>| Ok(to_registration(key.clone(), row));
    registration.query_row((&*key.subscription, &*key.resource_type), row)?
}

pub(super) fn registered(connection: &Connection) -> Result<Vec<Registration>> {
    let mut statement = connection.prepare_cached(REGISTERED)?;
    let mut rows = statement.query([])?;
    let mut registered = Vec::new();
    while let Some(row) = rows.next()? {
        let key = SubscriptionKey::new(row.get::<_, String>(2)?, row.get::<_, String>(3)?);
        registered.push(to_registration(key, row)?);
    }
    Ok(registered)
}

fn to_registration(key: SubscriptionKey, row: &Row<'_>) -> Result<Registration> {
    let start = match row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)? {
        "now" => Start::Now,
        _ => Start::Beginning,
    };
    let started_at = Columns { of: &key.to_string(), row }.parse(1, "started_at")?;
    Ok(Registration { key, start, started_at })
}

/// The position up to which everything is handled, or waits behind a marker.
pub(super) fn place(connection: &Connection, key: &SubscriptionKey) -> Result<i64> {
    let mut statement = connection.prepare_cached(PLACE)?;
    let place =
        statement.query_row((&*key.subscription, &*key.resource_type), |row| row.get(0)).optional()?;
    Ok(place.unwrap_or_default())
}

pub(super) fn save(connection: &Connection, key: &SubscriptionKey, place: i64) -> Result<()> {
    let of = (&*key.subscription, &*key.resource_type, place);
    connection.prepare_cached(SAVE)?.execute(of)?;
    connection.prepare_cached(FORGET)?.execute(of)?;
    Ok(())
}

pub(super) fn load(
    connection: &Connection,
    path: &FilePath,
    key: &SubscriptionKey,
    ids: &[ResourceId],
) -> Result<Vec<std::result::Result<Progress, UnreadableRecord>>> {
    // Nearly always there is none: the place says it all.
    let of = (&*key.subscription, &*key.resource_type);
    if !connection.prepare_cached(IS_THERE_ANY)?.query_row(of, |row| row.get(0))? {
        return Ok(ids.iter().map(|_| Ok(Progress::default())).collect());
    }
    ids.iter().map(|id| unless_unreadable(path, key, id, record(connection, key, id))).collect()
}

/// Tells the error of one record from those of the file.
fn unless_unreadable<T>(
    path: &FilePath,
    key: &SubscriptionKey,
    id: &ResourceId,
    read: Result<T>,
) -> Result<std::result::Result<T, UnreadableRecord>> {
    match read {
        Ok(read) => Ok(Ok(read)),
        Err(failed @ Failed::Sqlite(_)) => Err(failed),
        Err(failed @ Failed::Unreadable { .. }) => {
            let error = failed.at(path, Doing::Reading);
            Ok(Err(UnreadableRecord::new(key.clone(), id.clone(), remedy(key, id), error)))
        }
    }
}

/// What a person can do about a record that cannot be read, in the words of SQLite's shell.
fn remedy(key: &SubscriptionKey, id: &ResourceId) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let SubscriptionKey { subscription, resource_type } = key;
    format!(
        "put that column right in any SQLite shell, or remove the record: DELETE FROM progress WHERE subscription = {} AND \
         resource = {} AND id = {}; then the events that were delivered since it cannot be read are handled, and what \
         waited behind a marker in it is not",
        quoted(subscription),
        quoted(resource_type),
        quoted(id.as_str())
    )
}

fn record(connection: &Connection, key: &SubscriptionKey, id: &ResourceId) -> Result<Progress> {
    let mut statement = connection.prepare_cached(RECORD)?;
    let of = (&*key.subscription, &*key.resource_type, id.as_str());
    let found = statement.query_row(of, |row| Ok(to_progress(id, row))).optional()?;
    found.unwrap_or_else(|| Ok(Progress::default()))
}

fn to_progress(id: &ResourceId, row: &Row<'_>) -> Result<Progress> {
    let columns = Columns { of: id.as_str(), row };
    let parked = match columns.number_if_any(2, "number")? {
        None => None,
        Some(number) => Some(Box::new(Parked {
            number,
            after: columns.number(3, "after")?,
            event_type: columns.get::<Option<String>>(4, "type")?.map(Into::into),
            waiting: columns.number(5, "waiting")?,
            error: columns.get::<String>(6, "error")?.into(),
            attempts: columns.get(7, "attempts")?,
            first_failed_at: columns.parse(8, "first_failed_at")?,
            last_failed_at: columns.parse(9, "last_failed_at")?,
            next_attempt_at: columns.parse(10, "next_attempt_at")?,
            claimed_until: columns.parse_if_any(11, "claimed_until")?,
            trace: columns.parse_if_any::<TraceParent>(12, "trace")?,
        })),
    };
    let handled = columns.number_if_any(1, "handled")?;
    let progress = Progress { handled, parked, revision: columns.number(0, "revision")? };
    progress.check().map_err(|(column, why)| columns.unreadable(column, why))?;
    Ok(progress)
}

pub(super) fn advance(
    connection: &Connection,
    key: &SubscriptionKey,
    handled: &[(ResourceId, u64)],
) -> Result<()> {
    let mut statement = connection.prepare_cached(ADVANCE)?;
    for (id, number) in handled {
        let of = (&*key.subscription, &*key.resource_type, id.as_str(), number.cast_signed());
        statement.execute(of)?;
    }
    Ok(())
}

pub(super) fn swap(
    connection: &Connection,
    key: &SubscriptionKey,
    id: &ResourceId,
    seen: u64,
    next: &Progress,
    skipped: Option<&Skipped>,
) -> Result<Swap> {
    let found = record(connection, key, id)?;
    if found.revision != seen {
        return Ok(Swap::Changed(found));
    }
    let parked = next.parked.as_deref();
    let revision: i64 = connection.prepare_cached(REPLACE)?.query_row(
        params![
            &*key.subscription,
            &*key.resource_type,
            id.as_str(),
            seen.cast_signed(),
            next.handled.map(u64::cast_signed),
            parked.map(|parked| parked.number.cast_signed()),
            parked.map(|parked| parked.after.cast_signed()),
            parked.and_then(|parked| parked.event_type.as_deref()),
            parked.map(|parked| parked.waiting.cast_signed()),
            parked.map(|parked| &*parked.error),
            parked.map(|parked| parked.attempts),
            parked.map(|parked| parked.first_failed_at.to_string()),
            parked.map(|parked| parked.last_failed_at.to_string()),
            parked.map(|parked| parked.next_attempt_at.to_string()),
            parked.and_then(|parked| parked.claimed_until).map(|at| at.to_string()),
            parked.and_then(|parked| parked.trace).map(|trace| trace.to_string()),
        ],
        |row| row.get(0),
    )?;
    if let Some(skipped) = skipped {
        connection.prepare_cached(SKIP)?.execute(params![
            &*key.subscription,
            &*key.resource_type,
            id.as_str(),
            skipped.number.cast_signed(),
            skipped.event_type.as_deref(),
            &*skipped.error,
            &*skipped.reason,
            &*skipped.by,
            skipped.at.to_string(),
        ])?;
    }
    Ok(Swap::Done(revision.cast_unsigned()))
}

pub(super) fn parked(
    connection: &Connection,
    path: &FilePath,
    key: &SubscriptionKey,
    due: Option<Timestamp>,
    limit: usize,
    after: Option<&ParkedCursor>,
) -> Result<ParkedPage> {
    let is_whole = due.is_none() && after.is_none();
    // What stands in the place of a time may be any text. SQLite puts bytes behind all texts, and nothing before all.
    let due = due.map_or(Value::Blob(Vec::new()), |due| Value::Text(due.to_string()));
    let (at, id) = after.map_or_else(
        || (String::new(), String::new()),
        |after| (after.next_attempt_at.to_string(), after.id.to_string()),
    );
    let mut statement = connection.prepare_cached(PARKED)?;
    let mut rows = statement.query(params![&*key.subscription, &*key.resource_type, due, at, id])?;
    let (mut resources, mut unreadable) = (Vec::new(), Vec::new());
    // One more than asked for tells whether there are more.
    while resources.len() <= limit
        && let Some(row) = rows.next()?
    {
        let id = ResourceId::from(row.get::<_, String>(13)?);
        match unless_unreadable(path, key, &id, to_progress(&id, row))? {
            Ok(progress) => resources.push((id, progress)),
            Err(record) => unreadable.push(record),
        }
    }
    if is_whole {
        unreadable.extend(without_next_attempt(connection, path, key)?);
    }
    let has_more = resources.len() > limit;
    resources.truncate(limit);
    let next = resources.last().filter(|_| has_more).and_then(|(id, progress)| {
        let next_attempt_at = progress.parked.as_ref()?.next_attempt_at;
        Some(ParkedCursor { next_attempt_at, id: id.clone() })
    });
    Ok(ParkedPage { resources, unreadable, next })
}

/// Records with a marker that has lost the time by which it is listed.
fn without_next_attempt(
    connection: &Connection,
    path: &FilePath,
    key: &SubscriptionKey,
) -> Result<Vec<UnreadableRecord>> {
    let mut statement = connection.prepare_cached(WITHOUT_NEXT_ATTEMPT)?;
    let mut rows = statement.query((&*key.subscription, &*key.resource_type))?;
    let mut unreadable = Vec::new();
    while let Some(row) = rows.next()? {
        let id = ResourceId::from(row.get::<_, String>(13)?);
        unreadable.extend(unless_unreadable(path, key, &id, to_progress(&id, row))?.err());
    }
    Ok(unreadable)
}

pub(super) fn skipped(
    connection: &Connection,
    key: &SubscriptionKey,
    id: &ResourceId,
) -> Result<Vec<Skipped>> {
    let mut statement = connection.prepare_cached(SKIPPED)?;
    let mut rows = statement.query((&*key.subscription, &*key.resource_type, id.as_str()))?;
    let mut skipped = Vec::new();
    while let Some(row) = rows.next()? {
        let columns = Columns { of: id.as_str(), row };
        skipped.push(Skipped {
            number: columns.number(0, "number")?,
            event_type: columns.get::<Option<String>>(1, "type")?.map(Into::into),
            error: columns.get::<String>(2, "error")?.into(),
            reason: columns.get::<String>(3, "reason")?.into(),
            by: columns.get::<String>(4, "by")?.into(),
            at: columns.parse(5, "at")?,
        });
    }
    Ok(skipped)
}

/// The columns of a row. Knows whose they are.
struct Columns<'a, 'stmt> {
    of: &'a str,
    row: &'a Row<'stmt>,
}

impl Columns<'_, '_> {
    fn get<T: FromSql>(&self, index: usize, column: &'static str) -> Result<T> {
        self.row.get(index).map_err(|source| self.unreadable(column, source))
    }

    fn number(&self, index: usize, column: &'static str) -> Result<u64> {
        let number: i64 = self.get(index, column)?;
        u64::try_from(number).map_err(|source| self.unreadable(column, source))
    }

    fn number_if_any(&self, index: usize, column: &'static str) -> Result<Option<u64>> {
        let number: Option<i64> = self.get(index, column)?;
        number.map(u64::try_from).transpose().map_err(|source| self.unreadable(column, source))
    }

    fn parse<T: FromStr<Err: StdError + Send + Sync + 'static>>(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<T> {
        let text: String = self.get(index, column)?;
        text.parse().map_err(|source: T::Err| self.unreadable(column, source))
    }

    fn parse_if_any<T: FromStr<Err: StdError + Send + Sync + 'static>>(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<T>> {
        let text: Option<String> = self.get(index, column)?;
        text.map(|text| text.parse()).transpose().map_err(|source: T::Err| self.unreadable(column, source))
    }

    fn unreadable(&self, column: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Failed {
        Failed::Unreadable { what: self.of.to_owned(), column, source: source.into() }
    }
}
