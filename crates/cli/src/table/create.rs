//! `eventctl table create`.

use std::{process::ExitCode, time::Duration};

use aws_event_sourcing_dynamodb::{Created, Kind, Outcome};
use clap::Args;

use super::describe::{on_or_off, tags};
use crate::{
    failure::Failure,
    options::Connection,
    print::{Printer, labelled},
    progress::Line,
};

/// Make a table, and wait until it can be used
#[derive(Debug, Args)]
#[command(
    long_about = "\
Make a table, and wait until it can be used.

It is billed on demand, and has the indexes, the stream and the point-in-time recovery that an event store needs; or
what is needed to keep how far subscriptions are. A table that is there already, and will do, is left as it is, but for
what is asked and missing: point-in-time recovery, deletion protection and tags are turned on. So the command can be run
again, after it was interrupted too.",
    after_help = "\
It needs the permissions dynamodb:DescribeTable, CreateTable, ListTagsOfResource, TagResource and
UpdateContinuousBackups, and UpdateTable to protect a table that is there already.

Examples:
  eventctl table create products
  eventctl table create products --tag team=shop --tag stage=live --deletion-protection
  eventctl table create subscriptions --subscriptions"
)]
pub(crate) struct Create {
    /// The table's name: 3 to 255 letters, digits, `_`, `-` and `.`
    name: String,

    /// Make a table of subscriptions: how far they are, and what is parked
    #[arg(long)]
    subscriptions: bool,

    /// A tag, besides aws-event-sourcing=events or =subscriptions; can be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = parse_tag)]
    tags: Vec<(String, String)>,

    /// Refuse to delete the table until somebody turns this off
    #[arg(long)]
    deletion_protection: bool,

    /// How long to wait for the table
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u32,
}

fn parse_tag(tag: &str) -> Result<(String, String), &'static str> {
    match tag.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a tag is KEY=VALUE"),
    }
}

impl Create {
    pub(super) async fn run(&self, connection: &Connection, printer: &Printer) -> Result<ExitCode, Failure> {
        let kind = if self.subscriptions { Kind::Subscriptions } else { Kind::Events };
        let table = connection.table(&self.name).await?.of_kind(kind);
        let mut create = table.create().deadline(Duration::from_secs(self.timeout.into()));
        for (key, value) in &self.tags {
            create = create.tag(key, value);
        }
        if self.deletion_protection {
            create = create.deletion_protection();
        }
        let mut line = Line::new(&self.name, printer);
        let created = create.on_progress(move |progress| line.show(progress)).send().await?;
        printer.print(&created, || describe(&created))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(created: &Created) -> String {
    let outcome = match created.outcome {
        Outcome::Made => "made",
        Outcome::AlreadyThere => "already there",
    };
    labelled([
        ("table", format!("{} in {}: {outcome}", created.name, created.region)),
        ("kind", created.kind.to_string()),
        ("ARN", created.arn.clone()),
        ("tags", tags(&created.tags)),
        ("deletion protection", on_or_off(&created.deletion_protection)),
        ("point-in-time recovery", on_or_off(&created.point_in_time_recovery)),
    ])
}
