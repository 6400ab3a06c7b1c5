//! [`Commits`]: makes commits of [rows](crate::rows).

use std::{error::Error as StdError, mem, str::FromStr, sync::Arc};

use aws_event_sourcing_core::{Commit, EncodedEvent, Json, ResourceKey, Timestamp, TraceParent, limits};

use crate::{
    error::Error,
    rows::{Found, FoundCommit, Length, Rows},
};

/// Commits out of page after page of rows.
pub(crate) struct Commits {
    /// Whose rows they are, until a row says otherwise.
    resource: ResourceKey,
    rows: Rows,
    next_row: usize,
    next_text: usize,
    /// Of the commit before. What was written together often shares them.
    at: Parsed<Timestamp>,
    trace: Parsed<TraceParent>,
}

impl Commits {
    pub(crate) fn new(resource: ResourceKey) -> Self {
        let (at, trace) = (Parsed::default(), Parsed::default());
        Self { resource, rows: Rows::default(), next_row: 0, next_text: 0, at, trace }
    }

    /// Goes on with these rows, and gives the ones before back.
    pub(crate) fn turn_page(&mut self, rows: Rows) -> Rows {
        (self.next_row, self.next_text) = (0, 0);
        mem::replace(&mut self.rows, rows)
    }

    fn make(&mut self) -> Result<Option<Commit>, Flaw> {
        let Some(first) = self.rows.get(self.next_row) else { return Ok(None) };
        let found = first.commit.expect("a page begins with a commit, and so does what follows one");
        let goes_on = self.rows.going_on(self.next_row + 1);
        let mut text = Text { rest: self.rows.text(self.next_text), number: first.number };

        let id = text.bytes(first.resource);
        if let Some(id) = id {
            // Also where it is none that a resource can have: somebody has to be named.
            let named = String::from_utf8_lossy(id);
            self.resource = ResourceKey::new(Arc::clone(&self.resource.resource_type), &*named);
            str::from_utf8(id).map_err(|error| text.flaw("id", error))?;
        }
        let number = u64::try_from(first.number).unwrap_or_default();
        if !limits::is_event_number(number) {
            return Err(text.flaw("number", "no event can have it"));
        }
        let mut events = Vec::with_capacity(1 + goes_on);
        events.push(text.event(&first)?);
        let mut commit = Commit {
            resource: self.resource.clone(),
            number,
            events,
            id: text.required(found.id, "commit")?.into(),
            follows: None,
            at: self.at.of(text.required(found.at, "at")?).map_err(|error| text.flaw("at", error))?,
            trace: match text.take(found.trace, "trace")? {
                Some(trace) => Some(self.trace.of(trace).map_err(|error| text.flaw("trace", error))?),
                None => None,
            },
            cause: text.take(found.cause, "cause")?.map(Into::into),
            meta: text.take(found.meta, "meta")?.map(json),
        };
        for row in (self.next_row + 1..).take(goes_on).filter_map(|row| self.rows.get(row)) {
            text.number = row.number;
            commit.events.push(text.event(&row)?);
        }

        self.next_row += 1 + goes_on;
        self.next_text = self.rows.text(0).len() - text.rest.len();
        Ok(Some(commit))
    }

    /// Passes over a commit that cannot be read. Gives the type of its event of that number.
    fn pass_over(&mut self, number: i64) -> Option<String> {
        let goes_on = self.rows.going_on(self.next_row + 1);
        let mut event_type = None;
        for row in (self.next_row..).take(1 + goes_on).filter_map(|row| self.rows.get(row)) {
            let begin = self.next_text + bytes([row.resource]);
            if row.number == number {
                let found = &self.rows.text(begin)[..bytes([row.event_type])];
                event_type = Some(String::from_utf8_lossy(found).into_owned());
            }
            self.next_text = begin + bytes([row.event_type, row.data]);
            if let Some(FoundCommit { id, at, trace, cause, meta }) = row.commit {
                self.next_text += bytes([id, at, trace, cause, meta]);
            }
        }
        self.next_row += 1 + goes_on;
        event_type
    }
}

/// Behind an error come the commits that follow.
impl Iterator for Commits {
    type Item = Result<Commit, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let made = self.make().map_err(|Flaw { number, column, source }| {
            let event_type = self.pass_over(number);
            Error::Unreadable { resource: self.resource.clone(), number, event_type, column, source }
        });
        made.transpose()
    }
}

fn bytes<const COLUMNS: usize>(columns: [Length; COLUMNS]) -> usize {
    columns.into_iter().flatten().map(|bytes| bytes as usize).sum()
}

/// What is left of the text, and the row that it goes on with.
struct Text<'a> {
    rest: &'a [u8],
    number: i64,
}

/// A column that cannot be read.
struct Flaw {
    number: i64,
    column: &'static str,
    source: Box<dyn StdError + Send + Sync>,
}

impl<'a> Text<'a> {
    fn bytes(&mut self, length: Length) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at(length? as usize);
        self.rest = rest;
        Some(bytes)
    }

    fn take(&mut self, length: Length, column: &'static str) -> Result<Option<&'a str>, Flaw> {
        let Some(bytes) = self.bytes(length) else { return Ok(None) };
        str::from_utf8(bytes).map(Some).map_err(|error| self.flaw(column, error))
    }

    /// The column of a table that does not allow it to be NULL.
    fn required(&mut self, length: Length, column: &'static str) -> Result<&'a str, Flaw> {
        self.take(length, column).map(Option::unwrap_or_default)
    }

    fn event(&mut self, row: &Found) -> Result<EncodedEvent, Flaw> {
        let event_type = self.required(row.event_type, "type")?.to_owned().into();
        let data = self.take(row.data, "data")?.map(json);
        Ok(EncodedEvent { event_type, data })
    }

    fn flaw(&self, column: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Flaw {
        Flaw { number: self.number, column, source: source.into() }
    }
}

fn json(text: &str) -> Json {
    Json::from_stored(text.to_owned())
}

/// The value of a text, kept for the case that the next text is the same.
struct Parsed<T> {
    text: String,
    value: Option<T>,
}

impl<T> Default for Parsed<T> {
    fn default() -> Self {
        Self { text: String::new(), value: None }
    }
}

impl<T: Copy + FromStr> Parsed<T> {
    fn of(&mut self, text: &str) -> Result<T, T::Err> {
        match self.value {
            Some(value) if self.text == text => Ok(value),
            _ => {
                let value = text.parse()?;
                self.text.replace_range(.., text);
                self.value = Some(value);
                Ok(value)
            }
        }
    }
}
