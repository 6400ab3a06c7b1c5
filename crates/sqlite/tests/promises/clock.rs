//! A clock that was ahead, and is set right, holds nothing up.

use std::time::{Duration, SystemTime};

use aws_event_sourcing_core::{
    Aggregate, Event, Recorded, Repository, Timestamp,
    subscription::{
        Context, Failure, Feed as _, Progress, ProgressStore as _, Redriven, Source, Start, Subscription,
        SubscriptionKey,
    },
};
use aws_event_sourcing_sqlite::SqliteStore;
use futures_util::StreamExt as _;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::support::{folder, open};

const LONG: Duration = Duration::from_secs(60);

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
enum AccountEvent {
    AccountOpened,
}

#[derive(Debug, Clone, Default)]
struct Account;

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Event = AccountEvent;
    type Error = std::convert::Infallible;

    fn validate(&self, _: &AccountEvent) -> Result<(), Self::Error> {
        Ok(())
    }

    fn apply(&mut self, _: &AccountEvent) {}
}

/// By a clock that is so many days ahead.
fn welcomes(fails: bool, days: u32) -> Subscription {
    let handler = move |_: Recorded<AccountEvent>, _: Context| async move {
        if fails { Err(Failure::park("no paper")) } else { Ok(()) }
    };
    let ahead = Duration::from_secs(24 * 60 * 60) * days;
    let clock = move || Timestamp::from(SystemTime::now() + ahead);
    Subscription::new("welcomes").on::<Account>(handler).clock(clock)
}

fn key() -> SubscriptionKey {
    SubscriptionKey::new("welcomes", "account")
}

async fn redrive(store: &SqliteStore, subscription: &Subscription) -> Redriven {
    let (source, cut_off) = (Source::of(store), Instant::now() + LONG);
    subscription.redrive_due(&source, "account", cut_off).await.expect("redriven")
}

#[tokio::test]
async fn what_was_parked_while_the_clock_was_ahead_is_tried_when_it_is_set_right() {
    let (_folder, file) = folder();
    let store = open(&file);
    let accounts = Repository::<Account>::new(store.clone());
    accounts.create(AccountEvent::AccountOpened).await.expect("new");
    let fails = welcomes(true, 2);
    let registration = fails.register("account", &store).await.expect("registered").expect("it follows that");
    let mut part = store.follow(&key(), &registration).next().await.expect("a part").expect("a part");
    let batch = part.batches.next().await.expect("a batch").expect("a batch");
    fails.handle(&Source::of(&store), &registration, batch, Instant::now() + LONG).await;
    assert_eq!(redrive(&store, &welcomes(false, 2)).await, Redriven::default(), "it is not due yet");

    assert_eq!(redrive(&store, &welcomes(true, 0)).await, Redriven { released: 0, failed: 1 });
    assert_eq!(redrive(&store, &welcomes(true, 0)).await, Redriven::default(), "it failed just now");
    // Killed while it was tried, by a clock that was ahead again.
    let shell = Connection::open(&file).expect("opened");
    let claimed = "UPDATE progress SET claimed_until = '2999-01-01T00:00:00.000Z',
        next_attempt_at = '2999-01-01T00:00:00.000Z'";
    assert_eq!(shell.execute(claimed, []).expect("changed"), 1);
    assert_eq!(redrive(&store, &welcomes(false, 0)).await, Redriven { released: 1, failed: 0 });
}

/// A record may be forgotten and made again. By the time it could have a revision that somebody has seen before, after the
/// clock went back.
#[tokio::test]
async fn the_first_revision_of_a_record_does_not_come_from_the_clock() {
    let (_folder, file) = folder();
    let store = open(&file);
    let now = Timestamp::from(SystemTime::now());
    store.register(&key(), Start::Beginning, now).await.expect("registered");
    let one = Progress { handled: Some(1), ..Progress::default() };
    store.swap(&key(), &"swapped".into(), 0, &one, None).await.expect("swapped");
    store.advance(&key(), &[("advanced".into(), 1)]).await.expect("advanced");
    let found = store.load(&key(), &["swapped".into(), "advanced".into()]).await.expect("loaded");
    for progress in found {
        let progress = progress.expect("a record");
        let since = progress.revision.abs_diff(now.as_unix_millis());
        assert!(progress.revision > 0 && since > 1_000_000_000, "{progress:?}");
    }
}
