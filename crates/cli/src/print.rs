//! [`Printer`]: what a command has to say, on stdout, or why it could not, on stderr.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use serde::Serialize;

use crate::{failure::Failure, stderr};

/// For whom it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
}

/// Who looks at stderr while a command is busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A person, who sees a line change.
    Terminal,
    /// Whoever reads line after line.
    Lines,
    /// Programs, which want to know only if it fails.
    Programs,
}

/// Prints the answer of a command, once.
#[derive(Debug)]
pub(crate) struct Printer {
    output: Output,
}

impl Printer {
    pub(crate) fn new(output: Output) -> Self {
        Self { output }
    }

    /// Prints the document to programs, and the text to people.
    pub(crate) fn print(&self, document: &impl Serialize, text: impl FnOnce() -> String) -> io::Result<()> {
        let mut answer = match self.output {
            Output::Text => text(),
            Output::Json => serde_json::to_string_pretty(document)?,
        };
        answer.push('\n');
        let mut stdout = io::stdout().lock();
        match stdout.write_all(answer.as_bytes()).and_then(|()| stdout.flush()) {
            // Whoever was reading has read enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    /// Tells a person something that they should know of what was done. For programs the document says it.
    pub(crate) fn note(&self, line: &str) {
        match self.output {
            Output::Text => stderr::say(format!("eventctl: {line}\n")),
            Output::Json => {}
        }
    }

    /// Tells of a failure, the last thing that is done: nobody is left to hear that this failed too.
    pub(crate) fn fail(&self, failure: &Failure) -> ExitCode {
        let mut line = match self.output {
            Output::Text => format!("eventctl: {failure}"),
            Output::Json => serde_json::to_string(failure).unwrap_or_else(|error| error.to_string()),
        };
        line.push('\n');
        stderr::say(line);
        failure.exit_code()
    }

    /// Who looks at stderr.
    pub(crate) fn audience(&self) -> Audience {
        match self.output {
            _ if io::stderr().is_terminal() => Audience::Terminal,
            Output::Text => Audience::Lines,
            Output::Json => Audience::Programs,
        }
    }
}

/// Lines of a label and a value, the values below one another.
pub(crate) fn labelled<'a>(lines: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let lines = lines.into_iter().map(|(label, value)| format!("{label:<23} {value}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Rows below a head, each column as wide as its widest cell; the last is as wide as it likes.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows);
    let width = |column: usize| lines.iter().map(|cells| cells[column].chars().count()).max();
    let widths: Vec<_> = (0..N).map(|column| width(column).unwrap_or_default()).collect();
    let line = |cells: &[String; N]| {
        // Not by the formatter: it panics beyond a width of 65,535.
        let room = |(cell, width): (&String, &usize)| " ".repeat(width - cell.chars().count());
        let cells = cells.iter().zip(&widths).map(|cell| cell.0.clone() + &room(cell));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}
