//! Law 2, **in order**: within a part, the commits of a resource come in the order of their numbers.

use futures_util::future::join;

use super::process::{Follower, Saves};
use crate::{
    FeedSubject,
    observe::{plan, store, store_all},
    sample,
};

/// The commits of each resource come in the order of their numbers, whatever their times: those of the past, and those that
/// happen. A part that misses nothing out has no gap.
pub async fn commits_of_a_resource_are_delivered_in_order(subject: &FeedSubject) {
    let resource_type = subject.resource_type("in-order").await;
    let source = subject.open().await;
    let mut histories: Vec<_> =
        (0..8).map(|_| plan(&sample::resource(&resource_type), (0..60).map(|index| index % 3 + 1))).collect();
    for history in &mut histories {
        for (index, commit) in (0..).zip(history) {
            commit.at = sample::time(1_000 - index % 7 * 100);
        }
    }
    let past: Vec<_> = histories.iter().map(|history| history[..30].to_vec()).collect();
    store_all(&source.events, &past).await;
    let mut process = Follower::new(subject, &resource_type).process().await;
    // One commit of each, in turns.
    let live = async {
        for index in 30..60 {
            for history in &histories {
                store(&source.events, &history[index]).await;
            }
        }
    };
    // The order is looked at in each delivery.
    join(live, process.until_seen(&histories.concat())).await;
}

/// No two deliveries of a part have one position. Positions grow within a resource, and from batch to batch: each batch goes
/// up to that of its last delivery at least, and not to any of the next. They can all be saved, each after the one before.
pub async fn positions_tell_deliveries_apart_and_grow(subject: &FeedSubject) {
    let resource_type = subject.resource_type("positions").await;
    let source = subject.open().await;
    let other = subject.resource_type("positions-of-others").await;
    let histories: Vec<_> = (0..60)
        .map(|index| {
            let of = if index % 4 == 0 { &other } else { &resource_type };
            plan(&sample::resource(of), (0..12).map(|index| index % 3 + 1))
        })
        .collect();
    store_all(&source.events, &histories).await;
    let mut written = histories.concat();
    written.retain(|commit| commit.resource.resource_type == resource_type);
    // All that is looked at in each delivery.
    let mut process = Follower::new(subject, &resource_type).process().await.saving(Saves::Nothing);
    process.until_seen(&written).await;
    for index in (0..process.in_hand.len()).rev() {
        let positions = process.in_hand[index].positions.clone();
        for position in positions.into_iter().step_by(25) {
            if index < process.in_hand.len() {
                process.save(index, position).await;
            }
        }
    }
}
