//! What is going on, on stderr: on a terminal in one line that is written over, elsewhere a line for each thing that
//! changes, and nothing where a program reads.

use aws_event_sourcing_dynamodb::{Progress, VerifyProgress};

use crate::{
    print::{Audience, Printer},
    stderr,
};

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
                stderr::say(format!("{ERASE}{name}: {progress}"));
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
        stderr::say(match &waiting_for {
            Some(state) => format!("{name}: waiting: {state}\n"),
            None => format!("{name}: {progress}\n"),
        });
        self.waiting_for = waiting_for;
    }

    /// Shows how much was read by now. Where nobody looks, that is told at the beginning only.
    pub(crate) fn show_verifying(&mut self, progress: &VerifyProgress) {
        let name = &self.name;
        match (progress, self.audience) {
            (_, Audience::Programs) => {}
            (VerifyProgress::Begins { .. }, _) => stderr::say(format!("{name}: {progress}\n")),
            (_, Audience::Terminal) => stderr::say(format!("{ERASE}{name}: {progress}")),
            (_, Audience::Lines) => {}
        }
    }
}

/// Shows how much of something long is done: on a terminal in a line that is written over, elsewhere a line for each tenth,
/// and nothing where a program reads.
#[derive(Debug)]
pub(crate) struct Share {
    name: &'static str,
    audience: Audience,
    /// In hundredths, when it was last told.
    told: Option<u64>,
}

impl Share {
    pub(crate) fn new(name: &'static str, printer: &Printer) -> Self {
        Self { name, audience: printer.audience(), told: None }
    }

    /// Shows how many bytes are done, of so many.
    pub(crate) fn show(&mut self, bytes: u64, of: u64) {
        let hundredths = bytes.saturating_mul(100).checked_div(of).unwrap_or(100);
        let step = match self.audience {
            Audience::Terminal => 1,
            Audience::Lines => 10,
            Audience::Programs => return,
        };
        if self.told.is_some_and(|told| hundredths < told + step) {
            return;
        }
        self.told = Some(hundredths);
        let line = format!("{}: {hundredths}% of {} MB", self.name, of.div_ceil(1_000_000));
        stderr::say(match self.audience {
            Audience::Terminal => format!("{ERASE}{line}"),
            Audience::Lines | Audience::Programs => format!("{line}\n"),
        });
    }
}

/// Leaves the terminal as it was.
impl Drop for Share {
    fn drop(&mut self) {
        if self.audience == Audience::Terminal {
            stderr::say(ERASE.to_owned());
        }
    }
}

/// Leaves the terminal as it was.
impl Drop for Line {
    fn drop(&mut self) {
        if self.audience == Audience::Terminal {
            stderr::say(ERASE.to_owned());
        }
    }
}
