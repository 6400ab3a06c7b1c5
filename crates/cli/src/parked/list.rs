//! `eventctl parked list`.

use std::{collections::BTreeMap, num::NonZeroUsize, process::ExitCode};

use aws_event_sourcing_core::{ErrorChain, subscription::UnreadableRecord};
use clap::Args;
use serde::Serialize;

use super::{ParkedResource, find::keys, now, place::Store};
use crate::{
    failure::Failure,
    print::{Printer, table},
};

/// Parked resources that are asked for at a time.
const PAGE: usize = 100;

/// List what is parked, the resource that is tried again first at the top
#[derive(Debug, Args)]
#[command(after_help = "\
With --json, each has all that `eventctl parked show` tells of it; as text, only the first line of its error.

Examples:
  eventctl parked list
  eventctl parked list --subscription reorders --json | jq -r '.parked[].error' | sort | uniq -c")]
pub(super) struct List {
    /// Only those of this subscription
    #[arg(long, value_name = "NAME")]
    subscription: Option<String>,

    /// Only resources of this type
    #[arg(long = "type", value_name = "TYPE")]
    resource_type: Option<String>,

    /// At most so many of each subscription and type
    #[arg(long, value_name = "COUNT", default_value = "1000")]
    limit: NonZeroUsize,
}

/// What programs get.
#[derive(Serialize)]
struct Document {
    parked: Vec<ParkedResource>,
    /// Records that cannot be read. Their resources wait as well.
    unreadable: Vec<Unreadable>,
    /// Whether there are more than were asked for.
    more: bool,
}

/// A record that cannot be read.
#[derive(Serialize)]
struct Unreadable {
    subscription: String,
    resource_type: String,
    id: String,
    error: String,
    /// What to do about it.
    remedy: String,
}

impl From<UnreadableRecord> for Unreadable {
    fn from(record: UnreadableRecord) -> Self {
        Self {
            subscription: record.key.subscription.to_string(),
            resource_type: record.key.resource_type.to_string(),
            id: record.id.to_string(),
            error: ErrorChain::of(&record).to_string(),
            remedy: record.remedy().to_owned(),
        }
    }
}

impl List {
    pub(super) async fn run(&self, store: &Store, printer: &Printer) -> Result<ExitCode, Failure> {
        let (mut document, now) =
            (Document { parked: Vec::new(), unreadable: Vec::new(), more: false }, now());
        for key in keys(store, self.subscription.as_deref(), self.resource_type.as_deref()).await? {
            let mut unreadable = BTreeMap::new();
            let (mut after, mut left, first) = (None, self.limit.get(), document.parked.len());
            loop {
                let page = store.progress.parked(&key, None, PAGE, after.as_ref()).await?;
                let found = page
                    .resources
                    .iter()
                    .filter_map(|(id, progress)| ParkedResource::new(&key, id.as_str(), progress, now));
                let before = document.parked.len();
                unreadable
                    .extend(page.unreadable.into_iter().map(|record| (record.id.clone(), record.into())));
                document.parked.extend(found.take(left));
                left -= document.parked.len() - before;
                document.more |= page.resources.len() > document.parked.len() - before;
                after = page.next;
                if left == 0 {
                    document.more |= after.is_some();
                    break;
                }
                if after.is_none() {
                    break;
                }
            }
            document.unreadable.extend(unreadable.into_values());
            // What is due too far in the future is the last to be found, and is tried now.
            document.parked[first..].sort_by_key(|parked| parked.next_attempt_at);
        }
        printer.print(&document, || describe(&document))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(document: &Document) -> String {
    let mut said = match document.parked.is_empty() {
        true if document.unreadable.is_empty() => return "nothing is parked".to_owned(),
        true => String::new(),
        false => describe_parked(document) + "\n\n",
    };
    for Unreadable { subscription, resource_type, id, error, remedy } in &document.unreadable {
        said += &format!("{subscription} of {resource_type}, {id}: {error}\n  {remedy}\n");
    }
    said.trim_end().to_owned()
}

fn describe_parked(document: &Document) -> String {
    let head =
        ["SUBSCRIPTION", "TYPE", "ID", "EVENT", "WAITING", "ATTEMPTS", "SINCE", "NEXT ATTEMPT", "ERROR"];
    let rows = document.parked.iter().map(|parked| {
        let event = match &parked.event_type {
            Some(event_type) => format!("{} {event_type}", parked.number),
            None => parked.number.to_string(),
        };
        [
            parked.subscription.clone(),
            parked.resource_type.clone(),
            parked.id.clone(),
            event,
            parked.waiting.to_string(),
            parked.attempts.to_string(),
            parked.first_failed_at.to_string(),
            parked.next_attempt_at.to_string(),
            parked.error.lines().next().unwrap_or_default().to_owned(),
        ]
    });
    let table = table(head, rows);
    if document.more { format!("{table}\n… and more: see --limit") } else { table }
}
