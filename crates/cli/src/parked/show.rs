//! `eventctl parked show`.

use std::process::ExitCode;

use aws_event_sourcing_core::{
    Commit, Json, ResourceKey,
    subscription::{Parked, Skipped, SubscriptionKey},
};
use clap::Args;
use futures_util::TryStreamExt as _;
use serde::Serialize;

use super::{ParkedResource, event_in_words, find::Resource, now, place::Store};
use crate::{
    failure::Failure,
    print::{Printer, labelled},
};

/// Show why a resource is parked, the event that is in the way, and what was skipped of it
#[derive(Debug, Args)]
#[command(after_help = "\
The event is shown as it is stored. With DynamoDB it is read from the table that --table names, or the environment.

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
    subscription: String,
    resource_type: String,
    id: String,
    parked: Option<ParkedResource>,
    /// The event that cannot be handled, where it can be read.
    event: Option<Event>,
    /// Why it cannot be read.
    event_unreadable: Option<String>,
    skipped: Vec<Skipped>,
}

/// An event, and its commit, as they are stored.
#[derive(Serialize)]
struct Event {
    number: u64,
    #[serde(rename = "type")]
    event_type: String,
    data: Option<Json>,
    at: String,
    commit: String,
    trace: Option<String>,
    cause: Option<String>,
    meta: Option<Json>,
}

impl Show {
    pub(super) async fn run(&self, store: &Store, printer: &Printer) -> Result<ExitCode, Failure> {
        let (key, id, progress) = self.resource.find(store).await?;
        let skipped = store.progress.skipped(&key, &id).await?;
        let (event, event_unreadable) = match progress.parked.as_deref() {
            // Without a table for the events, or a permission for it, the rest is worth showing.
            Some(parked) => match event(store, &key, id.as_str(), parked).await {
                Ok(event) => (event, None),
                Err(failure) => (None, Some(failure.to_string())),
            },
            None if skipped.is_empty() => return Err(self.resource.not_parked()),
            None => (None, None),
        };
        let document = Document {
            subscription: key.subscription.to_string(),
            resource_type: key.resource_type.to_string(),
            parked: ParkedResource::new(&key, id.as_str(), &progress, now()),
            id: id.to_string(),
            event,
            event_unreadable,
            skipped,
        };
        printer.print(&document, || describe(&document))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(document: &Document) -> String {
    let Document { subscription, resource_type, id, parked, event, event_unreadable, skipped } = document;
    let mut lines =
        vec![("subscription", subscription.clone()), ("resource", format!("{resource_type} {id}"))];
    match parked {
        Some(parked) => {
            let event_type = parked.event_type.as_ref().or(event.as_ref().map(|event| &event.event_type));
            let trace = parked.trace.as_ref().or(event.as_ref().and_then(|event| event.trace.as_ref()));
            lines.extend([
                ("event", parked.number.to_string()),
                ("type", event_type.map_or("not known", String::as_str).to_owned()),
                ("error", parked.error.clone()),
                ("attempts", parked.attempts.to_string()),
                ("first failed", parked.first_failed_at.to_string()),
                ("last failed", parked.last_failed_at.to_string()),
                ("next attempt", parked.next_attempt_at.to_string()),
                ("being tried until", or_none(parked.claimed_until.as_ref())),
                ("events waiting", parked.waiting.to_string()),
                ("trace", or_none(trace)),
            ]);
        }
        None => lines.push(("state", "not parked".to_owned())),
    }
    if let Some(event) = event {
        lines.extend([
            ("data", or_none(event.data.as_ref())),
            ("committed", event.at.clone()),
            ("commit", event.commit.clone()),
            ("cause", or_none(event.cause.as_ref())),
            ("meta", or_none(event.meta.as_ref())),
        ]);
    }
    if let Some(why) = event_unreadable {
        lines.push(("data", format!("not shown: {why}")));
    }
    for Skipped { number, event_type, reason, by, at, error } in skipped {
        let event = event_in_words(*number, event_type.as_deref());
        lines.push(("skipped", format!("{event}, by {by} at {at}: {reason} (the error was: {error})")));
    }
    labelled(lines)
}

fn or_none(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "none".to_owned(), ToString::to_string)
}

/// The event that the marker stands at.
async fn event(
    store: &Store,
    key: &SubscriptionKey,
    id: &str,
    parked: &Parked,
) -> Result<Option<Event>, Failure> {
    let resource = ResourceKey::new(key.resource_type.clone(), id);
    let events = store.events_of(&key.resource_type)?;
    let commit: Option<Commit> = events.read(&resource, parked.after).try_next().await?;
    let found = commit.as_ref().and_then(|commit| {
        let (_, event) = commit.numbered().find(|(number, _)| *number == parked.number)?;
        Some((commit, event))
    });
    let Some((commit, event)) = found else {
        // Behind one that was skipped nothing is known to wait.
        if parked.waiting < parked.number {
            return Ok(None);
        }
        return Err(Failure::saying(&format!(
            "{} {id} has no event {} there: it is kept elsewhere, or an earlier state was restored",
            key.resource_type, parked.number
        )));
    };
    Ok(Some(Event {
        number: parked.number,
        event_type: event.event_type.to_string(),
        data: sound(event.data.as_ref(), "data")?,
        at: commit.at.to_string(),
        commit: commit.id.to_string(),
        trace: commit.trace.map(|trace| trace.to_string()),
        cause: commit.cause.as_deref().map(str::to_owned),
        meta: sound(commit.meta.as_ref(), "meta")?,
    }))
}

/// A store looks at no JSON that it reads.
fn sound(stored: Option<&Json>, what: &str) -> Result<Option<Json>, Failure> {
    let sound = stored.map(|json| Json::parse(json.as_str())).transpose();
    sound.map_err(|error| Failure::saying(&format!("its {what} is no JSON: {error}")))
}
