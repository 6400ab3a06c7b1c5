//! [`Options`]: what a person wants to be run.

use lambda_local::Program;

pub(crate) const HELP: &str = "\
Runs an example on this machine as AWS would: API, functions and roles, tables, streams and schedule.

Usage: cargo xtask lambda <EXAMPLE> [OPTIONS]

Examples: shopping, deploys

Options:
  --port PORT   Where the API listens [default: 3000]
  --dev         Build it with cargo, in seconds; otherwise it is built as it is deployed, in minutes
  --help        Say this
";

/// Unless another one is asked for: what the examples listen on without Lambda.
const PORT: u16 = 3000;

const EXAMPLES: [&str; 2] = ["shopping", "deploys"];

/// What is to be run, and how.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) example: String,
    pub(crate) port: u16,
    pub(crate) program: Program,
}

/// What a person wants.
#[derive(Debug, PartialEq)]
pub(crate) enum Wanted {
    Run(Options),
    Help,
}

impl Options {
    /// Reads the arguments. The error is a complaint for a person.
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Wanted, String> {
        let (mut example, mut port, mut program) = (None, PORT, Program::Deployed);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--help" | "-h" => return Ok(Wanted::Help),
                "--dev" => program = Program::Debug,
                "--port" => {
                    let value = arguments.next().ok_or("--port needs a value")?;
                    let wrong = |_| format!("--port {value} is not a port number from 0 to 65535");
                    port = value.parse().map_err(wrong)?;
                }
                known if example.is_none() && EXAMPLES.contains(&known) => example = Some(argument),
                unknown => return Err(format!("{unknown:?} is neither an example nor an option")),
            }
        }
        let example = example.ok_or("which example?")?;
        Ok(Wanted::Run(Self { example, port, program }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &str) -> Result<Wanted, String> {
        Options::read(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_understood() {
        let run = |port, program| Wanted::Run(Options { example: "shopping".to_owned(), port, program });
        assert_eq!(read("shopping"), Ok(run(3000, Program::Deployed)));
        assert_eq!(read("--dev shopping --port 4000"), Ok(run(4000, Program::Debug)));
        assert_eq!(read("shopping --help"), Ok(Wanted::Help));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (arguments, complaint) in [
            ("", "which example"),
            ("shop", "\"shop\""),
            ("shopping deploys", "\"deploys\""),
            ("shopping --port", "--port"),
            ("shopping --port x", "--port x"),
        ] {
            let error = read(arguments).expect_err(arguments);
            assert!(error.contains(complaint), "{arguments}: {error}");
        }
    }
}
