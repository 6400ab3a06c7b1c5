//! What laws do to a store and see of it. All of it fails the law when the store fails.

use std::{error::Error, future::poll_fn, panic::resume_unwind, pin::pin, sync::Arc, task::Poll};

use aws_event_sourcing_core::{
    AppendError, Appended, Commit, CommitStream, Cursor, Page, ResourceId, ResourceKey, StoreErrorKind,
    limits::{self, LimitExceeded},
};
use futures_util::TryStreamExt as _;
use tokio::task::JoinSet;

use crate::{
    compare::{assert_same, difference, name},
    sample,
    subject::Store,
};

/// Appends a commit that is not there yet.
pub(crate) async fn store(store: &Store, commit: &Commit) {
    match append(store, commit).await {
        Appended::Now => {}
        Appended::Before => panic!("{} was not there yet, and the store says that it was", name(commit)),
    }
}

/// Appends a commit that has nothing in its way.
pub(crate) async fn append(store: &Store, commit: &Commit) -> Appended {
    match store.append(commit).await {
        Ok(appended) => appended,
        Err(AppendError::Conflict(_)) => {
            panic!("{} has nothing in its way, and met a conflict", name(commit))
        }
        Err(AppendError::Store(error)) => panic!("{} should be stored: {}", name(commit), explain(&error)),
    }
}

/// Appends a commit whose number another commit has; `winner` is that other one.
pub(crate) async fn lose(store: &Store, commit: &Commit, winner: &Commit) {
    match store.append(commit).await {
        Ok(appended) => panic!("{} was taken, and another commit was accepted: {appended:?}", name(winner)),
        Err(AppendError::Conflict(in_the_way)) => assert_in_the_way(winner, in_the_way.as_deref()),
        Err(AppendError::Store(error)) => {
            panic!("{} should meet a conflict: {}", name(commit), explain(&error))
        }
    }
}

/// Fails if a conflict names another commit than the one that is in the way. It may name none.
pub(crate) fn assert_in_the_way(winner: &Commit, in_the_way: Option<&Commit>) {
    if let Some(difference) = in_the_way.and_then(|in_the_way| difference(winner, in_the_way)) {
        panic!("the commit that a conflict names is not the one in the way: {difference}");
    }
}

/// Appends a commit that is beyond a limit, sees it refused for that reason, and tells the limit.
pub(crate) async fn be_refused(store: &Store, commit: &Commit) -> LimitExceeded {
    let limit = limits::check(commit).expect_err("the sample should be beyond a limit");
    let error = match store.append(commit).await {
        Ok(appended) => panic!("{} should have been refused ({limit}): {appended:?}", name(commit)),
        Err(AppendError::Conflict(_)) => {
            panic!("{} should have been refused ({limit}), not conflict", name(commit))
        }
        Err(AppendError::Store(error)) => error,
    };
    let reason = error.source().and_then(|source| source.downcast_ref::<LimitExceeded>());
    assert_eq!(reason, Some(&limit), "the source of this error should be the limit: {}", explain(&error));
    assert_eq!(error.kind(), StoreErrorKind::TooLarge, "the kind of this error: {}", explain(&error));
    limit
}

/// Appends commits of so many events to a resource that is not there yet, and gives them.
pub(crate) async fn grow(
    store: &Store,
    resource: &ResourceKey,
    events: impl IntoIterator<Item = usize>,
) -> Vec<Commit> {
    let commits = plan(resource, events);
    for commit in &commits {
        self::store(store, commit).await;
    }
    commits
}

/// The history that [`grow`] appends.
pub(crate) fn plan(resource: &ResourceKey, events: impl IntoIterator<Item = usize>) -> Vec<Commit> {
    let numbers = events.into_iter().scan(1, |next, events| {
        let number = *next;
        *next += events as u64;
        Some((number, events))
    });
    numbers.map(|(number, events)| sample::commit(resource, number, events)).collect()
}

/// Has each commit of a history say which one it follows.
pub(crate) fn follow_one_another(commits: &mut [Commit]) {
    let mut before = None;
    for commit in commits {
        commit.follows = before.replace(commit.id.clone());
    }
}

/// The commits that a store gives of a resource behind a version.
pub(crate) async fn read(store: &Store, resource: &ResourceKey, after: u64) -> Vec<Commit> {
    all_of(store.read(resource, after), "read").await
}

/// What is left in a stream.
pub(crate) async fn all_of(stream: CommitStream, what: &str) -> Vec<Commit> {
    stream.try_collect().await.unwrap_or_else(|error| panic!("a {what} failed: {}", explain(&error)))
}

/// Fails if the history of a resource is not exactly this one.
pub(crate) async fn assert_history(store: &Store, resource: &ResourceKey, written: &[Commit]) {
    assert_same("the history", written, &read(store, resource, 0).await);
}

/// All streams of a scan, each whole, read side by side.
pub(crate) async fn scan(store: &Store, resource_type: &Arc<str>) -> Vec<Vec<Commit>> {
    let streams = store.scan(resource_type);
    assert!(!streams.is_empty(), "a scan gives at least one stream, and this one gave none");
    side_by_side(streams.into_iter().map(|stream| all_of(stream, "scan"))).await
}

/// One page of a list.
pub(crate) async fn page(
    store: &Store,
    resource_type: &Arc<str>,
    limit: usize,
    after: Option<&Cursor>,
) -> Page {
    let page = store.list(resource_type, limit, after).await;
    let page = page.unwrap_or_else(|error| panic!("a list failed: {}", explain(&error)));
    assert!(page.ids.len() <= limit.max(1), "a page of at most {limit} ids has {}", page.ids.len());
    page
}

/// All ids of a list, in pages of at most `limit`. Cursors are carried as text, as clients do.
pub(crate) async fn walk(store: &Store, resource_type: &Arc<str>, limit: usize) -> Vec<ResourceId> {
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let Page { ids: more, next } = page(store, resource_type, limit, after.as_ref()).await;
        assert!(!more.is_empty() || next.is_none(), "a page with nothing on it has a next page");
        ids.extend(more);
        match next {
            Some(next) => after = Some(by_way_of_a_client(&next)),
            None => return ids,
        }
    }
}

/// The cursor as it comes back from a client that was given it.
pub(crate) fn by_way_of_a_client(cursor: &Cursor) -> Cursor {
    let text = cursor.to_string();
    text.parse().unwrap_or_else(|error| panic!("a cursor should be readable from its text {text}: {error}"))
}

/// Runs each future as a task of its own; their results in the same order. A panic in one is a panic here.
pub(crate) async fn side_by_side<F>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for (index, future) in futures.into_iter().enumerate() {
        tasks.spawn(async move { (index, future.await) });
    }
    let mut results = Vec::with_capacity(tasks.len());
    while let Some(result) = tasks.join_next().await {
        results.push(result.unwrap_or_else(|error| resume_unwind(error.into_panic())));
    }
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Polls a future so many times, unless it is done before, and drops it at once.
pub(crate) async fn drop_after_polls<F: Future>(future: F, polls: usize) {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 || future.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        if left == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Appends histories side by side, a few at a time, each in its order.
pub(crate) async fn store_all(store: &Store, histories: &[Vec<Commit>]) {
    const AT_A_TIME: usize = 16;
    side_by_side((0..AT_A_TIME).map(|first| {
        let histories: Vec<_> = histories.iter().skip(first).step_by(AT_A_TIME).cloned().collect();
        let store = store.clone();
        async move {
            for commit in histories.iter().flatten() {
                self::store(&store, commit).await;
            }
        }
    }))
    .await;
}

/// An error with all its sources.
pub(crate) fn explain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
