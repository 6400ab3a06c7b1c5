//! From rows to commits: [`Rows`] puts a page of them together.

use std::error::Error as StdError;

use aws_event_sourcing_core::{Commit, EncodedEvent, Json, ResourceKey, Timestamp, TraceParent};
use rusqlite::{Row, types::ValueRef};

use crate::error::Error;

/// How much a page holds before it ends: at the end of a commit, so up to one commit more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageSize {
    /// Events.
    pub(crate) rows: usize,
    /// Bytes of text in them.
    pub(crate) bytes: usize,
}

/// Takes rows, history by history in the order of their numbers, and makes commits of them.
pub(crate) struct Rows {
    commits: Vec<Commit>,
    size: PageSize,
    rows: usize,
    bytes: usize,
    /// Of the row before. What was written at the same time often shares them.
    at: Parsed<Timestamp>,
    trace: Parsed<TraceParent>,
}

impl Rows {
    pub(crate) fn new(size: PageSize) -> Self {
        let (at, trace) = (Parsed::default(), Parsed::default());
        Self { commits: Vec::new(), size, rows: 0, bytes: 0, at, trace }
    }

    /// Takes an event of that resource: the columns `number`, `type`, `data`, `at`, `commit`, `trace`, `cause` and
    /// `meta` of a row, from that column on. Does not take it, and says so, when the page is full and the event begins
    /// a commit.
    pub(crate) fn take(
        &mut self,
        row: &Row<'_>,
        column: usize,
        resource: &ResourceKey,
    ) -> Result<bool, Error> {
        let read = Columns { row, first: column, resource };
        let number = read.number()?;
        let id = read.text(4, "commit")?;
        // The first event of a resource follows none, so this does not mix two resources.
        let goes_on = self
            .commits
            .last()
            .is_some_and(|last| last.id.as_str() == id && last.last_number() + 1 == number);
        if !goes_on && (self.rows >= self.size.rows || self.bytes >= self.size.bytes) {
            return Ok(false);
        }

        let event_type = read.text(1, "type")?;
        let data = read.optional(2, "data")?;
        self.rows += 1;
        self.bytes += event_type.len() + data.map_or(0, str::len);
        let event = EncodedEvent { event_type: event_type.to_owned().into(), data: data.map(json) };
        match self.commits.last_mut() {
            Some(commit) if goes_on => commit.events.push(event),
            _ => {
                let meta = read.optional(7, "meta")?;
                self.bytes += id.len() + meta.map_or(0, str::len);
                let commit = Commit {
                    resource: resource.clone(),
                    number,
                    events: vec![event],
                    at: self.at.parse(read.text(3, "at")?).map_err(|error| read.unreadable("at", error))?,
                    id: id.into(),
                    trace: match read.optional(5, "trace")? {
                        Some(text) => {
                            Some(self.trace.parse(text).map_err(|error| read.unreadable("trace", error))?)
                        }
                        None => None,
                    },
                    cause: read.optional(6, "cause")?.map(Into::into),
                    meta: meta.map(json),
                };
                self.commits.push(commit);
            }
        }
        Ok(true)
    }

    /// The number of the last event that was taken, if any was.
    pub(crate) fn last_number(&self) -> Option<u64> {
        self.commits.last().map(Commit::last_number)
    }

    pub(crate) fn into_commits(self) -> Vec<Commit> {
        self.commits
    }
}

fn json(text: &str) -> Json {
    Json::from_stored(text.to_owned())
}

/// The columns of one row.
struct Columns<'a> {
    row: &'a Row<'a>,
    first: usize,
    resource: &'a ResourceKey,
}

impl<'a> Columns<'a> {
    fn number(&self) -> Result<u64, Error> {
        let value = self.value(0, "number")?;
        let number = value.as_i64().map_err(|error| self.unreadable("number", error))?;
        u64::try_from(number).map_err(|error| self.unreadable("number", error))
    }

    fn text(&self, offset: usize, name: &'static str) -> Result<&'a str, Error> {
        self.value(offset, name)?.as_str().map_err(|error| self.unreadable(name, error))
    }

    fn optional(&self, offset: usize, name: &'static str) -> Result<Option<&'a str>, Error> {
        self.value(offset, name)?.as_str_or_null().map_err(|error| self.unreadable(name, error))
    }

    fn value(&self, offset: usize, name: &'static str) -> Result<ValueRef<'a>, Error> {
        self.row.get_ref(self.first + offset).map_err(|error| self.unreadable(name, error))
    }

    fn unreadable(&self, column: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        Error::Unreadable {
            resource: self.resource.to_string(),
            number: self.row.get(self.first).unwrap_or_default(),
            column,
            source: source.into(),
        }
    }
}

/// A text and what it says, kept for the case that the next row has the same text.
struct Parsed<T> {
    text: String,
    value: Option<T>,
}

impl<T> Default for Parsed<T> {
    fn default() -> Self {
        Self { text: String::new(), value: None }
    }
}

impl<T: Copy + std::str::FromStr> Parsed<T> {
    fn parse(&mut self, text: &str) -> Result<T, T::Err> {
        match self.value {
            Some(value) if self.text == text => Ok(value),
            _ => {
                let value = text.parse()?;
                self.text.clear();
                self.text.push_str(text);
                self.value = Some(value);
                Ok(value)
            }
        }
    }
}
