//! Law 14, **apart**: what cannot be read hurts nobody but its resource.

use std::collections::BTreeMap;

use aws_event_sourcing_core::{Commit, ResourceKey, StoreError};
use futures_util::StreamExt as _;

use crate::{
    Subject,
    compare::assert_same,
    observe::{assert_history, explain, side_by_side, store, walk},
    sample,
    subject::Spoiled,
};

/// What a stream gives of a resource: its commits, and in their midst that one cannot be read.
#[derive(Default)]
struct Given {
    before: Vec<Commit>,
    /// Which event is said to be unreadable.
    unreadable: Vec<Option<u64>>,
    behind: Vec<Commit>,
}

impl Given {
    fn add(&mut self, read: Result<Commit, StoreError>) {
        match read {
            Ok(commit) if self.unreadable.is_empty() => self.before.push(commit),
            Ok(commit) => self.behind.push(commit),
            Err(error) => self.unreadable.push(named(&error).1),
        }
    }

    fn assert_is(&self, history: &History, what: &str) {
        assert_same(what, &history.before, &self.before);
        let expected: Vec<_> = history.spoiled.into_iter().map(Some).collect();
        assert_eq!(self.unreadable, expected, "the events that {what} cannot read");
        assert_same(what, &history.behind, &self.behind);
    }
}

/// A resource, whole or with a number that cannot be read.
struct History {
    resource: ResourceKey,
    before: Vec<Commit>,
    spoiled: Option<u64>,
    behind: Vec<Commit>,
}

/// A scan and a read give that a commit cannot be read in its place, with the name of its resource, and all other commits as
/// if it were not there; a list has all resources.
pub async fn what_cannot_be_read_hurts_its_resource_only(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("apart").await;
    let mut histories = Vec::new();
    for index in 0..30 {
        let resource = sample::resource(&resource_type);
        let before: Vec<_> = (1..=3).map(|number| sample::commit(&resource, number, 1)).collect();
        for commit in &before {
            store(&handle, commit).await;
        }
        let (mut spoiled, mut behind) = (None, Vec::new());
        if index % 3 == 1 {
            if subject.spoil(&resource, 4).await == Spoiled::ThatCannotBe {
                return;
            }
            spoiled = Some(4);
            behind.push(sample::commit(&resource, 5, 2));
            store(&handle, &behind[0]).await;
        }
        histories.push(History { resource, before, spoiled, behind });
    }

    let streams = handle.scan(&resource_type).into_iter().map(futures_util::StreamExt::collect::<Vec<_>>);
    let mut given: BTreeMap<ResourceKey, Given> = BTreeMap::new();
    for stream in side_by_side(streams).await {
        for read in stream {
            let resource = match &read {
                Ok(commit) => commit.resource.clone(),
                Err(error) => named(error).0,
            };
            given.entry(resource).or_default().add(read);
        }
    }
    assert_eq!(given.len(), histories.len(), "the resources of a scan");
    for history in &histories {
        given.remove(&history.resource).unwrap_or_default().assert_is(history, "a scan");
        let mut given = Given::default();
        for read in handle.read(&history.resource, 0).collect::<Vec<_>>().await {
            given.add(read);
        }
        given.assert_is(history, "a read");
        // What is before and behind can be read by itself.
        if history.spoiled.is_some() {
            let behind: Vec<_> = handle.read(&history.resource, 4).collect().await;
            let behind: Vec<_> = behind.into_iter().map(|read| read.expect("it is behind that")).collect();
            assert_same("a read behind what cannot be read", &history.behind, &behind);
        } else {
            assert_history(&handle, &history.resource, &history.before).await;
        }
    }
    let mut listed = walk(&handle, &resource_type, 7).await;
    listed.sort_unstable();
    let mut resources: Vec<_> = histories.into_iter().map(|history| history.resource.id).collect();
    resources.sort_unstable();
    assert_eq!(listed, resources, "the resources of a list");
}

/// The resource and the event that an error names.
fn named(error: &StoreError) -> (ResourceKey, Option<u64>) {
    match error.unreadable() {
        Some(unreadable) => (unreadable.resource.clone(), unreadable.number),
        None => panic!("an error should name the resource that cannot be read: {}", explain(error)),
    }
}
