//! The commit loop: decide, validate, write on the condition that nobody was faster, and start over when somebody was.

use std::sync::Arc;

use futures_util::TryStreamExt as _;

use super::{CommitError, Head, Repository, error::InvalidMeta, key::Key};
use crate::{
    Aggregate, AppendError, Appended, Commit, CommitId, EncodedEvent, Event, Json, Moment, StoreError,
    TraceParent,
    codec::{self, RoundTrip},
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

/// What is said about a write beside its events.
#[derive(Debug, Default)]
pub(super) struct Terms {
    /// The versions that the caller accepts; any when there is none. The largest comes last.
    pub(super) expecting: Option<Vec<u64>>,
    pub(super) idempotency_key: Option<CommitId>,
    pub(super) idempotency_scope: Option<Box<str>>,
    /// What a handler's commit has in place of a caller's key, where that is known already.
    pub(super) handling: Option<CommitId>,
    pub(super) meta: Option<Result<Json, InvalidMeta>>,
}

impl Terms {
    /// What makes the commit happen once, as far as it has been said.
    pub(super) fn key(&self) -> Option<Key> {
        match (&self.idempotency_key, &self.handling) {
            (Some(key), _) => Some(Key::of_caller(key, self.idempotency_scope.as_deref())),
            (None, handling) => handling.clone().map(Key::OfHandling),
        }
    }
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
        let key = terms.key();
        let Terms { expecting, meta, .. } = terms;
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
        let mut newest = self.make_sure_of(head).await?;
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
                follows: head.last.as_ref().map(|last| last.id.clone()),
                trace: TraceParent::current(),
                cause: cause.map(Into::into),
                meta: meta.clone(),
            };
            let asked_at = Moment::now();
            match self.inner.store.append(&commit).await {
                Ok(Appended::Now) => {
                    commit.log();
                    head.advance(&commit, state);
                    head.seen = asked_at;
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
                        Some(winner) if lost == 1 && head.apply(&winner).is_ok() => {
                            head.seen = asked_at;
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

    /// Reads on where it is not known whether the store still has what the head is made of. Whether it has read.
    async fn make_sure_of(&self, head: &mut Head<A>) -> Result<bool, StoreError> {
        if head.version == 0 || self.has_kept(head).await {
            return Ok(false);
        }
        self.hydrate(head).await?;
        Ok(true)
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
            if let (Key::OfCaller { key, .. }, Some(events)) = (key, events)
                && !same_events(&commit, events)?
            {
                return Err(CommitError::KeyReused { key: key.to_string() });
            }
            return Ok(Some(commit.last_number()));
        }
        Ok(None)
    }
}

/// Validates the events one after the other, each on the state that those before it lead to. A state is made of the events
/// as they will be read, so that it is the one that their history leads to.
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
    if events.is_empty() {
        return Err(Refused::NoEvents);
    }
    let mut state = state.clone();
    let mut encoded = Vec::with_capacity(events.len());
    for event in events {
        state.validate(event).map_err(Refused::Rejected)?;
        let RoundTrip { stored, read } =
            codec::round_trip(event).map_err(|error| Refused::Store(error.into()))?;
        if read != *event {
            state.validate(&read).map_err(Refused::Rejected)?;
        }
        Arc::make_mut(&mut state).apply(&read);
        encoded.push(stored);
    }
    Ok(Accepted { encoded, state })
}

/// Whether a stored commit holds these events.
fn same_events<E: Event>(commit: &Commit, events: &[E]) -> Result<bool, StoreError> {
    if commit.events.len() != events.len() {
        return Ok(false);
    }
    for (stored, event) in commit.events.iter().zip(events) {
        if !is_same(stored, event)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a stored event is this one. What has one text is one event. Otherwise both the text without the order of lists
/// and the event's own `==` have to say so: either may be too broad by itself.
fn is_same<E: Event>(stored: &EncodedEvent, event: &E) -> Result<bool, StoreError> {
    let Ok(known) = codec::decode::<E>(stored) else { return Ok(false) };
    if known.event_type() != event.event_type() {
        return Ok(false);
    }
    let RoundTrip { stored: new, read } = codec::round_trip(event)?;
    if same_data(stored, &new, Json::equals) {
        return Ok(true);
    }
    if known == read && same_data(stored, &new, Json::equals_but_for_order) {
        return Ok(true);
    }
    // An older event may have had other fields: as it would be stored today.
    Ok(known == *event && same_data(&codec::encode(&known)?, &new, Json::equals_but_for_order))
}

fn same_data(one: &EncodedEvent, other: &EncodedEvent, same: impl Fn(&Json, &Json) -> bool) -> bool {
    match (&one.data, &other.data) {
        (Some(one), Some(other)) => same(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}
