//! Flaws in how a store keeps what it is given: each stores something else.

use std::collections::BTreeMap;

use aws_event_sourcing_core::{Commit, EventStore, Json, MemoryStore, ResourceKey, Timestamp, limits};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, value::RawValue};

use crate::flaw::{Flaw, Outcome};

/// What is stored instead.
pub(crate) trait Alteration: Default + Send + Sync + 'static {
    fn alter(commit: &mut Commit);
}

/// Stores what the alteration makes of a commit. What is beyond a limit is refused as it should be.
#[derive(Default)]
pub(crate) struct Stores<A>(A);

impl<A: Alteration> Flaw for Stores<A> {
    fn append<'a>(&'a self, healthy: &'a MemoryStore, commit: &'a Commit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            limits::check(commit)?;
            let mut altered = commit.clone();
            A::alter(&mut altered);
            healthy.append(&altered).await
        })
    }
}

/// Only the first 255 bytes of a resource's id.
#[derive(Default)]
pub(crate) struct ShortResourceIds;

impl Alteration for ShortResourceIds {
    fn alter(commit: &mut Commit) {
        commit.resource =
            ResourceKey::new(commit.resource.resource_type.clone(), cut(commit.resource.id.as_str()));
    }
}

/// Resource ids in lower case.
#[derive(Default)]
pub(crate) struct LowerCaseResourceIds;

impl Alteration for LowerCaseResourceIds {
    fn alter(commit: &mut Commit) {
        let id = commit.resource.id.as_str().to_lowercase();
        commit.resource = ResourceKey::new(commit.resource.resource_type.clone(), id);
    }
}

/// Only the first 255 bytes of a commit's id.
#[derive(Default)]
pub(crate) struct ShortCommitIds;

impl Alteration for ShortCommitIds {
    fn alter(commit: &mut Commit) {
        commit.id = cut(commit.id.as_str()).into();
    }
}

/// Event types up to the first U+0000, as a C string.
#[derive(Default)]
pub(crate) struct EventTypesAsCStrings;

impl Alteration for EventTypesAsCStrings {
    fn alter(commit: &mut Commit) {
        for event in &mut commit.events {
            let end = event.event_type.find('\0').filter(|end| *end > 0).unwrap_or(event.event_type.len());
            event.event_type = event.event_type[..end].to_owned().into();
        }
    }
}

/// Times in whole seconds.
#[derive(Default)]
pub(crate) struct TimesInSeconds;

impl Alteration for TimesInSeconds {
    fn alter(commit: &mut Commit) {
        commit.at = Timestamp::from_unix_millis(commit.at.as_unix_millis() / 1_000 * 1_000);
    }
}

/// No trace.
#[derive(Default)]
pub(crate) struct NoTrace;

impl Alteration for NoTrace {
    fn alter(commit: &mut Commit) {
        commit.trace = None;
    }
}

/// Not what a commit follows.
#[derive(Default)]
pub(crate) struct NoFollows;

impl Alteration for NoFollows {
    fn alter(commit: &mut Commit) {
        commit.follows = None;
    }
}

/// An empty cause for none.
#[derive(Default)]
pub(crate) struct EmptyCauses;

impl Alteration for EmptyCauses {
    fn alter(commit: &mut Commit) {
        commit.cause.get_or_insert_default();
    }
}

/// No meta when it is empty.
#[derive(Default)]
pub(crate) struct NoEmptyMeta;

impl Alteration for NoEmptyMeta {
    fn alter(commit: &mut Commit) {
        commit.meta.take_if(|meta| meta.as_str() == "{}");
    }
}

/// No data when they are empty.
#[derive(Default)]
pub(crate) struct NoEmptyData;

impl Alteration for NoEmptyData {
    fn alter(commit: &mut Commit) {
        for event in &mut commit.events {
            event.data.take_if(|data| data.as_str() == "{}");
        }
    }
}

/// Data that were decoded and encoded again, with the numbers that a computer calculates with.
#[derive(Default)]
pub(crate) struct NumbersOf64Bits;

impl Alteration for NumbersOf64Bits {
    fn alter(commit: &mut Commit) {
        documents(commit, |value| value);
    }
}

/// All numbers as floats.
#[derive(Default)]
pub(crate) struct NumbersAsFloats;

impl Alteration for NumbersAsFloats {
    fn alter(commit: &mut Commit) {
        documents(commit, |value| match value {
            Value::Number(number) => Value::from(number.as_f64()),
            other => other,
        });
    }
}

/// Objects whose keys are in another order.
#[derive(Default)]
pub(crate) struct KeysBackwards;

impl Alteration for KeysBackwards {
    fn alter(commit: &mut Commit) {
        for data in commit.events.iter_mut().filter_map(|event| event.data.as_mut()) {
            let Ok(entries) = data.decode::<BTreeMap<String, Box<RawValue>>>() else { continue };
            let entries =
                entries.iter().rev().map(|(key, value)| format!("{}:{value}", Value::from(key.as_str())));
            *data = Json::from_stored(format!("{{{}}}", entries.collect::<Vec<_>>().join(",")));
        }
    }
}

/// Objects without the entries that are `null`.
#[derive(Default)]
pub(crate) struct NoNulls;

impl Alteration for NoNulls {
    fn alter(commit: &mut Commit) {
        documents(commit, |value| match value {
            Value::Object(entries) => entries.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            other => other,
        });
    }
}

/// Empty text as `null`.
#[derive(Default)]
pub(crate) struct NoEmptyText;

impl Alteration for NoEmptyText {
    fn alter(commit: &mut Commit) {
        documents(commit, |value| if value == "" { Value::Null } else { value });
    }
}

/// Text without the characters that take four bytes.
#[derive(Default)]
pub(crate) struct TextOfThreeBytes;

impl Alteration for TextOfThreeBytes {
    fn alter(commit: &mut Commit) {
        documents(commit, |value| match value {
            Value::String(text) => text.replace(|char| char > '\u{ffff}', "?").into(),
            other => other,
        });
    }
}

/// Commits of at most a thousand events.
#[derive(Default)]
pub(crate) struct AThousandEvents;

impl Alteration for AThousandEvents {
    fn alter(commit: &mut Commit) {
        commit.events.truncate(1_000);
    }
}

fn cut(text: &str) -> &str {
    text.char_indices().find(|(start, _)| *start > 252).map_or(text, |(start, _)| &text[..start])
}

/// Rewrites the data of a commit, every value in them from the innermost to the outermost.
fn documents(commit: &mut Commit, alter: impl Fn(Value) -> Value + Copy) {
    for data in commit.events.iter_mut().filter_map(|event| event.data.as_mut()) {
        let value = data.decode().expect("the laws write JSON that serde_json can read");
        *data = Json::from_value(&each(value, alter)).expect("a value has JSON");
    }
}

fn each(value: Value, alter: impl Fn(Value) -> Value + Copy) -> Value {
    alter(match value {
        Value::Array(elements) => elements.into_iter().map(|element| each(element, alter)).collect(),
        Value::Object(entries) => Value::Object(
            entries.into_iter().map(|(key, value)| (key, each(value, alter))).collect::<Map<_, _>>(),
        ),
        scalar => scalar,
    })
}
