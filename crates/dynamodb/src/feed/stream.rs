//! The requests to the stream of a table.

use std::sync::Arc;

use aws_sdk_dynamodb::types::StreamViewType;
use aws_sdk_dynamodbstreams::{
    error::{ProvideErrorMetadata, SdkError},
    types::{Record, ShardIteratorType},
};

use super::plan::Shard;
use crate::{
    connection::DynamoDb,
    consumed::Observer,
    error::Error,
    request::{Pending, Target},
    table::Kind,
};

/// The most records of one answer.
const PAGE: i32 = 1_000;

/// The stream of a table, and how to reach it.
#[derive(Clone)]
pub(super) struct TableStream {
    pub(super) dynamodb: DynamoDb,
    pub(super) table: Arc<str>,
    pub(super) resource_type: Arc<str>,
    pub(super) observer: Option<Observer>,
}

/// Where reading begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    /// With the oldest record that the shard still has.
    Horizon,
    /// Behind this record.
    Behind(Box<str>),
}

/// Why a place in a shard cannot be read on from.
#[derive(Debug)]
pub(super) enum Fault {
    /// What was there is no longer.
    Trimmed,
    /// The iterator was not used for a while. Another one has to be had.
    Expired,
    Failed(Error),
}

/// Some records, and where to go on: nowhere where the shard ends.
pub(super) struct Records {
    pub(super) records: Vec<Record>,
    pub(super) next: Option<String>,
}

impl TableStream {
    fn pending(&self, operation: &'static str) -> Pending {
        let target = Target { operation, table: Arc::clone(&self.table), kind: Kind::Events };
        Pending::reported(&self.dynamodb, target, &self.resource_type, self.observer.as_ref())
    }

    /// The ARN of the stream that the table has now.
    pub(super) async fn arn(&self) -> Result<String, Error> {
        let pending = self.pending("DescribeTable");
        let request = self.dynamodb.client().describe_table().table_name(&*self.table);
        let answer = request.customize().interceptor(pending.attempts()).send().await;
        let table = answer.map_err(|error| pending.failed(error))?.table;
        let has_images = |view: Option<&StreamViewType>| {
            matches!(view, Some(StreamViewType::NewImage | StreamViewType::NewAndOldImages))
        };
        let arn = table.and_then(|table| {
            let stream = table.stream_specification.as_ref()?;
            let is_on = stream.stream_enabled && has_images(stream.stream_view_type.as_ref());
            table.latest_stream_arn.filter(|_| is_on)
        });
        arn.ok_or_else(|| Error::NoStream { table: Arc::clone(&self.table) })
    }

    /// All shards of the stream that there are, to the last page.
    pub(super) async fn shards(&self, arn: &str) -> Result<Vec<Shard>, Error> {
        let mut all = Vec::new();
        let mut start = None;
        loop {
            let pending = self.pending("DescribeStream");
            let request = self.dynamodb.streams().describe_stream().stream_arn(arn);
            let request = request.set_exclusive_start_shard_id(start);
            let answer = request.customize().interceptor(pending.attempts()).send().await;
            let answer = answer.map_err(|error| match error.code() {
                // It was turned off just now.
                Some("ResourceNotFoundException") => Error::NoStream { table: Arc::clone(&self.table) },
                _ => busy(pending.failed(error)),
            })?;
            let Some(page) = answer.stream_description else { return Ok(all) };
            all.extend(page.shards.unwrap_or_default().into_iter().filter_map(|shard| {
                Some(Shard { id: shard.shard_id?.into(), parent: shard.parent_shard_id.map(Into::into) })
            }));
            start = page.last_evaluated_shard_id;
            if start.is_none() {
                return Ok(all);
            }
        }
    }

    /// An iterator at a place in a shard.
    pub(super) async fn iterator(&self, arn: &str, shard: &str, from: &From) -> Result<String, Fault> {
        let pending = self.pending("GetShardIterator");
        let request = self.dynamodb.streams().get_shard_iterator().stream_arn(arn).shard_id(shard);
        let request = match from {
            From::Horizon => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
            From::Behind(number) => {
                request.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).sequence_number(&**number)
            }
        };
        let answer = request.customize().interceptor(pending.attempts()).send().await;
        let answer = answer.map_err(|error| fault(&pending, error))?;
        answer.shard_iterator.ok_or(Fault::Trimmed)
    }

    /// What an iterator has.
    pub(super) async fn records(&self, iterator: &str) -> Result<Records, Fault> {
        let pending = self.pending("GetRecords");
        let request = self.dynamodb.streams().get_records().shard_iterator(iterator).limit(PAGE);
        let answer = request.customize().interceptor(pending.attempts()).send().await;
        let answer = answer.map_err(|error| fault(&pending, error))?;
        Ok(Records { records: answer.records.unwrap_or_default(), next: answer.next_shard_iterator })
    }
}

fn fault<E, R>(pending: &Pending, error: SdkError<E, R>) -> Fault
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match error.code() {
        Some("TrimmedDataAccessException" | "ResourceNotFoundException") => Fault::Trimmed,
        Some("ExpiredIteratorException") => Fault::Expired,
        _ => Fault::Failed(busy(pending.failed(error))),
    }
}

/// The streams have one word for throttling and for limits.
fn busy(error: Error) -> Error {
    match error {
        Error::Refused { ref source, .. } if source.code == "LimitExceededException" => error.passing(),
        error => error,
    }
}
