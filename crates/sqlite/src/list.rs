//! Lists a page of resource ids.

use aws_event_sourcing_core::{Cursor, Page, ParseTimestampError, ResourceId, Timestamp};
use rusqlite::Connection;

use crate::{
    error::{Doing, Error},
    path::FilePath,
};

const RESOURCES: &str = r#"
SELECT at, id
FROM events
WHERE resource = ?1 AND number = 1 AND (at, id) > (?2, ?3)
ORDER BY at, id
LIMIT ?4
"#;

/// The most ids in a page, whatever the limit: a page is in memory as a whole.
const LONGEST: usize = 10_000;

/// The ids that follow `after`, and where the next ones begin if there are more.
pub(crate) fn list(
    connection: &Connection,
    path: &FilePath,
    resource_type: &str,
    limit: usize,
    after: Option<&Cursor>,
) -> Result<Page, Error> {
    let failed = |source| Error::sqlite(path, Doing::Reading, source);
    let limit = limit.clamp(1, LONGEST);
    let at = after.map(|cursor| cursor.at.to_string()).unwrap_or_default();
    let id = after.map_or("", |cursor| cursor.id.as_str());

    let mut statement = connection.prepare_cached(RESOURCES).map_err(failed)?;
    // One more than asked for tells whether there are more.
    let mut found: Vec<(String, String)> = statement
        .query_map((resource_type, at, id, (limit + 1) as i64), |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(Iterator::collect)
        .map_err(failed)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = match found.last() {
        Some((at, id)) if more => {
            Some(Cursor { at: read_time(at, resource_type, id)?, id: id.as_str().into() })
        }
        _ => None,
    };
    Ok(Page { ids: found.into_iter().map(|(_, id)| ResourceId::from(id)).collect(), next })
}

fn read_time(at: &str, resource_type: &str, id: &str) -> Result<Timestamp, Error> {
    at.parse().map_err(|source: ParseTimestampError| Error::Unreadable {
        resource: format!("{resource_type} {id}"),
        number: 1,
        column: "at",
        source: source.into(),
    })
}
