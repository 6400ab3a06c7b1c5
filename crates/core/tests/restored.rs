//! What a process does that goes on while its store is restored to an earlier state.

mod common;

use std::{
    future::ready,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_event_sourcing_core::{
    AppendError, Appended, Commit, CommitError, CommitId, CommitStream, Cursor, EventStore, FindError,
    Moment, Page, Repository, ResourceKey, StoreError,
};
use common::{Product, ProductRenamed, ProductReserved, ProductRestocked};
use futures_core::future::BoxFuture;
use futures_util::{StreamExt as _, stream};

/// A store that can be restored to an earlier state, and may know that it was. Its appends look at nothing but their
/// number, as those of DynamoDB do.
#[derive(Clone, Default)]
struct Restorable {
    commits: Arc<Mutex<Vec<Commit>>>,
    /// The id of the newest commit that was ever restored away.
    lost: Arc<Mutex<Option<CommitId>>>,
    /// What [`EventStore::has_kept`] answers.
    is_sure: Arc<AtomicBool>,
}

impl Restorable {
    fn be_sure(&self, is_sure: bool) {
        self.is_sure.store(is_sure, Ordering::Relaxed);
    }

    /// Goes back to when its resource had that version.
    fn restore(&self, version: u64) {
        let mut commits = self.commits.lock().expect("no test has panicked with it");
        *self.lost.lock().expect("no test has panicked with it") =
            commits.last().map(|commit| commit.id.clone());
        commits.retain(|commit| commit.last_number() <= version);
    }

    fn lost(&self) -> String {
        self.lost.lock().expect("no test has panicked with it").as_ref().expect("it succeeds").to_string()
    }

    fn numbers(&self) -> Vec<u64> {
        self.commits
            .lock()
            .expect("no test has panicked with it")
            .iter()
            .map(|commit| commit.number)
            .collect()
    }
}

impl EventStore for Restorable {
    fn append<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Appended, AppendError>> {
        let mut commits = self.commits.lock().expect("no test has panicked with it");
        let appended = match commits.binary_search_by_key(&commit.number, |other| other.number) {
            Ok(index) if commits[index].id == commit.id => Ok(Appended::Before),
            Ok(index) => Err(AppendError::Conflict(Some(Box::new(commits[index].clone())))),
            Err(index) => {
                commits.insert(index, commit.clone());
                Ok(Appended::Now)
            }
        };
        Box::pin(ready(appended))
    }

    fn read(&self, _: &ResourceKey, after: u64) -> CommitStream {
        let commits = self.commits.lock().expect("no test has panicked with it").clone();
        stream::iter(commits.into_iter().filter(move |commit| commit.number > after).map(Ok)).boxed()
    }

    fn scan(&self, resource_type: &Arc<str>) -> Vec<CommitStream> {
        vec![self.read(&ResourceKey::new(resource_type.clone(), "all"), 0)]
    }

    fn has_kept<'a>(&'a self, _: &'a Arc<str>, _: Moment) -> BoxFuture<'a, bool> {
        Box::pin(ready(self.is_sure.load(Ordering::Relaxed)))
    }

    fn list<'a>(
        &'a self,
        _: &'a Arc<str>,
        _: usize,
        _: Option<&'a Cursor>,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(ready(Ok(Page { ids: Vec::new(), next: None })))
    }
}

/// A store that was restored to version 2 behind the back of a process that has read version 4.
async fn behind_a_warm_process() -> (Restorable, Repository<Product>, ResourceKey) {
    let store = Restorable::default();
    let products = Repository::<Product>::new(store.clone());
    let mut product = products.create(ProductRestocked { amount: 5 }).await.expect("it succeeds");
    for _ in 0..3 {
        product.commit(ProductReserved).await.expect("it succeeds");
    }
    let resource = products.key(product.id());
    store.restore(2);
    (store, products, resource)
}

#[tokio::test]
async fn a_commit_goes_behind_what_the_store_has_and_not_behind_what_the_process_remembers() {
    let (store, products, resource) = behind_a_warm_process().await;
    let product = products.commit(&resource.id, ProductReserved).await.unwrap();
    assert_eq!((product.version(), product.quantity), (3, 3));
    assert_eq!(store.numbers(), [1, 2, 3]);
}

#[tokio::test]
async fn a_decision_is_made_on_what_the_store_has() {
    let (store, products, resource) = behind_a_warm_process().await;
    let sold_out = products.update(&resource.id, |product| product.reserve(5)).await;
    assert!(matches!(sold_out, Err(CommitError::Rejected(_))));
    let product = products.update(&resource.id, |product| product.reserve(4)).await.unwrap();
    assert_eq!((product.version(), product.quantity), (6, 0));
    assert_eq!(store.numbers(), [1, 2, 3]);
}

#[tokio::test]
async fn a_resource_at_hand_is_what_the_store_has_once_it_is_hydrated_or_committed_to() {
    for hydrate in [true, false] {
        let (store, products, resource) = behind_a_warm_process().await;
        store.be_sure(true);
        let mut product = products.find_one_at(&resource.id, 4).await.unwrap();
        store.be_sure(false);
        if hydrate {
            product.hydrate().await.unwrap();
            assert_eq!((product.version(), product.quantity), (2, 4));
        } else {
            assert_eq!(product.commit(ProductReserved).await.unwrap(), 3);
        }
        assert_eq!(products.find_one(&resource.id).await.unwrap().version(), product.version());
    }
}

#[tokio::test]
async fn a_version_that_was_rolled_back_is_no_longer_found() {
    let (_, products, resource) = behind_a_warm_process().await;
    let Err(FindError::NoSuchVersion { version: 4, actual: 2, .. }) =
        products.find_one_at(&resource.id, 4).await
    else {
        panic!("found")
    };
    assert_eq!(products.find_one_at(&resource.id, 2).await.unwrap().quantity, 4);
}

#[tokio::test]
async fn a_find_notices_also_where_the_store_takes_itself_for_unchanged() {
    let (store, products, resource) = behind_a_warm_process().await;
    store.be_sure(true);
    let product = products.find_one(&resource.id).await.unwrap();
    assert_eq!((product.version(), product.quantity), (2, 4));
    products.commit(&resource.id, ProductReserved).await.unwrap();
    assert_eq!(store.numbers(), [1, 2, 3]);
}

#[tokio::test]
async fn a_resource_that_is_gone_altogether_is_not_found() {
    let (store, products, resource) = behind_a_warm_process().await;
    store.restore(0);
    assert!(matches!(products.find_one(&resource.id).await, Err(FindError::NotFound { .. })));
    store.restore(0);
    let refused = products.commit(&resource.id, ProductReserved).await;
    assert!(matches!(refused, Err(CommitError::NotFound { .. })));
    assert_eq!(store.numbers(), [] as [u64; 0]);
}

#[tokio::test]
async fn what_others_have_written_since_is_taken_over() {
    let (store, products, resource) = behind_a_warm_process().await;
    let other = Repository::<Product>::new(store.clone());
    for version in 3..=6 {
        let product = other.commit(&resource.id, ProductRenamed(version.to_string())).await.unwrap();
        assert_eq!(product.version(), version);
        if version == 4 {
            // Its last version is there, and it is another commit.
            assert_eq!(products.find_one(&resource.id).await.unwrap().name, "4");
        }
    }
    store.be_sure(true);
    let product = products.commit(&resource.id, ProductReserved).await.unwrap();
    assert_eq!((product.version(), product.quantity, &*product.name), (7, 3, "6"));
    assert_eq!(store.numbers(), [1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn an_idempotency_key_that_was_rolled_back_is_one_that_nobody_has_used() {
    let store = Restorable::default();
    let products = Repository::<Product>::new(store.clone());
    let product = products.create(ProductRestocked { amount: 5 }).await.unwrap();
    let resource = products.key(product.id());
    products.commit(&resource.id, ProductReserved).idempotency_key("k").await.unwrap();
    store.restore(1);
    let product = products.commit(&resource.id, ProductReserved).idempotency_key("k").await.unwrap();
    assert_eq!((product.version(), product.quantity), (2, 4));
    assert_eq!(store.numbers(), [1, 2]);
}

/// The error of a process that reads a history for the first time, and the reason behind it.
async fn error_of(store: &Restorable, resource: &ResourceKey) -> (String, String) {
    let cold = Repository::<Product>::new(store.clone());
    let Err(FindError::Unreadable(error)) = cold.find_one(&resource.id).await else { panic!("found") };
    let reason = std::error::Error::source(&error).expect("it succeeds").to_string();
    (error.to_string().replace(resource.id.as_str(), "p"), reason)
}

#[tokio::test]
async fn a_history_that_was_broken_all_the_same_says_how() {
    // Written behind a history that was rolled back: what only a store that is wrongly sure of itself lets happen.
    let (store, products, resource) = behind_a_warm_process().await;
    store.be_sure(true);
    let follows = store.lost();
    products.commit(&resource.id, ProductReserved).await.unwrap();
    assert_eq!(store.numbers(), [1, 2, 5]);
    let (error, reason) = error_of(&store, &resource).await;
    assert_eq!(error, "event 3 of product p cannot be read");
    assert_eq!(
        reason,
        format!(
            "number 5 follows the commit {follows:?}, which is not there: the store was restored to an earlier state, or \
             events were deleted, while a process went on writing"
        )
    );

    // The same when others had come as far by then.
    let (store, products, resource) = behind_a_warm_process().await;
    store.be_sure(true);
    let follows = store.lost();
    let other = Repository::<Product>::new(store.clone());
    other.commit(&resource.id, ProductReserved).await.unwrap();
    other.commit(&resource.id, ProductReserved).await.unwrap();
    products.commit(&resource.id, ProductReserved).await.unwrap();
    assert_eq!(store.numbers(), [1, 2, 3, 4, 5]);
    let (error, reason) = error_of(&store, &resource).await;
    assert_eq!(error, "event 5 of product p cannot be read");
    assert_eq!(
        reason,
        format!(
            "number 5 follows the commit {follows:?}, and not the one before it: the store was restored to an earlier \
             state while a process went on writing, and two histories are mixed"
        )
    );

    // Of commits that do not name the one before, it is known that some are missing.
    let old = Commit { number: 7, follows: None, ..store.commits.lock().unwrap()[1].clone() };
    store.commits.lock().unwrap().truncate(2);
    store.commits.lock().unwrap().push(old);
    let (error, reason) = error_of(&store, &resource).await;
    assert_eq!(error, "event 3 of product p cannot be read");
    assert_eq!(reason, "the history goes on with number 7 where number 3 should be");
}
