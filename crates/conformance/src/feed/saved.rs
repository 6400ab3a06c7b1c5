//! Law 1, **complete**, for those who come back: what was not saved comes again, and where nothing is missed out, what was
//! saved does not.

use std::slice::from_ref;

use aws_event_sourcing_core::{
    Commit,
    subscription::{Continuity, Start, SubscriptionKey},
};

use super::process::{Follower, Process, Saves, of};
use crate::{
    FeedSubject,
    observe::{grow, plan, store_all},
    sample,
    subject::unique,
};

/// When a process has saved a place and is gone, the next one gets everything behind it. It gets nothing up to there by a
/// part that misses nothing out.
pub async fn a_process_goes_on_behind_what_was_saved(subject: &FeedSubject) {
    let resource_type = subject.resource_type("saved").await;
    let histories: Vec<_> = (0..30).map(|_| plan(&sample::resource(&resource_type), [1, 2, 1])).collect();
    let mut written = histories.concat();
    store_all(&subject.open().await.events, &histories).await;
    let follower = Follower::new(subject, &resource_type);
    for _ in 0..4 {
        let mut process = follower.process().await.saving(Saves::Nothing);
        let left = follower.unsaved(&written);
        process.until_seen(&left).await;
        assert_nothing_saved_again(&written, &left, &process);
        // The first half of what it got of each part. No handle is left then.
        for index in (0..process.in_hand.len()).rev() {
            let delivered = &process.in_hand[index].delivered;
            if let Some((position, _)) = delivered.get(delivered.len() / 2) {
                let position = *position;
                process.save(index, position).await;
            }
        }
    }
    let source = subject.open().await;
    let left = follower.unsaved(&written);
    let mut process = follower.process().await;
    process.until_seen(&left).await;
    // What was to come again by mistake would have come before this.
    let last = grow(&source.events, &sample::resource(&resource_type), [1]).await;
    process.until_seen(&last).await;
    written.extend(last.clone());
    assert_nothing_saved_again(&written, &[left, last].concat(), &process);
}

/// A commit comes again as a whole when everything before its position was saved: it was under way when all before it was
/// done. That position may lie between two events of the commit.
pub async fn a_commit_that_was_under_way_comes_again_whole(subject: &FeedSubject) {
    let resource_type = subject.resource_type("under-way").await;
    let histories: Vec<_> = (0..6).map(|_| plan(&sample::resource(&resource_type), [2, 3, 1])).collect();
    let written = histories.concat();
    store_all(&subject.open().await.events, &histories).await;
    let follower = Follower::new(subject, &resource_type);
    for _ in 0..5 {
        let mut process = follower.process().await.saving(Saves::Nothing);
        process.until_seen(&follower.unsaved(&written)).await;
        for index in (0..process.in_hand.len()).rev() {
            let positions = &process.in_hand[index].positions;
            // The third one is under way.
            if let Some(position) = positions.iter().nth(2).copied() {
                process.save(index, position - 1).await;
            }
        }
    }
    follower.process().await.until_seen(&follower.unsaved(&written)).await;
}

/// What a process got and did not save comes again to the next one, as often as that is so.
pub async fn what_was_not_saved_comes_again(subject: &FeedSubject) {
    let resource_type = subject.resource_type("not-saved").await;
    let histories: Vec<_> = (0..20).map(|_| plan(&sample::resource(&resource_type), [1, 2, 1])).collect();
    store_all(&subject.open().await.events, &histories).await;
    let written = histories.concat();
    let follower = Follower::new(subject, &resource_type);
    for _ in 0..3 {
        follower.process().await.saving(Saves::Nothing).until_seen(&written).await;
    }
    // Some of it is enough to be gone with.
    follower.process().await.saving(Saves::Nothing).until_some(5).await;
    follower.process().await.until_seen(&written).await;
}

/// The same for what happened while the process followed: behind what was saved, it comes again.
pub async fn what_happened_and_was_not_saved_comes_again(subject: &FeedSubject) {
    let resource_type = subject.resource_type("not-saved-live").await;
    let source = subject.open().await;
    let resource = sample::resource(&resource_type);
    let history = plan(&resource, [1, 2, 1, 1, 3, 1, 1, 2, 1, 1]);
    let past: Vec<_> = (0..5).map(|_| plan(&sample::resource(&resource_type), [1, 1])).collect();
    store_all(&source.events, &past).await;
    let follower = Follower::new(subject, &resource_type);
    follower.process().await.until_seen(&past.concat()).await;
    for (index, live) in history.chunks(5).enumerate() {
        let mut process = follower.process().await.saving(Saves::Ends);
        store_all(&source.events, from_ref(&live.to_vec())).await;
        process.until_seen(live).await;
        drop(process);
        let again = &history[..5 * (index + 1)];
        let mut process = follower.process().await.saving(Saves::Ends);
        process.until_seen(again).await;
    }
}

/// A part that a process has dropped comes again to the same process, with what was not saved.
pub async fn a_part_that_was_dropped_comes_again(subject: &FeedSubject) {
    let resource_type = subject.resource_type("dropped").await;
    let histories: Vec<_> = (0..20).map(|_| plan(&sample::resource(&resource_type), [1, 2, 1])).collect();
    let source = subject.open().await;
    store_all(&source.events, &histories).await;
    let mut written = histories.concat();
    let follower = Follower::new(subject, &resource_type);
    let mut process = follower.process().await.saving(Saves::Ends);
    for round in 0..3 {
        process.until_seen(&follower.unsaved(&written)).await;
        if round % 2 == 0 {
            process.let_go();
        } else {
            process.release().await;
        }
        process.seen.clear();
        written.extend(grow(&source.events, &sample::resource(&resource_type), [1, 2]).await);
    }
    process.until_seen(&follower.unsaved(&written)).await;
}

/// What one subscription has saved is nothing to another one, whose name may begin like its own.
pub async fn each_subscription_has_a_place_of_its_own(subject: &FeedSubject) {
    let resource_type = subject.resource_type("places").await;
    let source = subject.open().await;
    let histories: Vec<_> = (0..20).map(|_| plan(&sample::resource(&resource_type), [1, 2, 1])).collect();
    store_all(&source.events, &histories).await;
    let mut written = histories.concat();
    let name = unique("follower");
    for end in ["-b", "", "-c"] {
        let key = SubscriptionKey::new(format!("{name}{end}"), resource_type.clone());
        let mut process = Follower::of(subject, key, Start::Beginning).process().await;
        process.until_seen(&written).await;
        written.extend(grow(&source.events, &sample::resource(&resource_type), [1, 2]).await);
        process.until_seen(&written).await;
    }
}

/// Fails if what was saved has come again by a part that misses nothing out.
fn assert_nothing_saved_again(written: &[Commit], left: &[Commit], process: &Process) {
    for commit in written.iter().filter(|commit| !left.contains(commit)) {
        let again = process.seen.get(&of(commit));
        assert!(
            again.is_none_or(|again| again.continuity != Continuity::Unbroken),
            "what was saved comes again: {}",
            crate::compare::name(commit)
        );
    }
}
