//! [`Followers`]: the subscriptions of a service, each a task of its own, from the start of the service to its stop.

use std::collections::BTreeSet;

use aws_event_sourcing_core::{
    ErrorChain, StoreError,
    subscription::{ProgressStore, Source, Start, Subscription, SubscriptionKey},
};
use tokio::{sync::watch, task::JoinSet};

use crate::{Error, stores::Stores};

/// Parked resources that are counted at the most.
const COUNTED: usize = 1_000;

/// Subscriptions that may run.
pub(crate) struct Followers(Vec<(Subscription, Vec<(String, Source)>)>);

impl Followers {
    /// Checks that each has a name of its own and a place for how far it is, and tells what is different from the last
    /// time.
    pub(crate) async fn prepare(subscriptions: Vec<Subscription>, stores: &Stores) -> Result<Self, Error> {
        check_names(&subscriptions)?;
        let first = subscriptions.first().map(Subscription::name);
        if let Some(progress) = stores.progress(first).await? {
            announce(&subscriptions, &*progress).await?;
        }
        let sources = |subscription: &Subscription| {
            let types = subscription.resource_types();
            types
                .map(|name| Ok((name.to_owned(), stores.source(subscription.name(), name)?)))
                .collect::<Result<_, Error>>()
        };
        let prepared = subscriptions.into_iter().map(|subscription| {
            let sources = sources(&subscription)?;
            Ok((subscription, sources))
        });
        Ok(Self(prepared.collect::<Result<_, Error>>()?))
    }

    /// Starts a task for each.
    pub(crate) fn start(self) -> Running {
        let stop = watch::Sender::new(());
        let mut tasks = JoinSet::new();
        for (subscription, sources) in self.0 {
            let mut stopped = stop.subscribe();
            let source_of = move |resource_type: &str| {
                let found = sources.iter().find(|(name, _)| name == resource_type);
                found.expect("each type of the subscription has one").1.clone()
            };
            // An error means that the sender is gone, which is the signal.
            tasks.spawn(subscription.run(source_of, async move { drop(stopped.changed().await) }));
        }
        Running { stop: Some(stop), tasks }
    }
}

/// The resource types that subscriptions follow.
pub(crate) fn types(subscriptions: &[Subscription]) -> Vec<&str> {
    subscriptions.iter().flat_map(Subscription::resource_types).collect()
}

/// Checks that each has a name of its own.
pub(crate) fn check_names(subscriptions: &[Subscription]) -> Result<(), Error> {
    let mut names = BTreeSet::new();
    match subscriptions.iter().map(Subscription::name).find(|name| !names.insert(*name)) {
        Some(name) => Err(Error::SameSubscription { name: name.to_owned() }),
        None => Ok(()),
    }
}

/// Subscriptions that run.
pub(crate) struct Running {
    stop: Option<watch::Sender<()>>,
    tasks: JoinSet<()>,
}

impl Running {
    /// Has them take no more.
    pub(crate) fn stop(&mut self) {
        self.stop = None;
    }

    /// Waits until they have finished what is in flight, and noted how far they are.
    pub(crate) async fn finish(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = %ErrorChain::of(&error), "a subscription ended badly");
            }
        }
    }
}

/// Tells which subscriptions are new, which are gone, and what is parked.
async fn announce(subscriptions: &[Subscription], progress: &dyn ProgressStore) -> Result<(), StoreError> {
    let present: BTreeSet<_> = subscriptions
        .iter()
        .flat_map(|subscription| {
            subscription.resource_types().map(|name| SubscriptionKey::new(subscription.name(), name))
        })
        .collect();
    let known: BTreeSet<_> = progress.registered().await?.into_iter().map(|known| known.key).collect();
    for key in known.difference(&present) {
        let parked = count_parked(progress, key).await?;
        tracing::warn!(
            subscription = &*key.subscription,
            resource_type = &*key.resource_type,
            parked,
            "a subscription has run here before, and this program does not have it: was it renamed, or its handler \
             removed? It stays where it was, and goes on from there when it comes back"
        );
    }
    for key in present.difference(&known) {
        let start = subscriptions.iter().find(|subscription| subscription.name() == &*key.subscription);
        let what = match start.map(Subscription::starts_with) {
            Some(Start::Now) => "a new subscription begins with what is committed from now on",
            _ => "a new subscription begins with the first event",
        };
        tracing::info!(subscription = &*key.subscription, resource_type = &*key.resource_type, "{what}");
    }
    for key in present.intersection(&known) {
        let parked = count_parked(progress, key).await?;
        if parked > 0 {
            tracing::warn!(
                subscription = &*key.subscription,
                resource_type = &*key.resource_type,
                parked,
                "resources are parked, and their events are tried again now: `eventctl parked list` has them"
            );
        }
    }
    Ok(())
}

/// How many resources are parked, up to [`COUNTED`].
pub(crate) async fn count_parked(
    progress: &dyn ProgressStore,
    key: &SubscriptionKey,
) -> Result<usize, StoreError> {
    let (mut count, mut after) = (0, None);
    loop {
        let page = progress.parked(key, None, COUNTED, after.as_ref()).await?;
        count += page.resources.len();
        after = page.next;
        if after.is_none() || count >= COUNTED {
            return Ok(count);
        }
    }
}
