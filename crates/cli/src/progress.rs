//! What is going on, on stderr: on a terminal in one line that is written over, elsewhere a line for each thing that
//! changes, and nothing where a program reads.

use std::io::{self, IsTerminal as _, Write as _};

use aws_event_sourcing_dynamodb::{Progress, VerifyProgress};

use crate::print::{Audience, Printer};

/// Erases the line that the cursor is in.
const ERASE: &str = "\r\x1b[K";

/// Shows the progress of one thing.
#[derive(Debug)]
pub(crate) struct Line {
    name: String,
    audience: Audience,
    /// What was waited for when it was last told.
    waiting_for: Option<String>,
}

impl Line {
    pub(crate) fn new(name: &str, printer: &Printer) -> Self {
        Self { name: name.to_owned(), audience: printer.audience(), waiting_for: None }
    }

    /// Shows what is going on now. That nobody looks does not matter.
    pub(crate) fn show(&mut self, progress: &Progress) {
        let name = &self.name;
        match self.audience {
            Audience::Terminal => {
                let _ = write!(io::stderr(), "{ERASE}{name}: {progress}");
                return;
            }
            Audience::Programs => return,
            Audience::Lines => {}
        }
        let waiting_for = match progress {
            Progress::Waiting { state, .. } => Some(state.clone()),
            _ => None,
        };
        if waiting_for.is_some() && waiting_for == self.waiting_for {
            return;
        }
        let _ = match &waiting_for {
            Some(state) => writeln!(io::stderr(), "{name}: waiting: {state}"),
            None => writeln!(io::stderr(), "{name}: {progress}"),
        };
        self.waiting_for = waiting_for;
    }

    /// Shows how much was read by now. Where nobody looks, that is told at the beginning only.
    pub(crate) fn show_verifying(&mut self, progress: &VerifyProgress) {
        let name = &self.name;
        let _ = match (progress, self.audience) {
            (_, Audience::Programs) => Ok(()),
            (VerifyProgress::Begins { .. }, _) => writeln!(io::stderr(), "{name}: {progress}"),
            (_, Audience::Terminal) => write!(io::stderr(), "{ERASE}{name}: {progress}"),
            (_, Audience::Lines) => Ok(()),
        };
    }
}

/// Shows how much of something long is done. On a terminal in a line that is written over, elsewhere a line for each tenth.
#[derive(Debug)]
pub(crate) struct Share {
    name: &'static str,
    is_terminal: bool,
    /// In hundredths, when it was last told.
    told: Option<u64>,
}

impl Share {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, is_terminal: io::stderr().is_terminal(), told: None }
    }

    /// Shows how many bytes are done, of so many.
    pub(crate) fn show(&mut self, bytes: u64, of: u64) {
        let hundredths = bytes.saturating_mul(100).checked_div(of).unwrap_or(100);
        let step = if self.is_terminal { 1 } else { 10 };
        if self.told.is_some_and(|told| hundredths < told + step) {
            return;
        }
        self.told = Some(hundredths);
        let line = format!("{}: {hundredths}% of {} MB", self.name, of.div_ceil(1_000_000));
        let _ = match self.is_terminal {
            true => write!(io::stderr(), "{ERASE}{line}"),
            false => writeln!(io::stderr(), "{line}"),
        };
    }
}

/// Leaves the terminal as it was.
impl Drop for Share {
    fn drop(&mut self) {
        if self.is_terminal {
            let _ = write!(io::stderr(), "{ERASE}");
        }
    }
}

/// Leaves the terminal as it was.
impl Drop for Line {
    fn drop(&mut self) {
        if self.audience == Audience::Terminal {
            let _ = write!(io::stderr(), "{ERASE}");
        }
    }
}
