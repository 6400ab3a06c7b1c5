//! [`keep`]: what is left of records that are given up, as Lambda writes it to a bucket of S3.

use std::{
    fs, io,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    outcome::Outcome,
    record::{Record, payload},
    shard::Reader,
    work::{Condition, GivenUp},
};

/// Writes a file, and says which: it has the name that the object in the bucket would have, but for the id of the mapping,
/// which is its logical one here. Nothing is written when there is no folder for it.
pub(super) fn keep(reader: &Reader, shard: &str, given_up: &GivenUp) -> io::Result<Option<PathBuf>> {
    let Some(folder) = &reader.settings.unhandled else { return Ok(None) };
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let (day, second) = (now[..10].replace('-', "/"), now[..19].replace(':', "."));
    let folder = folder.join("aws/lambda").join(&reader.mapping).join(shard).join(day);
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{second}-{}", Uuid::new_v4()));
    let document = document(reader.function.name(), reader.stream.arn(), shard, given_up);
    fs::write(&file, document.to_string())?;
    Ok(Some(file))
}

fn document(function: &str, stream: &str, shard: &str, given_up: &GivenUp) -> Value {
    let condition = match given_up.condition {
        Condition::RetriesExhausted => "RetryAttemptsExhausted",
        Condition::TooOld => "RecordAgeExceeded",
    };
    let mut document = json!({
        "requestContext": {
            "requestId": Uuid::new_v4().to_string(),
            "functionArn": format!("arn:aws:lambda:us-east-1:012345678912:function:{function}"),
            "condition": condition,
            "approximateInvokeCount": given_up.calls,
        },
        "version": "1.0",
        "timestamp": humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
        "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": given_up.records.first().map(|record| &record.sequence_number),
            "endSequenceNumber": given_up.records.last().map(|record| &record.sequence_number),
            "approximateArrivalOfFirstRecord": arrival(given_up.records.first()),
            "approximateArrivalOfLastRecord": arrival(given_up.records.last()),
            "batchSize": given_up.records.len(),
            "streamArn": stream,
        },
        "payload": payload(&given_up.records),
    });
    if let Some(last) = &given_up.last {
        let error = (*last == Outcome::Failed).then_some("Unhandled");
        document["responseContext"] =
            json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": error});
    }
    document
}

fn arrival(record: Option<&Record>) -> String {
    let made = record.map_or(UNIX_EPOCH, |record| record.made);
    humantime::format_rfc3339_seconds(made).to_string()
}
