//! [`Scan`]: the commits of all resources of a type, a page at a time.
//!
//! Resources come by age: that is nearly the order in which their histories lie in the file, and finding the next one
//! and reading it is one statement.

use std::sync::Arc;

use aws_event_sourcing_core::{ResourceId, ResourceKey};
use rusqlite::Connection;

use crate::{
    error::{Doing, Error},
    pages::{Page, Place},
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
    at: String,
    id: ResourceId,
    /// Where the event is in the table.
    first: i64,
    number: i64,
}

impl Scan {
    pub(crate) fn new(path: FilePath, resource_type: Arc<str>) -> Self {
        Self { path, resource_type, behind: None }
    }

    /// Whether the page ended before the scan did.
    fn fill(&mut self, rows: &mut Rows, connection: &Connection) -> Result<bool, Error> {
        let path = self.path.clone();
        let failed = |source| Error::sqlite(&path, Doing::Reading, source);
        // Each page has its own copy, as in a history.
        let resource_type = Arc::<str>::from(&*self.resource_type);

        if let Some(behind) = &self.behind {
            let resource = ResourceKey::new(resource_type.clone(), behind.id.as_str());
            let mut statement = connection.prepare_cached(REST).map_err(failed)?;
            let mut found = statement.query((behind.first, behind.number)).map_err(failed)?;
            while let Some(row) = found.next().map_err(failed)? {
                if !rows.take(row, 0, &resource)? {
                    return Ok(true);
                }
            }
        }

        let mut statement = connection.prepare_cached(HISTORIES).map_err(failed)?;
        let (at, id) = self.behind.as_ref().map_or(("", ""), |behind| (&*behind.at, behind.id.as_str()));
        let mut found = statement.query((&*self.resource_type, at, id)).map_err(failed)?;
        let mut resource = ResourceKey::new(resource_type.clone(), id);
        while let Some(row) = found.next().map_err(failed)? {
            let first = row.get(2).map_err(failed)?;
            let goes_on = self.behind.as_ref().is_some_and(|behind| behind.first == first);
            if !goes_on {
                resource = ResourceKey::new(resource_type.clone(), row.get::<_, String>(1).map_err(failed)?);
            }
            if !rows.take(row, 3, &resource)? {
                return Ok(true);
            }
            if !goes_on {
                let at = row.get(0).map_err(failed)?;
                self.behind = Some(Behind { at, id: resource.id.clone(), first, number: 1 });
            }
        }
        Ok(false)
    }
}

impl Place for Scan {
    fn read(mut self, connection: &Connection, size: PageSize) -> Page<Self> {
        let mut rows = Rows::new(size);
        match self.fill(&mut rows, connection) {
            Ok(true) => {
                if let (Some(behind), Some(number)) = (&mut self.behind, rows.last_number()) {
                    behind.number = number.cast_signed();
                }
                Page::with_more(rows.into_commits(), self)
            }
            Ok(false) => Page::last(rows.into_commits()),
            Err(error) => Page::broken(rows.into_commits(), error),
        }
    }
}
