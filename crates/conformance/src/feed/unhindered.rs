//! Law 5, **bounded**, as far as others notice: a follower that does not read, and one that is gone, hold up nobody. How
//! much memory a follower takes up cannot be seen here: measure it.

use std::{pin::pin, time::Duration};

use futures_util::future::{join, select};
use tokio::{task::yield_now, time::sleep};

use super::process::{Follower, Saves};
use crate::{
    FeedSubject,
    observe::{assert_history, grow, plan, store, store_all},
    sample,
};

/// A follower that has its part, and does not read on, holds up nobody: no append, no read, and no other follower. When it
/// reads on, it gets everything.
pub async fn a_follower_that_does_not_read_holds_nobody_up(subject: &FeedSubject) {
    let resource_type = subject.resource_type("unread").await;
    let source = subject.open().await;
    let past: Vec<_> = (0..300).map(|_| plan(&sample::resource(&resource_type), [1])).collect();
    store_all(&source.events, &past).await;
    let mut unread =
        Follower::new(subject, &resource_type).process_of(source.clone()).await.saving(Saves::Ends);
    unread.until_some(1).await;
    let resource = sample::resource(&resource_type);
    let live = grow(&source.events, &resource, [1; 600]).await;
    assert_history(&source.events, &resource, &live).await;
    let written = [past.concat(), live].concat();
    for source in [source.clone(), subject.open().await] {
        Follower::new(subject, &resource_type).process_of(source).await.until_seen(&written).await;
    }
    unread.until_seen(&written).await;
}

/// A follower that is dropped, after a few polls or before the first, leaves a store that works, and a feed that others
/// follow.
pub async fn a_follower_may_be_dropped_at_any_point(subject: &FeedSubject) {
    let resource_type = subject.resource_type("dropped-anywhere").await;
    let source = subject.open().await;
    let follower = Follower::new(subject, &resource_type);
    let resource = sample::resource(&resource_type);
    let history = plan(&resource, [1; 60]);
    for (index, commit) in history.iter().enumerate() {
        let of = if index % 2 == 0 { source.clone() } else { subject.open().await };
        let mut process = follower.process_of(of).await.saving(Saves::Nothing);
        let following = pin!(process.on_and_on());
        // After a few polls, or after a while.
        let over = pin!(async {
            match index % 8 {
                polls @ 0..4 => {
                    for _ in 0..polls {
                        yield_now().await;
                    }
                }
                _ => sleep(Duration::from_micros(fastrand::u64(..20_000))).await,
            }
        });
        join(select(following, over), store(&source.events, commit)).await;
    }
    assert_history(&source.events, &resource, &history).await;
    follower.process().await.until_seen(&history).await;
}
