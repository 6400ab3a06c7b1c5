//! `eventctl table check`.

use std::process::ExitCode;

use aws_event_sourcing_dynamodb::{Kind, Report, Verdict};
use clap::Args;
use serde::Serialize;

use crate::{failure::Failure, options::Connection, print::Printer};

/// Compare a table with what it has to be, line by line
#[derive(Debug, Args)]
#[command(
    long_about = "\
Compare a table with what it has to be, line by line: what an event store needs, or what is needed to keep how far
subscriptions are. Which of them is told by the table's key.

Each line begins with what was found out:
  ok           as it has to be
  not offered  the service does not have it, as DynamoDB Local does not have everything
  advice       it works, and something else would be better
  unknown      it could not be looked at: a permission is missing
  not yet      the table or its index is still being made
  WRONG        something would be lost or mixed up, or not work at all

The exit status is 1 when a line is unknown, not yet or WRONG.",
    after_help = "\
It needs the permissions dynamodb:DescribeTable, DescribeContinuousBackups and DescribeTimeToLive.

Examples:
  eventctl table check products
  eventctl table check subscriptions --subscriptions
  eventctl table check products --json | jq '.findings[] | select(.verdict != \"ok\")'"
)]
pub(crate) struct Check {
    /// The table's name, or its ARN
    name: String,

    /// It has to be a table of subscriptions, whatever its key
    #[arg(long)]
    subscriptions: bool,
}

/// What programs get.
#[derive(Serialize)]
struct Document<'a> {
    passed: bool,
    #[serde(flatten)]
    report: &'a Report,
}

impl Check {
    pub(super) async fn run(&self, connection: &Connection, printer: &Printer) -> Result<ExitCode, Failure> {
        let kind = if self.subscriptions { Kind::Subscriptions } else { Kind::Events };
        let table = connection.table(&self.name).await?.of_kind(kind);
        let report = table.check().await?;
        let passed = report.passed();
        printer.print(&Document { passed, report: &report }, || describe(&report))?;
        Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn describe(report: &Report) -> String {
    let count = |verdict| report.findings.iter().filter(|finding| finding.verdict == verdict).count();
    let counts: Vec<_> = [Verdict::Broken, Verdict::NotYet, Verdict::Unknown]
        .into_iter()
        .map(|verdict| (count(verdict), verdict))
        .filter(|(count, _)| *count > 0)
        .map(|(count, verdict)| format!("{count} {verdict}"))
        .collect();
    let Report { table, kind, .. } = report;
    if report.passed() {
        format!("{report}\n\n{table} passes as a table of {kind}")
    } else {
        format!("{report}\n\n{table} falls short as a table of {kind}: {}", counts.join(", "))
    }
}
