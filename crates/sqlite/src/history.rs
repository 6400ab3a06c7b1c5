//! [`History`]: the commits of one resource, a page at a time.

use aws_event_sourcing_core::ResourceKey;
use rusqlite::Connection;

use crate::{
    error::{Doing, Error},
    pages::{Page, Place},
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
    fn fill(&self, rows: &mut Rows, connection: &Connection) -> Result<bool, Error> {
        let failed = |source| Error::sqlite(&self.path, Doing::Reading, source);
        let mut statement = connection.prepare_cached(EVENTS).map_err(failed)?;
        let key = (&*self.resource.resource_type, self.resource.id.as_str(), self.after);
        let mut found = statement.query(key).map_err(failed)?;
        // Each page has its own copy of the key. The thread that reads a page and the one that drops the page before
        // it would else fight for one reference count at every commit.
        let resource = ResourceKey::new(key.0, key.1);
        while let Some(row) = found.next().map_err(failed)? {
            if !rows.take(row, 0, &resource)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Place for History {
    fn read(self, connection: &Connection, size: PageSize) -> Page<Self> {
        let mut rows = Rows::new(size);
        match self.fill(&mut rows, connection) {
            Ok(true) => {
                let after = rows.last_number().map_or(self.after, u64::cast_signed);
                Page::with_more(rows.into_commits(), Self { after, ..self })
            }
            Ok(false) => Page::last(rows.into_commits()),
            Err(error) => Page::broken(rows.into_commits(), error),
        }
    }
}
