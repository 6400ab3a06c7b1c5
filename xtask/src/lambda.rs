//! `cargo xtask lambda`: an example as AWS would run it, for a person.

use std::os::unix::process::CommandExt as _;

use crate::run::{Result, cargo};

/// Becomes the program that does it, so that nobody else is there to be interrupted. What it is made of takes long to compile,
/// and the other tasks do without.
pub(crate) fn run_example(options: &[&str]) -> Result {
    let program = ["run", "--quiet", "--locked", "--package", "lambda-local", "--bin", "lambda-local", "--"];
    let error = cargo(&program).args(options).exec();
    Err(format!("cannot run cargo: {error}"))
}
