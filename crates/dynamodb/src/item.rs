//! A commit as an item, and an item as a commit.
//!
//! `docs/stored-form.md` draws the item attribute by attribute. Everything here is part of the stored form.

use std::{
    borrow::Cow, collections::HashMap, error::Error as StdError, num::ParseIntError, str::FromStr, sync::Arc,
};

use aws_event_sourcing_core::{Commit, EncodedEvent, Json, ResourceId, ResourceKey, limits};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::{error::Error, shard::Shard, value};

/// Names of an item's attributes.
pub(crate) mod attribute {
    pub(crate) const ID: &str = "id";
    pub(crate) const NUMBER: &str = "number";
    pub(crate) const TYPE: &str = "type";
    pub(crate) const DATA: &str = "data";
    pub(crate) const MORE: &str = "more";
    pub(crate) const AT: &str = "at";
    pub(crate) const COMMIT: &str = "commit";
    pub(crate) const FOLLOWS: &str = "follows";
    pub(crate) const TRACE: &str = "trace";
    pub(crate) const CAUSE: &str = "cause";
    pub(crate) const META: &str = "meta";
    pub(crate) const SHARD: &str = "shard";
}

/// Attributes by their names.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The item of a commit that [keeps the limits](aws_event_sourcing_core::limits::check).
pub(crate) fn from_commit(commit: &Commit) -> Result<Item, Error> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let json = |json: &Json| {
        value::from_json(json)
            .map_err(|source| Error::Unencodable { resource: commit.resource.clone(), source })
    };
    let event = |event: &EncodedEvent| {
        let mut attributes = Item::from([(attribute::TYPE.to_owned(), text(&event.event_type))]);
        if let Some(data) = &event.data {
            attributes.insert(attribute::DATA.to_owned(), json(data)?);
        }
        Ok(attributes)
    };

    let mut events = commit.events.iter().map(event);
    let mut item = events.next().expect("a commit within the limits has an event")?;
    let more = events.map(|event| event.map(AttributeValue::M)).collect::<Result<Vec<_>, Error>>()?;

    let mut set = |name: &str, value| item.insert(name.to_owned(), value);
    if !more.is_empty() {
        set(attribute::MORE, AttributeValue::L(more));
    }
    set(attribute::ID, text(commit.resource.id.as_str()));
    set(attribute::NUMBER, AttributeValue::N(commit.number.to_string()));
    set(attribute::AT, AttributeValue::S(commit.at.to_string()));
    set(attribute::COMMIT, text(commit.id.as_str()));
    if let Some(follows) = &commit.follows {
        set(attribute::FOLLOWS, text(follows.as_str()));
    }
    if let Some(trace) = commit.trace {
        set(attribute::TRACE, AttributeValue::S(trace.to_string()));
    }
    if let Some(cause) = &commit.cause {
        set(attribute::CAUSE, text(cause));
    }
    if let Some(meta) = &commit.meta {
        set(attribute::META, json(meta)?);
    }
    if commit.number == 1 {
        set(attribute::SHARD, AttributeValue::S(Shard::of(&commit.resource.id).to_string()));
    }
    Ok(item)
}

/// The commit of an item, of a resource of this type.
pub(crate) fn to_commit(mut item: Item, resource_type: &Arc<str>, table: &Arc<str>) -> Result<Commit, Error> {
    let named = Named::new(&item, resource_type);
    read(&mut item, resource_type).map_err(|Unreadable { attribute, source }| Error::Unreadable {
        table: Arc::clone(table),
        item: Box::new(named),
        attribute,
        source,
    })
}

/// When the resource of an item in the listing index was created, as it is written there, and its id. Both are part of a
/// key, and so texts.
pub(crate) fn to_place(mut item: Item) -> Option<(String, ResourceId)> {
    let mut text = |attribute| match item.remove(attribute) {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    };
    Some((text(attribute::AT)?, text(attribute::ID)?.into()))
}

/// Which item an error is about, also when the fault is in what names it.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) number: String,
    /// None when the fault is there.
    pub(crate) resource: Option<ResourceKey>,
    pub(crate) event_type: Option<String>,
}

impl Named {
    fn new(item: &Item, resource_type: &Arc<str>) -> Self {
        let shown = |attribute| match item.get(attribute) {
            Some(AttributeValue::S(text) | AttributeValue::N(text)) => text.clone(),
            _ => "?".to_owned(),
        };
        let text = |attribute| item.get(attribute)?.as_s().ok().cloned();
        let resource = text(attribute::ID).map(|id| ResourceKey::new(Arc::clone(resource_type), id));
        Self {
            id: shown(attribute::ID),
            number: shown(attribute::NUMBER),
            resource,
            event_type: text(attribute::TYPE),
        }
    }
}

/// The key of a commit: its resource, and its first number.
pub(crate) fn key(id: &ResourceId, number: u64) -> Item {
    Item::from([
        (attribute::ID.to_owned(), AttributeValue::S(id.to_string())),
        (attribute::NUMBER.to_owned(), AttributeValue::N(number.to_string())),
    ])
}

/// What is wrong with an item.
pub(crate) struct Unreadable {
    pub(crate) attribute: &'static str,
    pub(crate) source: Box<dyn StdError + Send + Sync>,
}

impl Unreadable {
    pub(crate) fn new(attribute: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { attribute, source: source.into() }
    }
}

fn read(item: &mut Item, resource_type: &Arc<str>) -> Result<Commit, Unreadable> {
    let id = required(attribute::ID, text(item, attribute::ID)?)?;
    let mut events = vec![event(item)?];
    for further in list(item, attribute::MORE)? {
        let AttributeValue::M(mut further) = further else {
            return Err(Unreadable::new(attribute::MORE, "it holds something other than maps"));
        };
        events.push(event(&mut further)?);
    }
    let number: u64 = required(attribute::NUMBER, number(item, attribute::NUMBER)?)?;
    let last = number.saturating_add(events.len() as u64 - 1);
    if !limits::is_event_number(number) || !limits::is_event_number(last) {
        return Err(Unreadable::new(attribute::NUMBER, "no event can have it"));
    }
    Ok(Commit {
        resource: ResourceKey::new(Arc::clone(resource_type), id),
        number,
        events,
        at: required(attribute::AT, parsed(item, attribute::AT)?)?,
        id: required(attribute::COMMIT, text(item, attribute::COMMIT)?)?.into(),
        follows: text(item, attribute::FOLLOWS)?.map(Into::into),
        trace: parsed(item, attribute::TRACE)?,
        cause: text(item, attribute::CAUSE)?.map(Into::into),
        meta: json(item, attribute::META)?,
    })
}

fn event(attributes: &mut Item) -> Result<EncodedEvent, Unreadable> {
    let event_type = required(attribute::TYPE, text(attributes, attribute::TYPE)?)?;
    Ok(EncodedEvent { event_type: Cow::Owned(event_type), data: json(attributes, attribute::DATA)? })
}

pub(crate) fn required<T>(attribute: &'static str, value: Option<T>) -> Result<T, Unreadable> {
    value.ok_or_else(|| Unreadable::new(attribute, "it is not there"))
}

pub(crate) fn text(attributes: &mut Item, attribute: &'static str) -> Result<Option<String>, Unreadable> {
    match attributes.remove(attribute) {
        None => Ok(None),
        Some(AttributeValue::S(text)) => Ok(Some(text)),
        Some(_) => Err(Unreadable::new(attribute, "it is no string")),
    }
}

pub(crate) fn parsed<T>(attributes: &mut Item, attribute: &'static str) -> Result<Option<T>, Unreadable>
where
    T: FromStr<Err: StdError + Send + Sync + 'static>,
{
    let text = text(attributes, attribute)?;
    text.map(|text| text.parse()).transpose().map_err(|source: T::Err| Unreadable::new(attribute, source))
}

/// A whole number.
pub(crate) fn number<T>(attributes: &mut Item, attribute: &'static str) -> Result<Option<T>, Unreadable>
where
    T: FromStr<Err = ParseIntError>,
{
    match attributes.remove(attribute) {
        None => Ok(None),
        Some(AttributeValue::N(number)) => {
            number.parse().map(Some).map_err(|source| Unreadable::new(attribute, source))
        }
        Some(_) => Err(Unreadable::new(attribute, "it is no number")),
    }
}

fn json(attributes: &mut Item, attribute: &'static str) -> Result<Option<Json>, Unreadable> {
    let json = attributes.remove(attribute).map(|value| value::to_json(&value)).transpose();
    json.map_err(|source| Unreadable::new(attribute, source))
}

pub(crate) fn list(item: &mut Item, attribute: &'static str) -> Result<Vec<AttributeValue>, Unreadable> {
    match item.remove(attribute) {
        None => Ok(Vec::new()),
        Some(AttributeValue::L(list)) => Ok(list),
        Some(_) => Err(Unreadable::new(attribute, "it is no list")),
    }
}

#[cfg(test)]
mod tests {
    use aws_event_sourcing_core::{Timestamp, TraceParent};

    use super::*;

    fn commit() -> Commit {
        let event = |name: &'static str, data: Option<&str>| EncodedEvent {
            event_type: name.into(),
            data: data.map(|data| Json::parse(data).unwrap()),
        };
        Commit {
            resource: ResourceKey::new("product", "p-1"),
            number: 1,
            events: vec![
                event("ProductRestocked", Some(r#"{"amount":5}"#)),
                event("ProductReserved", None),
                event("ProductPriced", Some("[0.5,null]")),
            ],
            at: Timestamp::from_unix_millis(1_700_000_000_007),
            id: "order-7".into(),
            follows: Some("order-6".into()),
            trace: Some(TraceParent::new_root(Timestamp::from_unix_millis(0))),
            cause: Some("reorders/r-1/2".into()),
            meta: Some(Json::parse(r#"{"tenant":"t"}"#).unwrap()),
        }
    }

    fn read(item: Item) -> Result<Commit, Error> {
        to_commit(item, &"product".into(), &"products".into())
    }

    #[test]
    fn a_commit_comes_back_from_its_item() {
        let whole = commit();
        let item = from_commit(&whole).unwrap();
        let mut names: Vec<_> = item.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "at", "cause", "commit", "data", "follows", "id", "meta", "more", "number", "shard", "trace",
                "type"
            ]
        );
        assert_eq!(read(item).unwrap(), whole);

        let event = EncodedEvent { event_type: "ProductReserved".into(), data: None };
        let bare = Commit {
            number: 2,
            events: vec![event],
            follows: None,
            trace: None,
            cause: None,
            meta: None,
            ..commit()
        };
        let item = from_commit(&bare).unwrap();
        let mut names: Vec<_> = item.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["at", "commit", "id", "number", "type"]);
        assert_eq!(read(item).unwrap(), bare);
    }

    #[test]
    fn an_unreadable_item_is_named_with_what_is_wrong() {
        let number = |number: &str| Some(AttributeValue::N(number.into()));
        let text = |text: &str| Some(AttributeValue::S(text.into()));
        let set = || AttributeValue::Ss(vec!["a".into()]);
        for (attribute, value, message) in [
            ("id", None, r#"the item ? number 1 of table products has an unreadable "id": it is not there"#),
            (
                "number",
                number("0"),
                r#"the item p-1 number 0 of table products has an unreadable "number": no event can have it"#,
            ),
            (
                "number",
                number("18446744073709551615"),
                r#"the item p-1 number 18446744073709551615 of table products has an unreadable "number": no event can have it"#,
            ),
            (
                "number",
                number("-1"),
                r#"the item p-1 number -1 of table products has an unreadable "number": invalid digit found in string"#,
            ),
            (
                "at",
                text("today"),
                r#"the item p-1 number 1 of table products has an unreadable "at": not an RFC 3339 time in UTC such as 2026-11-23T09:30:00.000Z"#,
            ),
            (
                "type",
                number("1"),
                r#"the item p-1 number 1 of table products has an unreadable "type": it is no string"#,
            ),
            (
                "data",
                Some(set()),
                r#"the item p-1 number 1 of table products has an unreadable "data": it holds a set, which JSON does not have"#,
            ),
            (
                "more",
                Some(AttributeValue::L(vec![set()])),
                r#"the item p-1 number 1 of table products has an unreadable "more": it holds something other than maps"#,
            ),
        ] {
            let mut item = from_commit(&commit()).unwrap();
            match value {
                Some(value) => item.insert(attribute.to_owned(), value),
                None => item.remove(attribute),
            };
            let error = read(item).unwrap_err();
            let source = StdError::source(&error).map(ToString::to_string).unwrap_or_default();
            assert_eq!(format!("{error}: {source}"), message);
        }
    }
}
