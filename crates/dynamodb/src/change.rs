//! [`Change`]: what a record of a table's stream tells, however the record came.

use std::sync::Arc;

use aws_event_sourcing_core::Commit;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::{
    error::Error,
    item::{self, Item, attribute},
};

/// What a record of a stream tells.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// A commit was made.
    Committed(Commit),
    /// Somebody has changed an item, or deleted one. Events are immutable: nothing is to be made of this.
    Breach {
        /// What was done: `MODIFY` or `REMOVE`.
        what: Box<str>,
        /// The id of the resource.
        id: Box<str>,
        /// The number of the commit's first event.
        number: Box<str>,
    },
}

/// Where a record is, for errors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'a Arc<str>,
    /// The shard, or what else it came in.
    pub(crate) within: &'a Arc<str>,
    /// Its sequence number.
    pub(crate) record: &'a str,
}

impl Change {
    /// What a record tells that has this name, these keys and this image of the item as it is now.
    pub(crate) fn read(
        name: &str,
        keys: &Item,
        image: Option<Item>,
        resource_type: &Arc<str>,
        place: Place<'_>,
    ) -> Result<Self, Error> {
        match (name, image) {
            ("INSERT", Some(mut image)) => {
                // Whatever is in the image, these name the item.
                image.extend(keys.clone());
                item::to_commit(image, resource_type, place.table).map(Self::Committed)
            }
            ("INSERT", None) => Err(place.unreadable("it has no image of the item")),
            ("MODIFY" | "REMOVE", _) => {
                let shown = |name| match keys.get(name) {
                    Some(AttributeValue::S(text) | AttributeValue::N(text)) => text.as_str(),
                    _ => "?",
                };
                let (id, number) = (shown(attribute::ID).into(), shown(attribute::NUMBER).into());
                Ok(Self::Breach { what: name.into(), id, number })
            }
            _ => Err(place.unreadable("it is of an unknown sort")),
        }
    }
}

impl Place<'_> {
    pub(crate) fn unreadable(self, what: &'static str) -> Error {
        let Self { table, within, record } = self;
        let (table, within, record) = (Arc::clone(table), Arc::clone(within), record.to_owned());
        Error::UnreadableRecord { table, within, record, what }
    }
}
