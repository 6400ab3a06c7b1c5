//! [`Contents`]: what a file has in it, when SQLite has found nothing wrong with it.

use rusqlite::{Connection, Row};

use crate::{
    error::{Doing, Error},
    layout::{self, Found},
    open,
    path::FilePath,
};

/// What a file has in it, all pages of which SQLite has found in good order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contents {
    /// How long the file is.
    pub bytes: u64,
    /// Which layout it has.
    pub layout: u64,
    /// How many resources it has, of all types.
    pub resources: u64,
    /// How many events it has.
    pub events: u64,
    /// When the newest of them was committed: RFC 3339, UTC.
    pub newest: Option<String>,
    /// How many events somebody has deleted, by SQL of their own: positions that no event has, but for the last ones.
    pub missing: u64,
    /// How many resources have a gap in their history, and so cannot be read, or not to their end.
    pub broken: u64,
    /// One of these, with its type.
    pub broken_resource: Option<String>,
}

const CHECK: &str = "PRAGMA integrity_check(1)";

const COUNT: &str = r#"
SELECT count(*), coalesce(max(position), 0), count(*) FILTER (WHERE number = 1), max(at)
FROM events
"#;

/// The resources whose history is not what it has to be, and one of them.
const BROKEN: &str = r#"
SELECT count(*), min(resource) FROM (
    SELECT min(resource) || ' ' || min(id) AS resource
    FROM events
    GROUP BY first
    HAVING count(*) <> max(number) OR min(number) <> 1 OR min(id) <> max(id)
)
"#;

impl Contents {
    /// Reads all of a file, and checks it.
    pub(crate) fn check(connection: &Connection, path: &FilePath) -> Result<Self, Error> {
        let failed = |source| Error::sqlite(path, Doing::Reading, source);

        let reading = connection.unchecked_transaction().map_err(failed)?;
        let layout = match Found::read(&reading, layout::MIGRATIONS).map_err(failed)? {
            Found::Empty => return Err(Error::NoDatabase { path: path.clone() }),
            found => {
                open::accept(path, &found, layout::MIGRATIONS)?;
                found.layout()
            }
        };
        let text = |row: &Row<'_>| row.get::<_, String>(0);
        match reading.query_row(CHECK, [], text).map_err(failed)?.as_str() {
            "ok" => {}
            wrong => return Err(Error::Unsound { path: path.clone(), what: wrong.to_owned() }),
        }
        let counted = reading.query_row(COUNT, [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get(3)?))
        });
        let (events, positions, resources, newest) = counted.map_err(failed)?;
        let broken = reading.query_row(BROKEN, [], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)));
        let (broken, broken_resource) = broken.map_err(failed)?;
        let number = |of| reading.pragma_query_value(None, of, |row| row.get::<_, i64>(0));
        let bytes = number("page_count").map_err(failed)? * number("page_size").map_err(failed)?;
        Ok(Self {
            bytes: bytes.cast_unsigned(),
            layout: layout.cast_unsigned(),
            resources: resources.cast_unsigned(),
            events: events.cast_unsigned(),
            newest,
            missing: (positions - events).cast_unsigned(),
            broken: broken.cast_unsigned(),
            broken_resource,
        })
    }
}
