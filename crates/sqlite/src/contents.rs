//! [`Contents`]: what a file has in it, when it is found to be in good order.

use rusqlite::{Connection, Row};

use crate::{
    error::{Doing, Error},
    layout::{self, Found},
    open,
    path::FilePath,
};

/// What a file has in it. Each resource has the numbers 1, 2, 3, … without a gap, as the store has the positions, and SQLite
/// has found nothing wrong with the file.
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
}

const CHECK: &str = "PRAGMA integrity_check(1)";

const COUNT: &str = r#"
SELECT count(*), coalesce(max(position), 0), count(*) FILTER (WHERE number = 1), max(at)
FROM events
"#;

/// A resource whose history is not what it has to be.
const UNSOUND: &str = r#"
SELECT min(resource) || ' ' || min(id)
FROM events
GROUP BY first
HAVING count(*) <> max(number) OR min(number) <> 1 OR min(id) <> max(id)
LIMIT 1
"#;

impl Contents {
    /// Reads all of a file, and checks it.
    pub(crate) fn check(connection: &Connection, path: &FilePath) -> Result<Self, Error> {
        let failed = |source| Error::sqlite(path, Doing::Reading, source);
        let unsound = |what: String| Err(Error::Unsound { path: path.clone(), what });

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
            wrong => return unsound(wrong.to_owned()),
        }
        let counted = reading.query_row(COUNT, [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get(3)?))
        });
        let (events, positions, resources, newest) = counted.map_err(failed)?;
        if events != positions {
            return unsound(format!("there are {events} events at {positions} positions"));
        }
        let mut histories = reading.prepare(UNSOUND).map_err(failed)?;
        if let Some(resource) = histories.query_map([], text).map_err(failed)?.next() {
            return unsound(format!("the history of {} has a gap", resource.map_err(failed)?));
        }
        let number = |of| reading.pragma_query_value(None, of, |row| row.get::<_, i64>(0));
        let bytes = number("page_count").map_err(failed)? * number("page_size").map_err(failed)?;
        Ok(Self {
            bytes: bytes.cast_unsigned(),
            layout: layout.cast_unsigned(),
            resources: resources.cast_unsigned(),
            events: events.cast_unsigned(),
            newest,
        })
    }
}
