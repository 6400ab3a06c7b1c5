//! Which subscription is meant, and which of its resource types.

use aws_event_sourcing_core::{
    ResourceId,
    subscription::{Progress, SubscriptionKey},
};
use clap::Args;

use super::place::Store;
use crate::failure::Failure;

/// A resource that a subscription follows.
#[derive(Debug, Args)]
pub(super) struct Resource {
    /// The subscription's name
    pub(super) subscription: String,

    /// The resource's id
    pub(super) id: String,

    /// The resource's type, where the subscription follows several
    #[arg(long = "type", value_name = "TYPE")]
    resource_type: Option<String>,
}

impl Resource {
    /// The resource, and its record, under the type that it has a marker of, or else the only one.
    pub(super) async fn find(
        &self,
        store: &Store,
    ) -> Result<(SubscriptionKey, ResourceId, Progress), Failure> {
        let id = ResourceId::from(&*self.id);
        let (mut found, mut unreadable) = (Vec::new(), None);
        for key in keys(store, Some(&self.subscription), self.resource_type.as_deref()).await? {
            for record in store.progress.load(&key, std::slice::from_ref(&id)).await? {
                match record {
                    Ok(progress) => found.push((key.clone(), progress)),
                    Err(record) => unreadable = Some(record),
                }
            }
        }
        let parked = found.iter().filter(|(_, progress)| progress.parked.is_some()).count();
        if let (Some(record), 0) = (unreadable, parked) {
            return Err(record.into());
        }
        if found.len() > 1 && parked != 1 {
            let types: Vec<_> = found.iter().map(|(key, _)| &*key.resource_type).collect();
            return Err(Failure::saying(&format!(
                "{} follows {}: say which by --type",
                self.subscription,
                types.join(", ")
            )));
        }
        let index = found.iter().position(|(_, progress)| progress.parked.is_some()).unwrap_or_default();
        let (key, progress) = found.swap_remove(index);
        Ok((key, id, progress))
    }

    /// That there is no marker.
    pub(super) fn not_parked(&self) -> Failure {
        not_parked(&self.id, &self.subscription)
    }
}

/// That there is no marker of a resource.
pub(super) fn not_parked(id: &str, subscription: &str) -> Failure {
    Failure::saying(&format!("{id} is not parked for {subscription}"))
}

/// The subscriptions that have ever run, of that name and type; at least one.
pub(super) async fn keys(
    store: &Store,
    subscription: Option<&str>,
    resource_type: Option<&str>,
) -> Result<Vec<SubscriptionKey>, Failure> {
    let registered = store.progress.registered().await?;
    let keys: Vec<_> = registered
        .iter()
        .map(|known| &known.key)
        .filter(|key| subscription.is_none_or(|name| *name == *key.subscription))
        .filter(|key| resource_type.is_none_or(|name| *name == *key.resource_type))
        .cloned()
        .collect();
    if keys.is_empty() && (subscription.is_some() || resource_type.is_some()) {
        let known: Vec<_> = registered.iter().map(|known| known.key.to_string()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Failure::saying(&format!("no such subscription has run here; those that have: {known}")));
    }
    Ok(keys)
}
