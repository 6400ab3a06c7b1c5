//! What the library costs on this machine, each figure beside the floor: what the disk takes for one durable write.
//!
//! ```sh
//! cargo run -p bench --release            # a table
//! cargo run -p bench --release -- --json  # the same for machines
//! cargo run -p bench --release -- subscriptions
//! cargo run -p bench --release -- log
//! cargo run -p bench --release -- dynamodb
//! cargo run -p bench --release -- lambda
//! ```
//!
//! On DynamoDB it is requests and capacity units that count, which DynamoDB Local tells as AWS bills them; times there
//! are those of DynamoDB Local. As a function on Lambda it is the start that counts, the size and the memory, each beside its
//! target; times there are those of AWS's emulator of Lambda and DynamoDB Local.
//!
//! Machines are shared and noisy: figures are medians, and every ratio compares what was measured side by side in one
//! run.

mod commits;
mod creates;
mod domain;
mod dynamodb;
mod fill;
mod find_all;
mod floor;
mod hydrate;
mod lambda;
mod log;
mod memory;
mod report;
mod shop;
mod subscriptions;

use std::{error::Error, path::Path, process::ExitCode};

use aws_event_sourcing::ErrorChain;
use report::Report;
use tempfile::TempDir;

const HELP: &str = "\
What aws-event-sourcing costs on this machine, beside what a durable write costs.

Usage: cargo run -p bench --release [-- [subscriptions | log | dynamodb | lambda] OPTIONS]

Without `dynamodb` and `lambda` it is the embedded store that is measured, or only the subscriptions on it, or what the
log costs. With one of them, DynamoDB Local is fetched and started; with `lambda`, the shop is built first as `sam build` does.

Options:
  --json               Print JSON instead of a table
  --write-price USD    What AWS takes for a million write units, with `dynamodb` [default: 0.625]
  --read-price USD     What AWS takes for a million read units, with `dynamodb` [default: 0.125]
  --help               Print this

The default prices are on-demand prices of us-east-1: https://aws.amazon.com/dynamodb/pricing/on-demand/
";

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => embedded().await.map(|report| report.table()),
        ["--json"] => embedded().await.map(|report| report.json()),
        ["subscriptions"] => subscriptions().await.map(|report| report.table()),
        ["subscriptions", "--json"] => subscriptions().await.map(|report| report.json()),
        ["log"] => what_the_log_costs().await.map(|report| report.table()),
        ["log", "--json"] => what_the_log_costs().await.map(|report| report.json()),
        ["dynamodb", options @ ..] => dynamodb::measure(options).await,
        ["lambda", options @ ..] => lambda::measure(options).await,
        [dynamodb::find_all::CHILD, url, key] => dynamodb::find_all::in_this_process(url, key).await,
        ["--help" | "-h"] => Ok(HELP.to_owned()),
        [subscriptions::CHILD, path] => subscriptions::in_this_process(Path::new(path)).await,
        [find_all::CHILD, path] => find_all::in_this_process(Path::new(path)).await,
        unknown => Err(format!("unknown arguments {unknown:?}\n\n{HELP}").into()),
    };
    match result {
        Ok(output) => {
            report::print(&output);
            ExitCode::SUCCESS
        }
        Err(error) => {
            report::complain(&format!("bench: {}", ErrorChain::of(&*error)));
            ExitCode::FAILURE
        }
    }
}

/// A folder on the disk that holds the build, which is the disk that people work on; a temporary folder may be in memory.
fn folder() -> Result<TempDir> {
    let target =
        std::env::current_exe()?.parent().map(Path::to_owned).ok_or("the program is in no folder")?;
    Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(target)?)
}

/// Subscriptions on the embedded store.
async fn subscriptions() -> Result<Report> {
    let (folder, mut report) = (folder()?, Report::default());
    report.set_floor(floor::Floor::in_folder(folder.path())?.measure()?);
    subscriptions::measure(folder.path(), &mut report).await?;
    Ok(report)
}

/// The shop with logs and without.
async fn what_the_log_costs() -> Result<Report> {
    let (folder, mut report) = (folder()?, Report::default());
    report.set_floor(floor::Floor::in_folder(folder.path())?.measure()?);
    log::measure(folder.path(), &mut report).await?;
    Ok(report)
}

/// Everything about the embedded store.
async fn embedded() -> Result<Report> {
    let (folder, mut report) = (folder()?, Report::default());
    creates::measure(folder.path(), &mut report).await?;
    commits::measure(folder.path(), &mut report).await?;
    hydrate::measure(folder.path(), &mut report).await?;
    find_all::measure(folder.path(), &mut report).await?;
    shop::measure(folder.path(), &mut report).await?;
    log::measure(folder.path(), &mut report).await?;
    subscriptions::measure(folder.path(), &mut report).await?;
    Ok(report)
}
