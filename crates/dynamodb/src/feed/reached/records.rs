//! [`Records`]: how far a shard is handled, as a record and as a time.
//!
//! The record is where reading goes on. The time tells how old the records can be that come next, here or in the shards
//! that come from this one: a stream drops what is older than 24 hours, and says nothing.

use std::collections::VecDeque;

use aws_event_sourcing_core::Timestamp;

/// How far a shard is handled.
#[derive(Debug)]
pub(in super::super) struct Records {
    /// What was read behind what is saved.
    noted: VecDeque<Noted>,
    read_to: Option<Timestamp>,
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Noted {
    pub(in super::super) position: u64,
    /// Its sequence number.
    pub(in super::super) record: Box<str>,
    /// When it came into the stream.
    pub(in super::super) at: Option<Timestamp>,
}

impl Records {
    /// Nothing is read here yet, and all that was written before then is handled.
    pub(in super::super) fn new(read_to: Option<Timestamp>) -> Self {
        Self { noted: VecDeque::new(), read_to }
    }

    /// Everything that was written before then is handled.
    pub(in super::super) fn read_to(&self) -> Option<Timestamp> {
        self.read_to
    }

    /// The same, if all that was read is handled.
    pub(in super::super) fn read_to_end(&self) -> Option<Timestamp> {
        self.noted.back().and_then(|noted| noted.at).or(self.read_to)
    }

    /// A record was read.
    pub(in super::super) fn note(&mut self, noted: Noted) {
        self.noted.push_back(noted);
    }

    /// There has been nothing to read for so long that there was nothing then. Also where that is earlier than what was noted
    /// before: a clock was ahead then.
    pub(in super::super) fn is_quiet(&mut self, at: Timestamp) {
        if self.noted.is_empty() {
            self.read_to = Some(at);
        }
    }

    /// The last record up to a position.
    pub(in super::super) fn last(&self, position: u64) -> Option<&Noted> {
        self.count(position).checked_sub(1).map(|last| &self.noted[last])
    }

    /// Everything up to a position is saved.
    pub(in super::super) fn saved(&mut self, position: u64) {
        let count = self.count(position);
        if let Some(at) = self.noted.drain(..count).next_back().and_then(|noted| noted.at) {
            self.read_to = Some(at);
        }
    }

    fn count(&self, position: u64) -> usize {
        self.noted.partition_point(|noted| noted.position <= position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(hour: u64) -> Timestamp {
        Timestamp::from_unix_millis(hour * 3_600_000)
    }

    fn noted(position: u64, at: u64) -> Noted {
        Noted { position, record: position.to_string().into(), at: Some(hour(at)) }
    }

    #[test]
    fn the_time_is_that_of_the_last_record_that_is_saved() {
        let mut records = Records::new(Some(hour(1)));
        assert_eq!((records.read_to(), records.read_to_end()), (Some(hour(1)), Some(hour(1))));
        for (position, at) in [(1, 2), (2, 3), (3, 4)] {
            records.note(noted(position, at));
        }
        assert_eq!((records.read_to(), records.read_to_end()), (Some(hour(1)), Some(hour(4))));
        assert_eq!((records.last(0), records.last(2)), (None, Some(&noted(2, 3))));
        records.saved(2);
        assert_eq!((records.read_to(), records.last(2)), (Some(hour(3)), None));
        // One of which it is not known when it came.
        records.note(Noted { at: None, ..noted(4, 0) });
        records.saved(9);
        assert_eq!((records.read_to(), records.read_to_end()), (Some(hour(3)), Some(hour(3))));
    }

    #[test]
    fn a_quiet_shard_is_read_to_what_the_clock_says_also_when_that_was_ahead_before() {
        let mut records = Records::new(Some(hour(1)));
        records.is_quiet(hour(49));
        records.is_quiet(hour(2));
        assert_eq!(records.read_to(), Some(hour(2)));
    }

    #[test]
    fn a_shard_is_quiet_only_when_all_of_it_is_saved() {
        let mut records = Records::new(None);
        records.is_quiet(hour(5));
        assert_eq!(records.read_to(), Some(hour(5)));
        records.note(noted(1, 6));
        records.is_quiet(hour(7));
        assert_eq!(records.read_to(), Some(hour(5)));
        records.saved(1);
        records.is_quiet(hour(7));
        assert_eq!(records.read_to(), Some(hour(7)));
        // It turns out that there was something after all.
        records.note(noted(2, 6));
        records.saved(2);
        assert_eq!(records.read_to(), Some(hour(6)));
    }
}
