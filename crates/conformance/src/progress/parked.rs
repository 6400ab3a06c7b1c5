//! What is parked, as a list: in the order of the next attempts, then of the ids, page by page. It may be a moment behind,
//! so that laws wait for it; what it gives is what was there at some time.

use std::collections::BTreeSet;

use aws_event_sourcing_core::{
    ResourceId, Timestamp,
    limits::MAX_ID_BYTES,
    subscription::{Parked, ParkedCursor, Progress},
};

use super::{
    ledger::{Ledger, first_difference, ids, new_id},
    made_up::{handled, marker, parked},
};
use crate::{ProgressSubject, observe::side_by_side, sample::time};

type Entry = (ResourceId, Progress);

/// The list goes by the time of the next attempt, and by id (its bytes) where that is the same. It is the same in pages of
/// any size, and has exactly what is parked.
pub async fn parked_resources_are_in_order_in_pages_of_any_size(subject: &ProgressSubject) {
    let ledger = subject.ledger("parked").await;
    let expected = populate(&ledger).await;
    let others: Vec<_> = ids(20).into_iter().map(|id| (id, 7)).collect();
    ledger.advance(&others).await;
    for limit in (1..=expected.len() + 1).chain([1_000, usize::MAX]) {
        ledger.assert_parked(limit, &expected).await;
    }
}

/// Many that are due in the same millisecond are listed by id, on as many pages as it takes.
pub async fn parked_resources_of_the_same_time_are_listed_by_id(subject: &ProgressSubject) {
    let ledger = subject.ledger("parked-same-time").await;
    let mut entries: Vec<_> = ids(45).into_iter().map(|id| (id, 5)).collect();
    // Some before and behind, so that it is not the whole list.
    entries.extend([(new_id(), 4), (new_id(), 6)]);
    let expected = park(&ledger, entries).await;
    for limit in [1, 2, 7, 44, 45, 46, 47, 100] {
        ledger.assert_parked(limit, &expected).await;
    }
}

/// A page has at most as many as asked for; asking for none counts as asking for one.
pub async fn a_page_of_parked_resources_has_at_most_its_limit(subject: &ProgressSubject) {
    let ledger = subject.ledger("parked-limit").await;
    let expected = populate(&ledger).await;
    ledger.assert_parked(0, &expected).await;
    for limit in [0, 1, 2, 10, expected.len() - 1, usize::MAX] {
        let page = ledger.page(None, limit, None).await;
        assert!(!page.resources.is_empty(), "a page of at most {limit} parked resources has none");
        assert!(
            expected.starts_with(&page.resources),
            "a page of at most {limit} is not the beginning of the list"
        );
    }
}

/// The last page has no next one, also where the list ends with the page; nor has that of a key of which nothing is parked.
pub async fn the_last_page_of_parked_resources_has_no_next(subject: &ProgressSubject) {
    let ledger = subject.ledger("parked-end").await;
    let empty = ledger.page(None, 3, None).await;
    assert_eq!((empty.resources, empty.next), (vec![], None), "the list where nothing is parked");
    let expected = park(&ledger, ids(6).into_iter().zip(0..).collect()).await;
    ledger.assert_parked(6, &expected).await;
    for limit in [6, 7, usize::MAX] {
        let whole = ledger.page(None, limit, None).await;
        assert_eq!(
            (whole.resources.len(), whole.next),
            (6, None),
            "a page of at most {limit} of 6 that are parked"
        );
    }
    let first = ledger.page(None, 3, None).await;
    let next = first.next.expect("the first of two pages should have a next one");
    let second = ledger.page(None, 3, Some(&next)).await;
    assert_eq!((second.resources.len(), second.next), (3, None), "the second of two pages");
    let due = Some(time(2));
    let page = ledger.page(due, 3, None).await;
    assert_eq!((page.resources.len(), page.next), (3, None), "the only page of what is due");
}

/// More than a thousand are listed to the last one, however many are asked for at a time.
pub async fn a_long_list_of_parked_resources_is_whole(subject: &ProgressSubject) {
    let ledger = subject.ledger("parked-many").await;
    let expected = park(&ledger, ids(1_100).into_iter().zip((0..).map(|index| index / 3)).collect()).await;
    for limit in [64, 1_000, usize::MAX] {
        ledger.assert_parked(limit, &expected).await;
    }
}

/// Of what is due at a time, those that are tried again then or before are listed, and no others: in pages of any size,
/// and behind any place.
pub async fn only_what_is_due_is_listed(subject: &ProgressSubject) {
    let ledger = subject.ledger("parked-due").await;
    let expected = populate(&ledger).await;
    ledger.assert_parked(100, &expected).await;
    let times = (0..16).map(time).chain([Timestamp::from_unix_millis(0), time(1_000_000), Timestamp::MAX]);
    for due in times {
        let end = expected.partition_point(|(_, progress)| next_attempt_at(progress) <= due);
        for limit in [1, 7, 1_000] {
            ledger.assert_parked_by(Some(due), limit, None, &expected[..end]).await;
        }
        for begin in [0, 9, expected.len() - 1] {
            let behind = expected.get(begin + 1..end).unwrap_or_default();
            ledger.assert_parked_by(Some(due), 5, Some(&place(&expected[begin])), behind).await;
        }
    }
}

/// What would be tried again in days or in centuries, because a clock was ahead, claimed or not, is not due; it is found
/// behind a time, and is due at another one when that is changed.
pub async fn what_is_far_in_the_future_is_found_behind_a_time(subject: &ProgressSubject) {
    const DAY: u64 = 24 * 60 * 60 * 1000;
    let ledger = subject.ledger("parked-future").await;
    let near =
        park(&ledger, ids(7).into_iter().zip([0, 1, 1, 60_000, 299_999, 300_000, 300_000]).collect()).await;
    let times = [2 * DAY, 2 * DAY, 3 * DAY, 400 * DAY, 200_000 * DAY].map(time).into_iter();
    let mut far = Vec::new();
    for (index, at) in times.chain([Timestamp::MAX, Timestamp::MAX]).enumerate() {
        let claimed_until = (index % 2 == 1).then_some(at);
        let marker = Parked { claimed_until, last_failed_at: at, ..marker(at) };
        let id = new_id();
        let found = ledger.swap(&id, 0, &Progress { parked: Some(Box::new(marker)), ..handled(3) }).await;
        far.push((id, found));
    }
    sort(&mut far);
    let (now, place) = (time(300_000), ParkedCursor { next_attempt_at: time(300_001), id: "".into() });
    for limit in [1, 3, 100] {
        ledger.assert_parked(limit, &[near.clone(), far.clone()].concat()).await;
        ledger.assert_parked_by(Some(now), limit, None, &near).await;
        ledger.assert_parked_by(None, limit, Some(&place), &far).await;
        ledger.assert_parked_by(Some(time(2 * DAY)), limit, Some(&place), &far[..2]).await;
    }
    while let Some((id, found)) = far.pop() {
        let due = ledger.swap(&id, found.revision, &parked(0)).await;
        ledger.assert_parked_by(None, 3, Some(&place), &far).await;
        ledger.swap(&id, due.revision, &handled(9)).await;
    }
    ledger.assert_parked_by(Some(now), 3, None, &near).await;
}

/// A cursor is a place in the list, and need not be that of a resource: what was there may be parked no more.
pub async fn a_made_up_cursor_is_a_place_among_parked_resources(subject: &ProgressSubject) {
    let ledger = subject.ledger("parked-cursor").await;
    let expected = populate(&ledger).await;
    ledger.assert_parked(100, &expected).await;
    let times = [0, 1_700_000_000_000 - 1, 1_700_000_000_000, 1_700_000_000_007, 1_700_000_000_012, u64::MAX];
    let beyond_the_limit = "m".repeat(MAX_ID_BYTES + 1);
    for at in times.map(Timestamp::from_unix_millis) {
        for id in ["", " ", "a", "m", "nobody", "é\n'\"%/", "\u{10ffff}", &beyond_the_limit] {
            let cursor = ParkedCursor { next_attempt_at: at, id: id.into() };
            let begin = expected.partition_point(|entry| place(entry) <= cursor);
            ledger.assert_parked_by(None, 20, Some(&cursor), &expected[begin..]).await;
        }
    }
}

/// What is parked, released or put off between two pages, before the place or behind it, makes the list neither lose nor
/// repeat the others.
pub async fn what_is_parked_and_released_between_pages_disturbs_no_others(subject: &ProgressSubject) {
    let ledger = subject.ledger("parked-between").await;
    let entries = populate(&ledger).await;
    ledger.assert_parked(100, &entries).await;
    let stays = |index: usize| !index.is_multiple_of(3);
    let stable: Vec<_> = entries
        .iter()
        .enumerate()
        .filter(|(index, _)| stays(*index))
        .map(|(_, entry)| entry.clone())
        .collect();
    let mut others = entries.iter().enumerate().filter(|(index, _)| !stays(*index)).map(|(_, entry)| entry);
    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let page = ledger.page(None, 4, after.as_ref()).await;
        walked.extend(page.resources);
        let Some(next) = page.next else { break };
        // One that was listed, and one that was not.
        for (id, found) in others.next().into_iter().chain(others.next_back()) {
            if walked.len() % 8 < 4 {
                ledger.swap(id, found.revision, &handled(9)).await;
            } else {
                ledger.swap(id, found.revision, &parked(1_000)).await;
            }
        }
        // Enough is enough: what is parked at the end makes the list longer than it was.
        if walked.len() < 5 * entries.len() {
            for at in [Timestamp::from_unix_millis(0), next.next_attempt_at, time(1_000_000)] {
                let next = Progress { parked: Some(Box::new(marker(at))), ..handled(3) };
                ledger.swap(&new_id(), 0, &next).await;
            }
        }
        after = Some(next);
    }
    let of_interest: BTreeSet<_> = stable.iter().map(|(id, _)| id).collect();
    let found: Vec<_> = walked.iter().filter(|(id, _)| of_interest.contains(id)).cloned().collect();
    if let Some(difference) = first_difference(&stable, &found) {
        panic!("what was parked all the time is not listed once, in order: {difference}");
    }
}

/// Whoever is released is no longer listed, and is again when it is parked again.
pub async fn a_released_resource_leaves_the_list(subject: &ProgressSubject) {
    let ledger = subject.ledger("parked-released").await;
    let mut expected = park(&ledger, ids(12).into_iter().zip(0..).collect()).await;
    for index in [0, 10, 4, 4] {
        let (id, found) = expected.remove(index);
        let released = ledger.swap(&id, found.revision, &handled(9)).await;
        ledger.assert_parked(5, &expected).await;
        let again = ledger.swap(&id, released.revision, &Progress { handled: Some(9), ..parked(100) }).await;
        expected.push((id, again));
        sort(&mut expected);
        ledger.assert_parked(5, &expected).await;
        let (id, found) = expected.pop().expect("the one that is parked again comes last");
        ledger.swap(&id, found.revision, &handled(12)).await;
        ledger.assert_parked(5, &expected).await;
    }
}

/// A resource has one place in the list, by its next attempt: when that changes, it is listed there, as it is then.
pub async fn a_resource_is_listed_by_its_next_attempt(subject: &ProgressSubject) {
    let ledger = subject.ledger("parked-put-off").await;
    let mut expected = park(&ledger, ids(9).into_iter().zip((0..).map(|index| index * 10)).collect()).await;
    for (index, at) in [(0, 25), (8, 5), (4, 1_000), (4, 40), (3, 0)] {
        let (id, found) = expected.remove(index);
        let moved = ledger.swap(&id, found.revision, &parked(at)).await;
        expected.push((id, moved));
        sort(&mut expected);
        ledger.assert_parked(4, &expected).await;
        ledger.assert_parked(1_000, &expected).await;
    }
}

fn next_attempt_at(progress: &Progress) -> Timestamp {
    progress.parked.as_ref().expect("what is listed is parked").next_attempt_at
}

fn place((id, progress): &Entry) -> ParkedCursor {
    ParkedCursor { next_attempt_at: next_attempt_at(progress), id: id.clone() }
}

fn sort(entries: &mut [Entry]) {
    entries.sort_by_key(place);
}

/// Some parked resources, in another order than that of their times, several of them due at the same time.
async fn populate(ledger: &Ledger) -> Vec<Entry> {
    let named = [
        "a", "A", "b", "aa", "a b", "a-", "a~", "é", "z", "Ω", "日本", "😀", "1", "10", "9", "m", "n\u{1}",
        "n",
    ];
    let named = named.iter().map(|id| (ResourceId::from(*id), 7));
    let others = (0..24).map(|index| (new_id(), index * 31 % 13));
    park(ledger, others.chain(named).collect()).await
}

/// Parks resources that have no record, a few at a time, and gives them as they are listed.
async fn park(ledger: &Ledger, entries: Vec<(ResourceId, u64)>) -> Vec<Entry> {
    const AT_A_TIME: usize = 16;
    let parked = side_by_side((0..AT_A_TIME).map(|first| {
        let entries: Vec<_> = entries.iter().skip(first).step_by(AT_A_TIME).cloned().collect();
        let ledger = ledger.clone();
        async move {
            let mut parked = Vec::new();
            for (id, at) in entries {
                let found = ledger.swap(&id, 0, &self::parked(at)).await;
                parked.push((id, found));
            }
            parked
        }
    }));
    let mut parked = parked.await.concat();
    sort(&mut parked);
    parked
}
