//! Law 10, **limited**: what keeps the limits is stored, and what does not is refused before anything is written.
//! The limits of names are in [`names`](super::names).

use aws_event_sourcing_core::{
    Commit, EncodedEvent, ResourceKey,
    limits::{LimitExceeded, MAX_COMMIT_BYTES, MAX_KEY_BYTES, MAX_NESTING, MAX_NUMBER_DIGITS},
};

use crate::{
    Subject,
    observe::{assert_history, be_refused, lose, store},
    sample,
};

/// A commit of exactly the largest size is stored: of one event, or of many.
pub async fn the_largest_commit_is_stored(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("largest").await;
    for events in [1, 2, 100] {
        let resource = sample::resource(&resource_type);
        let first = sample::commit_of_size(&resource, 1, events, MAX_COMMIT_BYTES);
        let second = sample::commit_of_size(&resource, first.last_number() + 1, events, MAX_COMMIT_BYTES);
        store(&handle, &first).await;
        store(&handle, &second).await;
        assert_history(&handle, &resource, &[first, second]).await;
    }
}

/// A commit that is one byte larger is refused, with both sizes in the error. Nothing of it is stored, and its number
/// stays free.
pub async fn a_byte_more_is_refused(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("too-large").await;
    for (events, too_many) in [(1, 1), (2, 1), (100, 1), (3, 1_000_000)] {
        let resource = sample::resource(&resource_type);
        let mut written = Vec::new();
        for number in [1, 2] {
            let too_large = sample::commit_of_size(&resource, number, events, MAX_COMMIT_BYTES + too_many);
            let expected = LimitExceeded::TooLarge {
                what: "commit size",
                unit: "bytes",
                limit: MAX_COMMIT_BYTES,
                actual: MAX_COMMIT_BYTES + too_many,
            };
            assert_eq!(be_refused(&handle, &too_large).await, expected);
            assert_history(&handle, &resource, &written).await;
            let instead = sample::commit(&resource, number, 1);
            store(&handle, &instead).await;
            written.push(instead);
        }
        assert_history(&handle, &resource, &written).await;
    }
}

/// Lists and maps that an event or the meta may have around each other: the item is a level of its own.
const DEEPEST: usize = MAX_NESTING - 1;

/// The same in a further event of a commit.
const DEEPEST_FURTHER: usize = MAX_NESTING - 3;

/// Lists and maps are stored as deep as they may be nested: in a commit's first event, in a further one and in its
/// meta.
pub async fn the_deepest_nesting_is_stored(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("deepest").await);
    let written = [
        sample::commit_of(&resource, 1, &sample::nested(DEEPEST)),
        sample::commit_of(&resource, 2, &maps(DEEPEST, "null")),
        sample::commit_of(&resource, 3, &maps(DEEPEST - 1, "[]")),
        with_meta(&resource, 4, &maps(DEEPEST, "1")),
        with_further(&resource, 5, &sample::nested(DEEPEST_FURTHER)),
    ];
    for commit in &written {
        store(&handle, commit).await;
    }
    assert_history(&handle, &resource, &written).await;
}

/// One level more is refused.
pub async fn a_level_more_is_refused(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("too-deep").await);
    for too_deep in [
        sample::commit_of(&resource, 1, &sample::nested(DEEPEST + 1)),
        sample::commit_of(&resource, 1, &maps(DEEPEST + 1, "null")),
        sample::commit_of(&resource, 1, &maps(DEEPEST, "[]")),
        with_meta(&resource, 1, &maps(DEEPEST + 1, "1")),
        with_further(&resource, 1, &sample::nested(DEEPEST_FURTHER + 1)),
    ] {
        let expected = LimitExceeded::TooLarge {
            what: "nesting",
            unit: "levels",
            limit: MAX_NESTING,
            actual: MAX_NESTING + 1,
        };
        assert_eq!(be_refused(&handle, &too_deep).await, expected);
        assert_history(&handle, &resource, &[]).await;
    }
}

/// The longest key of an object is stored; one that is longer, and one that is empty, is refused.
pub async fn keys_of_objects_have_limits(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("keys").await);
    let keyed = |bytes: usize| format!(r#"[{{"a":1,"{}":{{"b":2}}}}]"#, "k".repeat(bytes));
    let too_long = LimitExceeded::TooLarge {
        what: "key of an object",
        unit: "bytes",
        limit: MAX_KEY_BYTES,
        actual: MAX_KEY_BYTES + 1,
    };
    for (bytes, expected) in
        [(0, LimitExceeded::Empty { what: "key of an object" }), (MAX_KEY_BYTES + 1, too_long)]
    {
        for commit in [
            sample::commit_of(&resource, 1, &keyed(bytes)),
            with_further(&resource, 1, &keyed(bytes)),
            with_meta(&resource, 1, &format!(r#"{{"a":{}}}"#, keyed(bytes))),
        ] {
            assert_eq!(be_refused(&handle, &commit).await, expected);
            assert_history(&handle, &resource, &[]).await;
        }
    }
    let longest = [
        sample::commit_of(&resource, 1, &keyed(MAX_KEY_BYTES)),
        with_further(&resource, 2, &keyed(MAX_KEY_BYTES)),
    ];
    for commit in &longest {
        store(&handle, commit).await;
    }
    assert_history(&handle, &resource, &longest).await;
}

/// Numbers are stored to the last digit that they may have, and from the smallest to the largest.
pub async fn the_most_extreme_numbers_are_stored(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("extreme").await);
    let nines = "9".repeat(MAX_NUMBER_DIGITS);
    let numbers = [
        nines.clone(),
        format!("-{nines}"),
        format!("0.{nines}"),
        format!("{nines}00000"),
        format!("9.{}e125", "9".repeat(MAX_NUMBER_DIGITS - 1)),
        format!("-9.{}e125", "9".repeat(MAX_NUMBER_DIGITS - 1)),
        "1e125".to_owned(),
        "1e-130".to_owned(),
        "-1e-130".to_owned(),
        format!("1.{}1e-130", "0".repeat(MAX_NUMBER_DIGITS - 2)),
        format!("1{}", "0".repeat(125)),
        format!("0.{}1", "0".repeat(129)),
    ];
    let mut written = Vec::new();
    for (number, text) in (1..).zip(&numbers) {
        let mut commit = sample::commit_of(&resource, number, &format!(r#"{{"value":{text}}}"#));
        commit.meta = Some(sample::json(&format!(r#"{{"value":{text}}}"#)));
        store(&handle, &commit).await;
        written.push(commit);
    }
    assert_history(&handle, &resource, &written).await;
}

/// Numbers beyond that are refused, and not rounded.
pub async fn a_number_beyond_the_limits_is_refused(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("too-extreme").await);
    let too_long = || LimitExceeded::TooLarge {
        what: "number precision",
        unit: "digits",
        limit: MAX_NUMBER_DIGITS,
        actual: MAX_NUMBER_DIGITS + 1,
    };
    let beyond = |exponent| LimitExceeded::NumberMagnitude { exponent };
    for (text, expected) in [
        ("9".repeat(39), too_long()),
        (format!("-0.{}", "9".repeat(39)), too_long()),
        (format!("1{}1", "0".repeat(37)), too_long()),
        ("1e126".to_owned(), beyond(126)),
        ("-1e126".to_owned(), beyond(126)),
        ("1e-131".to_owned(), beyond(-131)),
        ("9.99e-131".to_owned(), beyond(-131)),
        ("5e-324".to_owned(), beyond(-324)),
        (f64::MAX.to_string(), beyond(308)),
        ("1e999999".to_owned(), beyond(999_999)),
    ] {
        let data = format!(r#"[{{"value":{text}}}]"#);
        for commit in [
            sample::commit_of(&resource, 1, &data),
            with_further(&resource, 1, &data),
            with_meta(&resource, 1, &format!(r#"{{"value":{text}}}"#)),
        ] {
            assert_eq!(be_refused(&handle, &commit).await, expected, "{text}");
            assert_history(&handle, &resource, &[]).await;
        }
    }
}

/// What is beyond a limit is refused for that reason, also when another commit is in its way; and what is within the
/// limits meets the conflict.
pub async fn a_limit_comes_before_a_conflict(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("limit-first").await);
    let first = sample::commit(&resource, 1, 1);
    store(&handle, &first).await;
    for _ in 0..2 {
        be_refused(&handle, &sample::commit_of_size(&resource, 1, 2, MAX_COMMIT_BYTES + 1)).await;
        be_refused(&handle, &sample::commit_of(&resource, 1, "1e126")).await;
        be_refused(&handle, &Commit { id: first.id.clone(), ..sample::commit_of(&resource, 1, "1e126") })
            .await;
        lose(&handle, &sample::commit_of_size(&resource, 1, 2, MAX_COMMIT_BYTES), &first).await;
    }
    assert_history(&handle, &resource, &[first]).await;
}

/// So many maps around each other, and this in the middle.
fn maps(levels: usize, innermost: &str) -> String {
    format!("{}{innermost}{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
}

fn with_meta(resource: &ResourceKey, number: u64, meta: &str) -> Commit {
    Commit { meta: Some(sample::json(meta)), ..sample::commit(resource, number, 1) }
}

/// A commit of two events, the second of which has these data.
fn with_further(resource: &ResourceKey, number: u64, data: &str) -> Commit {
    let mut commit = sample::commit(resource, number, 1);
    commit.events.push(EncodedEvent { event_type: "Further".into(), data: Some(sample::json(data)) });
    commit
}
