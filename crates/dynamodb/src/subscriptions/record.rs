//! A record as an item, and an item as a record. Everything here is part of the stored form.

use std::sync::Arc;

use aws_event_sourcing_core::{
    ResourceId,
    subscription::{Parked, Progress, Skipped, SubscriptionKey, UnreadableRecord},
};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;

use crate::{
    error::Error,
    item::{Item, Unreadable},
    rows::{Row, attribute, keyed, name, set, set_number, skipped_part},
};

/// The item of a record with that revision. `write` tells who wrote it, for the case that the answer is lost.
pub(super) fn from_progress(
    part: &str,
    id: &ResourceId,
    progress: &Progress,
    revision: u64,
    write: &str,
) -> Item {
    let Progress { handled, parked, .. } = progress;
    let mut item = keyed(id.as_str(), part);
    set_number(&mut item, attribute::REVISION, revision);
    set(&mut item, attribute::WRITE, write);
    if let Some(handled) = handled {
        set_number(&mut item, attribute::HANDLED, *handled);
    }
    if let Some(parked) = parked {
        set(&mut item, attribute::PARKED, part);
        set_parked(&mut item, parked);
    }
    item
}

fn set_parked(item: &mut Item, parked: &Parked) {
    let Parked {
        number,
        after,
        event_type,
        waiting,
        error,
        attempts,
        first_failed_at,
        last_failed_at,
        next_attempt_at,
        claimed_until,
        trace,
    } = parked;
    set_number(item, attribute::NUMBER, *number);
    set_number(item, attribute::AFTER, *after);
    set_number(item, attribute::WAITING, *waiting);
    set(item, attribute::ERROR, &**error);
    set_number(item, attribute::ATTEMPTS, *attempts);
    set(item, attribute::FIRST_FAILED_AT, first_failed_at.to_string());
    set(item, attribute::LAST_FAILED_AT, last_failed_at.to_string());
    set(item, attribute::NEXT_ATTEMPT_AT, next_attempt_at.to_string());
    if let Some(event_type) = event_type {
        set(item, attribute::TYPE, &**event_type);
    }
    if let Some(claimed_until) = claimed_until {
        set(item, attribute::CLAIMED_UNTIL, claimed_until.to_string());
    }
    if let Some(trace) = trace {
        set(item, attribute::TRACE, trace.to_string());
    }
}

/// The record of an item, its resource, and who wrote it.
pub(super) fn to_progress(item: Item, table: &Arc<str>) -> Result<Stored, Error> {
    let mut row = Row::new(item, table);
    let parked = if row.has(attribute::PARKED) { Some(Box::new(to_parked(&mut row)?)) } else { None };
    let revision = row.number(attribute::REVISION)?;
    let progress = Progress {
        handled: row.number(attribute::HANDLED)?,
        parked,
        revision: row.required(attribute::REVISION, revision)?,
    };
    progress.check().map_err(|(attribute, why)| row.unreadable(Unreadable::new(attribute, why)))?;
    let write = row.text(attribute::WRITE)?;
    Ok(Stored { id: row.id().into(), progress, write })
}

/// The same, where one record that cannot be read is to hide no other one.
pub(super) fn unless_unreadable(
    item: Item,
    table: &Arc<str>,
    key: &SubscriptionKey,
) -> Result<Stored, UnreadableRecord> {
    let id = item.get(attribute::ID).and_then(|id| id.as_s().ok()).map_or("?", String::as_str);
    let id = ResourceId::from(id);
    to_progress(item, table)
        .map_err(|error| UnreadableRecord::new(key.clone(), id.clone(), remedy(table, key, &id), error))
}

/// What a person can do about a record that cannot be read, in the words of AWS's command line.
fn remedy(table: &str, key: &SubscriptionKey, id: &ResourceId) -> String {
    let item = json!({ attribute::ID: { "S": id.as_str() }, attribute::PART: { "S": name(key) } });
    format!(
        "put that attribute right, or remove the record: aws dynamodb delete-item --table-name {} --key {}; then all events of \
         the resource are handled anew, from the first one that the subscription began with, as soon as there is another one",
        quoted(table),
        quoted(&item.to_string())
    )
}

/// As a shell takes it, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A record as it is stored.
pub(super) struct Stored {
    pub(super) id: ResourceId,
    pub(super) progress: Progress,
    /// Which call wrote it, or the one that it was advanced from.
    pub(super) write: Option<String>,
}

fn to_parked(row: &mut Row<'_>) -> Result<Parked, Error> {
    macro_rules! required {
        ($read:ident, $attribute:expr) => {{
            let value = row.$read($attribute)?;
            row.required($attribute, value)?
        }};
    }
    Ok(Parked {
        number: required!(number, attribute::NUMBER),
        after: required!(number, attribute::AFTER),
        event_type: row.text(attribute::TYPE)?.map(Into::into),
        waiting: required!(number, attribute::WAITING),
        error: required!(text, attribute::ERROR).into(),
        attempts: required!(number, attribute::ATTEMPTS),
        first_failed_at: required!(parsed, attribute::FIRST_FAILED_AT),
        last_failed_at: required!(parsed, attribute::LAST_FAILED_AT),
        next_attempt_at: required!(parsed, attribute::NEXT_ATTEMPT_AT),
        claimed_until: row.parsed(attribute::CLAIMED_UNTIL)?,
        trace: row.parsed(attribute::TRACE)?,
    })
}

/// The item of an event that was skipped.
pub(super) fn from_skipped(name: &str, id: &ResourceId, skipped: &Skipped) -> Item {
    let Skipped { number, event_type, error, reason, by, at } = skipped;
    let mut item = keyed(id.as_str(), skipped_part(name, *number));
    set_number(&mut item, attribute::NUMBER, *number);
    set(&mut item, attribute::ERROR, &**error);
    set(&mut item, attribute::REASON, &**reason);
    set(&mut item, attribute::BY, &**by);
    set(&mut item, attribute::AT, at.to_string());
    if let Some(event_type) = event_type {
        set(&mut item, attribute::TYPE, &**event_type);
    }
    item
}

/// The event that an item says was skipped.
pub(super) fn to_skipped(item: Item, table: &Arc<str>) -> Result<Skipped, Error> {
    let mut row = Row::new(item, table);
    macro_rules! required {
        ($read:ident, $attribute:expr) => {{
            let value = row.$read($attribute)?;
            row.required($attribute, value)?
        }};
    }
    Ok(Skipped {
        number: required!(number, attribute::NUMBER),
        event_type: row.text(attribute::TYPE)?.map(Into::into),
        error: required!(text, attribute::ERROR).into(),
        reason: required!(text, attribute::REASON).into(),
        by: required!(text, attribute::BY).into(),
        at: required!(parsed, attribute::AT),
    })
}

/// What AWS bills for writing an item of ours once, without its indexes: a unit for each KB begun of names and values.
pub(super) fn write_units(item: &Item) -> f64 {
    let bytes: usize = item.iter().map(|(name, value)| name.len() + bytes(value)).sum();
    bytes.div_ceil(1024).max(1) as f64
}

fn bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        // Two digits a byte, and one more: never less than AWS counts.
        AttributeValue::N(number) => number.len() / 2 + 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use aws_event_sourcing_core::{Timestamp, TraceParent, limits};

    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    fn parked() -> Parked {
        Parked {
            number: 8,
            after: 6,
            event_type: Some("ProductReserved".into()),
            waiting: 11,
            error: "no".into(),
            attempts: 3,
            first_failed_at: at(1),
            last_failed_at: at(2),
            next_attempt_at: at(3),
            claimed_until: Some(at(4)),
            trace: Some(TraceParent::new_root(at(0))),
        }
    }

    #[test]
    fn a_record_comes_back_from_its_item() {
        let whole = Progress { handled: Some(6), parked: Some(Box::new(parked())), revision: 9 };
        let bare = Parked { event_type: None, claimed_until: None, trace: None, ..parked() };
        let bare = Progress { handled: None, parked: Some(Box::new(bare)), revision: 1 };
        let most = limits::MAX_EVENT_NUMBER;
        let free = Progress { handled: Some(most), parked: None, revision: most };
        for progress in [whole, bare, free] {
            let item = from_progress("s/t", &"r".into(), &progress, progress.revision, "w");
            let stored = to_progress(item, &"subs".into()).unwrap();
            assert_eq!((stored.id.as_str(), stored.write.as_deref()), ("r", Some("w")));
            assert_eq!(stored.progress, progress);
        }
    }

    #[test]
    fn only_what_is_parked_is_in_the_index() {
        let free = Progress { handled: Some(6), parked: None, revision: 9 };
        let item = from_progress("s/t", &"r".into(), &free, 9, "w");
        let mut names: Vec<_> = item.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["handled", "id", "part", "revision", "write"]);
    }

    #[test]
    fn what_was_skipped_comes_back_from_its_item() {
        for event_type in [None, Some("ProductReserved".into())] {
            let skipped = Skipped {
                number: 3,
                event_type,
                error: "no".into(),
                reason: "sold by hand".into(),
                by: "ada".into(),
                at: at(5),
            };
            let item = from_skipped("s/t", &"r".into(), &skipped);
            assert_eq!(to_skipped(item, &"subs".into()).unwrap(), skipped);
        }
    }

    #[test]
    fn an_unreadable_item_is_named_with_what_is_wrong() {
        let progress = Progress { handled: Some(6), parked: Some(Box::new(parked())), revision: 9 };
        let item = || from_progress("s/t", &"r".into(), &progress, 9, "w");
        for (attribute, value) in [
            ("revision", None),
            ("handled", Some(AttributeValue::S("6".into()))),
            ("error", None),
            ("next_attempt_at", Some(AttributeValue::S("soon".into()))),
            ("attempts", Some(AttributeValue::N("-1".into()))),
        ] {
            let mut item = item();
            match value {
                Some(value) => item.insert(attribute.into(), value),
                None => item.remove(attribute),
            };
            let error = to_progress(item, &"subs".into()).err().unwrap().to_string();
            assert_eq!(error, format!("the item r s/t of table subs has an unreadable {attribute:?}"));
        }
    }
}
