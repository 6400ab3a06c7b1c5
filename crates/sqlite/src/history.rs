//! [`History`]: the commits of one resource, a page at a time.

use aws_event_sourcing_core::ResourceKey;
use rusqlite::Connection;

use crate::{
    error::{Doing, Error},
    pages::{Place, Rest},
    path::FilePath,
    rows::{PageSize, Rows},
};

const EVENTS: &str = r#"
SELECT number, type, data, at, "commit", trace, cause, meta
FROM events
WHERE first = (SELECT first FROM events WHERE resource = ?1 AND id = ?2 AND number = 1) AND number > ?3
ORDER BY number
"#;

/// The place behind a version of a resource.
pub(crate) struct History {
    pub(crate) path: FilePath,
    pub(crate) resource: ResourceKey,
    pub(crate) after: i64,
}

impl History {
    /// Whether the page ended before the history did.
    fn fill(&self, rows: &mut Rows, size: PageSize, connection: &Connection) -> rusqlite::Result<bool> {
        let mut statement = connection.prepare_cached(EVENTS)?;
        let resource = &self.resource;
        let mut found = statement.query((&*resource.resource_type, resource.id.as_str(), self.after))?;
        while let Some(row) = found.next()? {
            if !rows.take(row, 0, None, size)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Place for History {
    fn read(self, connection: &Connection, size: PageSize, rows: &mut Rows) -> Rest<Self> {
        match self.fill(rows, size, connection) {
            Ok(true) => Rest::From(Self { after: rows.last_number().unwrap_or(self.after), ..self }),
            Ok(false) => Rest::Nothing,
            Err(source) => {
                rows.forget_last_commit();
                Rest::Broken(Error::sqlite(&self.path, Doing::Reading, source))
            }
        }
    }
}
