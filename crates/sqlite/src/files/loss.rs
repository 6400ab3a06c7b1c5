//! [`Loss`]: what became of a file under a store that has it open.

use std::{fmt, path::PathBuf};

use aws_event_sourcing_core::Timestamp;

/// What became of a file under a store that has it open.
#[derive(Debug, Clone)]
pub(crate) struct Loss {
    pub(super) file: PathBuf,
    pub(super) what: What,
    /// Until then it had its name and was as it should be.
    pub(super) until: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Missing,
    Replaced,
    CutShort,
    WrittenOver,
}

impl fmt::Display for Loss {
    /// What has happened, and where what was stored is now.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, what, until } = self;
        let file = file.display();
        let whereabouts = "is in the files that were there then, and that this process still has open";
        match what {
            What::Missing => write!(
                f,
                "{file} was removed or renamed while the store was open: what was acknowledged until {until} {whereabouts}"
            ),
            What::Replaced => write!(
                f,
                "another file was put in place of {file} while the store was open: what was acknowledged until {until} \
                 {whereabouts}"
            ),
            What::CutShort => write!(
                f,
                "{file} was cut short while the store was open: what was acknowledged until {until} may be lost"
            ),
            What::WrittenOver => write!(
                f,
                "{file} was written over while the store was open: what was acknowledged until {until} may be lost"
            ),
        }
    }
}
