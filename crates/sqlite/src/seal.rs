//! [`Seal`]: what tells whether a log belongs to the file that it lies beside.
//!
//! After a crash the log holds commits that are not in the file, and SQLite applies whatever log it finds. When somebody has
//! put an older file in its place, that would bring back what was to be undone, or mix two files into one that is none. So
//! the store counts, in a table of one row that is in the file and in the log alike.
//!
//! | column | |
//! |---|---|
//! | `store` | whose row it is: random, made with the file, and anew with each backup |
//! | `number` | one more whenever the log begins anew, or is folded into the file for good |
//! | `in_file` | the number that the file alone, without its log, has at least |
//! | `folded` | 1 when the log holds nothing that is not in the file: a copy of the file alone is complete |
//!
//! # Which log belongs to a file
//!
//! The row is read twice: from the file alone, and through the log. They belong together when both are of the same store, and
//! `in_file` as the log has it ≤ `number` as the file has it ≤ `number` as the log has it. In words: the file is not older than
//! the store knew it to be when it wrote the log, and not newer than the log.
//!
//! For that to tell a copy of the idle store from the file that it is a copy of, the file must differ from the copy before
//! anything else is committed. So the first transaction after `folded` does nothing but count. It is folded into the file
//! before the next one, which notes that in `in_file`. This costs such a commit up to five more syncs of the disk, and nothing as
//! long as commits come more often than once a second.
//!
//! While there is always something to do, SQLite begins the log anew whenever all of it is in the file. The transaction that
//! comes then counts as well, so that each log says what it belongs to.
//!
//! # What is noticed, and what is not
//!
//! Noticed: a file that was copied while the store was idle or closed, or made by a backup, or is another store's, beside a
//! log that was written later, or by another. A file and a log that were copied at different times. A log whose file is gone.
//!
//! Not noticed: a file that was copied, without its log, while the store was busy, beside the log that it had then. The same
//! two files are what a crash leaves, and they make up the newest state. A log that another process began anew and that holds
//! nothing but its first transaction. Logs of layouts before this table.

use rusqlite::{Connection, OptionalExtension as _};

/// The row, as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) store: String,
    pub(crate) number: i64,
    in_file: i64,
    pub(crate) state: State,
}

/// Whether there is something in the log that is not in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// No.
    Folded,
    /// There may be.
    InUse,
}

const READ: &str = "SELECT store, number, in_file, folded FROM seal";

const IS_THERE: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'seal'";

const COUNT: &str = "UPDATE seal SET number = number + 1, in_file = max(in_file, ?1), folded = ?2";

const MEND: &str = "INSERT OR IGNORE INTO seal VALUES (1, lower(hex(randomblob(16))), 1, 0, 1)";

const RENEW: &str = "UPDATE seal SET store = lower(hex(randomblob(16))), number = 1, in_file = 0, folded = 1";

impl Seal {
    /// None in a layout that has none, and where somebody has removed the row.
    pub(crate) fn find(connection: &Connection) -> rusqlite::Result<Option<Self>> {
        match connection.query_row(IS_THERE, [], |_| Ok(())).optional()? {
            Some(()) => Self::read(connection).optional(),
            None => Ok(None),
        }
    }

    pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached(READ)?.query_row([], |row| {
            let state = if row.get(3)? { State::Folded } else { State::InUse };
            Ok(Self { store: row.get(0)?, number: row.get(1)?, in_file: row.get(2)?, state })
        })
    }

    /// Whether the other one may be what this one has become since.
    pub(crate) fn is_before(&self, later: &Self) -> bool {
        self.store == later.store && self.number <= later.number
    }

    /// Whether a log through which this is seen belongs to a file that alone has that one; none in a file of a layout
    /// before.
    pub(crate) fn belongs_to(&self, file: Option<&Self>) -> bool {
        match file {
            Some(file) => self.store == file.store && (self.in_file..=self.number).contains(&file.number),
            None => self.in_file == 0,
        }
    }
}

/// Counts, in a transaction. The file is known to have this number at least.
pub(crate) fn count(connection: &Connection, in_file: i64, state: State) -> rusqlite::Result<()> {
    let folded = state == State::Folded;
    connection.prepare_cached(COUNT)?.execute((in_file, folded)).map(drop)
}

/// Makes the row that a file of the newest layout has to have, if somebody has removed it, as who restores a part of a dump
/// does. Whether there was none.
pub(crate) fn mend(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(connection.execute(MEND, [])? == 1)
}

/// Makes a copy another file than the one that it is a copy of: no log belongs to it.
pub(crate) fn renew(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(RENEW, []).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(store: &str, number: i64, in_file: i64) -> Seal {
        Seal { store: store.into(), number, in_file, state: State::InUse }
    }

    #[test]
    fn a_log_belongs_to_the_file_that_it_was_begun_for() {
        let log = seal("a", 7, 5);
        for (number, belongs) in [(4, false), (5, true), (6, true), (7, true), (8, false)] {
            assert_eq!(log.belongs_to(Some(&seal("a", number, 0))), belongs, "{number}");
        }
        assert!(!log.belongs_to(Some(&seal("b", 6, 0))));
        assert!(!log.belongs_to(None));
        assert!(seal("a", 1, 0).belongs_to(None), "the layout came with the log");
    }
}
