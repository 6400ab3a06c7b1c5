//! [`Histories`]: the items of a table, one history after the other, each followed from its first commit on.

use std::{error::Error as _, fmt};

use aws_event_sourcing_core::{Commit, CommitId};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use super::verify::Verified;
use crate::{
    item::{self, Item, attribute},
    resource_table::ResourceTable,
};

/// What is wrong with a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "breach", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Breach {
    /// The item is no commit.
    Unreadable {
        /// Why not.
        why: String,
    },
    /// Events before it are missing.
    Missing {
        /// The number of the first of them.
        expected: u64,
    },
    /// The same, and it is known that it was written behind a commit that is not there any more.
    Lost {
        /// The number of the first event that is missing.
        expected: u64,
        /// The commit that it follows.
        follows: String,
    },
    /// It follows another commit than the one before it.
    Mixed {
        /// The commit that it follows.
        follows: String,
    },
}

/// A history that is not whole: whole up to a number, and then not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokenHistory {
    /// The resource's id.
    pub id: String,
    /// The number of the item where it breaks, as it stands there.
    pub number: String,
    /// What is wrong.
    pub breach: Breach,
    /// How many items are there from that one on, which can be applied no more.
    pub orphans: u64,
    /// The number of the last of them.
    pub last: String,
}

impl BrokenHistory {
    /// What mends it.
    #[must_use]
    pub fn mend(&self) -> String {
        let Self { number, orphans, last, .. } = self;
        let items = if *orphans == 1 {
            format!("the item with number {number}")
        } else {
            format!("the {orphans} items with numbers {number} to {last}")
        };
        match &self.breach {
            Breach::Unreadable { .. } => format!(
                "it was not written by this library, or changed: take it from a copy of the table, restored to before then; \
                 {items} cannot be applied until it is mended"
            ),
            Breach::Missing { expected } => {
                format!(
                    "take number {expected} and what follows up to {number} from a copy of the table, restored to before they went"
                )
            }
            Breach::Lost { .. } | Breach::Mixed { .. } => format!(
                "a process wrote on while the table was restored: keep what {items} tell, delete them, and have the service \
                 do again what is to stay; or take what is missing from a copy, restored to before it went"
            ),
        }
    }
}

impl fmt::Display for BrokenHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, number, breach, .. } = self;
        match breach {
            Breach::Unreadable { why } => write!(f, "{id}: number {number} cannot be read: {why}"),
            Breach::Missing { expected } => {
                write!(f, "{id}: goes on with number {number} where number {expected} should be")
            }
            Breach::Lost { expected, follows } => write!(
                f,
                "{id}: number {number} follows the commit {follows:?}, which is not there; number {expected} is missing"
            ),
            Breach::Mixed { follows } => {
                write!(f, "{id}: number {number} follows the commit {follows:?}, and not the one before it")
            }
        }
    }
}

/// With what mends it.
impl Serialize for BrokenHistory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("BrokenHistory", 6)?;
        fields.serialize_field("id", &self.id)?;
        fields.serialize_field("number", &self.number)?;
        fields.serialize_field("what", &self.breach)?;
        fields.serialize_field("orphans", &self.orphans)?;
        fields.serialize_field("last", &self.last)?;
        fields.serialize_field("mend", &self.mend())?;
        fields.end()
    }
}

/// What is known of the items so far.
pub(super) struct Histories {
    verified: Verified,
    open: Option<History>,
    broken: Vec<BrokenHistory>,
    most_told: usize,
    untold: u64,
}

/// The history whose items are being taken.
struct History {
    id: String,
    /// The number that comes next.
    expected: u64,
    last: Option<CommitId>,
    broken: Option<BrokenHistory>,
}

impl Histories {
    pub(super) fn new(most_told: usize) -> Self {
        Self { verified: Verified::default(), open: None, broken: Vec::new(), most_told, untold: 0 }
    }

    pub(super) fn verified(&self) -> Verified {
        self.verified
    }

    /// Takes the next item. Those of one resource come one after the other, in order.
    pub(super) fn take(&mut self, item: Item, table: &ResourceTable) {
        let (id, number) = (shown(&item, attribute::ID), shown(&item, attribute::NUMBER));
        if self.open.as_ref().is_none_or(|open| open.id != id) {
            self.close();
            self.verified.resources += 1;
            self.open = Some(History { id: id.clone(), expected: 1, last: None, broken: None });
        }
        let commit = item::to_commit(item, &table.resource_type, &table.name);
        if let Ok(commit) = &commit {
            self.verified.commits += 1;
            self.verified.events += commit.events.len() as u64;
        }
        let Some(open) = &mut self.open else { return };
        if let Some(broken) = &mut open.broken {
            broken.orphans += 1;
            broken.last = number;
            return;
        }
        let breach = match commit {
            Ok(commit) => open.follow(commit),
            Err(error) => {
                let why =
                    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
                Some(Breach::Unreadable { why })
            }
        };
        open.broken =
            breach.map(|breach| BrokenHistory { id, last: number.clone(), number, breach, orphans: 1 });
    }

    /// The histories that are not whole, and how many more there are.
    pub(super) fn into_broken(mut self) -> (Vec<BrokenHistory>, u64) {
        self.close();
        (self.broken, self.untold)
    }

    fn close(&mut self) {
        let Some(broken) = self.open.take().and_then(|open| open.broken) else { return };
        if self.broken.len() < self.most_told {
            self.broken.push(broken);
        } else {
            self.untold += 1;
        }
    }
}

impl History {
    /// Goes on with a commit, or tells why it cannot.
    fn follow(&mut self, commit: Commit) -> Option<Breach> {
        let follows = commit.follows.as_ref().filter(|follows| self.last.as_ref() != Some(follows));
        let follows = follows.map(|follows| follows.as_str().to_owned());
        let expected = self.expected;
        match (follows, commit.number == expected) {
            (None, true) => {
                self.expected = commit.last_number() + 1;
                self.last = Some(commit.id);
                None
            }
            (None, false) => Some(Breach::Missing { expected }),
            (Some(follows), false) => Some(Breach::Lost { expected, follows }),
            (Some(follows), true) => Some(Breach::Mixed { follows }),
        }
    }
}

fn shown(item: &Item, attribute: &str) -> String {
    match item.get(attribute) {
        Some(AttributeValue::S(text) | AttributeValue::N(text)) => text.clone(),
        _ => "?".to_owned(),
    }
}
