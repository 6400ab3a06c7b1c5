//! Flaws of what is kept: records come back as something else.

use std::{
    collections::HashMap,
    marker::PhantomData,
    sync::{Mutex, PoisonError},
};

use aws_event_sourcing_core::{
    MemoryStore, ResourceId, Timestamp,
    subscription::{Parked, Progress, Skipped, SubscriptionKey, Swap},
};

use super::flaw::{Asked, Flaw, Outcome};

/// What a store makes of a record.
pub(crate) trait Alteration: Default + Send + Sync + 'static {
    fn marker(marker: Parked) -> Parked {
        marker
    }

    fn skipped(skipped: Skipped) -> Skipped {
        skipped
    }
}

/// Keeps what an alteration leaves of a record.
#[derive(Default)]
pub(crate) struct Keeps<A>(PhantomData<A>);

impl<A: Alteration> Flaw for Keeps<A> {
    fn swap<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        let parked = asked.next.parked.clone().map(|marker| Box::new(A::marker(*marker)));
        let next = Progress { parked, ..asked.next.clone() };
        let skipped = asked.skipped.cloned().map(A::skipped);
        Box::pin(async move { Asked { next: &next, skipped: skipped.as_ref(), ..asked }.of(healthy).await })
    }
}

/// Has no place for a trace.
#[derive(Default)]
pub(crate) struct NoTrace;

impl Alteration for NoTrace {
    fn marker(marker: Parked) -> Parked {
        Parked { trace: None, ..marker }
    }
}

/// Has no place for a claim.
#[derive(Default)]
pub(crate) struct NoClaim;

impl Alteration for NoClaim {
    fn marker(marker: Parked) -> Parked {
        Parked { claimed_until: None, ..marker }
    }
}

/// Keeps an empty text where there is no type.
#[derive(Default)]
pub(crate) struct EmptyTypes;

impl Alteration for EmptyTypes {
    fn marker(marker: Parked) -> Parked {
        Parked { event_type: marker.event_type.or(Some("".into())), ..marker }
    }
}

/// Keeps times in seconds.
#[derive(Default)]
pub(crate) struct TimesInSeconds;

impl Alteration for TimesInSeconds {
    fn marker(marker: Parked) -> Parked {
        let seconds = marker.next_attempt_at.as_unix_millis() / 1_000;
        Parked { next_attempt_at: Timestamp::from_unix_millis(seconds * 1_000), ..marker }
    }
}

/// Keeps numbers as floats.
#[derive(Default)]
pub(crate) struct NumbersAsFloats;

impl Alteration for NumbersAsFloats {
    fn marker(marker: Parked) -> Parked {
        Parked { number: marker.number as f64 as u64, ..marker }
    }
}

/// Keeps the first thousand bytes of an error.
#[derive(Default)]
pub(crate) struct ShortErrors;

impl Alteration for ShortErrors {
    fn marker(marker: Parked) -> Parked {
        let end = marker.error.floor_char_boundary(1_000);
        Parked { error: marker.error[..end].into(), ..marker }
    }
}

/// Keeps a reason up to its first NUL.
#[derive(Default)]
pub(crate) struct ReasonsAsCStrings;

impl Alteration for ReasonsAsCStrings {
    fn skipped(skipped: Skipped) -> Skipped {
        Skipped { reason: skipped.reason.split('\0').next().unwrap_or_default().into(), ..skipped }
    }
}

/// Writes what a marker has, and leaves the rest as it was.
#[derive(Default)]
pub(crate) struct KeepsWhatWasThere {
    markers: Mutex<HashMap<(SubscriptionKey, ResourceId), Parked>>,
}

impl Flaw for KeepsWhatWasThere {
    fn swap<'a>(&'a self, healthy: &'a MemoryStore, asked: Asked<'a>) -> Outcome<'a, Swap> {
        let parked = asked.next.parked.clone().map(|marker| {
            let mut markers = self.markers.lock().unwrap_or_else(PoisonError::into_inner);
            let place = (asked.key.clone(), asked.id.clone());
            let before = markers.get(&place).cloned().unwrap_or_else(|| (*marker).clone());
            let trace = marker.trace.or(before.trace);
            let claimed_until = marker.claimed_until.or(before.claimed_until);
            let kept = Parked { trace, claimed_until, ..*marker };
            markers.insert(place, kept.clone());
            Box::new(kept)
        });
        let next = Progress { parked, ..asked.next.clone() };
        Box::pin(async move { Asked { next: &next, ..asked }.of(healthy).await })
    }
}
