//! `eventctl parked show`.

use std::process::ExitCode;

use aws_event_sourcing_core::{
    Commit, Json, ResourceKey, StoreError,
    subscription::{Parked, Skipped, SubscriptionKey},
};
use clap::Args;
use futures_util::TryStreamExt as _;
use serde::Serialize;

use super::{ParkedResource, find::Resource, place::Store};
use crate::{
    failure::Failure,
    print::{Printer, labelled},
};

/// Show why a resource is parked, the event that is in the way, and what was skipped of it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  eventctl parked show reorders 0f8f2c1e-6d5c-4e0b-9d0c-3d1f6a2b7c55
  eventctl parked show reorders 0f8f2c1e-6d5c-4e0b-9d0c-3d1f6a2b7c55 --json | jq .event.data")]
pub(super) struct Show {
    #[command(flatten)]
    resource: Resource,
}

/// What programs get.
#[derive(Serialize)]
struct Document {
    parked: Option<ParkedResource>,
    /// The event, where it can be read.
    event: Option<Event>,
    skipped: Vec<Skipped>,
}

/// The event that cannot be handled, as it is stored.
#[derive(Serialize)]
struct Event {
    number: u64,
    #[serde(rename = "type")]
    event_type: String,
    data: Option<Json>,
    at: String,
    commit: String,
}

impl Show {
    pub(super) async fn run(&self, store: &Store, printer: &Printer) -> Result<ExitCode, Failure> {
        let (key, id, progress) = self.resource.find(store).await?;
        let skipped = store.progress.skipped(&key, &id).await?;
        let event = match progress.parked.as_deref() {
            // Without a table for the events, or a permission for it, the rest is worth showing.
            Some(parked) => event(store, &key, &self.resource.id, parked).await.unwrap_or_default(),
            None if skipped.is_empty() => return Err(self.resource.not_parked()),
            None => None,
        };
        let parked = ParkedResource::new(&key, id.as_str(), &progress);
        let document = Document { parked, event, skipped };
        printer.print(&document, || self.describe(&document))?;
        Ok(ExitCode::SUCCESS)
    }

    fn describe(&self, document: &Document) -> String {
        let mut lines = Vec::new();
        match &document.parked {
            Some(parked) => lines.extend([
                ("subscription", parked.subscription.clone()),
                ("resource", format!("{} {}", parked.resource_type, parked.id)),
                ("event", parked.number.to_string()),
                ("type", parked.event_type.clone().unwrap_or_else(|| "not known".to_owned())),
                ("error", parked.error.clone()),
                ("attempts", parked.attempts.to_string()),
                ("first failed", parked.first_failed_at.to_string()),
                ("last failed", parked.last_failed_at.to_string()),
                ("next attempt", parked.next_attempt_at.to_string()),
                ("events waiting", parked.waiting.to_string()),
                ("trace", parked.trace.clone().unwrap_or_else(|| "none".to_owned())),
            ]),
            None => lines.push(("resource", format!("{}: not parked", self.resource.id))),
        }
        if let Some(event) = &document.event {
            let data = event.data.as_ref().map_or_else(|| "none".to_owned(), Json::to_string);
            lines.extend([("data", data), ("committed", event.at.clone()), ("commit", event.commit.clone())]);
        }
        for Skipped { number, event_type, reason, by, at, error } in &document.skipped {
            let event_type = event_type.as_deref().unwrap_or("of an unknown type");
            lines.push((
                "skipped",
                format!("event {number}, {event_type}, by {by} at {at}: {reason} (the error was: {error})"),
            ));
        }
        labelled(lines)
    }
}

/// The event that the marker stands at.
async fn event(
    store: &Store,
    key: &SubscriptionKey,
    id: &str,
    parked: &Parked,
) -> Result<Option<Event>, StoreError> {
    let resource = ResourceKey::new(key.resource_type.clone(), id);
    let commit: Option<Commit> = store.events.read(&resource, parked.after).try_next().await?;
    Ok(commit.and_then(|commit| {
        let (number, event) = commit.numbered().find(|(number, _)| *number == parked.number)?;
        Some(Event {
            number,
            event_type: event.event_type.to_string(),
            data: event.data.clone(),
            at: commit.at.to_string(),
            commit: commit.id.to_string(),
        })
    }))
}
