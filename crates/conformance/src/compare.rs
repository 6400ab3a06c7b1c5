//! Whether the commits that were read are those that were written, and where they differ if not.

use aws_event_sourcing_core::{Commit, CommitId, EncodedEvent, Json};

use crate::document::Document;

/// Fails if `read` is not exactly `written`; `what` tells what was read.
#[track_caller]
pub(crate) fn assert_same(what: &str, written: &[Commit], read: &[Commit]) {
    if let Some(difference) = difference_of_all(written, read) {
        panic!("{what} is not what was written: {difference}");
    }
}

/// Fails if `read` is not the beginning of `written`, or has fewer than `least` commits.
#[track_caller]
pub(crate) fn assert_prefix(what: &str, written: &[Commit], read: &[Commit], least: usize) {
    assert!(
        read.len() >= least,
        "{what} has {} commits, where {least} had been acknowledged before",
        read.len()
    );
    assert_same(what, &written[..read.len().min(written.len())], read);
}

/// Where and how two histories differ; none when they are equal.
fn difference_of_all(written: &[Commit], read: &[Commit]) -> Option<String> {
    let differs = written.iter().zip(read).find_map(|(written, read)| difference(written, read));
    differs.or_else(|| {
        let (expected, found) = (written.len(), read.len());
        if let Some(missing) = written.get(found) {
            Some(format!("{} and what follows is missing: {found} of {expected} commits", name(missing)))
        } else {
            read.get(expected)
                .map(|extra| format!("{} was never written: {found} commits for {expected}", name(extra)))
        }
    })
}

/// Where and how a commit that was read is another than the one that was written; none when they are equal.
pub(crate) fn difference(written: &Commit, read: &Commit) -> Option<String> {
    let Commit { resource, number, events, at, id, follows, trace, cause, meta } = written;
    let differs = field("resource", resource, &read.resource)
        .or_else(|| field("number", number, &read.number))
        .or_else(|| field("id", id, &read.id))
        .or_else(|| field("number of events", &events.len(), &read.events.len()))
        .or_else(|| field("time", at, &read.at))
        .or_else(|| follows_another(follows.as_ref(), read.follows.as_ref()))
        .or_else(|| field("trace", trace, &read.trace))
        .or_else(|| field("cause", cause, &read.cause))
        .or_else(|| json("meta", meta.as_ref(), read.meta.as_ref()))
        .or_else(|| {
            let mut pairs = events.iter().zip(&read.events).enumerate();
            pairs.find_map(|(index, (written, read))| event(index, written, read))
        })?;
    Some(format!("{}: {differs}", name(written)))
}

/// A store whose appends look at what a commit follows need not keep it.
fn follows_another(written: Option<&CommitId>, read: Option<&CommitId>) -> Option<String> {
    read.and_then(|read| field("what it follows", &written, &Some(read)))
}

fn event(index: usize, written: &EncodedEvent, read: &EncodedEvent) -> Option<String> {
    field(&format!("type of event {index}"), &written.event_type, &read.event_type)
        .or_else(|| json(&format!("data of event {index}"), written.data.as_ref(), read.data.as_ref()))
}

fn field<T: PartialEq + std::fmt::Debug>(what: &str, written: &T, read: &T) -> Option<String> {
    (written != read).then(|| format!("{what}: {written:?} was written and {read:?} read"))
}

fn json(what: &str, written: Option<&Json>, read: Option<&Json>) -> Option<String> {
    match (written, read) {
        (None, None) => None,
        (Some(written), Some(read)) if written == read => None,
        (Some(written), Some(read)) => {
            let parsed = Document::parse(written.as_str())
                .unwrap_or_else(|error| panic!("a sample should be JSON: {error}: {written}"));
            match Document::parse(read.as_str()) {
                Ok(read) => parsed.difference(&read).map(|difference| format!("{what}{difference}")),
                Err(error) => {
                    Some(format!("{what}: {written} was written and {read} read, which is no JSON: {error}"))
                }
            }
        }
        (Some(written), None) => Some(format!("{what}: {written} was written and nothing read")),
        (None, Some(read)) => Some(format!("{what}: nothing was written and {read} read")),
    }
}

/// How messages refer to a commit.
pub(crate) fn name(commit: &Commit) -> String {
    let id = commit.resource.id.as_str();
    match id.char_indices().nth(80) {
        Some((end, _)) => format!("commit {} of {:?}…", commit.number, &id[..end]),
        None => format!("commit {} of {id:?}", commit.number),
    }
}

#[cfg(test)]
mod tests {
    use aws_event_sourcing_core::{ResourceKey, Timestamp, TraceParent};

    use super::*;
    use crate::sample;

    type Change = fn(&mut Commit);

    #[test]
    fn a_change_of_anything_is_a_difference() {
        let written =
            Commit { meta: Some(sample::json("{}")), ..sample::commit(&sample::resource(&"a".into()), 1, 2) };
        assert_eq!(difference(&written, &written.clone()), None);
        let changes: [(&str, Change); 13] = [
            ("resource", |commit| commit.resource = ResourceKey::new("b", commit.resource.id.clone())),
            ("resource", |commit| commit.resource.id = "other".into()),
            ("number", |commit| commit.number = 2),
            ("id", |commit| commit.id = "other".into()),
            ("number of events", |commit| commit.events.truncate(1)),
            ("time", |commit| commit.at = Timestamp::MAX),
            ("what it follows", |commit| commit.follows = Some("other".into())),
            ("trace", |commit| commit.trace = Some(TraceParent::new_root(Timestamp::MAX))),
            ("cause", |commit| commit.cause = Some("".into())),
            ("meta", |commit| commit.meta = None),
            ("meta", |commit| commit.meta = Some(sample::json("null"))),
            ("type of event 1", |commit| commit.events[1].event_type = "Other".into()),
            ("data of event 0", |commit| commit.events[0].data = None),
        ];
        for (what, change) in changes {
            let mut read = written.clone();
            change(&mut read);
            let found = difference(&written, &read).expect(what);
            assert!(found.contains(&format!(": {what}")), "{what}: {found}");
        }
    }

    #[test]
    fn histories_of_different_lengths_differ() {
        let resource = sample::resource(&"a".into());
        let (first, second) = (sample::commit(&resource, 1, 1), sample::commit(&resource, 2, 1));
        let both = [first.clone(), second];
        assert_eq!(difference_of_all(&both, &both), None);
        assert!(difference_of_all(&both, &both[..1]).unwrap().contains("missing"));
        assert!(difference_of_all(&both[..1], &both).unwrap().contains("never written"));
    }
}
