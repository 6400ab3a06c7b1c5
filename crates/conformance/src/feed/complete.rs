//! Law 1, **complete**: every commit of the type is delivered, as it was written. What is saved, and what a subscription
//! begins with, are in [`saved`](super::saved) and [`start`](super::start).

use aws_event_sourcing_core::{
    Commit, ResourceKey,
    subscription::{Start, SubscriptionKey},
};
use futures_util::future::{join, join3};

use super::process::Follower;
use crate::{
    FeedSubject,
    observe::{grow, plan, store, store_all},
    sample,
    store::faithful,
    subject::unique,
};

/// Every commit that was there before is delivered, as it was written, and nothing else.
pub async fn every_commit_of_the_past_is_delivered(subject: &FeedSubject) {
    let resource_type = subject.resource_type("past").await;
    let histories: Vec<_> = (0..40)
        .map(|index| plan(&sample::resource(&resource_type), (0..=index % 5).map(|commit| commit % 3 + 1)))
        .collect();
    store_all(&subject.open().await.events, &histories).await;
    let written = histories.concat();
    let mut process = Follower::new(subject, &resource_type).process().await;
    process.until_seen(&written).await;
    process.assert_only(&written);
}

/// Thousands of commits, of one resource and of many, are delivered to the last one.
pub async fn a_long_past_is_delivered_to_its_last_commit(subject: &FeedSubject) {
    let resource_type = subject.resource_type("long-past").await;
    let one = plan(&sample::resource(&resource_type), [1; 700]);
    let others = (0..460).map(|_| plan(&sample::resource(&resource_type), [1, 2, 1, 1, 3]));
    let histories: Vec<_> = others.chain([one]).collect();
    store_all(&subject.open().await.events, &histories).await;
    let written = histories.concat();
    let mut process = Follower::new(subject, &resource_type).process().await;
    process.until_seen(&written).await;
    process.assert_only(&written);
}

/// A commit of many events, and one that is nearly as large as it may be, are delivered in one piece: those of the past,
/// and those that happen.
pub async fn large_commits_are_delivered_whole(subject: &FeedSubject) {
    let resource_type = subject.resource_type("large").await;
    let large = || {
        let resource = sample::resource(&resource_type);
        let many = sample::commit(&resource, 1, 1_000);
        let heavy = sample::commit_of_size(&resource, 1_001, 1, 350 * 1024);
        let both = sample::commit_of_size(&resource, 1_002, 500, 350 * 1024);
        vec![many, heavy, both]
    };
    let past: Vec<_> = (0..4).map(|_| large()).collect();
    let source = subject.open().await;
    store_all(&source.events, &past).await;
    let mut process = Follower::new(subject, &resource_type).process().await;
    process.until_seen(&past.concat()).await;
    let live: Vec<_> = (0..4).map(|_| large()).collect();
    store_all(&source.events, &live).await;
    process.until_seen(&live.concat()).await;
    process.assert_only(&[past, live].concat().concat());
}

/// A commit is delivered with its id, time, trace, cause, meta and all its data: those of the past, and those that happen.
pub async fn what_belongs_to_a_commit_is_delivered(subject: &FeedSubject) {
    let resource_type = subject.resource_type("envelopes").await;
    let all_sorts = || {
        let resource = || sample::resource(&resource_type);
        let [numbers, documents] = faithful::all_sorts_of_data([resource(), resource()]);
        [faithful::envelopes(&resource()), numbers, documents]
    };
    let source = subject.open().await;
    let mut process = Follower::new(subject, &resource_type).process().await;
    for histories in [all_sorts(), all_sorts()] {
        store_all(&source.events, &histories).await;
        process.until_seen(&histories.concat()).await;
    }
}

/// Commits of other types are not delivered, however many there are and whatever their names. Whoever follows gets past
/// them.
pub async fn commits_of_other_types_are_not_delivered(subject: &FeedSubject) {
    let source = subject.open().await;
    let resource_type = subject.resource_type("type").await;
    let longer = subject.prepared(format!("{resource_type}-more")).await;
    let other = subject.resource_type("type").await;
    let mut written = Vec::new();
    for round in 0..3 {
        for of in [&longer, &other, &resource_type] {
            // One with the same id in each.
            for id in ["the same".to_owned(), unique("id")] {
                let id = format!("{id}-{round}");
                written.extend(grow(&source.events, &ResourceKey::new(of.clone(), id), [1, 2, 1]).await);
            }
        }
        let mut many = plan(&sample::resource(&longer), [5_000, 5_000]);
        for commit in &mut many {
            for event in &mut commit.events {
                event.data = None;
            }
            store(&source.events, commit).await;
        }
    }
    let of_type = |of: &str| -> Vec<Commit> {
        written.iter().filter(|commit| *commit.resource.resource_type == *of).cloned().collect()
    };
    let (first, second) = (of_type(&resource_type), of_type(&other));
    // Two types of one subscription.
    let name = unique("follower");
    let follower = |of| Follower::of(subject, SubscriptionKey::new(&*name, of), Start::Beginning);
    let mut process = follower(resource_type.clone()).process().await;
    let mut another = follower(other.clone()).process().await;
    join(process.until_seen(&first), another.until_seen(&second)).await;
    let last = grow(&source.events, &sample::resource(&resource_type), [1]).await;
    process.until_seen(&last).await;
    process.assert_only(&[first, last].concat());
    another.assert_only(&second);
}

/// Each subscription gets everything, whatever others get at the same time, and whatever they are called.
pub async fn each_subscription_gets_everything(subject: &FeedSubject) {
    let source = subject.open().await;
    let resource_type = subject.resource_type("each").await;
    let histories: Vec<_> = (0..20).map(|_| plan(&sample::resource(&resource_type), [1, 2, 1])).collect();
    store_all(&source.events, &histories).await;
    let mut written = histories.concat();
    let name = unique("follower");
    let names = [name.clone(), format!("{name}-b"), name.to_uppercase()];
    let [one, other, third] = names.map(|name| {
        Follower::of(subject, SubscriptionKey::new(name, resource_type.clone()), Start::Beginning)
    });
    // Two of them in one process.
    let mut processes =
        [one.process_of(source.clone()).await, other.process_of(source.clone()).await, third.process().await];
    for _ in 0..2 {
        let [one, other, third] = &mut processes;
        join3(one.until_seen(&written), other.until_seen(&written), third.until_seen(&written)).await;
        written.extend(grow(&source.events, &sample::resource(&resource_type), [1, 1, 3]).await);
    }
}
