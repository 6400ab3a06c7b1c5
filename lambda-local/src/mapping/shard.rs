//! [`Reader`]: reads a shard and calls the function, one batch after the other.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use super::{
    Settings,
    batch::Waiting,
    destination,
    outcome::{Outcome, reported},
    record::{Record, payload},
    stream::{Page, Position, Stream},
    work::{Step, Work},
};
use crate::{Error, Function, Log};

/// How often Lambda looks for records of a shard that has none.
const POLLING: Duration = Duration::from_millis(250);

/// What reads the shards of a mapping.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) mapping: String,
    pub(super) stream: Stream,
    pub(super) function: Arc<Function>,
    pub(super) settings: Settings,
    pub(super) log: Log,
}

/// How far a shard was read.
struct Place {
    /// After the last record that was read.
    position: Position,
    /// The same, for the next request. It can be asked for again.
    iterator: Option<String>,
}

impl Reader {
    /// Reads a shard to its end, which only a closed one has, and gives its id.
    pub(super) async fn read(self: Arc<Self>, shard: String, from: Position) -> String {
        let mut place = Place { position: from, iterator: None };
        let mut waiting = Waiting::default();
        loop {
            let batch_size = self.settings.batch_size;
            let page = match self.page(&shard, &mut place, waiting.room(batch_size)).await {
                Ok(page) => page,
                Err(error) => {
                    if !is_outdated_iterator(&error) {
                        self.log.write(error.to_string());
                    }
                    place.iterator = None;
                    tokio::time::sleep(POLLING).await;
                    continue;
                }
            };
            let (has_ended, got_nothing) = (page.next.is_none(), page.records.is_empty());
            waiting.add(page.records, Instant::now());
            if waiting.is_empty() && has_ended {
                return shard;
            }
            let patience = waiting.patience(batch_size, self.settings.window, Instant::now());
            if waiting.is_empty() || (patience.is_some() && !has_ended) {
                if got_nothing {
                    tokio::time::sleep(patience.map_or(POLLING, |patience| patience.min(POLLING))).await;
                }
                continue;
            }
            self.hand_over(&shard, waiting.take(batch_size, Instant::now())).await;
        }
    }

    /// The next records, so many at most. There is always room for one: what is full is handed over first.
    async fn page(&self, shard: &str, place: &mut Place, room: usize) -> Result<Page, Error> {
        let iterator = match place.iterator.take() {
            Some(iterator) => iterator,
            None => match self.stream.iterator(shard, &place.position).await? {
                Some(iterator) => iterator,
                None => return Ok(Page { records: Vec::new(), next: None }),
            },
        };
        let page = self.stream.records(&iterator, room).await?;
        if let Some(last) = page.records.last() {
            place.position = Position::After(last.sequence_number.clone());
        }
        place.iterator.clone_from(&page.next);
        Ok(page)
    }

    /// Calls the function with a batch until nothing is left of it.
    async fn hand_over(&self, shard: &str, records: Vec<Record>) {
        let mut work = Work::new(records);
        while let Some(step) = work.next(&self.settings, SystemTime::now()) {
            match step {
                Step::Call(records) => {
                    let outcome = self.call(records).await;
                    let pause = work.note(&self.settings, outcome);
                    tokio::time::sleep(pause).await;
                }
                Step::GiveUp(given_up) => {
                    let kept = destination::keep(self, shard, &given_up);
                    self.log.write(match kept {
                        Ok(Some(file)) => {
                            format!("gives up {} records: {}", given_up.records.len(), file.display())
                        }
                        Ok(None) => format!("gives up {} records, which are lost", given_up.records.len()),
                        Err(error) => format!("loses {} records: {error}", given_up.records.len()),
                    });
                }
            }
        }
    }

    async fn call(&self, records: &[Record]) -> Outcome {
        let answer = match self.function.invoke(payload(records)).await {
            Ok(answer) => answer,
            Err(failure) => {
                self.log.write(format!("a batch of {} has failed: {failure}", records.len()));
                return Outcome::Failed;
            }
        };
        if !self.settings.reports_failures {
            return Outcome::Handled;
        }
        let numbers: Vec<_> = records.iter().map(|record| record.sequence_number.as_str()).collect();
        let outcome = reported(&answer, &numbers);
        if outcome != Outcome::Handled {
            let answer = String::from_utf8_lossy(&answer);
            self.log.write(format!("a batch of {} was not handled: {answer}", records.len()));
        }
        outcome
    }
}

/// Whether an iterator is not good any more, and another has to be asked for. Time does that; and in DynamoDB Local, whose tables
/// count their records together, those of other tables do it to a shard that was empty.
fn is_outdated_iterator(error: &Error) -> bool {
    let Error::DynamoDb { operation, why } = error else { return false };
    let outdated = ["ExpiredIteratorException", "TrimmedDataAccessException"];
    operation == "GetRecords" && outdated.iter().any(|name| why.contains(name))
}
