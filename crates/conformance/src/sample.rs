//! Commits for laws to write: each has a commit id of its own, and its data tell it from all others.

use std::sync::Arc;

use aws_event_sourcing_core::{
    Commit, EncodedEvent, Json, ResourceKey, Timestamp,
    limits::{self, LimitExceeded},
};
use uuid::Uuid;

/// Text that somebody somewhere has trouble with. Some of them look the same, or are the same in another case or
/// normal form: here they all differ.
#[rustfmt::skip] // One line each would be a page of them.
pub(crate) const TROUBLESOME: [&str; 34] = [
    " ", "  ", "a", "A", "a ", " a", "\0", "a\0", "a\0b", "\n", "a\r\nb", "\t", "'", "\"", "';--", "\\", "\\0", "/",
    "../a", "a/b", "%", "%2F", "_", "*", "?a=b&c#d", "é", "e\u{301}", "ß", "日本語", "😀", "\u{feff}a", "\u{202e}a",
    "\u{10ffff}", "null",
];

/// A resource that is not there yet.
pub(crate) fn resource(resource_type: &Arc<str>) -> ResourceKey {
    ResourceKey::new(resource_type.clone(), Uuid::new_v4())
}

/// A commit of that many events, made at [`time`] `number`.
pub(crate) fn commit(resource: &ResourceKey, number: u64, events: usize) -> Commit {
    let id = Uuid::new_v4();
    let events = (number..).take(events).map(|number| EncodedEvent {
        event_type: "Happened".into(),
        data: Some(json(&format!(r#"{{"number":{number},"of":"{id}"}}"#))),
    });
    Commit {
        resource: resource.clone(),
        number,
        events: events.collect(),
        at: time(number),
        id: id.into(),
        follows: None,
        trace: None,
        cause: None,
        meta: None,
    }
}

/// A commit of one event with these data.
pub(crate) fn commit_of(resource: &ResourceKey, number: u64, data: &str) -> Commit {
    let mut commit = commit(resource, number, 1);
    commit.events[0].data = Some(json(data));
    commit
}

/// A commit of that many events which takes up exactly that many bytes, as the limits count them.
pub(crate) fn commit_of_size(resource: &ResourceKey, number: u64, events: usize, bytes: usize) -> Commit {
    let mut commit = commit(resource, number, events);
    let missing = bytes.checked_sub(size(&commit)).expect("a sample is smaller than the size asked for");
    // The event that grows is one in the middle, if there is one; each of these characters is one byte.
    let growing = &mut commit.events[events / 2];
    let data = growing.data.as_ref().map_or("", Json::as_str);
    let (head, tail) = data.split_at(data.len() - "\"}".len());
    growing.data = Some(json(&format!("{head}{}{tail}", "x".repeat(missing))));
    assert_eq!(size(&commit), bytes, "a sample is of the size asked for");
    commit
}

/// The bytes that a commit takes up, also when they are too many.
pub(crate) fn size(commit: &Commit) -> usize {
    match limits::check(commit) {
        Ok(bytes) | Err(LimitExceeded::TooLarge { what: "commit size", actual: bytes, .. }) => bytes,
        Err(other) => panic!("this sample should keep all limits but that of its size: {other}"),
    }
}

/// A time, so many milliseconds after an arbitrary one.
pub(crate) fn time(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(1_700_000_000_000 + millis)
}

/// That text as JSON.
pub(crate) fn json(text: &str) -> Json {
    Json::parse(text)
        .unwrap_or_else(|error| panic!("a sample should be JSON, and this is not: {error}: {text}"))
}

/// JSON lists within lists, that many levels deep.
pub(crate) fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// That text repeated, to exactly so many bytes.
pub(crate) fn long(text: &str, bytes: usize) -> String {
    let repeated = text.repeat(bytes / text.len());
    let missing = bytes - repeated.len();
    repeated + &"-".repeat(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_of_a_size_is_of_that_size() {
        let resource = resource(&"sample".into());
        for (events, bytes) in
            [(1, 300), (2, 1024), (100, limits::MAX_COMMIT_BYTES), (3, limits::MAX_COMMIT_BYTES + 1)]
        {
            assert_eq!(size(&commit_of_size(&resource, 1, events, bytes)), bytes);
        }
    }
}
