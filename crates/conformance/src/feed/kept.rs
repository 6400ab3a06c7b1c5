//! What a store keeps of records as the place of its feed moves on. A store whose feed misses nothing out may forget a
//! record without a marker as soon as its event will not be delivered again, and no other one.

use std::collections::BTreeSet;

use aws_event_sourcing_core::{Commit, subscription::Progress};

use super::process::{Follower, Process, Saves};
use crate::{
    FeedSubject,
    observe::{plan, store_all},
    progress::{
        Ledger,
        made_up::{handled, parked, revised},
    },
    sample,
};

/// A record of what is ahead of the place that was saved stays: its event will be delivered again, and is handled.
pub async fn a_record_ahead_of_what_was_saved_stays(subject: &FeedSubject) {
    let (mut process, ledger, _) = follow(subject, "ahead").await;
    for index in (0..process.in_hand.len()).rev() {
        let delivered = process.in_hand[index].delivered.clone();
        let (behind, ahead) = delivered.split_at(delivered.len() / 2);
        // The first half of those ahead by an advance, the others by having been parked.
        let (advanced, released) = ahead.split_at(ahead.len() / 2);
        let advance: Vec<_> = advanced.iter().map(|(_, (id, _))| (id.clone(), LAST)).collect();
        ledger.advance(&advance).await;
        for (_, (id, _)) in released {
            let halted = ledger.swap(id, 0, &parked(7)).await;
            ledger.swap(id, halted.revision, &handled(LAST)).await;
        }
        let Some((position, _)) = behind.last() else { continue };
        process.save(index, *position).await;
        for (_, (id, _)) in ahead {
            let found = ledger.load_one(id).await;
            assert_eq!(
                found,
                revised(&handled(LAST), found.revision),
                "the record of what is ahead of the place"
            );
        }
    }
}

/// What is parked stays so, wherever the place is.
pub async fn what_is_parked_stays_whatever_is_saved(subject: &FeedSubject) {
    let (mut process, ledger, written) = follow(subject, "parked").await;
    let mut expected = Vec::new();
    for (number, commit) in (0..).zip(&written) {
        let id = commit.resource.id.clone();
        let halted = ledger.swap(&id, 0, &Progress { handled: None, ..parked(number) }).await;
        expected.push((id, halted));
    }
    for index in (0..process.in_hand.len()).rev() {
        if let Some((position, _)) = process.in_hand[index].delivered.last() {
            let position = *position;
            process.save(index, position).await;
        }
    }
    for (id, halted) in &expected {
        assert_eq!(
            ledger.load_one(id).await,
            *halted,
            "the record of a parked resource that the place has passed"
        );
    }
    ledger.assert_parked(5, &expected).await;
}

/// A record that is made again after it was forgotten does not have a revision that it had before: whoever has seen that
/// is late.
pub async fn a_revision_is_not_used_again(subject: &FeedSubject) {
    let (mut process, ledger, written) = follow(subject, "forgotten").await;
    let mut records = Vec::new();
    for commit in &written {
        let id = commit.resource.id.clone();
        ledger.advance_one(&id, LAST).await;
        let record = ledger.load_one(&id).await;
        records.push((id, BTreeSet::from([record.revision]), record));
    }
    for _ in 0..3 {
        for index in (0..process.in_hand.len()).rev() {
            if let Some((position, _)) = process.in_hand[index].delivered.last() {
                let position = *position;
                process.save(index, position).await;
            }
        }
        for (id, revisions, record) in &mut records {
            let found = ledger.load_one(id).await;
            assert!(
                found == *record || found == Progress::default(),
                "a record is there or is not, and this is {found:?}"
            );
            let made = ledger.swap(id, found.revision, &parked(7)).await;
            assert!(revisions.insert(made.revision), "a record has revision {} once more", made.revision);
            for revision in revisions.iter().filter(|revision| **revision != made.revision) {
                let late = ledger.be_late(id, *revision, &handled(99)).await;
                assert_eq!(late.revision, made.revision, "the revision that a swap meets that is late");
            }
            *record = ledger.swap(id, made.revision, &handled(LAST)).await;
            assert!(revisions.insert(record.revision), "a record has revision {} once more", record.revision);
        }
    }
}

/// The last event of each resource here.
const LAST: u64 = 2;

/// Resources with a commit each, all of which have been delivered to a process that has saved nothing.
async fn follow(subject: &FeedSubject, name: &str) -> (Process, Ledger, Vec<Commit>) {
    let resource_type = subject.resource_type(name).await;
    let histories: Vec<_> =
        (0..24).map(|_| plan(&sample::resource(&resource_type), [LAST as usize])).collect();
    let follower = Follower::new(subject, &resource_type);
    let mut process = follower.process().await.saving(Saves::Nothing);
    store_all(process.events(), &histories).await;
    let written = histories.concat();
    process.until_seen(&written).await;
    let ledger = Ledger::new(process.source.progress.clone(), (*follower.key).clone());
    (process, ledger, written)
}
