//! `cargo xtask test`: every test of the workspace, those in the documentation included.

use dynamodb_local::{DynamoDbLocal, Tables, URL_VARIABLE};

use crate::run::{Result, cargo, complain, run, succeeds};

/// Runs the tests whose name contains one of the filters; all of them when there is none.
pub(crate) fn tests(filters: &[&str]) -> Result {
    // One for all. Before anything is compiled: whoever lacks Java or npm should not have to wait to hear of it.
    let server = DynamoDbLocal::builder().tables(Tables::OfEachKey).start();
    let server = server.map_err(|error| error.to_string())?;
    let packages =
        ["--workspace", "--exclude", "bench", "--exclude", "bare-put-item", "--all-features", "--locked"];
    if succeeds(&mut cargo(&["nextest", "--version"])) {
        let nextest = ["nextest", "run", "--no-tests", "pass"];
        run(cargo(&nextest).env(URL_VARIABLE, server.url()).args(packages).args(filters))?;
    } else {
        complain(
            "xtask: cargo-nextest is not installed; cargo runs the same tests, one binary after the other",
        );
        let test = ["test", "--lib", "--bins", "--tests"];
        run(cargo(&test).env(URL_VARIABLE, server.url()).args(packages).arg("--").args(filters))?;
    }
    run(cargo(&["test", "--doc"]).env(URL_VARIABLE, server.url()).args(packages).arg("--").args(filters))
}
