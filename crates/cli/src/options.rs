//! [`Options`]: the command line. What it says here is all the manual that there is.

use clap::{Args, Parser, Subcommand};

use crate::{
    backup::BackupCommand, parked::ParkedCommand, print::Output, restore::RestoreCommand, table::TableCommand,
};

/// Works with the events that aws-event-sourcing keeps, their tables and their subscriptions.
#[derive(Debug, Parser)]
#[command(
    name = "eventctl",
    version,
    arg_required_else_help = true,
    subcommand_value_name = "COMMAND",
    after_help = "\
Region, credentials and endpoint are found as by the AWS CLI: AWS_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID,
AWS_ENDPOINT_URL_DYNAMODB and the files in ~/.aws. What is asked for goes to stdout, all else to stderr.

Exit status: 0 done, 1 failed or fell short, 2 not understood. With --json a command that failed or was not understood
prints {\"error\": …, \"help\": …, \"status\": …} to stderr, in one line, and nothing else.

Examples:
  eventctl table create products --tag team=shop
  eventctl table check products --region eu-west-1
  eventctl table describe products --json | jq .items
  eventctl parked list
  eventctl backup events-tuesday.db

  AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any \\
    eventctl table create products --region us-east-1 --endpoint-url http://localhost:8000"
)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) connection: Connection,

    /// Print one JSON document instead of text, also when it fails
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,

    #[command(subcommand)]
    pub(crate) noun: Noun,
}

/// What a command is about.
#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    Table(TableCommand),
    Parked(ParkedCommand),
    Backup(BackupCommand),
    Restore(RestoreCommand),
}

/// Where the tables are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Connection {
    /// The AWS region, such as eu-west-1
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,

    /// The profile in the files ~/.aws/config and ~/.aws/credentials
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// The URL of DynamoDB, when it is not AWS's own; DynamoDB Local listens on port 8000
    #[arg(long, global = true, value_name = "URL", value_parser = parse_url)]
    pub(crate) endpoint_url: Option<String>,
}

/// The service's own complaint about an address without a scheme would be a page long.
fn parse_url(url: &str) -> Result<String, &'static str> {
    match url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")) {
        Some(host) if !host.is_empty() => Ok(url.to_owned()),
        _ => Err("a URL begins with http:// or https://"),
    }
}

impl Options {
    pub(crate) fn output(&self) -> Output {
        if self.json { Output::Json } else { Output::Text }
    }

    /// For whom it is printed that the command line is not understood: no value begins with a hyphen, so that the flag is
    /// the flag wherever it stands before a `--`.
    pub(crate) fn output_asked_for() -> Output {
        let mut arguments = std::env::args_os().skip(1).take_while(|argument| argument != "--");
        if arguments.any(|argument| argument == "--json") { Output::Json } else { Output::Text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }
}
