//! Subscriptions that have run: noted once, by the first.

use std::sync::Arc;

use aws_event_sourcing_core::{
    Timestamp,
    subscription::{Registration, Start, SubscriptionKey},
};
use tokio::sync::Barrier;

use super::ledger::{Ledger, first_difference};
use crate::{
    ProgressSubject,
    observe::{explain, side_by_side},
    sample::time,
    subject::{Records, unique},
};

const STARTS: [Start; 2] = [Start::Beginning, Start::Now];

/// What was noted the first time stays: whoever registers again gets that, however they would begin, and whenever.
pub async fn the_first_registration_stays(subject: &ProgressSubject) {
    for start in STARTS {
        for at in [time(5), Timestamp::from_unix_millis(0), Timestamp::MAX] {
            let ledgers = subject.ledgers("register").await;
            let first = Registration { key: (*ledgers[0].key).clone(), start, started_at: at };
            assert_eq!(ledgers[0].register(start, at).await, first, "the first registration");
            for ledger in &ledgers {
                for other in STARTS {
                    for at in [time(1), time(5), time(9)] {
                        assert_eq!(ledger.register(other, at).await, first, "what was registered first");
                    }
                }
            }
            let ledger = ledgers[0].on(subject.open().await);
            assert_eq!(ledger.register(Start::Now, time(2)).await, first, "what was registered first");
            assert_eq!(
                registered(&ledger.records, &first.key.subscription).await,
                [first],
                "what is registered"
            );
        }
    }
}

/// Of many that register at once, from several handles, one is the first, and all get what that one noted.
pub async fn one_of_many_registrations_is_the_first(subject: &ProgressSubject) {
    const RIVALS: usize = 16;
    for _ in 0..10 {
        let ledgers = subject.ledgers("register-race").await;
        let start = Arc::new(Barrier::new(RIVALS));
        let noted = side_by_side((0..RIVALS).map(|rival| {
            let (ledger, start) = (ledgers[rival % 3].clone(), start.clone());
            async move {
                start.wait().await;
                ledger.register(STARTS[rival % 2], time(rival as u64)).await
            }
        }))
        .await;
        let first = &noted[0];
        let rival = first.started_at.as_unix_millis() - time(0).as_unix_millis();
        assert_eq!(first.start, STARTS[rival as usize % 2], "the start of who registered at {rival}");
        for other in &noted {
            assert_eq!(other, first, "what two get that registered at once");
        }
        let found = registered(&ledgers[1].records, &ledgers[0].key.subscription).await;
        assert_eq!(found.as_slice(), &noted[..1], "what is registered");
    }
}

/// Registrations are listed in the order of their keys: by the bytes of the subscription's name, then of the resource type.
pub async fn registrations_are_listed_in_the_order_of_their_keys(subject: &ProgressSubject) {
    let records = subject.open().await;
    let run = unique("s");
    let names = ["", "-", "-b", ".", "0", "B", "_", "a", "aa", "b"].map(|end| format!("{run}{end}"));
    let types = ["b", "a", "a/b", "a b", "a-b", "A", "é", "ab"];
    let mut expected = Vec::new();
    for (index, name) in (0..).zip(&names) {
        for of in &types[..=index % types.len()] {
            let start = STARTS[expected.len() % 2];
            let key = SubscriptionKey::new(&**name, *of);
            expected.push(Registration { key, start, started_at: time(1_000 - expected.len() as u64) });
        }
    }
    fastrand::shuffle(&mut expected);
    for registration in &expected {
        let ledger = Ledger::new(records.clone(), registration.key.clone());
        let noted = ledger.register(registration.start, registration.started_at).await;
        assert_eq!(noted, *registration, "a registration");
    }
    expected.sort_by(|one, other| one.key.cmp(&other.key));
    for records in [records, subject.open().await] {
        let found = registered(&records, &run).await;
        if let Some(difference) = first_difference(&expected, &found) {
            panic!("registrations are not listed in the order of their keys: {difference}");
        }
    }
}

/// Those that have run and whose names begin like this.
async fn registered(records: &Records, name: &str) -> Vec<Registration> {
    let all = records.registered().await;
    let mut all = all.unwrap_or_else(|error| panic!("listing registrations failed: {}", explain(&error)));
    all.retain(|registration| registration.key.subscription.starts_with(name));
    all
}
