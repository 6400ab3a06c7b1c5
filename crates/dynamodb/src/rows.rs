//! The items of a table of subscriptions: their keys, the names of their attributes, and a [`Row`] on its way in or out.
//!
//! | what | `id` | `part` |
//! |---|---|---|
//! | how far a subscription is with a resource | the resource's id | `<subscription>/<type>` |
//! | an event that was skipped | the resource's id | `#skipped/<subscription>/<type>/<number, 20 digits>` |
//! | a subscription that has run | `#registered` | `#registered/<subscription>/<type>` |
//! | who follows the past of a type | `#feed/<subscription>/<type>` | `#feed/table` |
//! | who follows a shard of its stream | `#feed/<subscription>/<type>` | `#feed/shard/<shard id>` |
//! | who waits for a shard | `#feed/<subscription>/<type>` | `#feed/waiting/<owner>` |
//!
//! A subscription's name has neither `/` nor `#`; whatever else than its letters were in it would be written as `%` and two
//! hexadecimal digits. So no two of these can have one key, whatever resources and types are called.
//!
//! Everything here is part of the stored form: `docs/stored-form.md` draws it.

use std::{fmt::Write as _, num::ParseIntError, str::FromStr, sync::Arc};

use aws_event_sourcing_core::subscription::SubscriptionKey;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::{
    error::Error,
    item::{self, Item, Unreadable},
};

/// Names of attributes.
pub(crate) mod attribute {
    pub(crate) const ID: &str = "id";
    pub(crate) const PART: &str = "part";

    pub(crate) const HANDLED: &str = "handled";
    pub(crate) const REVISION: &str = "revision";
    pub(crate) const WRITE: &str = "write";

    pub(crate) const PARKED: &str = "parked";
    pub(crate) const NUMBER: &str = "number";
    pub(crate) const AFTER: &str = "after";
    pub(crate) const TYPE: &str = "type";
    pub(crate) const WAITING: &str = "waiting";
    pub(crate) const ERROR: &str = "error";
    pub(crate) const ATTEMPTS: &str = "attempts";
    pub(crate) const FIRST_FAILED_AT: &str = "first_failed_at";
    pub(crate) const LAST_FAILED_AT: &str = "last_failed_at";
    pub(crate) const NEXT_ATTEMPT_AT: &str = "next_attempt_at";
    pub(crate) const CLAIMED_UNTIL: &str = "claimed_until";
    pub(crate) const TRACE: &str = "trace";

    pub(crate) const REASON: &str = "reason";
    pub(crate) const BY: &str = "by";
    pub(crate) const AT: &str = "at";

    pub(crate) const SUBSCRIPTION: &str = "subscription";
    pub(crate) const START: &str = "start";
    pub(crate) const STARTED_AT: &str = "started_at";

    pub(crate) const ROUND: &str = "round";
    pub(crate) const STREAM: &str = "stream";
    pub(crate) const ROOTS: &str = "roots";
    pub(crate) const OPENED: &str = "opened";
    pub(crate) const BEGUN_AT: &str = "begun_at";
    pub(crate) const PLACES: &str = "places";
    pub(crate) const OWNER: &str = "owner";
    pub(crate) const COUNTER: &str = "counter";
    pub(crate) const LEASE: &str = "lease";
    pub(crate) const RENEWED_AT: &str = "renewed_at";
    pub(crate) const CHECKPOINT: &str = "checkpoint";
    pub(crate) const READ_TO: &str = "read_to";
    pub(crate) const FINISHED_AT: &str = "finished_at";
}

/// The `id` of all that have run, and what their `part`s begin with.
pub(crate) const REGISTERED: &str = "#registered";
pub(crate) const REGISTERED_PARTS: &str = "#registered/";

/// What the `part`s of a feed begin with, and that of the past.
pub(crate) const FEED_PARTS: &str = "#feed/";
pub(crate) const TABLE_PART: &str = "#feed/table";

/// What the `part` of a shard begins with.
pub(crate) const SHARD_PARTS: &str = "#feed/shard/";

/// `<subscription>/<type>`: the `part` of progress, and what `parked` is while a resource is.
pub(crate) fn name(key: &SubscriptionKey) -> String {
    let SubscriptionKey { subscription, resource_type } = key;
    let mut name = String::with_capacity(subscription.len() + 1 + resource_type.len());
    for byte in subscription.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            name.push(char::from(byte));
        } else {
            write!(name, "%{byte:02X}").expect("a string takes whatever it is given");
        }
    }
    name.push('/');
    name.push_str(resource_type);
    name
}

/// The `part` of an event that was skipped.
pub(crate) fn skipped_part(name: &str, number: u64) -> String {
    format!("#skipped/{name}/{number:020}")
}

/// The `part` of a subscription that has run.
pub(crate) fn registered_part(name: &str) -> String {
    format!("{REGISTERED_PARTS}{name}")
}

/// The `id` of who follows what.
pub(crate) fn feed_id(name: &str) -> String {
    format!("{FEED_PARTS}{name}")
}

/// The `part` of who follows a shard.
pub(crate) fn shard_part(shard: &str) -> String {
    format!("{SHARD_PARTS}{shard}")
}

/// What the `part` of who waits for a shard begins with.
pub(crate) const WAITING_PARTS: &str = "#feed/waiting/";

/// The `part` of who waits for a shard.
pub(crate) fn waiting_part(owner: &str) -> String {
    format!("{WAITING_PARTS}{owner}")
}

/// An item with a key.
pub(crate) fn keyed(id: impl Into<String>, part: impl Into<String>) -> Item {
    let mut item = Item::new();
    set(&mut item, attribute::ID, id.into());
    set(&mut item, attribute::PART, part.into());
    item
}

/// Sets a text.
pub(crate) fn set(item: &mut Item, attribute: &str, text: impl Into<String>) {
    item.insert(attribute.to_owned(), AttributeValue::S(text.into()));
}

/// Sets a number.
pub(crate) fn set_number(item: &mut Item, attribute: &str, number: impl Into<u64>) {
    item.insert(attribute.to_owned(), n(number));
}

/// A text as an attribute.
pub(crate) fn s<T: ToString + ?Sized>(text: &T) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

/// A number as an attribute.
pub(crate) fn n(number: impl Into<u64>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

/// An item that is being read. Its errors name it.
pub(crate) struct Row<'a> {
    item: Item,
    table: &'a Arc<str>,
    id: String,
    part: String,
}

impl<'a> Row<'a> {
    pub(crate) fn new(item: Item, table: &'a Arc<str>) -> Self {
        let shown = |attribute| match item.get(attribute) {
            Some(AttributeValue::S(text)) => text.clone(),
            _ => "?".to_owned(),
        };
        Self { id: shown(attribute::ID), part: shown(attribute::PART), item, table }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn part(&self) -> &str {
        &self.part
    }

    pub(crate) fn has(&self, attribute: &str) -> bool {
        self.item.contains_key(attribute)
    }

    /// A text, or what is written as one.
    pub(crate) fn parsed<T>(&mut self, attribute: &'static str) -> Result<Option<T>, Error>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        item::parsed(&mut self.item, attribute).map_err(|fault| self.unreadable(fault))
    }

    pub(crate) fn text(&mut self, attribute: &'static str) -> Result<Option<String>, Error> {
        item::text(&mut self.item, attribute).map_err(|fault| self.unreadable(fault))
    }

    pub(crate) fn number<T>(&mut self, attribute: &'static str) -> Result<Option<T>, Error>
    where
        T: FromStr<Err = ParseIntError>,
    {
        item::number(&mut self.item, attribute).map_err(|fault| self.unreadable(fault))
    }

    /// A set of texts; empty when there is none.
    pub(crate) fn texts(&mut self, attribute: &'static str) -> Result<Vec<String>, Error> {
        match self.item.remove(attribute) {
            None => Ok(Vec::new()),
            Some(AttributeValue::Ss(texts)) => Ok(texts),
            Some(_) => Err(self.unreadable(Unreadable::new(attribute, "it is no set of strings"))),
        }
    }

    /// A list; empty when there is none.
    pub(crate) fn list(&mut self, attribute: &'static str) -> Result<Vec<AttributeValue>, Error> {
        item::list(&mut self.item, attribute).map_err(|fault| self.unreadable(fault))
    }

    /// What has to be there.
    pub(crate) fn required<T>(&self, attribute: &'static str, value: Option<T>) -> Result<T, Error> {
        item::required(attribute, value).map_err(|fault| self.unreadable(fault))
    }

    pub(crate) fn unreadable(&self, fault: Unreadable) -> Error {
        let Unreadable { attribute, source } = fault;
        let table = Arc::clone(self.table);
        Error::UnreadableRow { table, id: self.id.clone(), part: self.part.clone(), attribute, source }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_are_part_of_the_stored_form() {
        let name = name(&SubscriptionKey::new("reorders", "product"));
        assert_eq!(name, "reorders/product");
        assert_eq!(skipped_part(&name, 7), "#skipped/reorders/product/00000000000000000007");
        assert_eq!(registered_part(&name), "#registered/reorders/product");
        assert_eq!(feed_id(&name), "#feed/reorders/product");
        assert_eq!(shard_part("shardId-1"), "#feed/shard/shardId-1");
    }

    #[test]
    fn no_two_things_have_one_key() {
        let odd = [
            "a",
            "a/b",
            "b",
            "#a",
            "%2F",
            "%",
            "a%2Fb",
            "#skipped",
            "#skipped/a",
            "#feed",
            "#registered",
            "",
        ];
        let mut parts = HashSet::new();
        for subscription in odd {
            for resource_type in odd {
                let name = name(&SubscriptionKey::new(subscription, resource_type));
                for part in [name.clone(), skipped_part(&name, 1), registered_part(&name)] {
                    assert!(parts.insert(part.clone()), "{part}");
                }
                assert!(!name.starts_with('#'), "{name}");
            }
        }
        assert!(!parts.contains(TABLE_PART) && !parts.iter().any(|part| part.starts_with(FEED_PARTS)));
    }
}
