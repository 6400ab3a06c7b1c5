//! [`Stream`]: the stream of a table, by the API of DynamoDB Streams.

use serde_json::{Value, json};

use super::{record::Record, shards::Shard};
use crate::{DynamoDb, Error};

/// What one request for records gives at most.
const MOST_AT_ONCE: usize = 1_000;

/// The stream of a table.
#[derive(Debug)]
pub(crate) struct Stream {
    dynamodb: DynamoDb,
    arn: String,
}

/// From where on a shard is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Position {
    TrimHorizon,
    Latest,
    After(String),
}

/// What a request for records has given.
pub(super) struct Page {
    pub(super) records: Vec<Record>,
    /// Where to go on; nothing is behind the end of a shard that is closed.
    pub(super) next: Option<String>,
}

impl Stream {
    pub(crate) async fn of(table: &str, dynamodb: &DynamoDb) -> Result<Self, Error> {
        let described = dynamodb.ask("DescribeTable", &json!({"TableName": table})).await?;
        let arn = described["Table"]["LatestStreamArn"].as_str();
        let arn = arn.ok_or_else(|| Error::Unsuitable {
            of: table.to_owned(),
            why: "the table has no stream".to_owned(),
        })?;
        Ok(Self { dynamodb: dynamodb.clone(), arn: arn.to_owned() })
    }

    /// All records that it has, in JSON as Lambda hands them over.
    pub(crate) async fn read(&self) -> Result<Vec<Value>, Error> {
        let mut records = Vec::new();
        for shard in self.shards().await? {
            let mut next = self.iterator(&shard.id, &Position::TrimHorizon).await?;
            while let Some(iterator) = next {
                let page = self.records(&iterator, MOST_AT_ONCE).await?;
                // One that is open has no end, but nothing more for now.
                next = page.next.filter(|_| !page.records.is_empty());
                records
                    .extend(page.records.iter().filter_map(|record| serde_json::from_str(&record.json).ok()));
            }
        }
        Ok(records)
    }

    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    /// Its shards.
    pub(super) async fn shards(&self) -> Result<Vec<Shard>, Error> {
        let mut request = json!({"StreamArn": self.arn});
        let mut shards = Vec::new();
        loop {
            let described = self.dynamodb.ask_streams("DescribeStream", &request).await?;
            let description = &described["StreamDescription"];
            let listed = description["Shards"].as_array().into_iter().flatten();
            shards.extend(listed.filter_map(|shard| {
                let parent = shard["ParentShardId"].as_str().map(str::to_owned);
                Some(Shard { id: shard["ShardId"].as_str()?.to_owned(), parent })
            }));
            match &description["LastEvaluatedShardId"] {
                Value::String(last) => request["ExclusiveStartShardId"] = json!(last),
                _ => return Ok(shards),
            }
        }
    }

    /// Where to begin to read. An iterator is good for a quarter of an hour.
    pub(super) async fn iterator(&self, shard: &str, from: &Position) -> Result<Option<String>, Error> {
        let mut request = json!({"StreamArn": self.arn, "ShardId": shard});
        match from {
            Position::TrimHorizon => request["ShardIteratorType"] = json!("TRIM_HORIZON"),
            Position::Latest => request["ShardIteratorType"] = json!("LATEST"),
            Position::After(number) => {
                request["ShardIteratorType"] = json!("AFTER_SEQUENCE_NUMBER");
                request["SequenceNumber"] = json!(number);
            }
        }
        let answer = self.dynamodb.ask_streams("GetShardIterator", &request).await?;
        Ok(answer["ShardIterator"].as_str().map(str::to_owned))
    }

    pub(super) async fn records(&self, iterator: &str, limit: usize) -> Result<Page, Error> {
        let request = json!({"ShardIterator": iterator, "Limit": limit.clamp(1, MOST_AT_ONCE)});
        let mut answer = self.dynamodb.ask_streams("GetRecords", &request).await?;
        let next = answer["NextShardIterator"].as_str().map(str::to_owned);
        let Value::Array(given) = answer["Records"].take() else {
            return Ok(Page { records: Vec::new(), next });
        };
        let records = given.into_iter().map(|given| Record::new(given, &self.arn));
        let strange = || Error::DynamoDb {
            operation: "GetRecords".to_owned(),
            why: "a record lacks its number or its time".to_owned(),
        };
        Ok(Page { records: records.collect::<Option<_>>().ok_or_else(strange)?, next })
    }
}
