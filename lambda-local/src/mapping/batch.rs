//! [`Waiting`]: records that were read and not yet handed over.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::record::Record;
use crate::function::LARGEST;

/// What is around the records of a call.
const AROUND: usize = r#"{"Records":[]}"#.len();

/// Records that wait for a batch to be full.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    records: VecDeque<Record>,
    /// When the first of them came.
    since: Option<Instant>,
}

impl Waiting {
    pub(super) fn add(&mut self, records: Vec<Record>, now: Instant) {
        if !records.is_empty() {
            self.since.get_or_insert(now);
        }
        self.records.extend(records);
    }

    /// How many more there may be in a batch of this size.
    pub(super) fn room(&self, batch_size: usize) -> usize {
        batch_size.saturating_sub(self.records.len())
    }

    /// How long is yet to be waited for more; nothing when the batch is full or has waited for the whole window.
    pub(super) fn patience(&self, batch_size: usize, window: Duration, now: Instant) -> Option<Duration> {
        let is_full = self.room(batch_size) == 0 || self.fitting(batch_size) < self.records.len();
        let waited = self.since.map_or(Duration::ZERO, |since| now.duration_since(since));
        (!is_full && waited < window).then(|| window - waited)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The next batch: as many as there are, as a batch may have, and as fit into one call. At least one.
    pub(super) fn take(&mut self, batch_size: usize, now: Instant) -> Vec<Record> {
        let batch = self.records.drain(..self.fitting(batch_size)).collect();
        self.since = (!self.records.is_empty()).then_some(now);
        batch
    }

    fn fitting(&self, batch_size: usize) -> usize {
        let mut bytes = AROUND;
        let fits = |record: &&Record| {
            bytes += record.json.len() + 1;
            bytes <= LARGEST
        };
        let most = batch_size.min(self.records.len());
        self.records.iter().take(most).take_while(fits).count().max(most.min(1))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn records(count: usize, bytes: usize) -> Vec<Record> {
        let record =
            Record { sequence_number: String::new(), made: SystemTime::UNIX_EPOCH, json: "x".repeat(bytes) };
        vec![record; count]
    }

    #[test]
    fn a_batch_has_no_more_than_its_size() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        waiting.add(records(5, 1), now);
        assert_eq!((waiting.room(3), waiting.room(8)), (0, 3));
        assert_eq!(waiting.take(3, now).len(), 3);
        assert_eq!(waiting.take(3, now).len(), 2);
        assert!(waiting.is_empty() && waiting.take(3, now).is_empty());
    }

    #[test]
    fn a_batch_fits_into_one_call() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        waiting.add(records(5, 2_500_000), now);
        assert_eq!(waiting.patience(10, Duration::from_secs(1), now), None, "no more would fit");
        assert_eq!(waiting.take(10, now).len(), 2);
        waiting.add(records(1, 7 << 20), now);
        assert_eq!(waiting.take(10, now).len(), 2);
        assert_eq!(waiting.take(10, now).len(), 1);
        assert_eq!(waiting.take(10, now).len(), 1, "one that is too large is left to the call to refuse");
    }

    #[test]
    fn a_batch_waits_for_the_window_from_its_first_record_on() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        let window = Duration::from_secs(2);
        waiting.add(records(1, 1), now);
        assert_eq!(waiting.patience(2, window, now), Some(window));
        let later = now + Duration::from_millis(1500);
        waiting.add(Vec::new(), later);
        assert_eq!(waiting.patience(2, window, later), Some(Duration::from_millis(500)));
        assert_eq!(waiting.patience(2, window, now + window), None);
        assert_eq!(waiting.patience(2, Duration::ZERO, now), None);
        waiting.add(records(1, 1), later);
        assert_eq!(waiting.patience(2, window, later), None, "it is full");
    }
}
