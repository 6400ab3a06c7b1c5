//! What is going on, on stderr: on a terminal in one line that is written over, elsewhere a line for each thing that
//! changes.

use std::io::{self, IsTerminal as _, Write as _};

use aws_event_sourcing_dynamodb::{Progress, VerifyProgress};

/// Erases the line that the cursor is in.
const ERASE: &str = "\r\x1b[K";

/// Shows the progress of one thing.
#[derive(Debug)]
pub(crate) struct Line {
    name: String,
    is_terminal: bool,
    /// What was waited for when it was last told.
    waiting_for: Option<String>,
}

impl Line {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), is_terminal: io::stderr().is_terminal(), waiting_for: None }
    }

    /// Shows what is going on now. That nobody looks does not matter.
    pub(crate) fn show(&mut self, progress: &Progress) {
        let name = &self.name;
        if self.is_terminal {
            let _ = write!(io::stderr(), "{ERASE}{name}: {progress}");
            return;
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
        let _ = match (progress, self.is_terminal) {
            (VerifyProgress::Begins { .. }, _) => writeln!(io::stderr(), "{name}: {progress}"),
            (_, true) => write!(io::stderr(), "{ERASE}{name}: {progress}"),
            (_, false) => Ok(()),
        };
    }
}

/// Leaves the terminal as it was.
impl Drop for Line {
    fn drop(&mut self) {
        if self.is_terminal {
            let _ = write!(io::stderr(), "{ERASE}");
        }
    }
}
