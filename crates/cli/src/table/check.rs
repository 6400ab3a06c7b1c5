//! `eventctl table check`.

use std::process::ExitCode;

use aws_event_sourcing_dynamodb::{Report, Verdict};
use clap::Args;
use serde::Serialize;

use crate::{failure::Failure, options::Connection, print::Printer};

/// Compare a table with what an event store needs, line by line
#[derive(Debug, Args)]
#[command(
    long_about = "\
Compare a table with what an event store needs, line by line.

Each line begins with what was found out:
  ok           as it has to be
  not offered  the service does not have it, as DynamoDB Local does not have everything
  advice       it works, and something else would be better
  unknown      it could not be looked at: a permission is missing
  not yet      the table or its index is still being made
  WRONG        the event store would lose or mix up something, or not work at all

The exit status is 1 when a line is unknown, not yet or WRONG.",
    after_help = "\
It needs the permissions dynamodb:DescribeTable, DescribeContinuousBackups and DescribeTimeToLive.

Examples:
  eventctl table check products
  eventctl table check products --json | jq '.findings[] | select(.verdict != \"kept\")'"
)]
pub(crate) struct Check {
    /// The table's name, or its ARN
    name: String,
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
        let report = connection.table(&self.name).await?.check().await?;
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
    let table = &report.table;
    if report.passed() {
        format!("{report}\n\n{table} passes")
    } else {
        format!("{report}\n\n{table} falls short: {}", counts.join(", "))
    }
}
