//! Runs an example as AWS would, for a person: `cargo xtask lambda EXAMPLE`.

mod options;

use std::{io::Write as _, process::ExitCode};

use dynamodb_local::DynamoDbLocal;
use lambda_local::{Deployment, DynamoDb, Error, Launch, Log, Program};

use crate::options::{HELP, Options, Wanted};

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Options::read(std::env::args().skip(1)) {
        Ok(Wanted::Help) => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Wanted::Run(options)) => run(options).await.map_err(|error| error.to_string()),
        Err(complaint) => Err(format!("{complaint}\n\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody listening is no reason to fail in another way.
            let _ = writeln!(std::io::stderr(), "lambda: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs it until Ctrl-C.
async fn run(options: Options) -> Result<(), Error> {
    say(match options.program {
        Program::Deployed => "Building as it is deployed, which takes some minutes the first time …\n",
        _ => "Building …\n",
    });
    let server = DynamoDbLocal::start()?;
    let dynamodb = DynamoDb::new(server.url(), "local");
    let launch: Launch = Deployment::of(&*options.example).program(options.program).port(options.port);
    let deployment = launch.dynamodb(dynamodb).log(Log::shown(show)).start().await?;
    say(&usage(&options.example, &deployment));
    // Without signals there is nothing to wait for, and then it ends at once.
    let _ = tokio::signal::ctrl_c().await;
    say("\nStopping …\n");
    Ok(())
}

/// How to try it.
fn usage(example: &str, deployment: &Deployment) -> String {
    let url = deployment.gateway().url();
    let body = match example {
        "shopping" => Some(("products", r#"{"amount": 1}"#)),
        "deploys" => Some(("deploys", r#"{"specification": "web 1.0"}"#)),
        _ => None,
    };
    let mut text =
        format!("\n{example} is at {url}, as it is on AWS: each request is a call of a function.\n\n");
    if let Some((resources, body)) = body {
        text += &format!("curl -i {url}/{resources} -H 'content-type: application/json' -d '{body}'\n");
        text += &format!("curl -i {url}/{resources}\n");
    }
    text += "\nIts tables:\n\n";
    let settings: String = deployment
        .dynamodb()
        .settings()
        .iter()
        .map(|(name, value)| format!("export {name}={value}\n"))
        .collect();
    text += &settings;
    for (id, name) in deployment.tables() {
        if id == "SubscriptionsTable" {
            text += &format!("export SUBSCRIPTIONS_TABLE={name}\n");
        } else {
            text += &format!("# {id} is {name}\n");
        }
    }
    text += "cargo run --package aws-event-sourcing-cli -- parked list\n\n";
    text += &format!("What cannot be handled is put into {}.\n", deployment.unhandled().display());
    text + "Ctrl-C stops it. What its functions say:\n\n"
}

/// What is worth a person's time: of each call the emulator says that it begins, that it ends, and how long it took.
fn show(line: &str) {
    let said = line.split_once(" | ").map_or(line, |(_, said)| said);
    if !said.starts_with("START RequestId: ") && !said.starts_with("END RequestId: ") {
        say(&format!("{line}\n"));
    }
}

/// Prints to standard output. Nobody listening is no reason to stop.
fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
    let _ = std::io::stdout().flush();
}
