//! `eventctl table verify`.

use std::{num::NonZeroU32, process::ExitCode};

use aws_event_sourcing_dynamodb::Verification;
use clap::Args;
use serde::Serialize;

use crate::{failure::Failure, options::Connection, print::Printer, progress::Line};

/// Read a table of events, and find histories that are not whole
#[derive(Debug, Args)]
#[command(
    long_about = "\
Read a table of events from its beginning to its end, and find histories that are not whole: with numbers
missing, with commits that follow others than those before them, with items that are no commits. That happens when
a table is restored to an earlier state while processes go on, or when somebody writes or deletes items by hand.

It reads only, and may run while the table is in use. It says first how much there is to read, which costs a read
unit for each 4 KB, and what mends each history that it finds.

The exit status is 1 when it has found any.",
    after_help = "\
It needs the permissions dynamodb:DescribeTable and dynamodb:Scan.

Examples:
  eventctl table verify products
  eventctl table verify products --read-units 200
  eventctl table verify products --json | jq -r '.broken[].id'"
)]
pub(crate) struct Verify {
    /// The table's name, or its ARN
    name: String,

    /// How many read units it may take in a second
    #[arg(long, value_name = "NUMBER", default_value = "1000")]
    read_units: NonZeroU32,
}

/// What programs get.
#[derive(Serialize)]
struct Document<'a> {
    passed: bool,
    #[serde(flatten)]
    verification: &'a Verification,
}

impl Verify {
    pub(super) async fn run(&self, connection: &Connection, printer: &Printer) -> Result<ExitCode, Failure> {
        let table = connection.table(&self.name).await?;
        let mut line = Line::new(&self.name, printer);
        let verify = table.verify().read_units(self.read_units);
        let verification = verify.on_progress(move |progress| line.show_verifying(progress)).send().await?;
        let passed = verification.passed();
        let table = &verification.table;
        printer.print(&Document { passed, verification: &verification }, || {
            let summary = if passed { "is whole" } else { "has histories that are not whole" };
            let read_units = verification.verified.read_units;
            format!("{verification}\nread for {read_units} read units\n\n{table} {summary}")
        })?;
        Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
