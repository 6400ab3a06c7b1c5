//! [`Scan`]: the commits of all resources of a type, a page at a time.
//!
//! Resources come by age: that is nearly the order in which their histories lie in the file, and finding the next one
//! and reading it is one statement.

use std::sync::Arc;

use rusqlite::{
    Connection, ToSql,
    types::{ToSqlOutput, ValueRef},
};

use crate::{
    error::{Doing, Error},
    pages::{Place, Rest},
    path::FilePath,
    rows::{PageSize, Rows},
};

/// What is left of a history.
const REST: &str = r#"
SELECT number, type, data, at, "commit", trace, cause, meta
FROM events
WHERE first = ?1 AND number > ?2
ORDER BY number
"#;

/// The histories behind a place in the listing.
const HISTORIES: &str = r#"
SELECT resource.at, resource.id, resource.first,
    event.number, event.type, event.data, event.at, event."commit", event.trace, event.cause, event.meta
FROM events AS resource CROSS JOIN events AS event ON event.first = resource.first
WHERE resource.resource = ?1 AND resource.number = 1 AND (resource.at, resource.id) > (?2, ?3)
ORDER BY resource.at, resource.id, event.number
"#;

/// The place behind an event, or before all.
pub(crate) struct Scan {
    path: FilePath,
    resource_type: Arc<str>,
    behind: Option<Behind>,
}

struct Behind {
    /// Where the resource is in the listing.
    at: Text,
    id: Text,
    /// Where the event is in the table.
    first: i64,
    number: i64,
}

/// A column of text, whatever somebody has put into it.
#[derive(Default)]
struct Text(Vec<u8>);

impl ToSql for Text {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

impl Scan {
    pub(crate) fn new(path: FilePath, resource_type: Arc<str>) -> Self {
        Self { path, resource_type, behind: None }
    }

    /// Whether the page ended before the scan did.
    fn fill(&mut self, rows: &mut Rows, size: PageSize, connection: &Connection) -> rusqlite::Result<bool> {
        if let Some(behind) = &self.behind {
            let mut statement = connection.prepare_cached(REST)?;
            let mut found = statement.query((behind.first, behind.number))?;
            while let Some(row) = found.next()? {
                if !rows.take(row, 0, None, size)? {
                    return Ok(true);
                }
            }
        }

        let mut statement = connection.prepare_cached(HISTORIES)?;
        let begin = (Text::default(), Text::default());
        let (at, id) = self.behind.as_ref().map_or((&begin.0, &begin.1), |behind| (&behind.at, &behind.id));
        let mut found = statement.query((&*self.resource_type, at, id))?;
        while let Some(row) = found.next()? {
            let first = row.get(2)?;
            let turns = self.behind.as_ref().is_none_or(|behind| behind.first != first);
            let id = if turns { Some(row.get_ref(1)?.as_bytes()?) } else { None };
            if !rows.take(row, 3, id, size)? {
                return Ok(true);
            }
            if turns {
                let text = |column| Ok::<_, rusqlite::Error>(Text(row.get_ref(column)?.as_bytes()?.into()));
                self.behind = Some(Behind { at: text(0)?, id: text(1)?, first, number: 1 });
            }
        }
        Ok(false)
    }
}

impl Place for Scan {
    fn read(mut self, connection: &Connection, size: PageSize, rows: &mut Rows) -> Rest<Self> {
        match self.fill(rows, size, connection) {
            Ok(true) => {
                if let (Some(behind), Some(number)) = (&mut self.behind, rows.last_number()) {
                    behind.number = number;
                }
                Rest::From(self)
            }
            Ok(false) => Rest::Nothing,
            Err(source) => {
                rows.forget_last_commit();
                Rest::Broken(Error::sqlite(&self.path, Doing::Reading, source))
            }
        }
    }
}
