//! Laws 5 and 7 for a scan, **complete** and **together**: each resource whole, in order, and in one stream only.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use aws_event_sourcing_core::{Commit, ResourceId};
use futures_util::FutureExt as _;

use crate::{
    Subject,
    compare::{assert_same, name},
    observe::{all_of, plan, scan, store, store_all},
    sample,
    store::growth::{Growth, while_they_grow},
    subject::Store,
};

type Histories = BTreeMap<ResourceId, Vec<Commit>>;

/// Every resource of a type comes whole, in order, in one piece and in exactly one stream.
pub async fn a_scan_gives_each_resource_whole_and_once(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("scan").await;
    let written = populate(&handle, &resource_type).await;
    assert_whole(&written, &together(scan(&handle, &resource_type).await));
}

/// The streams of a scan may be read in any order, also each to its end before the next is begun.
pub async fn the_streams_of_a_scan_do_not_wait_for_each_other(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("scan-in-turn").await;
    let written = populate(&handle, &resource_type).await;
    let mut streams = Vec::new();
    for stream in handle.scan(&resource_type).into_iter().rev() {
        streams.push(all_of(stream, "scan").await);
    }
    assert_whole(&written, &together(streams));
}

/// A scan of a type that has no resources is empty, and is one stream at least.
pub async fn a_scan_of_nothing_is_empty(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("scan-of-nothing").await;
    // Looks for the number of streams as well.
    let streams = scan(&handle, &resource_type).await;
    assert!(streams.iter().all(Vec::is_empty), "a scan of a type without resources gave commits");
}

/// Heavy histories, longer than any page, come whole.
pub async fn a_scan_of_heavy_histories_is_whole(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("scan-of-heavy").await;
    let mut written = Histories::new();
    for _ in 0..6 {
        let resource = sample::resource(&resource_type);
        let commits: Vec<_> =
            (1..=5).map(|number| sample::commit_of_size(&resource, number, 1, 280 * 1024)).collect();
        for commit in &commits {
            store(&handle, commit).await;
        }
        written.insert(resource.id, commits);
    }
    assert_whole(&written, &together(scan(&handle, &resource_type).await));
}

/// A scan during appends gives what had been acknowledged when it began, and no history with a gap.
pub async fn a_scan_during_appends_has_no_gaps(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("scan-growing").await;
    let growths: Vec<_> = (0..12)
        .map(|_| {
            Arc::new(Growth::new(&sample::resource(&resource_type), (0..100).map(|index| index % 2 + 1)))
        })
        .collect();
    let look = {
        let (handle, growths) = (handle.clone(), growths.clone());
        move || {
            let (handle, growths, resource_type) = (handle.clone(), growths.clone(), resource_type.clone());
            async move {
                let acknowledged: Vec<_> = growths.iter().map(|growth| growth.acknowledged()).collect();
                let mut read = together(scan(&handle, &resource_type).await);
                for (growth, acknowledged) in growths.iter().zip(acknowledged) {
                    growth.assert_seen(acknowledged, &read.remove(growth.id()).unwrap_or_default());
                }
                assert!(read.is_empty(), "a scan gave resources that nobody wrote: {:?}", read.keys());
            }
            .boxed()
        }
    };
    while_they_grow(&handle, growths, 1, look).await;
}

/// Many small resources, some long ones and some heavy ones.
async fn populate(handle: &Store, resource_type: &Arc<str>) -> Histories {
    let small =
        (0..200).map(|index| plan(&sample::resource(resource_type), (0..=index % 3).map(|index| index + 1)));
    let long = (0..3).map(|_| plan(&sample::resource(resource_type), [1; 300]));
    let heavy = (0..2).map(|_| {
        let resource = sample::resource(resource_type);
        (1..=4).map(|number| sample::commit_of_size(&resource, number, 1, 300 * 1024)).collect()
    });
    let written: Vec<Vec<Commit>> = long.chain(heavy).chain(small).collect();
    store_all(handle, &written).await;
    written.into_iter().map(|commits| (commits[0].resource.id.clone(), commits)).collect()
}

/// The histories that the streams of one scan gave. Fails where a resource comes in pieces or in two streams.
fn together(streams: Vec<Vec<Commit>>) -> Histories {
    let mut histories = Histories::new();
    for stream in streams {
        let mut here = BTreeSet::new();
        let mut current = None;
        for commit in stream {
            let id = commit.resource.id.clone();
            if current.as_ref() != Some(&id) {
                assert!(
                    here.insert(id.clone()),
                    "{} comes after commits of others, in pieces",
                    name(&commit)
                );
                assert!(!histories.contains_key(&id), "{} comes in a second stream", name(&commit));
                current = Some(id.clone());
            }
            histories.entry(id).or_default().push(commit);
        }
    }
    histories
}

fn assert_whole(written: &Histories, read: &Histories) {
    for (id, commits) in written {
        let read = read.get(id).map_or(&[][..], Vec::as_slice);
        assert_same("what a scan gives of a resource", commits, read);
    }
    assert_eq!(read.len(), written.len(), "the resources of a scan, and those that were written");
}
