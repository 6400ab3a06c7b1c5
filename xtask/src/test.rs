//! `cargo xtask test`: every test of the workspace, those in the documentation included.

use std::{num::NonZeroUsize, thread};

use dynamodb_local::{DynamoDbLocal, Tables, URL_VARIABLE, VERSION_VARIABLE, Version};

use crate::run::{Result, cargo, complain, run, say, succeeds};

/// What every test is in. The benchmarks have none.
const PACKAGES: [&str; 7] =
    ["--workspace", "--exclude", "bench", "--exclude", "bare-put-item", "--all-features", "--locked"];

/// The packages whose tests are about what DynamoDB does: they run on each version of DynamoDB Local.
const ON_DYNAMODB: [&str; 2] = ["aws-event-sourcing-dynamodb", "aws-event-sourcing-cli"];

/// Tests that DynamoDB Local 3.3.0 cannot pass, because it is not as DynamoDB there; 1.25.1 is, and runs them. Its streams
/// give an empty map without its type, `{}`, which no SDK reads; and it has an internal error for keys that are as long as
/// they may be.
const NOT_ON_3_3_0: [&str; 3] = [
    "feed::what_belongs_to_a_commit_is_delivered",
    "event::a_commit_comes_without_loss",
    "store::keys_of_objects_have_limits",
];

/// Runs the tests whose name contains one of the filters; all of them when there is none.
pub(crate) fn tests(filters: &[&str]) -> Result {
    // Before anything is compiled: whoever lacks Java or npm should not have to wait to hear of it.
    let first = Version::of_environment().map_err(|error| error.to_string())?;
    let server = start(first)?;
    let nextest = succeeds(&mut cargo(&["nextest", "--version"]));
    if !nextest {
        complain(
            "xtask: cargo-nextest is not installed; cargo runs the same tests, one binary after the other",
        );
    }
    let run_on = |version: Version, server: &DynamoDbLocal, packages: Option<&[&str]>| {
        let impossible: &[&str] = if version == Version::V3 { &NOT_ON_3_3_0 } else { &[] };
        let mut command = if nextest {
            let mut command = cargo(&["nextest", "run", "--no-tests", "pass"]);
            command.args(PACKAGES).args(["--test-threads", &side_by_side().to_string()]);
            // By a filter: with fewer packages, features would be others, and everything compiled again.
            let packages: Vec<_> =
                packages.iter().copied().flatten().map(|name| format!("package({name})")).collect();
            let packages = if packages.is_empty() { "all()".to_owned() } else { packages.join(" | ") };
            let impossible: String = impossible.iter().map(|name| format!(" - test(={name})")).collect();
            command.args(["-E", &format!("({packages}){impossible}")]);
            command.args(filters);
            command
        } else {
            let mut command = cargo(&["test", "--lib", "--bins", "--tests", "--all-features", "--locked"]);
            match packages {
                Some(packages) => command.args(packages.iter().flat_map(|name| ["--package", name])),
                None => command.args(PACKAGES),
            };
            command.arg("--").args(filters).args(impossible.iter().flat_map(|name| ["--skip", name]));
            command
        };
        run(command.env(URL_VARIABLE, server.url()).env(VERSION_VARIABLE, version.number()))
    };
    run_on(first, &server, None)?;
    // The documentation's next, and the other version last: most of what can fail has been said by then.
    run(cargo(&["test", "--doc"])
        .args(PACKAGES)
        .arg("--")
        .args(filters)
        .env(URL_VARIABLE, server.url())
        .env(VERSION_VARIABLE, first.number()))?;
    drop(server);
    for other in Version::ALL.into_iter().filter(|version| *version != first) {
        say(&format!("on DynamoDB Local {}:\n", other.number()));
        run_on(other, &start(other)?, Some(&ON_DYNAMODB))?;
    }
    Ok(())
}

/// How many tests run at a time. More than there are cores: many wait, for a lease to end or for a process to answer.
fn side_by_side() -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    cores + cores.div_ceil(2)
}

/// One server for all tests.
fn start(version: Version) -> Result<DynamoDbLocal> {
    let server = DynamoDbLocal::builder().version(version).tables(Tables::OfEachKey).start();
    server.map_err(|error| error.to_string())
}
