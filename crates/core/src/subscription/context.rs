//! [`Context`]: what a handler knows beside the event, and what its commits carry along.

use std::{
    cell::RefCell,
    collections::HashMap,
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use uuid::Uuid;

use crate::{CommitId, ResourceId, ResourceKey, TraceParent, limits::MAX_COMMIT_ID_BYTES};

thread_local! {
    static CURRENT: RefCell<Option<Context>> = const { RefCell::new(None) };
}

/// The circumstances in which an event is handled. Cheap to clone.
///
/// # What a handler commits happens once
///
/// Every commit that is made while the handler runs, through whatever repository, however deep in the user's code,
///
/// - has a key of its own, made from the [cause](Self::cause): when the event is handled again, the commit is found in
///   its resource's history and is not made again. A resource that a handler creates without naming an id has one that
///   is made from the key, and is found too;
/// - records the cause, and is part of the event's trace.
///
/// A commit with an [idempotency key](crate::Write::idempotency_key) of the caller's own keeps that, and records the
/// cause.
///
/// When one handling commits to one resource several times, or creates several of one type, the second of them has the
/// number 2 behind its key, and so on: a handler that is called again has to commit in the same order. What the
/// repeated commit would hold does not matter; what was committed the first time stays.
///
/// Tasks that a handler spawns are not part of it, unless they run inside [`scope`](Self::scope).
#[derive(Debug, Clone)]
pub struct Context(Arc<Handling>);

#[derive(Debug)]
struct Handling {
    subscription: Arc<str>,
    cause: Box<str>,
    attempt: u32,
    occasion: Occasion,
    commits: Mutex<HashMap<Target, u32>>,
}

/// What is committed to: a resource of a type or, without an id, a new one.
type Target = (Arc<str>, Option<ResourceId>);

/// How an event came to be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The feed delivered it.
    Delivered,
    /// Its resource is parked, and it is tried again.
    Redriven,
}

impl Context {
    pub(super) fn new(subscription: Arc<str>, cause: Box<str>, attempt: u32, occasion: Occasion) -> Self {
        Self(Arc::new(Handling { subscription, cause, attempt, occasion, commits: Mutex::default() }))
    }

    /// The subscription's name.
    #[must_use]
    pub fn subscription(&self) -> &str {
        &self.0.subscription
    }

    /// What the handler's commits record as their cause: `subscription/resource id/number`. The same whenever this
    /// event is handled by this subscription: use it as the idempotency key of calls to other systems.
    ///
    /// A subscription of several resource types has `subscription:type/resource id/number` for all but the first of them.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.0.cause
    }

    /// How often this event has been tried, this time included: 1 for the first.
    ///
    /// A process that ends forgets the attempts that it has made, unless they led to the resource being parked.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// Whether the resource is parked, and the event tried again.
    #[must_use]
    pub fn is_redrive(&self) -> bool {
        self.0.occasion == Occasion::Redriven
    }

    /// Runs a future as part of this handling, as the handler itself is run: for what is spawned. The future keeps the
    /// trace that it finds.
    pub async fn scope<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(move |context| {
            let _entered = Entered(CURRENT.replace(Some(self.clone())));
            future.as_mut().poll(context)
        })
        .await
    }

    /// The handling that the running code is part of, if any.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// The key of the next commit to a resource of that type: to that one, or to a new one without an id yet.
    pub(crate) fn next_key(&self, resource_type: &Arc<str>, id: Option<&ResourceId>) -> CommitId {
        let mut commits = self.0.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let number = commits.entry((resource_type.clone(), id.cloned())).or_default();
        *number += 1;
        let key = match *number {
            1 => self.0.cause.to_string(),
            number => format!("{}/{number}", self.0.cause),
        };
        if key.len() > MAX_COMMIT_ID_BYTES {
            // The id of the resource is longer than a key can be. Part of the stored form: never changes.
            return Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()).into();
        }
        key.into()
    }

    /// The id of a resource that a handler creates with this key. Not the one that a client comes to with the same
    /// key: see [`ResourceId::from_idempotency_key`].
    pub(crate) fn resource_id(resource_type: &str, key: &CommitId) -> ResourceId {
        // Part of the stored form: never changes.
        Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{resource_type}/{key}").as_bytes()).into()
    }

    /// The resource key that an event of a subscription has as a cause.
    pub(super) fn cause_of(origin: &str, resource: &ResourceKey, number: u64) -> Box<str> {
        format!("{origin}/{}/{number}", resource.id).into()
    }
}

/// Puts back on drop, also in a panic, what was current before.
struct Entered(Option<Context>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// Runs a handler's future within its handling and its trace.
pub(super) async fn within<F: Future>(context: &Context, trace: TraceParent, future: F) -> F::Output {
    trace.scope(context.scope(future)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_ids_are_part_of_the_stored_form() {
        let product = Arc::from("product");
        let context = Context::new("reorders".into(), "reorders/p-1/7".into(), 1, Occasion::Delivered);
        let key = |id: Option<&str>| context.next_key(&product, id.map(ResourceId::from).as_ref());
        assert_eq!(key(Some("p-2")).as_str(), "reorders/p-1/7");
        assert_eq!(key(Some("p-2")).as_str(), "reorders/p-1/7/2");
        assert_eq!(key(Some("p-3")).as_str(), "reorders/p-1/7");
        let of_new = key(None);
        assert_eq!(of_new.as_str(), "reorders/p-1/7");
        let id = Context::resource_id("product", &of_new);
        assert_ne!(id, ResourceId::from_idempotency_key("product", of_new.as_str()));
        assert_eq!(id.as_str(), "84fe10a3-fb14-5a45-b15a-a0112b448a1e");
    }

    #[test]
    fn a_key_that_would_be_too_long_is_shortened() {
        let cause = format!("s/{}/1", "x".repeat(2048));
        let context = Context::new("s".into(), cause.into(), 1, Occasion::Delivered);
        let keys = [0; 2].map(|_| context.next_key(&"t".into(), None));
        assert!(keys.iter().all(|key| key.as_str().len() == 36));
        assert_ne!(keys[0], keys[1]);
    }
}
