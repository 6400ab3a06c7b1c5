//! `eventctl`: what people do with an event store from a terminal.
//!
//! A command is a noun and a verb, `eventctl table check`; each noun is a module, each verb a file in it. [`options`]
//! has what all commands understand, [`print`](mod@print) what all of them say, and how.

mod connect;
mod failure;
mod options;
mod parked;
mod print;
mod progress;
mod table;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    options::{Noun, Options},
    print::Printer,
};

fn main() -> ExitCode {
    // Ends with 0 after --help and --version, and with 2 when it does not understand.
    let options = Options::parse();
    let printer = Printer::new(options.output());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(run(&options, &printer)),
        Err(error) => Err(error.into()),
    };
    done.unwrap_or_else(|failure| {
        print::failure(&failure);
        ExitCode::FAILURE
    })
}

async fn run(options: &Options, printer: &Printer) -> Result<ExitCode, failure::Failure> {
    match &options.noun {
        Noun::Table(table) => table.run(&options.connection, printer).await,
        Noun::Parked(parked) => parked.run(&options.connection, printer).await,
    }
}
