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
    },
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

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
ORDER BY next_attempt_at, id
LIMIT ?6"#;

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
    let started_at = Text(&key.to_string()).parse(row, 1, "started_at")?;
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
    key: &SubscriptionKey,
    ids: &[ResourceId],
) -> Result<Vec<Progress>> {
    // Nearly always there is none: the place says it all.
    let of = (&*key.subscription, &*key.resource_type);
    if !connection.prepare_cached(IS_THERE_ANY)?.query_row(of, |row| row.get(0))? {
        return Ok(vec![Progress::default(); ids.len()]);
    }
    ids.iter().map(|id| record(connection, key, id)).collect()
}

fn record(connection: &Connection, key: &SubscriptionKey, id: &ResourceId) -> Result<Progress> {
    let mut statement = connection.prepare_cached(RECORD)?;
    let of = (&*key.subscription, &*key.resource_type, id.as_str());
    let found = statement.query_row(of, |row| Ok(to_progress(id, row))).optional()?;
    found.unwrap_or_else(|| Ok(Progress::default()))
}

fn to_progress(id: &ResourceId, row: &Row<'_>) -> Result<Progress> {
    let parked = match row.get::<_, Option<i64>>(2)? {
        None => None,
        Some(number) => {
            let text = Text(id.as_str());
            Some(Box::new(Parked {
                number: number.cast_unsigned(),
                after: row.get::<_, i64>(3)?.cast_unsigned(),
                event_type: row.get::<_, Option<String>>(4)?.map(Into::into),
                waiting: row.get::<_, i64>(5)?.cast_unsigned(),
                error: row.get::<_, String>(6)?.into(),
                attempts: row.get(7)?,
                first_failed_at: text.parse(row, 8, "first_failed_at")?,
                last_failed_at: text.parse(row, 9, "last_failed_at")?,
                next_attempt_at: text.parse(row, 10, "next_attempt_at")?,
                claimed_until: text.parse_any(row, 11, "claimed_until")?,
                trace: text.parse_any::<TraceParent>(row, 12, "trace")?,
            }))
        }
    };
    let handled = row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned);
    Ok(Progress { handled, parked, revision: row.get::<_, i64>(0)?.cast_unsigned() })
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
    key: &SubscriptionKey,
    due: Option<Timestamp>,
    limit: usize,
    after: Option<&ParkedCursor>,
) -> Result<ParkedPage> {
    let due = due.unwrap_or(Timestamp::MAX).to_string();
    let (at, id) = after.map_or_else(
        || (String::new(), String::new()),
        |after| (after.next_attempt_at.to_string(), after.id.to_string()),
    );
    let mut statement = connection.prepare_cached(PARKED)?;
    // One more than asked for tells whether there are more.
    let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows = statement.query(params![&*key.subscription, &*key.resource_type, due, at, id, most])?;
    let mut resources = Vec::new();
    while let Some(row) = rows.next()? {
        let id = ResourceId::from(row.get::<_, String>(13)?);
        let progress = to_progress(&id, row)?;
        resources.push((id, progress));
    }
    let has_more = resources.len() > limit;
    resources.truncate(limit);
    let next = resources.last().filter(|_| has_more).and_then(|(id, progress)| {
        let next_attempt_at = progress.parked.as_ref()?.next_attempt_at;
        Some(ParkedCursor { next_attempt_at, id: id.clone() })
    });
    Ok(ParkedPage { resources, next })
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
        let number: i64 = row.get(0)?;
        skipped.push(Skipped {
            number: number.cast_unsigned(),
            event_type: row.get::<_, Option<String>>(1)?.map(Into::into),
            error: row.get::<_, String>(2)?.into(),
            reason: row.get::<_, String>(3)?.into(),
            by: row.get::<_, String>(4)?.into(),
            at: Text(id.as_str()).parse(row, 5, "at")?,
        });
    }
    Ok(skipped)
}

/// Columns of text that have a form. Knows whose they are.
struct Text<'a>(&'a str);

impl Text<'_> {
    fn parse<T: FromStr<Err: StdError + Send + Sync + 'static>>(
        &self,
        row: &Row<'_>,
        index: usize,
        column: &'static str,
    ) -> Result<T> {
        let text: String = row.get(index)?;
        text.parse().map_err(|source: T::Err| Failed::Unreadable {
            what: self.0.to_owned(),
            column,
            source: source.into(),
        })
    }

    fn parse_any<T: FromStr<Err: StdError + Send + Sync + 'static>>(
        &self,
        row: &Row<'_>,
        index: usize,
        column: &'static str,
    ) -> Result<Option<T>> {
        match row.get_ref(index)? {
            rusqlite::types::ValueRef::Null => Ok(None),
            _ => self.parse(row, index, column).map(Some),
        }
    }
}
