//! `eventctl`: what people do with an event store from a terminal.
//!
//! A command is a noun and a verb, `eventctl table check`; each noun is a module, each verb a file in it. What is done to the
//! whole store needs no noun: `eventctl backup`. [`options`]
//! has what all commands understand, [`print`](mod@print) what all of them say, and how.

mod backup;
mod connect;
mod failure;
mod file;
mod options;
mod parked;
mod print;
mod progress;
mod restore;
mod stderr;
mod table;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    failure::Failure,
    options::{Noun, Options},
    print::Printer,
};

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => return not_run(&error),
    };
    let printer = Printer::new(options.output());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(run(&options, &printer)),
        Err(error) => Err(error.into()),
    };
    done.unwrap_or_else(|failure| printer.fail(&failure))
}

/// Prints what was asked for in place of a command, --help or --version, and ends with 0; or says what is not understood,
/// and ends with 2.
fn not_run(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        return Printer::new(Options::output_asked_for()).fail(&Failure::not_understood(error));
    }
    // Whoever was reading has read enough.
    let _ = error.print();
    ExitCode::SUCCESS
}

async fn run(options: &Options, printer: &Printer) -> Result<ExitCode, Failure> {
    match &options.noun {
        Noun::Table(table) => table.run(&options.connection, printer).await,
        Noun::Parked(parked) => parked.run(&options.connection, printer).await,
        Noun::Backup(backup) => backup.run(printer),
        Noun::Restore(restore) => restore.run(printer),
    }
}
