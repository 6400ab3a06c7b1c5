//! What a person can do about a parked resource: [`retry`] it now, or [`skip`] the event that is in the way.

use std::slice;

use super::{Parked, Progress, ProgressStore, Skipped, SubscriptionKey, Swap, UnreadableRecord};
use crate::{ResourceId, StoreError, Timestamp};

/// Why something could not be done about a parked resource.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParkedError {
    /// It is not parked, or is no longer.
    #[error("it is not parked")]
    NotParked,
    /// It is parked at another event: somebody has looked at an older state.
    #[error("it is parked at event {actual}, not {expected}")]
    AtAnother {
        /// The event that was named.
        expected: u64,
        /// The event that it is parked at.
        actual: u64,
    },
    /// It is being tried at this moment. Ask again in a few seconds.
    #[error("it is being tried at this moment")]
    Claimed,
    /// What is recorded of it cannot be read.
    #[error(transparent)]
    Unreadable(#[from] UnreadableRecord),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Has a parked resource tried again at once, by whoever redrives it. Gives its marker.
///
/// # Errors
///
/// [`NotParked`](ParkedError::NotParked); [`Unreadable`](ParkedError::Unreadable); [`Store`](ParkedError::Store).
pub async fn retry(
    store: &dyn ProgressStore,
    key: &SubscriptionKey,
    id: &ResourceId,
    now: Timestamp,
) -> Result<Parked, ParkedError> {
    change(store, key, id, |parked| {
        let next_attempt_at =
            if parked.is_claimed(now) { parked.next_attempt_at } else { parked.next_attempt_at.min(now) };
        Ok((Parked { next_attempt_at, ..parked.clone() }, None))
    })
    .await
}

/// Passes over the event that a resource is parked at, and has the rest tried at once. The record of it stays, with the
/// event's number, its error, and who skipped it, when and why.
///
/// # Errors
///
/// [`NotParked`](ParkedError::NotParked); [`AtAnother`](ParkedError::AtAnother) when it is not parked at that event;
/// [`Claimed`](ParkedError::Claimed) while it is being tried; [`Unreadable`](ParkedError::Unreadable);
/// [`Store`](ParkedError::Store).
pub async fn skip(
    store: &dyn ProgressStore,
    key: &SubscriptionKey,
    id: &ResourceId,
    skip: Skip<'_>,
) -> Result<Skipped, ParkedError> {
    let mut record = None;
    change(store, key, id, |parked| {
        let (next, skipped) = skipped(parked, skip)?;
        record = Some(skipped.clone());
        Ok((next, Some(skipped)))
    })
    .await?;
    record.ok_or(ParkedError::NotParked)
}

/// The marker behind the event that it stood at, and the record of that.
pub(super) fn skipped(parked: &Parked, skip: Skip<'_>) -> Result<(Parked, Skipped), ParkedError> {
    let Skip { number, reason, by, at } = skip;
    if parked.number != number {
        return Err(ParkedError::AtAnother { expected: number, actual: parked.number });
    }
    if parked.is_claimed(at) {
        return Err(ParkedError::Claimed);
    }
    let skipped = Skipped {
        number,
        event_type: parked.event_type.clone(),
        error: parked.error.clone(),
        reason: reason.into(),
        by: by.into(),
        at,
    };
    let next = Parked {
        number: number + 1,
        event_type: None,
        trace: None,
        attempts: 0,
        next_attempt_at: parked.next_attempt_at.min(at),
        claimed_until: None,
        ..parked.clone()
    };
    Ok((next, skipped))
}

/// Replaces a marker, on the newest one that there is.
async fn change(
    store: &dyn ProgressStore,
    key: &SubscriptionKey,
    id: &ResourceId,
    mut decide: impl FnMut(&Parked) -> Result<(Parked, Option<Skipped>), ParkedError>,
) -> Result<Parked, ParkedError> {
    let mut progress = store.load(key, slice::from_ref(id)).await?.pop().transpose()?.unwrap_or_default();
    loop {
        let parked = progress.parked.as_deref().ok_or(ParkedError::NotParked)?;
        let (next, skipped) = decide(parked)?;
        let next = Progress { parked: Some(Box::new(next)), ..progress.clone() };
        match store.swap(key, id, progress.revision, &next, skipped.as_ref()).await? {
            Swap::Done(_) => return next.parked.map(|parked| *parked).ok_or(ParkedError::NotParked),
            Swap::Changed(newer) => progress = newer,
        }
    }
}

/// What is to be skipped, and why.
#[derive(Debug, Clone, Copy)]
pub struct Skip<'a> {
    /// The event that the resource is parked at.
    pub number: u64,
    /// Why: for whoever asks later.
    pub reason: &'a str,
    /// Who.
    pub by: &'a str,
    /// When.
    pub at: Timestamp,
}
