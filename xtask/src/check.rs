//! `cargo xtask check`: what a reviewer should not have to look for.

mod dependencies;
mod features;

use crate::run::{Result, cargo, run};

/// Format, lints, docs, dependencies and feature combinations. Stops at the first that fails.
pub(crate) fn everything() -> Result {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    let everything = ["--workspace", "--all-features", "--locked"];
    run(cargo(&["clippy", "--all-targets"]).args(everything).args(["--", "-D", "warnings"]))?;
    run(cargo(&["doc", "--no-deps"]).args(everything).env("RUSTDOCFLAGS", "-D warnings"))?;
    dependencies::check()?;
    features::check()
}
