//! The commit loop: decide, validate, write on the condition that nobody was faster, and start over when somebody was.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use serde_json::Value;

use super::{CommitError, Head, Repository, error::InvalidMeta};
use crate::{
    Aggregate, AppendError, Appended, Commit, CommitId, EncodedEvent, Json, StoreError, TraceParent, codec,
    subscription::Cause,
};

/// What a write wants to happen.
pub(crate) enum Intent<'a, A: Aggregate> {
    /// These events, whatever the state.
    Events(Vec<A::Event>),
    /// What this says of the state.
    Decide(Decide<'a, A>),
}

type Decide<'a, A> = Box<dyn FnMut(&A) -> Decision<A> + Send + 'a>;

type Decision<A> = Result<Vec<<A as Aggregate>::Event>, <A as Aggregate>::Error>;

impl<A: Aggregate> Intent<'_, A> {
    pub(crate) fn events(events: impl IntoIterator<Item = A::Event>) -> Self {
        Self::Events(events.into_iter().collect())
    }

    /// The events, where they do not depend on state.
    fn fixed(&self) -> Option<&[A::Event]> {
        match self {
            Self::Events(events) => Some(events),
            Self::Decide(_) => None,
        }
    }
}

/// What a caller may say about a write beside its events.
#[derive(Debug, Default)]
pub(super) struct Terms {
    /// The versions that the caller accepts; any when there is none. The largest comes last.
    pub(super) expecting: Option<Vec<u64>>,
    pub(super) key: Option<Key>,
    pub(super) meta: Option<Result<Json, InvalidMeta>>,
}

/// What makes a commit happen once. A caller and a handler may come to the same text: their keys are different ones all
/// the same.
#[derive(Debug, Clone)]
pub(super) enum Key {
    /// An idempotency key.
    OfCaller(CommitId),
    /// Made for a commit of a handler, from the event that it handles.
    OfHandling(CommitId),
}

impl Key {
    fn id(&self) -> &CommitId {
        match self {
            Self::OfCaller(id) | Self::OfHandling(id) => id,
        }
    }

    /// Whether a stored commit was made with this key.
    fn made(&self, commit: &Commit, cause: Option<&str>) -> bool {
        commit.id == *self.id()
            && match self {
                // A handler may name its own cause as the key.
                Self::OfCaller(_) => {
                    !is_of_handling(commit) || cause.is_some() && commit.cause.as_deref() == cause
                }
                Self::OfHandling(_) => commit.cause.as_deref() == cause,
            }
    }
}

/// Whether a handler made this commit, and named no key of its own for it.
fn is_of_handling(commit: &Commit) -> bool {
    commit.cause.as_deref().is_some_and(|cause| commit.id.as_str().starts_with(cause))
}

/// Events that may happen, and the state that they lead to.
struct Accepted<A> {
    encoded: Vec<EncodedEvent>,
    state: Arc<A>,
}

/// Why there is nothing to write yet.
enum Refused<E> {
    Rejected(E),
    NoEvents,
    Store(StoreError),
}

impl<A: Aggregate> Repository<A> {
    /// Writes what `intent` says and moves the head on. The version that the commit reached, which is in the past of
    /// the head when the commit is one that was made before.
    pub(super) async fn write(
        &self,
        head: &mut Head<A>,
        mut intent: Intent<'_, A>,
        terms: Terms,
    ) -> Result<u64, CommitError<A::Error>> {
        let Terms { expecting, key, meta } = terms;
        let meta = meta.transpose().map_err(StoreError::from)?;
        let cause = Cause::current();
        let key = key.or_else(|| {
            let key = cause.as_ref()?.next_key(&head.resource.resource_type, Some(&head.resource.id));
            Some(Key::OfHandling(key))
        });
        let cause = cause.as_ref().map(Cause::as_str);
        let _turn = self.inner.turns.wait(&head.resource.id).await;
        self.take_newer(head);
        // Only reading to the end shows that a state is the newest.
        let mut newest = false;
        let mut lost = 0;
        loop {
            if let Some(key) = &key
                && let Some(version) = self.committed_before(head, key, cause, intent.fixed()).await?
            {
                if head.version < version {
                    self.hydrate(head).await?;
                }
                return Ok(version);
            }
            let acceptable = match &expecting {
                Some(versions) => versions.contains(&head.version),
                None => head.version > 0,
            };
            if !acceptable {
                let largest = expecting.as_ref().map(|versions| versions.last().copied().unwrap_or(u64::MAX));
                match largest {
                    Some(expected) if newest || head.version > expected => {
                        return Err(CommitError::Conflict { expected, actual: head.version });
                    }
                    None if newest => return Err(CommitError::NotFound { resource: head.resource.clone() }),
                    _ => {
                        self.hydrate(head).await?;
                        newest = true;
                        continue;
                    }
                }
            }
            let Accepted { encoded, state } = match accept(&head.state, &mut intent) {
                Ok(accepted) => accepted,
                Err(Refused::Store(error)) => return Err(error.into()),
                Err(Refused::Rejected(error)) if newest => return Err(CommitError::Rejected(error)),
                Err(Refused::NoEvents) if newest => return Ok(head.version),
                Err(Refused::Rejected(_) | Refused::NoEvents) => {
                    self.hydrate(head).await?;
                    newest = true;
                    continue;
                }
            };
            if lost >= self.inner.retry.attempts.max(1) {
                return Err(CommitError::Contended { attempts: lost });
            }
            let commit = Commit {
                resource: head.resource.clone(),
                number: head.version + 1,
                events: encoded,
                at: self.inner.clock.now(),
                id: key.as_ref().map_or_else(|| self.inner.ids.commit_id(), |key| key.id().clone()),
                trace: TraceParent::current(),
                cause: cause.map(Into::into),
                meta: meta.clone(),
            };
            match self.inner.store.append(&commit).await {
                Ok(Appended::Now) => {
                    commit.log();
                    head.advance(&commit, state);
                    self.remember(head);
                    return Ok(head.version);
                }
                Ok(Appended::Before) => {
                    self.hydrate(head).await?;
                    newest = true;
                    if key.is_none() {
                        return Ok(commit.last_number());
                    }
                }
                Err(AppendError::Conflict(winner)) => {
                    lost += 1;
                    match winner {
                        // Whoever loses once has probably missed one commit. Whoever loses again has missed more.
                        Some(winner) if lost == 1 => {
                            head.apply(&winner)?;
                            self.remember(head);
                            newest = false;
                        }
                        _ => {
                            if let Some(pause) = self.inner.retry.pause(lost) {
                                tokio::time::sleep(pause).await;
                            }
                            self.hydrate(head).await?;
                            newest = true;
                        }
                    }
                }
                Err(AppendError::Store(error)) => return Err(error.into()),
            }
        }
    }

    /// Moves to what the cache has, when that is newer. A head inside a commit starts over.
    fn take_newer(&self, head: &mut Head<A>) {
        let known = self.known(head.resource.clone());
        if known.version > head.version || !head.can_move_on() {
            *head = known;
        }
    }

    /// The version that the commit with this key reached, if there is one.
    async fn committed_before(
        &self,
        head: &Head<A>,
        key: &Key,
        cause: Option<&str>,
        events: Option<&[A::Event]>,
    ) -> Result<Option<u64>, CommitError<A::Error>> {
        for number in head.history.candidates(key.id()) {
            let commit = self.inner.store.read(&head.resource, number - 1).try_next().await?;
            let Some(commit) = commit.filter(|commit| key.made(commit, cause)) else { continue };
            if let (Key::OfCaller(key), Some(events)) = (key, events)
                && !same_events(&commit, events)?
            {
                return Err(CommitError::KeyReused { key: key.to_string() });
            }
            return Ok(Some(commit.last_number()));
        }
        Ok(None)
    }
}

/// Validates the events one after the other, each on the state that those before it lead to.
fn accept<A: Aggregate>(
    state: &Arc<A>,
    intent: &mut Intent<'_, A>,
) -> Result<Accepted<A>, Refused<A::Error>> {
    let decided;
    let events = match intent {
        Intent::Events(events) => &*events,
        Intent::Decide(decide) => {
            decided = decide(state).map_err(Refused::Rejected)?;
            &decided
        }
    };
    let mut state = state.clone();
    for event in events {
        state.validate(event).map_err(Refused::Rejected)?;
        Arc::make_mut(&mut state).apply(event);
    }
    if events.is_empty() {
        return Err(Refused::NoEvents);
    }
    let encoded = events.iter().map(codec::encode).collect::<Result<_, _>>();
    encoded.map(|encoded| Accepted { encoded, state }).map_err(|error| Refused::Store(error.into()))
}

/// Whether a stored commit holds these events. A store may write a number or the order of keys differently, and an
/// older event may lack fields that have a default by now: both sides are compared as they would be encoded today.
fn same_events<E: crate::Event>(commit: &Commit, events: &[E]) -> Result<bool, StoreError> {
    if commit.events.len() != events.len() {
        return Ok(false);
    }
    for (stored, event) in commit.events.iter().zip(events) {
        let Ok(stored) = codec::decode::<E>(stored) else { return Ok(false) };
        let (stored, event) = (codec::encode(&stored)?, codec::encode(event)?);
        if stored.event_type != event.event_type || value(stored.data) != value(event.data) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn value(data: Option<Json>) -> Option<Value> {
    data.and_then(|data| data.decode().ok())
}
