//! `eventctl table`: the tables that events are kept in, and how far subscriptions are.

mod check;
mod create;
mod describe;
mod verify;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::{failure::Failure, options::Connection, print::Printer};

/// Make, check, describe and verify the tables of events and of subscriptions
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    subcommand_value_name = "COMMAND",
    after_help = "\
Each resource type has a table of its own. All subscriptions of a system have one in common.

Examples:
  eventctl table create products
  eventctl table create subscriptions --subscriptions
  eventctl table check products
  eventctl table describe products
  eventctl table verify products"
)]
pub(crate) struct TableCommand {
    #[command(subcommand)]
    verb: Verb,
}

/// What is done with a table.
#[derive(Debug, Subcommand)]
enum Verb {
    Create(create::Create),
    Check(check::Check),
    Describe(describe::Describe),
    Verify(verify::Verify),
}

impl TableCommand {
    pub(crate) async fn run(&self, connection: &Connection, printer: &Printer) -> Result<ExitCode, Failure> {
        match &self.verb {
            Verb::Create(create) => create.run(connection, printer).await,
            Verb::Check(check) => check.run(connection, printer).await,
            Verb::Describe(describe) => describe.run(connection, printer).await,
            Verb::Verify(verify) => verify.run(connection, printer).await,
        }
    }
}
