//! [`Mapping`]: what hands the stream of a table to a function, as an event source mapping of Lambda does.
//!
//! Each shard is read from its beginning, one batch at a time, and a shard after those that it has come from. What becomes of
//! a batch is decided in [`work`], which does nothing itself; everything around it reads, waits and calls.

mod backoff;
mod batch;
mod destination;
mod outcome;
mod record;
mod settings;
mod shard;
mod shards;
mod stream;
mod work;

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::task::{JoinHandle, JoinSet};

pub(crate) use self::stream::Stream;
pub use self::{
    backoff::Backoff,
    settings::{Settings, Start},
};
use self::{shard::Reader, shards::ready, stream::Position};
use crate::{DynamoDb, Error, Function, Log};

/// How often it is looked for new shards.
const LISTING: Duration = Duration::from_secs(5);

/// Hands every change of a table to a function. Dropping it ends that; a call that is under way is left to the
/// function.
#[derive(Debug)]
pub struct Mapping {
    log: Log,
    following: JoinHandle<()>,
}

impl Mapping {
    /// Begins to follow a table. `name` is part of what is kept of batches that could not be handled, and `log` gets a line
    /// for each batch that has failed.
    ///
    /// # Errors
    ///
    /// When there is no such table, or it has no stream.
    pub async fn start(
        name: &str,
        table: &str,
        dynamodb: &DynamoDb,
        function: Arc<Function>,
        settings: Settings,
        log: Log,
    ) -> Result<Self, Error> {
        let stream = Stream::of(table, dynamodb).await?;
        let reader = Reader { mapping: name.to_owned(), stream, function, settings, log: log.clone() };
        Ok(Self { log, following: tokio::spawn(follow(Arc::new(reader))) })
    }

    /// What it has had to say so far: why batches have failed.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.following.abort();
    }
}

/// Reads every shard, side by side, as soon as those that it has come from are done.
async fn follow(reader: Arc<Reader>) {
    let (mut begun, mut done) = (HashSet::new(), HashSet::new());
    let mut first = true;
    // They end with this task.
    let mut shards = JoinSet::new();
    loop {
        match reader.stream.shards().await {
            Ok(listed) => {
                // A shard that appears later has nothing in it that was there at the beginning.
                let from = match reader.settings.start {
                    Start::Latest if first => Position::Latest,
                    _ => Position::TrimHorizon,
                };
                for shard in ready(&listed, &begun, &done) {
                    begun.insert(shard.clone());
                    shards.spawn(Arc::clone(&reader).read(shard, from.clone()));
                }
                first = false;
            }
            Err(error) => reader.log.write(error.to_string()),
        }
        tokio::select! {
            Some(Ok(shard)) = shards.join_next() => { done.insert(shard); }
            () = tokio::time::sleep(LISTING) => {}
        }
    }
}
