//! `eventctl backup`.

use std::{path::PathBuf, process::ExitCode};

use aws_event_sourcing_sqlite::{Contents, Existing, back_up};
use clap::Args;
use serde::Serialize;

use crate::{
    failure::Failure,
    file::File,
    print::{Printer, labelled},
    progress::Share,
};

/// Copy the embedded store to a file, while the service runs
#[derive(Debug, Args)]
#[command(
    long_about = "\
Copy the embedded store to a file, while the service runs: the store as it is at one moment, how far subscriptions are
included. The copy is checked as a whole, and has its name only when it is complete and on the disk. Where events are
missing because somebody has deleted them, it is made all the same, and the exit status is 1.

Neither the service nor its clients wait for it. The store's log grows until the copy is made.",
    after_help = "\
The store is the one in ./data, unless DATA_DIR or --data-dir says otherwise. Tables on DynamoDB are backed up by AWS.

Examples:
  eventctl backup events-tuesday.db
  eventctl backup --data-dir /var/lib/shop --force /mnt/backup/events.db
  eventctl backup events-tuesday.db --json | jq .events"
)]
pub(crate) struct BackupCommand {
    /// The file to make
    #[arg(value_name = "FILE")]
    to: PathBuf,

    /// Replace the file if it is there
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    store: File,
}

/// What programs get.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    file: &'a PathBuf,
    bytes: u64,
    layout: u64,
    resources: u64,
    events: u64,
    newest_event_at: Option<&'a str>,
    missing_events: u64,
    broken_histories: u64,
}

impl<'a> Document<'a> {
    pub(crate) fn new(file: &'a PathBuf, contents: &'a Contents) -> Self {
        Self {
            file,
            bytes: contents.bytes,
            layout: contents.layout,
            resources: contents.resources,
            events: contents.events,
            newest_event_at: contents.newest.as_deref(),
            missing_events: contents.missing,
            broken_histories: contents.broken,
        }
    }

    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        vec![
            ("file", self.file.display().to_string()),
            ("bytes", self.bytes.to_string()),
            ("layout", self.layout.to_string()),
            ("resources", self.resources.to_string()),
            ("events", self.events.to_string()),
            ("newest event", self.newest_event_at.unwrap_or("none").to_owned()),
            ("missing events", self.missing_events.to_string()),
            ("broken histories", self.broken_histories.to_string()),
        ]
    }
}

/// Tells a person that events are missing. Whether there are all.
pub(crate) fn tell_of_missing(printer: &Printer, contents: &Contents) -> bool {
    let Contents { missing, broken, broken_resource, .. } = contents;
    if let Some(resource) = broken_resource {
        let others = if *broken > 1 { format!(", and of {} others", broken - 1) } else { String::new() };
        printer.note(&format!(
            "events are missing in the history of {resource}{others}: these cannot be read to their end, here as in the \
             original"
        ));
    } else if *missing > 0 {
        printer.note(&format!("events are missing, {missing} in all: somebody has deleted them"));
    }
    *missing == 0 && *broken == 0
}

/// What to do with what is there, as `--force` says.
pub(crate) fn existing(force: bool) -> Existing {
    if force { Existing::Replace } else { Existing::Keep }
}

impl BackupCommand {
    pub(crate) fn run(&self, printer: &Printer) -> Result<ExitCode, Failure> {
        let Some(store) = self.store.path() else {
            return Err(Failure::means_nothing(
                "the events are in DynamoDB, and not in a file",
                "There, `aws dynamodb create-backup` makes a copy of a table, and point-in-time recovery keeps each \
                 second of the last 35 days. Say --data-dir for an embedded store.",
            ));
        };
        if self.to.exists() && !self.force {
            return Err(Failure::saying(&format!(
                "{} is there already: say --force to replace it",
                self.to.display()
            )));
        }
        let mut share = Share::new("copying", printer);
        let contents =
            back_up(&store, &self.to, existing(self.force), |copied| share.show(copied.bytes, copied.of));
        drop(share);
        let contents = contents?;
        let document = Document::new(&self.to, &contents);
        printer.print(&document, || labelled(document.lines()))?;
        let is_whole = tell_of_missing(printer, &contents);
        Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
