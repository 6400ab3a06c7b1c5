//! [`run`]: redrives what is parked, again and again, until it is handled. The shell around [`Redrive`].
//!
//! Any number of redrivers may be at it, in this process and others: a marker is claimed before it is touched.

use std::{collections::HashSet, future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use futures_core::future::BoxFuture;
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{Either, select},
    stream::FuturesUnordered,
};
use tokio::time::{Instant, sleep};

use super::{
    ParkedCursor, ParkedPage, Progress, Redriven, Swap,
    clock::too_far,
    context::Occasion,
    follow::{Follower, failed},
    history::{History, unreadable},
    redrive::{End, Redrive, Step},
};
use crate::{ErrorChain, ResourceId, ResourceKey, StoreError};

/// How often it is looked for what is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked for what would be due too far in the future, as it is when a clock was ahead. As rarely as this
/// also so that processes whose clocks differ by more than a pause do not keep taking resources from each other.
const LOOK_TOO_FAR_EVERY: Duration = Duration::from_secs(60);

/// How many parked resources are looked at, and redriven, at a time.
const PAGE: usize = 100;

/// How often a claim is renewed while an event is being handled.
const RENEW_EVERY: Duration = Duration::from_secs(3);

/// Redrives until it is told to stop. Everything that is parked is tried when it begins: what was wrong may have been
/// mended while nothing ran. From then on each resource is tried when its time has come, or when that is too far away.
pub(super) async fn run(follower: &Arc<Follower>) {
    let mut running: FuturesUnordered<BoxFuture<'static, (ResourceId, Option<End>)>> =
        FuturesUnordered::new();
    let mut under_way = HashSet::new();
    let mut found = look(follower.clone(), Range::All(None));
    let mut stopped = pin!(follower.stop.requested().fuse());
    let mut stops = false;
    while !(stops && running.is_empty()) {
        let has_room = running.len() < PAGE;
        let page = poll_fn(|context| {
            if stopped.poll_unpin(context).is_ready() {
                stops = true;
                return Poll::Ready(None);
            }
            if let Poll::Ready(Some((id, _))) = running.poll_next_unpin(context) {
                under_way.remove(&id);
                return Poll::Ready(None);
            }
            if !stops && has_room {
                return found.poll_unpin(context).map(Some);
            }
            Poll::Pending
        });
        let Some((page, next)) = page.await else { continue };
        for (id, progress) in page {
            if under_way.insert(id.clone()) {
                running.push(Box::pin(redrive(follower.clone(), id, progress)));
            }
        }
        found = look(follower.clone(), next);
    }
}

/// Redrives what is due, each resource once, until there is no more of it or it is told to stop.
pub(super) async fn run_once(follower: &Arc<Follower>) -> Result<Redriven, StoreError> {
    let now = follower.clock.now();
    let too_far = too_far(now, follower.settings.redrive);
    let mut redriven = Redriven::default();
    for (due, mut after) in [(Some(now), None), (None, Some(too_far))] {
        while !follower.stop.is_requested() {
            let progress = &follower.source.progress;
            let page = progress.parked(&follower.binding.key, due, PAGE, after.as_ref()).await?;
            let redrives =
                page.resources.into_iter().map(|(id, progress)| redrive(follower.clone(), id, progress));
            let mut redrives: FuturesUnordered<_> = redrives.collect();
            page.unreadable.iter().for_each(|record| follower.told_of.tell(record));
            while let Some((_, end)) = redrives.next().await {
                match end {
                    Some(End::Released) => redriven.released += 1,
                    Some(End::Failed) | None => redriven.failed += 1,
                    Some(End::NotOurs | End::Stopped) => {}
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(redriven)
}

/// What is looked for.
enum Range {
    /// All that is parked, behind a place.
    All(Option<ParkedCursor>),
    /// What is due, after a while; and from this moment on what is due too far in the future.
    Due(Instant),
    /// What is due too far in the future, behind a place.
    TooFar(ParkedCursor),
}

impl Range {
    /// What is due, for as long as it is.
    fn due() -> Self {
        Self::Due(Instant::now() + LOOK_TOO_FAR_EVERY)
    }
}

/// A page of what is parked, and what to look for next.
fn look(follower: Arc<Follower>, range: Range) -> BoxFuture<'static, (Vec<(ResourceId, Progress)>, Range)> {
    Box::pin(async move {
        let (due, after) = match &range {
            Range::All(after) => (None, after.clone()),
            Range::TooFar(after) => (None, Some(after.clone())),
            Range::Due(_) => {
                sleep(LOOK_EVERY).await;
                (Some(follower.clock.now()), None)
            }
        };
        loop {
            let progress = &follower.source.progress;
            match progress.parked(&follower.binding.key, due, PAGE, after.as_ref()).await {
                Ok(ParkedPage { resources, unreadable, next }) => {
                    unreadable.iter().for_each(|record| follower.told_of.tell(record));
                    let next = match (range, next) {
                        (Range::All(_), Some(place)) => Range::All(Some(place)),
                        (Range::TooFar(_), Some(place)) => Range::TooFar(place),
                        (Range::Due(until), _) if Instant::now() < until => Range::Due(until),
                        (Range::Due(_), _) => {
                            Range::TooFar(too_far(follower.clock.now(), follower.settings.redrive))
                        }
                        (Range::All(_) | Range::TooFar(_), None) => Range::due(),
                    };
                    return (resources, next);
                }
                Err(error) => failed(&follower, "what is parked cannot be looked for now", &error).await,
            }
        }
    })
}

/// Redrives one resource, as far as it goes. Tells how that ended, unless the store failed.
async fn redrive(follower: Arc<Follower>, id: ResourceId, progress: Progress) -> (ResourceId, Option<End>) {
    let _slot = follower.slots.redrive.acquire().await;
    let key = &follower.binding.key;
    let resource = ResourceKey { resource_type: key.resource_type.clone(), id: id.clone() };
    let number = progress.parked.as_ref().map(|parked| parked.number);
    let mut redrive = Redrive::new(resource.clone(), progress);
    let end = drive(&follower, &mut redrive).await;
    match &end {
        Ok(End::Released) => {
            tracing::info!(
                subscription = &*key.subscription, resource_type = &*key.resource_type, %id, number,
                "what was parked is handled"
            );
        }
        Ok(End::Failed | End::NotOurs | End::Stopped) => {}
        Err(error) => {
            tracing::warn!(
                subscription = &*key.subscription, resource_type = &*key.resource_type, %id,
                error = %ErrorChain::of(error),
                "redriving failed, and begins anew in a while"
            );
        }
    }
    (id, end.ok())
}

async fn drive(follower: &Follower, redrive: &mut Redrive) -> Result<End, StoreError> {
    let mut history = History::default();
    loop {
        if follower.stop.is_requested() {
            redrive.stop();
        }
        match redrive.next(follower.clock.now(), follower.settings.redrive) {
            Step::End(end) => return Ok(end),
            Step::Read { after } => match history.read(follower, redrive.resource(), after).await {
                Ok(commits) => redrive.was_read(commits, follower.clock.now()),
                Err(error) => redrive.was_not_handled(unreadable(follower, error)?),
            },
            Step::Swap { seen, next } => swap(follower, redrive, seen, *next).await?,
            Step::Handle => handle(follower, redrive).await?,
        }
    }
}

async fn swap(
    follower: &Follower,
    redrive: &mut Redrive,
    seen: u64,
    next: Progress,
) -> Result<(), StoreError> {
    let id = &redrive.resource().id;
    match follower.source.progress.swap(&follower.binding.key, id, seen, &next, None).await? {
        Swap::Done(revision) => redrive.was_swapped(revision, next),
        Swap::Changed(progress) => redrive.has_changed(progress),
    }
    Ok(())
}

/// Hands the next event over. Renews the claim meanwhile; drops the handler when the claim is lost.
async fn handle(follower: &Follower, redrive: &mut Redrive) -> Result<(), StoreError> {
    let Follower { binding, slots, stop, .. } = follower;
    let Some((commit, index, attempts)) = redrive.next_event() else { return Ok(()) };
    let attempt = attempts.saturating_add(1);
    let handled = binding.invoke(commit, index, attempt, Occasion::Redriven, follower);
    let mut invoked = pin!(async {
        let _slot = stop.or(slots.take()).await?;
        Some(handled.await)
    });
    let outcome = loop {
        match select(invoked.as_mut(), pin!(sleep(RENEW_EVERY))).await {
            Either::Left((outcome, _)) => break outcome,
            Either::Right(_) => {
                let Step::Swap { seen, next } = redrive.renewal(follower.clock.now()) else { return Ok(()) };
                swap(follower, redrive, seen, *next).await?;
                if redrive.has_ended() {
                    return Ok(());
                }
            }
        }
    };
    match outcome {
        Some(Ok(())) => redrive.was_handled(),
        Some(Err(attempt)) => redrive.was_not_handled(attempt),
        // It was told to stop before it was its turn.
        None => {}
    }
    Ok(())
}
