//! What a feed reads: all commits of a type, in the order in which they were appended.

use std::sync::Arc;

use aws_event_sourcing_core::{
    EventStore, MemoryStore, Timestamp,
    subscription::{Batch, Delivery, Feed, Part, Registration, Start, SubscriptionKey},
};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use uuid::Uuid;

use super::flaw::Batches;

/// The last position in the log of a type.
pub(crate) fn end(healthy: &MemoryStore, resource_type: &Arc<str>) -> u64 {
    let commits = stream::iter(healthy.scan(resource_type)).flatten().count();
    commits.now_or_never().expect("a memory store does not wait") as u64
}

/// What is behind a place in the log of a type, whoever has it besides.
pub(crate) fn behind(healthy: &MemoryStore, resource_type: &Arc<str>, place: u64) -> Batches {
    let registration = registration(unnamed(resource_type));
    let mut parts = healthy.follow(&registration.key, &registration);
    let part = async move {
        let part = parts.next().await;
        if let Some(Ok(Part { hold, .. })) = part {
            hold.save(place).await.expect("a memory store does not fail");
        }
        parts.next().await.expect("parts never end").expect("a memory store does not fail")
    };
    stream::once(part).flat_map(|part| part.batches).boxed()
}

/// What is appended to the log of a type from now on.
pub(crate) fn from_now(healthy: &MemoryStore, resource_type: &Arc<str>) -> Batches {
    behind(healthy, resource_type, end(healthy, resource_type))
}

/// A key that nobody else has.
pub(crate) fn unnamed(resource_type: &Arc<str>) -> SubscriptionKey {
    SubscriptionKey::new(Uuid::new_v4().to_string(), resource_type.clone())
}

/// What a feed that does not look at registrations is given.
pub(crate) fn registration(key: SubscriptionKey) -> Registration {
    Registration { key, start: Start::Beginning, started_at: Timestamp::from_unix_millis(0) }
}

/// The deliveries of each batch, made into others.
pub(crate) fn altered(
    batches: Batches,
    mut alter: impl FnMut(Vec<Delivery>) -> Vec<Delivery> + Send + 'static,
) -> Batches {
    let altered =
        batches.map(move |batch| batch.map(|batch| Batch { deliveries: alter(batch.deliveries), ..batch }));
    altered.boxed()
}

/// Those deliveries that are to stay.
pub(crate) fn retained(
    batches: Batches,
    mut stays: impl FnMut(&Delivery) -> bool + Send + 'static,
) -> Batches {
    altered(batches, move |mut deliveries| {
        deliveries.retain(&mut stays);
        deliveries
    })
}
