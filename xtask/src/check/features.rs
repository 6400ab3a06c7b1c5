//! Every combination of the facade's features compiles, and what documents features has no link to what is not there without
//! them.

use crate::run::{Result, cargo, run};

const FEATURES: [&str; 5] = ["dynamodb", "http", "lambda", "service", "sqlite"];

pub(super) fn check() -> Result {
    for combination in 0..1 << FEATURES.len() {
        let enabled = FEATURES.iter().enumerate().filter(|(index, _)| combination & (1 << index) != 0);
        let enabled = enabled.map(|(_, feature)| *feature).collect::<Vec<_>>().join(",");
        let facade = ["clippy", "--package", "aws-event-sourcing", "--no-default-features", "--locked"];
        run(cargo(&facade).args(["--features", &enabled, "--", "-D", "warnings"]))?;
    }
    for package in ["aws-event-sourcing", "aws-event-sourcing-service"] {
        let docs = ["doc", "--no-deps", "--package", package, "--no-default-features", "--locked"];
        run(cargo(&docs).env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    Ok(())
}
