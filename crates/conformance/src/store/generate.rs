//! Commits made up for the property test, which can be made smaller when one fails.

use std::{collections::BTreeMap, sync::Arc};

use aws_event_sourcing_core::{
    Commit, EncodedEvent, ResourceKey, Timestamp, TraceParent,
    limits::{MAX_NESTING, MAX_NUMBER_DIGITS, NUMBER_EXPONENTS},
};
use proptest::{collection, num, option, prelude::*};
use uuid::Uuid;

use crate::{document::Document, sample};

/// A commit but for its resource: each run of a property writes to a new one.
#[derive(Clone, Debug)]
pub(crate) struct MadeUp {
    resource_type: Arc<str>,
    resource_id: String,
    commit_id: String,
    events: Vec<EventMadeUp>,
    at: Timestamp,
    trace: Option<TraceParent>,
    cause: Option<String>,
    meta: Option<Document>,
}

#[derive(Clone, Debug)]
struct EventMadeUp {
    event_type: String,
    data: Option<Document>,
}

impl MadeUp {
    /// The first commit of a resource that nobody has used.
    pub(crate) fn of_a_new_resource(&self) -> Commit {
        let json = |document: &Document| sample::json(&document.to_string());
        let events = self.events.iter().map(|event| EncodedEvent {
            event_type: event.event_type.clone().into(),
            data: event.data.as_ref().map(json),
        });
        Commit {
            resource: ResourceKey::new(
                self.resource_type.clone(),
                format!("{}{}", Uuid::new_v4(), self.resource_id),
            ),
            number: 1,
            events: events.collect(),
            at: self.at,
            id: self.commit_id.as_str().into(),
            follows: None,
            trace: self.trace,
            cause: self.cause.as_deref().map(Into::into),
            meta: self.meta.as_ref().map(json),
        }
    }
}

/// Any commit, most of them within the limits.
pub(crate) fn commit(resource_type: Arc<str>) -> impl Strategy<Value = MadeUp> {
    let event = (name(), option::weighted(0.9, document()));
    let events = collection::vec(event.prop_map(|(event_type, data)| EventMadeUp { event_type, data }), 1..4);
    let at = (0..=Timestamp::MAX.as_unix_millis()).prop_map(Timestamp::from_unix_millis);
    let meta = option::of(collection::btree_map(text(), document(), 0..3).prop_map(Document::Map));
    (text(), name(), events, at, trace(), option::of(text()), meta).prop_map(
        move |(resource_id, commit_id, events, at, trace, cause, meta)| MadeUp {
            resource_type: resource_type.clone(),
            resource_id,
            commit_id,
            events,
            at,
            trace,
            cause,
            meta,
        },
    )
}

fn trace() -> impl Strategy<Value = Option<TraceParent>> {
    option::of((1..=u128::MAX, 1..=u64::MAX, any::<u8>()).prop_map(|(trace, parent, flags)| {
        format!("00-{trace:032x}-{parent:016x}-{flags:02x}")
            .parse()
            .expect("this is how a traceparent is written")
    }))
}

pub(super) fn document() -> impl Strategy<Value = Document> {
    let scalar = prop_oneof![
        1 => Just(Document::Null),
        1 => any::<bool>().prop_map(Document::Bool),
        4 => number().prop_map(|number| Document::Number(number.into())),
        4 => text().prop_map(Document::Text),
    ];
    let nested = scalar.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..6).prop_map(Document::List),
            collection::btree_map(text(), inner, 0..6).prop_map(Document::Map),
        ]
    });
    // Now and then so deep that some are within the limit and some beyond.
    let deep = (nested.clone(), collection::vec(any::<bool>(), 0..=MAX_NESTING + 1)).prop_map(
        |(innermost, levels)| {
            levels.into_iter().fold(innermost, |inner, list| match list {
                true => Document::List(vec![inner]),
                false => Document::Map(BTreeMap::from([("a".to_owned(), inner)])),
            })
        },
    );
    prop_oneof![9 => nested, 1 => deep]
}

/// Integers of all sizes, floats of all magnitudes, and decimals that are neither.
fn number() -> impl Strategy<Value = String> {
    // As Rust's serializers write it: "1.0", "1e-7".
    let float = |value: f64| serde_json::to_string(&value).expect("a finite float has a JSON number");
    let within = *NUMBER_EXPONENTS.start() + 2..=*NUMBER_EXPONENTS.end();
    let around = NUMBER_EXPONENTS.start() - 5..=NUMBER_EXPONENTS.end() + 5;
    prop_oneof![
        any::<i64>().prop_map(|value| value.to_string()),
        any::<u64>().prop_map(|value| value.to_string()),
        (-1000..1000_i64).prop_map(|value| value.to_string()),
        (-1e9..1e9_f64).prop_map(float),
        (num::f64::POSITIVE | num::f64::NEGATIVE | num::f64::NORMAL | num::f64::SUBNORMAL | num::f64::ZERO)
            .prop_map(float),
        decimal(1..=MAX_NUMBER_DIGITS, within),
        decimal(1..=MAX_NUMBER_DIGITS + 2, around),
    ]
}

/// `-1.234e56`: so many digits, and an exponent in that range.
fn decimal(
    digits: std::ops::RangeInclusive<usize>,
    exponents: std::ops::RangeInclusive<i64>,
) -> impl Strategy<Value = String> {
    (any::<bool>(), 1..=9_u8, collection::vec(0..=9_u8, digits), exponents).prop_map(
        |(negative, first, rest, exponent)| {
            let sign = if negative { "-" } else { "" };
            let rest: String = rest.into_iter().skip(1).map(|digit| char::from(b'0' + digit)).collect();
            let point = if rest.is_empty() { "" } else { "." };
            format!("{sign}{first}{point}{rest}e{exponent}")
        },
    )
}

/// Any text but the empty one.
fn name() -> impl Strategy<Value = String> {
    (character(), text()).prop_map(|(first, rest)| format!("{first}{rest}"))
}

fn text() -> impl Strategy<Value = String> {
    collection::vec(character(), 0..12).prop_map(String::from_iter)
}

fn character() -> impl Strategy<Value = char> {
    let troublesome =
        ['\0', '\n', '\r', '"', '\'', '\\', '/', '%', '\u{7f}', '\u{301}', '\u{feff}', '\u{ffff}'];
    prop_oneof![
        4 => proptest::char::range('a', 'z'),
        2 => any::<char>(),
        1 => proptest::sample::select(troublesome.to_vec()),
        1 => proptest::char::range('\u{10000}', '\u{10ffff}'),
    ]
}

#[cfg(test)]
mod tests {
    use aws_event_sourcing_core::limits;
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};

    use super::*;

    #[test]
    fn most_commits_are_within_the_limits_and_some_are_not() {
        let strategy = commit("made-up".into());
        let mut runner = TestRunner::deterministic();
        let within = (0..500)
            .filter(|_| {
                let made_up = strategy.new_tree(&mut runner).expect("nothing is filtered").current();
                limits::check(&made_up.of_a_new_resource()).is_ok()
            })
            .count();
        assert!((250..490).contains(&within), "{within} of 500");
    }
}
