//! Lists a page of resource ids.

use std::borrow::Cow;

use aws_event_sourcing_core::{Cursor, Page, ResourceId};
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
"#;

/// The most ids in a page, whatever the limit: a page is in memory as a whole.
const LONGEST: usize = 10_000;

/// The ids that follow `after`, and where the next ones begin if there are more.
///
/// A resource with a time or an id that cannot be read is listed where it is, and does not count: no page can end with it.
pub(crate) fn list(
    connection: &Connection,
    path: &FilePath,
    resource_type: &str,
    limit: usize,
    after: Option<&Cursor>,
) -> Result<Page, Error> {
    let page = || {
        let at = after.map(|cursor| cursor.at.to_string()).unwrap_or_default();
        let id = after.map_or("", |cursor| cursor.id.as_str());
        let mut statement = connection.prepare_cached(RESOURCES)?;
        let mut found = statement.query((resource_type, at, id))?;

        let (mut page, mut left) = (Page { ids: Vec::new(), next: None }, limit.clamp(1, LONGEST));
        let mut last = None;
        while let Some(row) = found.next()? {
            if left == 0 {
                page.next = last;
                break;
            }
            let text = |column| -> rusqlite::Result<_> {
                Ok(String::from_utf8_lossy(row.get_ref(column)?.as_bytes()?))
            };
            let (at, id) = (text(0)?, text(1)?);
            // No cursor tells of what is no text.
            let is_text = matches!(id, Cow::Borrowed(_));
            let id = ResourceId::from(&*id);
            if let (Ok(at), true) = (at.parse(), is_text) {
                last = Some(Cursor { at, id: id.clone() });
                left -= 1;
            }
            page.ids.push(id);
        }
        Ok(page)
    };
    page().map_err(|source| Error::sqlite(path, Doing::Reading, source))
}
