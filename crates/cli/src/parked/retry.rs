//! `eventctl parked retry`.

use std::process::ExitCode;

use aws_event_sourcing_core::{
    ResourceId,
    subscription::{ParkedError, SubscriptionKey, retry},
};
use clap::Args;
use serde::Serialize;

use super::{
    find::{keys, not_parked},
    now,
    place::Store,
};
use crate::{failure::Failure, print::Printer};

/// Parked resources that are asked for at a time.
const PAGE: usize = 100;

/// Have a parked resource tried again now, or all of a subscription
#[derive(Debug, Args)]
#[command(
    long_about = "\
Have a parked resource tried again now, or all of a subscription.

The service that runs the subscription tries it within a second or so; without one running, as soon as one runs. On AWS
Lambda it is tried with the next run of the redrive's schedule.",
    after_help = "\
Examples:
  eventctl parked retry reorders
  eventctl parked retry reorders --type product
  eventctl parked retry reorders 0f8f2c1e-6d5c-4e0b-9d0c-3d1f6a2b7c55"
)]
pub(super) struct Retry {
    /// The subscription's name
    subscription: String,

    /// The resource's id; all that are parked, unless given
    id: Option<String>,

    /// The resource's type; all that the subscription follows, unless given
    #[arg(long = "type", value_name = "TYPE")]
    resource_type: Option<String>,
}

/// What programs get.
#[derive(Serialize)]
struct Document {
    subscription: String,
    /// How many resources are tried now.
    retried: usize,
    /// How many of each type that was asked for.
    types: Vec<OfType>,
}

#[derive(Serialize)]
struct OfType {
    resource_type: String,
    retried: usize,
}

impl Retry {
    pub(super) async fn run(&self, store: &Store, printer: &Printer) -> Result<ExitCode, Failure> {
        let mut types = Vec::new();
        for key in keys(store, Some(&self.subscription), self.resource_type.as_deref()).await? {
            let retried = match &self.id {
                Some(id) => hasten(store, &key, &id.as_str().into()).await?,
                None => hasten_all(store, &key).await?,
            };
            types.push(OfType { resource_type: key.resource_type.to_string(), retried });
        }
        let retried = types.iter().map(|of| of.retried).sum();
        if let (Some(id), 0) = (&self.id, retried) {
            return Err(not_parked(id, &self.subscription));
        }
        let document = Document { subscription: self.subscription.clone(), retried, types };
        printer.print(&document, || describe(&document))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(Document { subscription, retried, types }: &Document) -> String {
    let resources = if *retried == 1 { "resource is" } else { "resources are" };
    let types: Vec<_> = types.iter().map(|of| format!("{} of {}", of.retried, of.resource_type)).collect();
    format!("{retried} {resources} tried again now for {subscription}: {}", types.join(", "))
}

/// How many of one are tried: none when it is not parked.
async fn hasten(store: &Store, key: &SubscriptionKey, id: &ResourceId) -> Result<usize, Failure> {
    match retry(&*store.progress, key, id, now()).await {
        Ok(_) => Ok(1),
        Err(ParkedError::NotParked) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// All pages first: what is hastened moves to the front of the list.
async fn hasten_all(store: &Store, key: &SubscriptionKey) -> Result<usize, Failure> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = store.progress.parked(key, None, PAGE, after.as_ref()).await?;
        ids.extend(page.resources.into_iter().map(|(id, _)| id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut retried = 0;
    for id in ids {
        retried += hasten(store, key, &id).await?;
    }
    Ok(retried)
}
