//! What a contributor runs: `cargo xtask test` and `cargo xtask check`. Continuous integration runs the same two.

mod check;
mod run;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
What a contributor of aws-event-sourcing runs.

Usage: cargo xtask <COMMAND>

Commands:
  test [FILTER…]   Run every test, or those whose name contains a filter
  check            Format, lints, docs, dependencies and feature combinations

Continuous integration runs both, from a fresh clone.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["test", filters @ ..] => test::tests(filters),
        ["check"] => check::everything(),
        ["help" | "--help" | "-h"] => {
            run::say(HELP);
            Ok(())
        }
        [] => Err(format!("which command?\n\n{HELP}")),
        [unknown, ..] => Err(format!("unknown command {unknown:?}\n\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            run::complain(&format!("xtask: {error}"));
            ExitCode::FAILURE
        }
    }
}
