//! `eventctl table describe`.

use std::{collections::BTreeMap, fmt, process::ExitCode};

use aws_event_sourcing_dynamodb::{Billing, Description, Index, IndexKind, Kind, Known, Recovery};
use clap::Args;

use crate::{
    failure::Failure,
    options::Connection,
    print::{Printer, labelled},
};

/// Tell what there is to know about a table
#[derive(Debug, Args)]
#[command(after_help = "\
Counts and sizes are those that AWS takes about every six hours.

It needs the permissions dynamodb:DescribeTable, DescribeContinuousBackups and ListTagsOfResource; it says so where
one of the latter two is missing.

Examples:
  eventctl table describe products
  eventctl table describe products --json | jq -r .stream.arn")]
pub(crate) struct Describe {
    /// The table's name, or its ARN
    name: String,
}

impl Describe {
    pub(super) async fn run(&self, connection: &Connection, printer: &Printer) -> Result<ExitCode, Failure> {
        let description = connection.table(&self.name).await?.describe().await?;
        printer.print(&description, || describe(&description))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(table: &Description) -> String {
    let items = match table.kind {
        Kind::Events => "commits",
        Kind::Subscriptions => "items",
    };
    let mut lines = vec![
        ("table", table.name.clone()),
        ("kind", table.kind.to_string()),
        ("ARN", table.arn.clone()),
        ("region", table.region.clone()),
        ("status", table.status.clone()),
        ("created", or_unknown(table.created)),
        ("key", table.key.clone()),
        (items, format!("{}, {} bytes (counted every six hours)", table.items, table.bytes)),
        ("billing", billing(table.billing)),
    ];
    lines.extend(table.indexes.iter().map(|index| ("index", describe_index(index))));
    lines.extend([
        (
            "stream",
            match &table.stream {
                Some(stream) => format!("{} {}", stream.view, stream.arn),
                None => "off".to_owned(),
            },
        ),
        ("point-in-time recovery", recovery(&table.point_in_time_recovery)),
        ("deletion protection", on_or_off(&table.deletion_protection)),
        ("tags", tags(&table.tags)),
    ]);
    labelled(lines)
}

fn or_unknown(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| "not known".to_owned(), |value| value.to_string())
}

fn billing(billing: Billing) -> String {
    match billing {
        Billing::OnDemand => "on demand".to_owned(),
        Billing::Provisioned { read_units, write_units } => {
            format!("provisioned: {read_units} read units and {write_units} write units a second")
        }
        _ => "not known".to_owned(),
    }
}

fn describe_index(index: &Index) -> String {
    let Index { name, key, projection, items, bytes, .. } = index;
    let kind = match index.kind {
        IndexKind::Global => "global",
        IndexKind::Local => "local",
    };
    let status = index.status.as_ref().map_or_else(String::new, |status| format!(", {status}"));
    format!("{name}: {kind} on {key}, {projection}{status}; {items} entries, {bytes} bytes")
}

fn recovery(recovery: &Known<Option<Recovery>>) -> String {
    let recovery = recovery.as_ref().map(|recovery| match recovery {
        None => "off".to_owned(),
        Some(Recovery { earliest, latest, days, .. }) => {
            let from = earliest.map(|earliest| format!(", from {earliest}")).unwrap_or_default();
            let to = latest.map(|latest| format!(", to {latest}")).unwrap_or_default();
            let days = days.map(|days| format!(", {days} days back")).unwrap_or_default();
            format!("on{from}{to}{days}")
        }
    });
    recovery.to_string()
}

/// A switch in words.
pub(super) fn on_or_off(switch: &Known<bool>) -> String {
    switch.as_ref().map(|on| if *on { "on" } else { "off" }).to_string()
}

/// Tags in one line.
pub(super) fn tags(tags: &Known<BTreeMap<String, String>>) -> String {
    let tags = tags.as_ref().map(|tags| {
        let tags: Vec<_> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        if tags.is_empty() { "none".to_owned() } else { tags.join(", ") }
    });
    tags.to_string()
}
