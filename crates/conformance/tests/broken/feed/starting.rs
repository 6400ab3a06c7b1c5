//! Flaws of where a subscription begins.

use std::{
    collections::BTreeMap,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
};

use aws_event_sourcing_core::{
    MemoryStore, Timestamp,
    subscription::{Continuity, Feed, Part, ProgressStore, Registration, Start, SubscriptionKey},
};
use futures_util::{FutureExt as _, StreamExt as _};

use super::{
    flaw::{Flaw, Parts},
    log::from_now,
};
use crate::progress::{self, Outcome};

/// Follows a healthy feed, and has registrations with a flaw.
#[derive(Default)]
pub(crate) struct Registers<P>(Arc<P>);

impl<P: progress::Flaw> Flaw for Registers<P> {
    fn progress(self: &Arc<Self>, healthy: &MemoryStore) -> Arc<dyn ProgressStore> {
        Arc::new(progress::Flawed { healthy: healthy.clone(), flaw: self.0.clone() })
    }
}

/// What was registered first.
#[derive(Default)]
struct Registrations(Mutex<BTreeMap<SubscriptionKey, Registration>>);

impl Registrations {
    fn first(&self, key: &SubscriptionKey, start: Start, now: Timestamp) -> Registration {
        let mut registrations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = registrations.entry(key.clone());
        first.or_insert_with(|| Registration { key: key.clone(), start, started_at: now }).clone()
    }
}

/// Begins with the first event, whatever was asked for.
#[derive(Default)]
pub(crate) struct BeginsWithTheFirst {
    registrations: Registrations,
}

impl progress::Flaw for BeginsWithTheFirst {
    fn register<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        start: Start,
        now: Timestamp,
    ) -> Outcome<'a, Registration> {
        Box::pin(async move {
            healthy.register(key, Start::Beginning, now).await?;
            Ok(self.registrations.first(key, start, now))
        })
    }
}

/// Begins with what is committed from then on, whatever was asked for.
#[derive(Default)]
pub(crate) struct BeginsWithTheNext {
    registrations: Registrations,
}

impl progress::Flaw for BeginsWithTheNext {
    fn register<'a>(
        &'a self,
        healthy: &'a MemoryStore,
        key: &'a SubscriptionKey,
        start: Start,
        now: Timestamp,
    ) -> Outcome<'a, Registration> {
        Box::pin(async move {
            healthy.register(key, Start::Now, now).await?;
            Ok(self.registrations.first(key, start, now))
        })
    }
}

/// Notes when it was registered, and begins when somebody first follows.
#[derive(Default)]
pub(crate) struct BeginsWhenItFirstFollows {
    registrations: Registrations,
}

impl Flaw for BeginsWhenItFirstFollows {
    fn progress(self: &Arc<Self>, healthy: &MemoryStore) -> Arc<dyn ProgressStore> {
        Arc::new(progress::Flawed { healthy: healthy.clone(), flaw: self.clone() })
    }

    fn follow(
        self: &Arc<Self>,
        healthy: &MemoryStore,
        key: &SubscriptionKey,
        registration: &Registration,
    ) -> Parts {
        let Registration { start, started_at, .. } = *registration;
        let registered = healthy.register(key, start, started_at).now_or_never();
        registered.expect("a memory store does not wait").expect("a memory store does not fail");
        healthy.follow(key, registration)
    }
}

impl progress::Flaw for BeginsWhenItFirstFollows {
    fn register<'a>(
        &'a self,
        _: &'a MemoryStore,
        key: &'a SubscriptionKey,
        start: Start,
        now: Timestamp,
    ) -> Outcome<'a, Registration> {
        Box::pin(async move { Ok(self.registrations.first(key, start, now)) })
    }
}

/// Begins anew with each part.
#[derive(Default)]
pub(crate) struct BeginsEachTime;

impl Flaw for BeginsEachTime {
    fn follow(
        self: &Arc<Self>,
        healthy: &MemoryStore,
        key: &SubscriptionKey,
        registration: &Registration,
    ) -> Parts {
        let parts = healthy.follow(key, registration);
        if registration.start == Start::Beginning {
            return parts;
        }
        let (healthy, resource_type) = (healthy.clone(), key.resource_type.clone());
        parts.map(move |part| Ok(Part { batches: from_now(&healthy, &resource_type), ..part? })).boxed()
    }
}

/// What a feed says of when a subscription began.
pub(crate) trait Since: Default + Send + Sync + 'static {
    fn since(registration: &Registration) -> Option<Timestamp>;
}

/// Delivers the past to everybody, as such.
#[derive(Default)]
pub(crate) struct DeliversThePast<S> {
    progress: Arc<BeginsWithTheFirst>,
    since: PhantomData<S>,
}

impl<S: Since> Flaw for DeliversThePast<S> {
    fn progress(self: &Arc<Self>, healthy: &MemoryStore) -> Arc<dyn ProgressStore> {
        Arc::new(progress::Flawed { healthy: healthy.clone(), flaw: self.progress.clone() })
    }

    fn follow(
        self: &Arc<Self>,
        healthy: &MemoryStore,
        key: &SubscriptionKey,
        registration: &Registration,
    ) -> Parts {
        let continuity = Continuity::Broken { since: S::since(registration) };
        healthy.follow(key, registration).map(move |part| Ok(Part { continuity, ..part? })).boxed()
    }
}

/// When it was registered, if it began then. It is healthy.
#[derive(Default)]
pub(crate) struct FromItsBeginning;

impl Since for FromItsBeginning {
    fn since(registration: &Registration) -> Option<Timestamp> {
        (registration.start == Start::Now).then_some(registration.started_at)
    }
}

/// Nothing.
#[derive(Default)]
pub(crate) struct FromAnyTime;

impl Since for FromAnyTime {
    fn since(_: &Registration) -> Option<Timestamp> {
        None
    }
}

/// That in seconds.
#[derive(Default)]
pub(crate) struct FromItsBeginningInSeconds;

impl Since for FromItsBeginningInSeconds {
    fn since(registration: &Registration) -> Option<Timestamp> {
        let millis = registration.started_at.as_unix_millis();
        (registration.start == Start::Now).then(|| Timestamp::from_unix_millis(millis / 1_000))
    }
}
