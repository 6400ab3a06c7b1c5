//! Law 4, **live**: a commit is delivered soon after it was acknowledged, whoever made it.

use futures_util::future::join;

use super::process::Follower;
use crate::{
    FeedSubject,
    observe::{grow, plan, side_by_side, store, store_all},
    sample,
};

/// A commit is delivered when it happens to whoever waits for it, whoever made it: the handle that follows, or another one.
pub async fn a_commit_is_delivered_when_it_happens(subject: &FeedSubject) {
    let resource_type = subject.resource_type("live").await;
    let other = subject.open().await;
    let mut written = grow(&other.events, &sample::resource(&resource_type), [1, 2]).await;
    let mut process = Follower::new(subject, &resource_type).process().await;
    process.until_seen(&written).await;
    let history = plan(&sample::resource(&resource_type), [1, 2, 1, 1, 3, 1, 1, 1]);
    for (index, commit) in history.iter().enumerate() {
        let events = if index % 2 == 0 { &other.events } else { process.events() }.clone();
        // It waits already.
        join(process.until_seen(std::slice::from_ref(commit)), store(&events, commit)).await;
    }
    written.extend(history);
    process.assert_only(&written);
}

/// Whoever follows a type of which there is nothing yet gets its first commit.
pub async fn the_first_commit_of_a_type_is_delivered(subject: &FeedSubject) {
    let resource_type = subject.resource_type("live-first").await;
    let source = subject.open().await;
    let mut process = Follower::new(subject, &resource_type).process_of(source.clone()).await;
    let mut another = Follower::new(subject, &resource_type).process().await;
    let first = plan(&sample::resource(&resource_type), [1]);
    let waiting = join(process.until_seen(&first), another.until_seen(&first));
    join(waiting, store(&source.events, &first[0])).await;
}

/// Thousands of commits that are made by several handles while somebody follows are all delivered, as is what was there
/// before.
pub async fn commits_made_meanwhile_are_all_delivered(subject: &FeedSubject) {
    const WRITERS: usize = 12;
    let resource_type = subject.resource_type("meanwhile").await;
    let sources = [subject.open().await, subject.open().await, subject.open().await];
    let past: Vec<_> = (0..50).map(|_| plan(&sample::resource(&resource_type), [1; 8])).collect();
    store_all(&sources[0].events, &past).await;
    let histories: Vec<_> = (0..WRITERS)
        .map(|_| plan(&sample::resource(&resource_type), (0..180).map(|index| index % 2 + 1)))
        .collect();
    let written = [past.concat(), histories.concat()].concat();
    let writers = side_by_side(histories.into_iter().enumerate().map(|(index, history)| {
        let events = sources[index % sources.len()].events.clone();
        async move {
            for commit in &history {
                store(&events, commit).await;
            }
        }
    }));
    let mut process = Follower::new(subject, &resource_type).process_of(sources[0].clone()).await;
    join(writers, process.until_seen(&written)).await;
    process.assert_only(&written);
}
