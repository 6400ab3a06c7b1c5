//! `eventctl parked skip`.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use aws_event_sourcing_core::subscription::{ParkedError, Skip as SkipEvent, Skipped, skip};
use clap::Args;
use serde::Serialize;

use super::{event_in_words, find::Resource, now, place::Store};
use crate::{
    failure::Failure,
    print::{Printer, labelled},
};

/// How long to wait for an attempt that is under way, and how often to look.
const PATIENCE: Duration = Duration::from_secs(45);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Pass over the event that a resource is parked at, for good
#[derive(Debug, Args)]
#[command(
    long_about = "\
Pass over the event that a resource is parked at, for good.

The subscription will not get this event any more; it goes on with the next one. The event itself stays in the history,
and a record says who had it skipped, when and why: `eventctl parked show` shows it.",
    after_help = "\
Examples:
  eventctl parked skip reorders 0f8f2c1e-6d5c-4e0b-9d0c-3d1f6a2b7c55 --number 7 --reason \"entered by mistake\""
)]
pub(super) struct Skip {
    #[command(flatten)]
    resource: Resource,

    /// The event: the number that `eventctl parked show` tells
    #[arg(long, value_name = "NUMBER")]
    number: u64,

    /// Why it is skipped, for whoever asks later
    #[arg(long, value_name = "TEXT", value_parser = parse_text)]
    reason: String,

    /// Who skips it; the user's name unless given
    #[arg(long, value_name = "NAME", value_parser = parse_text)]
    by: Option<String>,
}

fn parse_text(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("it must not be empty"),
        text => Ok(text.to_owned()),
    }
}

/// What programs get.
#[derive(Serialize)]
struct Document {
    subscription: String,
    resource_type: String,
    id: String,
    skipped: Skipped,
}

impl Skip {
    pub(super) async fn run(&self, store: &Store, printer: &Printer) -> Result<ExitCode, Failure> {
        let by = match &self.by {
            Some(by) => by.clone(),
            None => whoami::username().map_err(|error| {
                Failure::saying(&format!("the system does not know who you are ({error}): say so by --by"))
            })?,
        };
        let (key, id, _) = self.resource.find(store).await?;
        let begun = Instant::now();
        let skipped = loop {
            let event = SkipEvent { number: self.number, reason: &self.reason, by: &by, at: now() };
            match skip(&*store.progress, &key, &id, event).await {
                Ok(skipped) => break skipped,
                Err(ParkedError::Claimed) if begun.elapsed() < PATIENCE => {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                Err(ParkedError::NotParked) => return Err(self.resource.not_parked()),
                Err(error) => return Err(error.into()),
            }
        };
        let document = Document {
            subscription: key.subscription.to_string(),
            resource_type: key.resource_type.to_string(),
            id: id.to_string(),
            skipped,
        };
        printer.print(&document, || describe(&document))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(document: &Document) -> String {
    let Document { subscription, resource_type, id, skipped } = document;
    labelled([
        ("subscription", subscription.clone()),
        ("resource", format!("{resource_type} {id}")),
        ("skipped", event_in_words(skipped.number, skipped.event_type.as_deref())),
        ("error", skipped.error.to_string()),
        ("reason", skipped.reason.to_string()),
        ("by", skipped.by.to_string()),
        ("at", skipped.at.to_string()),
    ])
}
