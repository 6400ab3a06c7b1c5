//! [`LogEnd`]: where the log ended when this process last wrote to it.
//!
//! A log that somebody cuts short is made as long as before by the next transaction, with a hole in it. SQLite does not read what
//! it has just written, and takes note of nothing; what is after the hole is lost with what was in it. So it is looked whether
//! the last frame is still there: of whatever is cut off a log, that is the first to go.
//!
//! Offsets are those of SQLite's [format](https://www.sqlite.org/fileformat2.html#the_write_ahead_log).

use std::{fs::File, os::unix::fs::FileExt as _};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// The last frame of the log, of those that this process has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LogEnd {
    /// In the header, and in each frame since the log began anew.
    salt: [u8; 8],
    /// Where the last frame begins.
    frame: u64,
}

/// What a log is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Empty, or it has nothing but zeros where it should begin.
    NotBegun,
    /// All that is known of is in it; or it was begun anew.
    Whole,
    /// It is the one that was written to, and its last frame is gone.
    CutShort,
}

impl LogEnd {
    /// The end of a log that has so many frames. None when it has changed since.
    pub(super) fn of(log: &File, frames: i32) -> Option<Self> {
        let header = header(log)?;
        let before = u64::try_from(frames).ok()?.checked_sub(1)?;
        let page = u64::from(u32::from_be_bytes(header[8..12].try_into().ok()?));
        let end = Self { salt: salt(&header), frame: HEADER as u64 + before * (FRAME_HEADER as u64 + page) };
        end.is_in(log).then_some(end)
    }

    fn is_in(&self, log: &File) -> bool {
        let mut frame = [0; FRAME_HEADER];
        log.read_exact_at(&mut frame, self.frame).is_ok() && frame[8..16] == self.salt
    }
}

/// What a log is like that ended there.
pub(super) fn look(log: &File, end: Option<LogEnd>) -> State {
    let Some(header) = header(log) else { return State::NotBegun };
    match end {
        Some(end) if end.salt == salt(&header) && !end.is_in(log) => State::CutShort,
        _ => State::Whole,
    }
}

/// None when the log has not begun.
fn header(log: &File) -> Option<[u8; HEADER]> {
    let mut header = [0; HEADER];
    log.read_exact_at(&mut header, 0).ok()?;
    (header[..4] != [0; 4]).then_some(header)
}

fn salt(header: &[u8; HEADER]) -> [u8; 8] {
    header[16..24].try_into().expect("eight bytes")
}
