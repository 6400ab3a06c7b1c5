//! `eventctl parked`: resources whose events a subscription could not handle, and what to do about them.

mod find;
mod list;
mod place;
mod retry;
mod show;
mod skip;

use std::process::ExitCode;

use aws_event_sourcing_core::{
    Timestamp,
    subscription::{Progress, SubscriptionKey},
};
use clap::{Args, Subcommand};
use serde::Serialize;

use self::place::Place;
use crate::{failure::Failure, options::Connection, print::Printer};

/// List, show, retry and skip what subscriptions could not handle
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    subcommand_value_name = "COMMAND",
    after_help = "\
A resource is parked when a subscription's handler could not handle one of its events. That event and all that follow
wait, in order, and are tried again until the handler can. Mend the handler and deploy it, or have the event skipped.

The subscriptions are those of the store in ./data, unless DATA_DIR, SUBSCRIPTIONS_TABLE or a flag says otherwise.

Examples:
  eventctl parked list
  eventctl parked show reorders 0f8f2c1e-6d5c-4e0b-9d0c-3d1f6a2b7c55
  eventctl parked retry reorders
  eventctl parked skip reorders 0f8f2c1e-6d5c-4e0b-9d0c-3d1f6a2b7c55 --number 7 --reason \"entered by mistake\""
)]
pub(crate) struct ParkedCommand {
    #[command(flatten)]
    place: Place,

    #[command(subcommand)]
    verb: Verb,
}

/// What is done with parked resources.
#[derive(Debug, Subcommand)]
enum Verb {
    List(list::List),
    Show(show::Show),
    Retry(retry::Retry),
    Skip(skip::Skip),
}

impl ParkedCommand {
    pub(crate) async fn run(&self, connection: &Connection, printer: &Printer) -> Result<ExitCode, Failure> {
        let store = self.place.open(connection).await?;
        let done = match &self.verb {
            Verb::List(list) => list.run(&store, printer).await,
            Verb::Show(show) => show.run(&store, printer).await,
            Verb::Retry(retry) => retry.run(&store, printer).await,
            Verb::Skip(skip) => skip.run(&store, printer).await,
        };
        store.close().await?;
        done
    }
}

/// A parked resource, as programs get it.
#[derive(Debug, Serialize)]
struct ParkedResource {
    subscription: String,
    resource_type: String,
    id: String,
    /// The event that cannot be handled.
    number: u64,
    event_type: Option<String>,
    /// How many events are known to wait, that one included.
    waiting: u64,
    error: String,
    attempts: u32,
    first_failed_at: Timestamp,
    last_failed_at: Timestamp,
    /// Not as it is stored where that is of a clock that was ahead: such a resource is tried at once.
    next_attempt_at: Timestamp,
    /// Until when somebody has it for themselves, to try it again.
    claimed_until: Option<Timestamp>,
    trace: Option<String>,
}

impl ParkedResource {
    /// None when the record has no marker.
    fn new(key: &SubscriptionKey, id: &str, progress: &Progress, now: Timestamp) -> Option<Self> {
        let parked = progress.parked.as_deref()?;
        Some(Self {
            subscription: key.subscription.to_string(),
            resource_type: key.resource_type.to_string(),
            id: id.to_owned(),
            number: parked.number,
            event_type: parked.event_type.as_deref().map(str::to_owned),
            waiting: (parked.waiting + 1).saturating_sub(parked.number),
            error: parked.error.to_string(),
            attempts: parked.attempts,
            first_failed_at: parked.first_failed_at,
            last_failed_at: parked.last_failed_at,
            next_attempt_at: parked.next_attempt(now),
            claimed_until: parked.claimed_until.filter(|_| parked.is_claimed(now)),
            trace: parked.trace.map(|trace| trace.to_string()),
        })
    }
}

/// An event by its number, and its type where that is known.
fn event_in_words(number: u64, event_type: Option<&str>) -> String {
    let event_type = event_type.unwrap_or("of an unknown type");
    format!("event {number}, {event_type}")
}

/// Now.
fn now() -> Timestamp {
    std::time::SystemTime::now().into()
}
