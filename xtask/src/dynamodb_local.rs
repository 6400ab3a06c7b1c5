//! `cargo xtask dynamodb-local`: a DynamoDB Local for a person, with the examples' tables in it.

use std::path::PathBuf;

use dynamodb_local::{DynamoDbLocal, Tables};

use crate::run::{Result, cargo, run, say};

/// Unless another one is asked for: what DynamoDB Local itself listens on by default.
const PORT: u16 = 8000;

/// What an example needs to run on it.
struct Example {
    package: &'static str,
    /// The variables that name its tables, and the tables.
    tables: &'static [(&'static str, &'static str)],
    /// Another port than the other examples have.
    port: &'static str,
}

const EXAMPLES: [Example; 2] = [
    Example {
        package: "shopping",
        tables: &[("DYNAMODB_TABLE_PRODUCT", "products"), ("DYNAMODB_TABLE_REORDER", "reorders")],
        port: "",
    },
    Example { package: "deploys", tables: &[("DYNAMODB_TABLE", "deploys")], port: "PORT=3001 " },
];

/// The table for how far their subscriptions are.
const SUBSCRIPTIONS: &str = "subscriptions";

/// Any will do, but there have to be some.
const SETTINGS: [(&str, &str); 3] =
    [("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local")];

/// Starts a server, makes the tables, and waits for Ctrl-C, which ends the server with this process.
pub(crate) fn serve(options: &[&str]) -> Result {
    let (mut port, mut tables) = (PORT, Tables::Shared);
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let mut value = || options.next().ok_or_else(|| format!("{option} needs a value"));
        match *option {
            "--port" => {
                let value = value()?;
                port = value
                    .parse()
                    .map_err(|_| format!("--port {value} is not a port number from 1 to 65535"))?;
            }
            "--data-dir" => tables = Tables::Kept(PathBuf::from(value()?)),
            unknown => return Err(format!("unknown option {unknown:?}, see `cargo xtask help`")),
        }
    }
    let server =
        DynamoDbLocal::builder().port(port).tables(tables).start().map_err(|error| error.to_string())?;
    let tables = EXAMPLES.iter().flat_map(|example| example.tables).map(|(_, table)| vec![*table]);
    for arguments in tables.chain([vec![SUBSCRIPTIONS, "--subscriptions"]]) {
        let eventctl =
            ["run", "--quiet", "--locked", "--package", "aws-event-sourcing-cli", "--", "table", "create"];
        run(cargo(&eventctl).args(arguments).args(["--endpoint-url", server.url()]).envs(SETTINGS))?;
    }

    let settings: String = SETTINGS.iter().map(|(name, value)| format!("{name}={value} ")).collect();
    let settings = format!("AWS_ENDPOINT_URL_DYNAMODB={} {settings}", server.url());
    say(&format!("\nDynamoDB Local is at {}. To run the examples on it:\n\n", server.url()));
    for Example { package, tables, port } in EXAMPLES {
        let tables: String = tables.iter().map(|(variable, table)| format!("{variable}={table} ")).collect();
        say(&format!("{settings}{port}{tables}SUBSCRIPTIONS_TABLE={SUBSCRIPTIONS} cargo run -p {package}\n"));
    }
    say("\nCtrl-C stops it.\n");
    Err(server.wait().to_string())
}
