//! [`Registrations`]: what is known of a function's subscriptions for as long as its process lives.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use aws_event_sourcing_core::{
    StoreError,
    subscription::{Registration, Source, Subscription, SubscriptionKey},
};

/// What is noted of subscriptions, so that it is asked for once.
#[derive(Debug, Default)]
pub(crate) struct Registrations(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    registered: HashMap<SubscriptionKey, Registration>,
    /// Those that have handled what happened before they were handed anything.
    caught_up: HashSet<SubscriptionKey>,
}

impl Registrations {
    /// What a subscription has noted the first time that it ran.
    pub(super) async fn of(
        &self,
        subscription: &Subscription,
        resource_type: &str,
        source: &Source,
    ) -> Result<Registration, StoreError> {
        let key = SubscriptionKey::new(subscription.name(), resource_type);
        if let Some(known) = self.known().registered.get(&key) {
            return Ok(known.clone());
        }
        let registration = subscription.register(resource_type, &*source.progress).await?;
        let registration = registration.expect("it follows that type");
        self.known().registered.insert(key, registration.clone());
        Ok(registration)
    }

    /// Whether it is known that a subscription has caught up.
    pub(super) fn has_caught_up(&self, key: &SubscriptionKey) -> bool {
        self.known().caught_up.contains(key)
    }

    pub(super) fn caught_up(&self, key: SubscriptionKey) {
        self.known().caught_up.insert(key);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing that runs under the lock can leave it half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
