//! [`Cause`]: what led to the commits of a handler, and has them happen once.

use std::{
    cell::RefCell,
    collections::HashMap,
    fmt,
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use uuid::Uuid;

use crate::{CommitId, ResourceId, limits::MAX_COMMIT_ID_BYTES};

thread_local! {
    static CURRENT: RefCell<Option<Cause>> = const { RefCell::new(None) };
}

/// What is being handled, as the commits that come of it record it. Cheap to clone.
///
/// A subscription has one for each event that it hands over, and a service for each message: their handlers have nothing to
/// do. It is for those who hand over something else that may come again, such as the messages of another system:
///
/// ```
/// # use aws_event_sourcing_core::{Aggregate, Repository, subscription::{Cause, Failure}};
/// # async fn example<Product: Aggregate>(
/// #     products: Repository<Product>, offset: u64, restocked: Product::Event,
/// # ) -> Result<(), Failure> {
/// Cause::new(format!("kafka/restocked/{offset}"))
///     .scope(async {
///         products.create(restocked).await?;
///         Ok(())
///     })
///     .await
/// # }
/// ```
///
/// # What is committed happens once
///
/// Every commit that is made inside of [`scope`](Self::scope), through whatever repository, however deep in the user's code,
///
/// - has a key of its own, made from this text: when the same comes again, the commit is found in its resource's history
///   and is not made again. A resource that is created without an id has one that is made from the key, and is found too;
/// - records this text as its cause.
///
/// A commit with an [idempotency key](crate::Write::idempotency_key) of the caller's own keeps that, and records the
/// cause.
///
/// When one handling commits to one resource several times, or creates several of one type, the second of them has the
/// number 2 behind its key, and so on: what is handled again has to commit in the same order. What the repeated commit
/// would hold does not matter; what was committed the first time stays.
///
/// A client that names such a text as its idempotency key takes nothing away: the key is one of a handler only together with
/// the recorded cause, which a client cannot set.
#[derive(Clone)]
pub struct Cause(Arc<Handling>);

struct Handling {
    cause: Box<str>,
    commits: Mutex<HashMap<Target, u32>>,
}

/// What is committed to: a resource of a type or, without an id, a new one.
type Target = (Arc<str>, Option<ResourceId>);

impl Cause {
    /// The cause of one handling: another one each time that something is handled, with the same text when the same comes
    /// again, and a text that nothing else has. Those of subscriptions are `subscription/resource id/number`.
    ///
    /// # Panics
    ///
    /// When the text is empty.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        let cause = text.into();
        assert!(!cause.is_empty(), "a cause has to say what it is");
        Self(Arc::new(Handling { cause, commits: Mutex::default() }))
    }

    /// The cause as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.cause
    }

    /// The cause of what the running code commits, if it is part of a handling.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Runs a future as part of this handling. What it spawns on its own is not.
    pub async fn scope<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(move |context| {
            let _entered = Entered(CURRENT.replace(Some(self.clone())));
            future.as_mut().poll(context)
        })
        .await
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
            // A cause may be longer than a key can be. Part of the stored form: never changes.
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
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cause").field(&self.as_str()).finish()
    }
}

/// Puts back on drop, also in a panic, what was current before.
struct Entered(Option<Cause>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_ids_are_part_of_the_stored_form() {
        let product = Arc::from("product");
        let cause = Cause::new("reorders/p-1/7");
        let key = |id: Option<&str>| cause.next_key(&product, id.map(ResourceId::from).as_ref());
        assert_eq!(key(Some("p-2")).as_str(), "reorders/p-1/7");
        assert_eq!(key(Some("p-2")).as_str(), "reorders/p-1/7/2");
        assert_eq!(key(Some("p-3")).as_str(), "reorders/p-1/7");
        let of_new = key(None);
        assert_eq!(of_new.as_str(), "reorders/p-1/7");
        let id = Cause::resource_id("product", &of_new);
        assert_ne!(id, ResourceId::from_idempotency_key("product", of_new.as_str()));
        assert_eq!(id.as_str(), "84fe10a3-fb14-5a45-b15a-a0112b448a1e");
    }

    #[test]
    fn a_key_that_would_be_too_long_is_shortened() {
        let cause = Cause::new(format!("s/{}/1", "x".repeat(2048)));
        let keys = [0; 2].map(|_| cause.next_key(&"t".into(), None));
        assert!(keys.iter().all(|key| key.as_str().len() == 36));
        assert_ne!(keys[0], keys[1]);
    }
}
