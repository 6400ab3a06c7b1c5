//! Law 8, **listed once**: all pages of a list together give every resource once, oldest first.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_event_sourcing_core::{Commit, Cursor, ResourceId, ResourceKey, Timestamp, limits::MAX_ID_BYTES};
use futures_util::FutureExt as _;
use tokio::time::sleep;

use crate::{
    Subject,
    observe::{by_way_of_a_client, page, side_by_side, store, store_all, walk},
    sample,
    subject::Store,
};

/// A list goes by the time of creation, and by id (its bytes) where that is the same. It has the same ids in pages of
/// any size.
pub async fn a_list_is_in_order_in_pages_of_any_size(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("list").await;
    let expected = populate(&handle, &resource_type).await;
    for limit in [1, 2, 3, 7, 25, expected.len() - 1, expected.len(), expected.len() + 1, 1_000, usize::MAX] {
        assert_eq!(
            walk(&handle, &resource_type, limit).await,
            ids(&expected),
            "the list in pages of {limit}"
        );
    }
}

/// Many resources of the same millisecond are listed like any others: by id, on as many pages as it takes.
pub async fn resources_of_the_same_time_are_listed_by_id(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("list-same-time").await;
    let mut expected: Vec<_> = (0..60).map(|_| sample::resource(&resource_type).id).collect();
    let first = |id: &ResourceId| first_commit(&resource_type, (sample::time(5), id.clone()));
    store_all(&handle, &expected.iter().map(|id| vec![first(id)]).collect::<Vec<_>>()).await;
    expected.sort();
    for limit in [1, 7, 60, 100] {
        assert_eq!(walk(&handle, &resource_type, limit).await, expected, "the list in pages of {limit}");
    }
}

/// A page has at most as many ids as asked for; asking for none counts as asking for one.
pub async fn a_page_has_at_most_its_limit(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("list-limit").await;
    let expected = ids(&populate(&handle, &resource_type).await);
    for limit in [0, 1, 2, 10, usize::MAX] {
        let first = page(&handle, &resource_type, limit, None).await;
        assert!(!first.ids.is_empty(), "a page of at most {limit} ids has none");
        assert!(
            expected.starts_with(&first.ids),
            "a page of at most {limit} ids is not the beginning of the list"
        );
    }
    assert_eq!(walk(&handle, &resource_type, 0).await, expected, "the list in pages of 0");
}

/// The last page has no next one, also where the list ends with the page; nor has that of a type without resources.
pub async fn the_last_page_has_no_next(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("list-end").await;
    let empty = page(&handle, &resource_type, 3, None).await;
    assert_eq!((empty.ids.len(), empty.next), (0, None), "the list of a type without resources");
    for index in 0..6 {
        create(&handle, &resource_type, (sample::time(index), sample::resource(&resource_type).id)).await;
    }
    for limit in [6, 7, usize::MAX] {
        let whole = page(&handle, &resource_type, limit, None).await;
        assert_eq!((whole.ids.len(), whole.next), (6, None), "a page of at most {limit} of 6 resources");
    }
    let first = page(&handle, &resource_type, 3, None).await;
    let next = first.next.expect("the first of two pages should have a next one");
    let second = page(&handle, &resource_type, 3, Some(&next)).await;
    assert_eq!((second.ids.len(), second.next), (3, None), "the second of two pages");
}

/// A resource has one place in the list, by its first commit, whatever the times of later ones.
pub async fn a_resource_is_listed_by_its_first_commit(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("list-first").await;
    let mut expected = Vec::new();
    for index in 0..10 {
        let resource = sample::resource(&resource_type);
        create(&handle, &resource_type, (sample::time(1_000 + index), resource.id.clone())).await;
        expected.push(resource.id);
    }
    for (id, at) in expected.iter().zip([5_000, 0, 1_005, 1_000, 1_009]) {
        let resource = ResourceKey::new(resource_type.clone(), id.clone());
        for number in [2, 4] {
            store(&handle, &Commit { at: sample::time(at), ..sample::commit(&resource, number, 2) }).await;
        }
    }
    for limit in [3, 100] {
        assert_eq!(walk(&handle, &resource_type, limit).await, expected, "the list in pages of {limit}");
    }
}

/// What is created between two pages, before the cursor or behind it, makes the list neither lose nor repeat what was
/// there.
pub async fn a_list_stands_what_is_created_between_its_pages(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("list-between").await;
    let before = populate(&handle, &resource_type).await;
    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let page = page(&handle, &resource_type, 4, after.as_ref()).await;
        walked.extend(page.ids);
        let Some(next) = page.next else { break };
        for at in [Timestamp::from_unix_millis(0), next.at, sample::time(1_000_000)] {
            create(&handle, &resource_type, (at, sample::resource(&resource_type).id)).await;
        }
        // Enough is enough: what is created at the end makes the list longer than it was.
        if walked.len() > 10 * before.len() {
            break;
        }
        after = Some(by_way_of_a_client(&next));
    }
    assert_each_once(&before, &walked);
}

/// The same for what is created by others at the same time.
pub async fn a_list_stands_what_is_created_meanwhile(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("list-meanwhile").await;
    let before = Arc::new(populate(&handle, &resource_type).await);
    let walking = Arc::new(AtomicUsize::new(2));
    let creator = |seed: u64| {
        let (handle, resource_type, walking) = (handle.clone(), resource_type.clone(), walking.clone());
        async move {
            let mut created = 0;
            while walking.load(Ordering::Acquire) > 0 && created < 400 {
                // Half of them come before most that are there, the others behind.
                let at = sample::time((created * 7 + seed) % 26);
                create(&handle, &resource_type, (at, sample::resource(&resource_type).id)).await;
                created += 1;
                // The fastest store should not be full before a list comes to its second page.
                sleep(Duration::from_millis(created % 2)).await;
            }
            created
        }
    };
    let walker = |limit: usize| {
        let (handle, resource_type) = (handle.clone(), resource_type.clone());
        let (before, walking) = (before.clone(), walking.clone());
        async move {
            for _ in 0..5 {
                assert_each_once(&before, &walk(&handle, &resource_type, limit).await);
            }
            walking.fetch_sub(1, Ordering::AcqRel);
            0
        }
    };
    let created: u64 =
        side_by_side([creator(0).boxed(), creator(3).boxed(), walker(5).boxed(), walker(64).boxed()])
            .await
            .into_iter()
            .sum();
    let listed = walk(&handle, &resource_type, 50).await.len();
    assert_eq!(listed, before.len() + created as usize, "the resources in the list when all is quiet");
}

/// A cursor is a place in the list, and need not be that of a resource: a client may have made it up.
pub async fn a_made_up_cursor_is_a_place_in_the_list(subject: &Subject) {
    let handle = subject.open().await;
    let resource_type = subject.resource_type("list-cursor").await;
    let expected = populate(&handle, &resource_type).await;
    let times = [0, 1_700_000_000_000 - 1, 1_700_000_000_000, 1_700_000_000_007, 1_700_000_000_012, u64::MAX];
    let beyond_the_limit = "m".repeat(MAX_ID_BYTES + 1);
    let beyond_all = "\u{10ffff}".repeat(MAX_ID_BYTES);
    for at in times.map(Timestamp::from_unix_millis) {
        for id in ["", " ", "\0", "a", "m", "nobody", "é\n'\"%/", &beyond_the_limit, &beyond_all] {
            let cursor = Cursor { at, id: id.into() };
            let behind = expected.partition_point(|(at, id)| (at, id) <= (&cursor.at, &cursor.id));
            let mut read = Vec::new();
            let mut after = Some(by_way_of_a_client(&cursor));
            while let Some(cursor) = after {
                let page = page(&handle, &resource_type, 20, Some(&cursor)).await;
                read.extend(page.ids);
                after = page.next;
            }
            let id: String = id.chars().take(10).collect();
            assert_eq!(read, ids(&expected[behind..]), "the list behind the cursor of {at} and {id:?}");
        }
    }
}

type Place = (Timestamp, ResourceId);

async fn create(handle: &Store, resource_type: &Arc<str>, place: Place) {
    store(handle, &first_commit(resource_type, place)).await;
}

fn first_commit(resource_type: &Arc<str>, (at, id): Place) -> Commit {
    Commit { at, ..sample::commit(&ResourceKey::new(resource_type.clone(), id), 1, 1) }
}

/// Some resources, created in another order than that of their times, several of them at the same time.
async fn populate(handle: &Store, resource_type: &Arc<str>) -> Vec<Place> {
    let named = [
        "a", "A", "b", "aa", "a b", "a-", "a~", "é", "z", "Ω", "日本", "😀", "1", "10", "9", "m", "n\0", "n",
    ];
    let named = named.iter().map(|id| (sample::time(7), ResourceId::from(*id)));
    let others = (0..42).map(|index| (sample::time(index * 31 % 13), sample::resource(resource_type).id));
    let mut places: Vec<_> = others.chain(named).collect();
    let commits = places.iter().map(|place| vec![first_commit(resource_type, place.clone())]);
    store_all(handle, &commits.collect::<Vec<_>>()).await;
    places.sort();
    places
}

fn ids(places: &[Place]) -> Vec<ResourceId> {
    places.iter().map(|(_, id)| id.clone()).collect()
}

/// Fails if a walk repeats an id, leaves out one of those that were there before, or gives them in another order.
fn assert_each_once(before: &[Place], walked: &[ResourceId]) {
    let mut seen = BTreeSet::new();
    for id in walked {
        assert!(seen.insert(id), "the list gives {id} twice");
    }
    let there_before: BTreeSet<_> = before.iter().map(|(_, id)| id).collect();
    let found: Vec<_> = walked.iter().filter(|id| there_before.contains(id)).cloned().collect();
    assert_eq!(found, ids(before), "of the list during appends, what was there before");
}
