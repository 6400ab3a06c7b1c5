//! Law 1, **complete**, from where a subscription began.

use aws_event_sourcing_core::{
    Clock as _, Commit, SystemClock, Timestamp,
    subscription::{Continuity, Start, SubscriptionKey},
};

use super::process::{Delivered, Follower, Process, of};
use crate::{
    FeedSubject,
    compare::name,
    observe::{plan, store_all},
    sample,
    subject::unique,
};

/// A minute, in milliseconds: further apart than clocks are.
const MINUTE: i64 = 60_000;

/// Whoever begins with what is committed from then on gets that, from the moment at which it was registered, and of old
/// resources too. What was there before is left out, or comes by a part that tells of it.
pub async fn a_subscription_that_begins_now_leaves_out_the_past(subject: &FeedSubject) {
    let resource_type = subject.resource_type("now").await;
    let source = subject.open().await;
    let resources: Vec<_> = (0..12).map(|_| sample::resource(&resource_type)).collect();
    let all: Vec<_> = resources.iter().map(|resource| plan(resource, [1, 2, 1, 1, 1, 2])).collect();
    let (old, new) = all.split_at(8);
    let past: Vec<_> = old.iter().map(|history| at(&history[..3], -MINUTE)).collect();
    store_all(&source.events, &past).await;
    let follower = now(subject, &resource_type);
    follower.register(&source).await;
    // Nobody follows yet.
    let soon: Vec<_> = old.iter().take(4).map(|history| at(&history[3..5], MINUTE)).collect();
    store_all(&source.events, &soon).await;
    let mut process = follower.process().await;
    process.until_seen(&soon.concat()).await;
    let rest = old.iter().take(4).map(|history| at(&history[5..], MINUTE));
    let rest = rest.chain(old.iter().skip(4).map(|history| at(&history[3..], MINUTE)));
    let later: Vec<_> = rest.chain(new.iter().map(|history| at(history, MINUTE))).collect();
    store_all(&source.events, &later).await;
    process.until_seen(&later.concat()).await;
    assert_begun(&process, &[soon, later].concat().concat());
}

/// A subscription begins once: whoever runs later gets what was committed when nobody ran.
pub async fn a_subscription_goes_on_from_when_it_first_ran(subject: &FeedSubject) {
    let resource_type = subject.resource_type("first-ran").await;
    let source = subject.open().await;
    let resource = sample::resource(&resource_type);
    let history = plan(&resource, [1, 2, 1, 1, 1, 2, 1, 1]);
    let follower = now(subject, &resource_type);
    store_all(&source.events, &[at(&history[..2], -MINUTE)]).await;
    let mut process = follower.process().await;
    let mut written = Vec::new();
    for commits in history[2..].chunks(2) {
        let commits = at(commits, MINUTE);
        store_all(&source.events, std::slice::from_ref(&commits)).await;
        process.until_seen(&commits).await;
        written.extend(commits);
        assert_begun(&process, &written);
        process.release().await;
        drop(process);
        let meanwhile = at(&plan(&sample::resource(&resource_type), [1, 2]), MINUTE);
        store_all(&source.events, std::slice::from_ref(&meanwhile)).await;
        process = follower.process().await;
        process.until_seen(&meanwhile).await;
        written.extend(meanwhile);
        assert_begun(&process, &written);
    }
}

/// A subscription that began with the first event gets the past, also when it first follows later, and would begin now.
pub async fn the_past_is_delivered_to_who_began_with_it(subject: &FeedSubject) {
    let resource_type = subject.resource_type("began").await;
    let source = subject.open().await;
    let key = SubscriptionKey::new(unique("follower"), resource_type.clone());
    Follower::of(subject, key.clone(), Start::Beginning).register(&source).await;
    let past: Vec<_> =
        (0..10).map(|_| at(&plan(&sample::resource(&resource_type), [1, 2]), -MINUTE)).collect();
    store_all(&source.events, &past).await;
    let mut process = Follower::of(subject, key, Start::Now).process().await;
    assert_eq!(process.registration.start, Start::Beginning, "what it began with");
    process.until_seen(&past.concat()).await;
}

fn now(subject: &FeedSubject, resource_type: &std::sync::Arc<str>) -> Follower {
    let key = SubscriptionKey::new(unique("follower"), resource_type.clone());
    Follower::of(subject, key, Start::Now)
}

/// Those commits, made that many milliseconds from now.
fn at(commits: &[Commit], millis: i64) -> Vec<Commit> {
    let at = SystemClock.now().as_unix_millis().saturating_add_signed(millis);
    commits.iter().map(|commit| Commit { at: Timestamp::from_unix_millis(at), ..commit.clone() }).collect()
}

/// Fails if anything was delivered from before the beginning, unless the part says when that was; or if it says so of what
/// came after.
fn assert_begun(process: &Process, written: &[Commit]) {
    let expected: std::collections::BTreeSet<_> = written.iter().map(of).collect();
    for (of, Delivered { commit, continuity }) in &process.seen {
        let since = match continuity {
            Continuity::Unbroken => None,
            Continuity::Broken { since } => *since,
        };
        let is_before = since.is_some_and(|since| commit.at < since);
        let is_left_out = !expected.contains(of);
        assert_eq!(
            is_left_out,
            is_before,
            "whether {} was made before the subscription began, at {since:?}, which was at {}: left, whether it was",
            name(commit),
            process.registration.started_at
        );
    }
}
