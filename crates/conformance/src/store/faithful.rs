//! Law 9, **faithful**: what is read equals what was appended.
//!
//! Numbers are compared by their exact decimal value, and key order does not matter: a store may keep native numbers
//! and maps. What is written as a plain integer comes back as one.

use aws_event_sourcing_core::{
    AppendError, Appended, Commit, ResourceKey, StoreErrorKind, Timestamp, TraceParent, limits,
};
use tokio::runtime::Handle;

use crate::{
    Subject,
    compare::{assert_same, difference},
    observe::{all_of, append, assert_history, explain, follow_one_another, plan, read, scan, store},
    sample,
    store::{generate, property},
    subject::Store,
};

/// Commits that the property test makes up.
const CASES: u32 = 256;

/// Numbers that others round, all of them within the limits.
#[rustfmt::skip] // One line each would be a page of them.
const NUMBERS: [&str; 40] = [
    "0", "1", "-1", "-0", "-0.0", "0.1", "-0.1", "1.0", "1.5", "100", "1e2", "1E+2", "1.50", "0.30000000000000004",
    "127", "255", "32768", "65535", "2147483647", "-2147483648", "4294967295", "9007199254740991", "9007199254740992",
    "9007199254740993", "-9007199254740993", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
    "18446744073709551614", "18446744073709551615", "170141183460469231731687303715884105", "1e15", "1e16", "1e21",
    "1e22", "123456789.123456789", "2.2250738585072014e-100", "1.7976931348623157e+100", "1e-7", "4.9e-130",
];

/// Texts and containers that others drop or change.
#[rustfmt::skip] // One line each would be a page of them.
const DOCUMENTS: [&str; 36] = [
    "null", "true", "false", "{}", "[]", r#""""#, r#"" ""#, "[null]", "[[]]", "[{}]", r#"[""]"#, r#"{"a":null}"#,
    r#"{"a":{}}"#, r#"{"a":[]}"#, r#"{"a":""}"#, r#"{"a":false}"#, r#"{"a":0}"#, r#"{"a":[null,null]}"#,
    r#"{"a":1,"A":2," a":3,"a ":4}"#, r#"{"N":"1"}"#, r#"{"S":"1"}"#, r#"{"NULL":true}"#, r#"{"M":{"L":[]}}"#,
    r#"{"id":"x","number":7,"type":"T","data":null,"more":[],"at":"","commit":""}"#, r#"{"a.b":{"c":1},"a":{"b":2}}"#,
    r#"{"$a":1,"a[0]":2,":a":3,"\u0000":4,"\n":5,"'":6,"\"":7,"é":8,"e\u0301":9,"😀":10}"#, r#""\u0000""#,
    r#""a\u0000b""#, r#""\"\\\/\b\f\n\r\t""#, r#""é e\u0301 ß 日本語 😀 \u2028 \ufeff \uffff \ud83d\ude00""#,
    r#""null""#, r#""1""#, r#""true""#, r#""2026-11-23T09:30:00.000Z""#, r#"[1,"1",1.5,null,true,[],{}]"#,
    r#""  leading and trailing  ""#,
];

/// Every number of Rust's types up to 64 bits, and longer ones, come back with the same value.
pub async fn numbers_come_back_equal(subject: &Subject) {
    come_back_equal(subject, "number", &NUMBERS).await;
}

/// Text, empty things, `null` and names that a store may use itself come back as they were.
pub async fn documents_come_back_equal(subject: &Subject) {
    come_back_equal(subject, "document", &DOCUMENTS).await;
}

/// An event without data, one whose data are `null` and one whose data are an empty object are three different events.
pub async fn no_data_null_and_empty_data_stay_apart(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("no-data").await);
    let mut written = plan(&resource, [1, 1, 1, 1, 8]);
    let data = [None, Some("null"), Some("{}"), Some("[]")];
    let events = written.iter_mut().flat_map(|commit| &mut commit.events);
    for (event, data) in events.zip(data.iter().cycle()) {
        event.data = data.map(sample::json);
    }
    for commit in &written {
        store(&handle, commit).await;
    }
    assert_history(&handle, &resource, &written).await;
}

/// A commit's id, time, trace, cause and meta come back; what it does not have stays absent.
pub async fn what_belongs_to_a_commit_comes_back(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("envelope").await;
    let resource = sample::resource(&resource_type);
    let written = envelopes(&resource);
    for commit in &written {
        store(&handle, commit).await;
    }
    assert_history(&handle, &resource, &written).await;
    assert_same("what a scan gives", &written, &scan(&handle, &resource_type).await.concat());
}

/// A history whose commits have all that can belong to one, in many forms.
pub(crate) fn envelopes(resource: &ResourceKey) -> Vec<Commit> {
    let trace: TraceParent =
        "00-00000000000000000000000000000001-0000000000000001-00".parse().expect("a trace");
    let other: TraceParent =
        "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-ff".parse().expect("a trace");
    let mut written = plan(resource, [1, 2, 1, 1, 1, 1, 2, 1, 1, 1]);
    follow_one_another(&mut written);
    let times = [0, 1, 999, 1_000, 1_700_000_000_001, 951_782_400_000, 4_102_444_800_123, u64::MAX];
    for (commit, time) in written.iter_mut().zip(times) {
        commit.at = Timestamp::from_unix_millis(time);
    }
    for (commit, trace) in written.iter_mut().skip(1).step_by(2).zip([trace, other, trace, other]) {
        commit.trace = Some(trace);
    }
    for (commit, cause) in written.iter_mut().skip(2).zip(["reorders/a b/7", "", "\0", "é😀\n\"'/%"]) {
        commit.cause = Some(cause.into());
    }
    for (commit, meta) in written.iter_mut().skip(3).zip([
        r#"{"tenant":"t","user":{"id":18446744073709551615,"roles":[]}}"#,
        "{}",
        r#"{"a":null,"b":"","c":[1.5,{}]}"#,
    ]) {
        commit.meta = Some(sample::json(meta));
    }
    written
}

/// Whatever commit is made up: it comes back equal, or it was refused and nothing of it is there.
///
/// What the limits allow, a store may still refuse if it cannot hold it exactly; other laws name what every store
/// holds.
pub async fn any_commit_comes_back_equal_or_is_refused(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("any").await;
    let runtime = Handle::current();
    property::holds(
        "commit",
        CASES,
        || generate::commit(resource_type),
        move |made_up| {
            runtime.block_on(comes_back_equal_or_is_refused(&handle, &made_up.of_a_new_resource()))
        },
    )
    .await;
}

async fn comes_back_equal_or_is_refused(handle: &Store, commit: &Commit) -> Result<(), String> {
    let within_limits = limits::check(commit);
    let outcome = handle.append(commit).await;
    let read = all_of(handle.read(&commit.resource, 0), "read").await;
    match (outcome, within_limits, &*read) {
        (Ok(Appended::Now), Ok(_), [read]) => difference(commit, read).map_or(Ok(()), Err),
        (Ok(Appended::Now), Ok(_), read) => {
            Err(format!("it was stored, and is read as {} commits", read.len()))
        }
        (Ok(Appended::Before), ..) => {
            Err("nobody had written it, and it was taken for one that is there".to_owned())
        }
        (Ok(Appended::Now), Err(limit), _) => Err(format!("it was stored, and is beyond a limit: {limit}")),
        (Err(AppendError::Store(error)), ..) if error.kind() == StoreErrorKind::Unavailable => {
            Err(format!("the store was not available: {}", explain(&error)))
        }
        (Err(AppendError::Store(_)), _, []) => Ok(()),
        (Err(AppendError::Store(error)), ..) => {
            Err(format!("it was refused, and is there: {}", explain(&error)))
        }
        (Err(AppendError::Conflict(_)), ..) => {
            Err("it is the first of its resource, and met a conflict".to_owned())
        }
    }
}

/// Writes these documents, and reads them.
async fn come_back_equal(subject: &Subject, name: &str, documents: &[&str]) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type(name).await);
    let written = history_of(&resource, documents);
    for commit in &written {
        assert_eq!(append(&handle, commit).await, Appended::Now);
    }
    assert_same("the history", &written, &read(&handle, &resource, 0).await);
}

/// Histories with all numbers, and with all texts and containers.
pub(crate) fn all_sorts_of_data([numbers, documents]: [ResourceKey; 2]) -> [Vec<Commit>; 2] {
    [history_of(&numbers, &NUMBERS), history_of(&documents, &DOCUMENTS)]
}

/// Each of these documents as the data of a first and of a further event, and as a part of `meta`.
fn history_of(resource: &ResourceKey, documents: &[&str]) -> Vec<Commit> {
    let mut history = plan(resource, documents.iter().map(|_| 2));
    for (commit, document) in history.iter_mut().zip(documents) {
        for event in &mut commit.events {
            event.data = Some(sample::json(document));
        }
        commit.meta = Some(sample::json(&format!(r#"{{"of":{document}}}"#)));
    }
    history
}
