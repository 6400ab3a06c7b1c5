//! Laws 9 and 10 for names, **faithful** and **limited**: ids and event types are any text within their limits.

use std::collections::BTreeSet;

use aws_event_sourcing_core::{
    Appended, Commit, CommitId, EncodedEvent, ResourceId, ResourceKey,
    limits::{LimitExceeded, MAX_COMMIT_ID_BYTES, MAX_ID_BYTES},
};

use crate::{
    Subject,
    compare::assert_same,
    observe::{append, assert_history, be_refused, grow, plan, read, scan, store, walk},
    sample::{self, TROUBLESOME, long},
};

/// Any text can be the id of a resource, and comes back as it was, from a read, a scan and a list.
pub async fn any_text_is_a_resource_id(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("id").await;
    let long = [long("a", MAX_ID_BYTES), long("b", MAX_ID_BYTES - 1), long("😀", MAX_ID_BYTES)];
    let ids: BTreeSet<&str> = TROUBLESOME.into_iter().chain(long.iter().map(String::as_str)).collect();
    let resources: Vec<_> = ids.iter().map(|id| ResourceKey::new(resource_type.clone(), *id)).collect();
    let mut histories = Vec::new();
    for resource in &resources {
        histories.push(grow(&handle, resource, [1, 2]).await);
    }
    for (resource, written) in resources.iter().zip(&histories) {
        assert_history(&handle, resource, written).await;
    }
    let mut scanned = scan(&handle, &resource_type).await.concat();
    scanned.sort_by(|one, other| (&one.resource, one.number).cmp(&(&other.resource, other.number)));
    assert_same("what a scan gives", &histories.concat(), &scanned);
    // All of them were created at the same time: the list goes by id.
    let listed = walk(&handle, &resource_type, 5).await;
    assert!(
        listed.iter().map(ResourceId::as_str).eq(ids),
        "the list has other ids than were written: {listed:?}"
    );
}

/// Any text can be the id of a commit, and be recognised by it.
pub async fn any_text_is_a_commit_id(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("commit-id").await);
    let long = [long("a", MAX_COMMIT_ID_BYTES), long("😀", MAX_COMMIT_ID_BYTES)];
    let ids = TROUBLESOME.into_iter().chain(long.iter().map(String::as_str));
    let written: Vec<_> = (1..).zip(ids).map(|(number, id)| with_id(&resource, number, id)).collect();
    for commit in &written {
        store(&handle, commit).await;
    }
    for commit in &written {
        let again = append(&handle, commit).await;
        assert_eq!(again, Appended::Before, "the commit id is {:?}", commit.id.as_str());
    }
    assert_history(&handle, &resource, &written).await;
}

/// Any text can be the name of an event's type.
pub async fn any_text_is_an_event_type(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("event-type").await);
    let long = "Happened".repeat(1_000);
    let types: Vec<String> = TROUBLESOME.iter().copied().chain([&*long]).map(str::to_owned).collect();
    let mut written = plan(&resource, types.iter().map(|_| 1).chain([types.len()]));
    let events = written.iter_mut().flat_map(|commit| &mut commit.events);
    for (event, event_type) in events.zip(types.iter().cycle()) {
        event.event_type = event_type.clone().into();
    }
    for commit in &written {
        store(&handle, commit).await;
    }
    assert_history(&handle, &resource, &written).await;
}

/// A resource id that is too long, or empty, is refused; such a resource is not there, and to ask for it is no error.
pub async fn a_resource_id_beyond_its_limits_is_not_there(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("id-limit").await;
    let longest = ResourceKey::new(resource_type.clone(), long("a", MAX_ID_BYTES));
    let written = grow(&handle, &longest, [1]).await;
    for id in
        ["a".repeat(MAX_ID_BYTES + 1), "é".repeat(MAX_ID_BYTES / 2 + 1), "a".repeat(100_000), String::new()]
    {
        let beyond = ResourceKey::new(resource_type.clone(), id);
        for number in [1, 2] {
            let limit = be_refused(&handle, &sample::commit(&beyond, number, 1)).await;
            let expected = match beyond.id.as_str().len() {
                0 => LimitExceeded::Empty { what: "resource id" },
                actual => LimitExceeded::TooLarge {
                    what: "resource id",
                    unit: "bytes",
                    limit: MAX_ID_BYTES,
                    actual,
                },
            };
            assert_eq!(limit, expected);
        }
        assert_history(&handle, &beyond, &[]).await;
        assert_same("what is read behind version 1", &[], &read(&handle, &beyond, 1).await);
    }
    assert_same("what a scan gives", &written, &scan(&handle, &resource_type).await.concat());
    assert_eq!(walk(&handle, &resource_type, 10).await, [longest.id], "the list");
}

/// A commit id that is too long is refused, and so is a commit with an empty name in it, or with no events.
pub async fn a_name_beyond_its_limits_is_refused(subject: &Subject) {
    let handle = subject.open().await;
    let resource = sample::resource(&subject.resource_type("name-limit").await);
    let commit = sample::commit(&resource, 1, 2);
    let nameless = EncodedEvent { event_type: "".into(), data: None };
    let untyped = ResourceKey::new("", resource.id.clone());
    let too_long = LimitExceeded::TooLarge {
        what: "commit id",
        unit: "bytes",
        limit: MAX_COMMIT_ID_BYTES,
        actual: 1_025,
    };
    for (refused, expected) in [
        (with_id(&resource, 1, &"a".repeat(MAX_COMMIT_ID_BYTES + 1)), too_long),
        (with_id(&resource, 1, ""), LimitExceeded::Empty { what: "commit id" }),
        (Commit { resource: untyped, ..commit.clone() }, LimitExceeded::Empty { what: "resource type" }),
        (Commit { events: Vec::new(), ..commit.clone() }, LimitExceeded::Empty { what: "commit" }),
        (
            Commit { events: vec![commit.events[0].clone(), nameless.clone()], ..commit.clone() },
            LimitExceeded::Empty { what: "event type" },
        ),
        (Commit { events: vec![nameless], ..commit }, LimitExceeded::Empty { what: "event type" }),
    ] {
        assert_eq!(be_refused(&handle, &refused).await, expected);
        assert_history(&handle, &resource, &[]).await;
    }
}

fn with_id(resource: &ResourceKey, number: u64, id: &str) -> Commit {
    Commit { id: CommitId::from(id), ..sample::commit(resource, number, 1) }
}
