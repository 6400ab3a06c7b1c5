//! `cargo xtask test`: every test of the workspace, those in the documentation included.

use crate::run::{Result, cargo, complain, run, succeeds};

/// Runs the tests whose name contains one of the filters; all of them when there is none.
pub(crate) fn tests(filters: &[&str]) -> Result {
    let packages = ["--workspace", "--exclude", "bench", "--all-features", "--locked"];
    if succeeds(&mut cargo(&["nextest", "--version"])) {
        run(cargo(&["nextest", "run", "--no-tests", "pass"]).args(packages).args(filters))?;
    } else {
        complain(
            "xtask: cargo-nextest is not installed; cargo runs the same tests, one binary after the other",
        );
        run(cargo(&["test", "--lib", "--bins", "--tests"]).args(packages).arg("--").args(filters))?;
    }
    run(cargo(&["test", "--doc"]).args(packages).arg("--").args(filters))
}
