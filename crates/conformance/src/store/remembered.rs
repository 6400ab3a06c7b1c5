//! Law 9, **faithful**, seen from above: the state that a [`Repository`] keeps after a commit is the one that a process
//! without a cache reads, and a commit that is repeated with its key is known again.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Debug,
};

use aws_event_sourcing_core::{Aggregate, CommitError, Event, Repository, StoreError, StoreErrorKind};
use proptest::{collection, num, option, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::{generate, property};
use crate::{Subject, document::Document, observe::explain, subject::Store};

/// Events that the property test makes up.
const CASES: u32 = 128;

/// Everything that happened to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Diary {
    entries: Vec<DiaryEvent>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
enum DiaryEvent {
    /// Any document, with numbers of 64 bits.
    Noted(Value),
    /// The very text.
    Copied(Text),
    /// What Rust has more types of than JSON.
    Measured {
        width: u128,
        depth: i128,
        real: f64,
        single: f32,
        either: Either,
        perhaps: Option<Option<u8>>,
        counted: BTreeMap<i16, f64>,
        tags: HashSet<u16>,
        #[serde(skip)]
        unsaid: u8,
        nothing: (),
    },
}

/// A number whose type shows in nothing but its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Whole(i64),
    Real(f64),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct Text(Box<RawValue>);

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Aggregate for Diary {
    const TYPE: &'static str = "remembered";
    type Event = DiaryEvent;
    type Error = &'static str;

    fn validate(&self, _: &DiaryEvent) -> Result<(), &'static str> {
        Ok(())
    }

    fn apply(&mut self, event: &DiaryEvent) {
        self.entries.push(event.clone());
    }
}

/// Whatever event is made up: the state after its commit is the one that is read from its history, to the last digit; and
/// the same commit with the same key is known again, elsewhere too. Or it was refused.
pub async fn what_a_repository_remembers_is_what_it_reads(subject: &Subject) {
    let handle = subject.open().await;
    subject.prepared(Diary::TYPE.to_owned()).await;
    let runtime = Handle::current();
    property::holds(
        "event",
        CASES,
        || (event(), event()),
        move |(one, other)| runtime.block_on(is_remembered(&handle, one, other)),
    )
    .await;
}

async fn is_remembered(handle: &Store, one: &DiaryEvent, other: &DiaryEvent) -> Result<(), String> {
    let (warm, cold) = (Repository::<Diary>::new(handle.clone()), Repository::<Diary>::new(handle.clone()));
    let id = Uuid::new_v4();
    let write = |diaries: &Repository<Diary>, event: &DiaryEvent| {
        diaries.create(made_again(event)).id(id).idempotency_key("once").into_future()
    };
    let written = match write(&warm, one).await {
        Ok(written) => written,
        Err(CommitError::Store(error)) if is_refusal(&error) => return Ok(()),
        Err(error) => return Err(format!("it could not be written: {}", explain(&error))),
    };
    let read =
        cold.find_one(id).await.map_err(|error| format!("it could not be read: {}", explain(&error)))?;
    same("what is remembered is not what is read", written.state(), read.state())?;
    for diaries in [&warm, &cold] {
        match write(diaries, one).await {
            Ok(again) => same("the repeated write gives something else", read.state(), again.state())?,
            Err(error) => return Err(format!("the repeated write is refused: {}", explain(&error))),
        }
    }
    match write(&warm, other).await {
        Err(CommitError::KeyReused { .. } | CommitError::Store(_)) => Ok(()),
        Ok(_) if text(one) == text(other) => Ok(()),
        outcome => Err(format!("another event with this key, {other:?}, was not told from it: {outcome:?}")),
    }
}

/// Fails for a store that was not there, which is no refusal.
fn is_refusal(error: &StoreError) -> bool {
    error.kind() != StoreErrorKind::Unavailable
}

/// Their texts too: `==` does not tell 0.0 from -0.0.
fn same(what: &str, left: &Diary, right: &Diary) -> Result<(), String> {
    let is_same = left == right && sorted(left) == sorted(right);
    if is_same { Ok(()) } else { Err(format!("{what}: {} and {}", text(left), text(right))) }
}

/// The state's text, whose sets have an order.
fn sorted(diary: &Diary) -> String {
    let mut diary = diary.clone();
    let mut all = Vec::new();
    for entry in &mut diary.entries {
        if let DiaryEvent::Measured { tags, .. } = entry {
            let mut tags: Vec<_> = tags.drain().collect();
            tags.sort_unstable();
            all.push(tags);
        }
    }
    format!("{} {all:?}", text(&diary))
}

fn text(value: &(impl Serialize + Debug)) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("{value:?}: {error}"))
}

/// An equal event, whose sets have an order of their own.
fn made_again(event: &DiaryEvent) -> DiaryEvent {
    let mut event = event.clone();
    if let DiaryEvent::Measured { tags, .. } = &mut event {
        *tags = tags.iter().copied().collect();
    }
    event
}

fn event() -> impl Strategy<Value = DiaryEvent> {
    let noted = generate::document().prop_map(|document| DiaryEvent::Noted(value(&document)));
    let copied = generate::document().prop_map(|document| DiaryEvent::Copied(raw(&document)));
    prop_oneof![noted, copied, measured()]
}

fn measured() -> impl Strategy<Value = DiaryEvent> {
    let wide = || prop_oneof![any::<u128>().prop_map(|wide| wide >> 2), (0..1000_u128), Just(1 << 64)];
    let real = || prop_oneof![whole(), -1e9..1e9_f64, num::f64::NORMAL, num::f64::ZERO];
    let single = prop_oneof![whole().prop_map(|whole| whole as f32), num::f32::NORMAL];
    let either = prop_oneof![any::<i64>().prop_map(Either::Whole), real().prop_map(Either::Real)];
    let counted = collection::btree_map(any::<i16>(), real(), 0..4);
    let tags = collection::hash_set(any::<u16>(), 0..8);
    let perhaps = option::of(option::of(any::<u8>()));
    (wide(), wide(), real(), single, either, perhaps, counted, tags, any::<u8>()).prop_map(
        |(width, depth, real, single, either, perhaps, counted, tags, unsaid)| DiaryEvent::Measured {
            width,
            depth: -i128::try_from(depth).expect("two bits less"),
            real,
            single,
            either,
            perhaps,
            counted,
            tags,
            unsaid,
            nothing: (),
        },
    )
}

/// Floats that are whole, of all sizes.
fn whole() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-1000..1000_i64).prop_map(|whole| whole as f64),
        (0..=40_i32).prop_map(|power| 10_f64.powi(power))
    ]
}

fn value(document: &Document) -> Value {
    serde_json::from_str(&document.to_string()).expect("a document is JSON")
}

fn raw(document: &Document) -> Text {
    let text = document.to_string();
    Text(RawValue::from_string(text).expect("a document is JSON"))
}
