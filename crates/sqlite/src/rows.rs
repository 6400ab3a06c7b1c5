//! [`Rows`]: rows of events as they are found in the file, copied and not looked into.
//!
//! Two threads read a page. One has the connection; it only copies, which is work enough. The other is the consumer's:
//! it makes [commits](crate::commits) of the copies while the first is at the next page. So what is allocated for a
//! commit is allocated where it is dropped, which costs least, and both threads have about as much to do.

use std::ops::Range;

use rusqlite::{Result, Row};

/// How much a page holds before it ends: at the end of a commit, so up to one commit more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageSize {
    /// Events.
    pub(crate) rows: usize,
    /// Bytes of text in them.
    pub(crate) bytes: usize,
}

/// Rows of one history after the other, in the order of their numbers, to the end of a commit.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: Vec<Found>,
    /// What is in their columns, one after the other.
    text: Vec<u8>,
    /// The id of the last commit, in the text.
    commit: Range<usize>,
}

/// A row: its number, and how many bytes of the text are whose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) number: i64,
    /// The resource, unless it is that of the row before.
    pub(crate) resource: Length,
    pub(crate) event_type: Length,
    pub(crate) data: Length,
    /// None for a row that goes on with the commit of the row before.
    pub(crate) commit: Option<FoundCommit>,
}

/// What a row has to say about its commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FoundCommit {
    pub(crate) id: Length,
    pub(crate) at: Length,
    pub(crate) trace: Length,
    pub(crate) cause: Length,
    pub(crate) meta: Length,
}

/// Bytes of a column; none where it is NULL.
pub(crate) type Length = Option<u32>;

impl Rows {
    /// Takes a row: the columns `number`, `type`, `data`, `at`, `commit`, `trace`, `cause` and `meta` of a query, from
    /// that one on. The resource is given when it is another one than that of the row before.
    ///
    /// Does not take it, and says so, when the page is full and the row begins a commit.
    pub(crate) fn take(
        &mut self,
        row: &Row<'_>,
        column: usize,
        resource: Option<&[u8]>,
        size: PageSize,
    ) -> Result<bool> {
        let number = row.get(column)?;
        let commit = row.get_ref(column + 4)?.as_bytes()?;
        // Two resources may have commits of one id: these are not taken for one.
        let goes_on = resource.is_none()
            && number > 1
            && self.rows.last().is_some_and(|last| last.number == number - 1)
            && self.text[self.commit.clone()] == *commit;
        if !goes_on && self.is_full(size) {
            return Ok(false);
        }
        let resource = resource.map(|id| self.copy(id));
        let event_type = self.copy_column(row, column + 1)?;
        let data = self.copy_column(row, column + 2)?;
        let commit = if goes_on {
            None
        } else {
            let begin = self.text.len();
            let id = self.copy(commit);
            self.commit = begin..self.text.len();
            Some(FoundCommit {
                id: Some(id),
                at: self.copy_column(row, column + 3)?,
                trace: self.copy_column(row, column + 5)?,
                cause: self.copy_column(row, column + 6)?,
                meta: self.copy_column(row, column + 7)?,
            })
        };
        self.rows.push(Found { number, resource, event_type, data, commit });
        Ok(true)
    }

    fn is_full(&self, size: PageSize) -> bool {
        self.rows.len() >= size.rows || self.text.len() >= size.bytes
    }

    fn copy_column(&mut self, row: &Row<'_>, column: usize) -> Result<Length> {
        Ok(row.get_ref(column)?.as_bytes_or_null()?.map(|bytes| self.copy(bytes)))
    }

    fn copy(&mut self, bytes: &[u8]) -> u32 {
        self.text.extend_from_slice(bytes);
        // SQLite's own limit is a quarter of this.
        u32::try_from(bytes.len()).unwrap_or(u32::MAX)
    }

    /// Whether the last row begins a commit.
    pub(crate) fn last_begins_commit(&self) -> bool {
        self.rows.last().is_some_and(|row| row.commit.is_some())
    }

    /// The number of the last row.
    pub(crate) fn last_number(&self) -> Option<i64> {
        self.rows.last().map(|row| row.number)
    }

    pub(crate) fn forget_all(&mut self) {
        self.rows.clear();
        self.text.clear();
    }

    /// For when nobody knows whether there is more of the last commit.
    pub(crate) fn forget_last_commit(&mut self) {
        let begin = self.rows.iter().rposition(|row| row.commit.is_some());
        self.rows.truncate(begin.unwrap_or_default());
    }

    /// The row of that index.
    pub(crate) fn get(&self, index: usize) -> Option<Found> {
        self.rows.get(index).copied()
    }

    /// How many rows from that index on go on with the commit before them.
    pub(crate) fn going_on(&self, index: usize) -> usize {
        self.rows[index..].iter().take_while(|row| row.commit.is_none()).count()
    }

    /// The text from there on.
    pub(crate) fn text(&self, from: usize) -> &[u8] {
        &self.text[from..]
    }
}
