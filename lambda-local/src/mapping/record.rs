//! [`Record`]: a change of a table, as Lambda hands it to a function.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// A record of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    pub(super) sequence_number: String,
    /// When the change was made, as far as DynamoDB says so.
    pub(super) made: SystemTime,
    /// As Lambda hands it over, in JSON.
    pub(super) json: String,
}

impl Record {
    /// From what `GetRecords` gives: Lambda hands over the same, and adds whose record it is.
    pub(super) fn new(mut given: Value, stream: &str) -> Option<Self> {
        let sequence_number = given["dynamodb"]["SequenceNumber"].as_str()?.to_owned();
        let seconds = given["dynamodb"]["ApproximateCreationDateTime"].as_f64()?;
        let made = UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        given["eventSourceARN"] = json!(stream);
        Some(Self { sequence_number, made, json: given.to_string() })
    }
}

/// What a function is called with.
pub(super) fn payload(records: &[Record]) -> String {
    let records: Vec<_> = records.iter().map(|record| record.json.as_str()).collect();
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_as_lambda_documents_it() {
        let given = json!({
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_479_499_740,
                "Keys": {"id": {"S": "a"}, "number": {"N": "1"}},
                "NewImage": {"id": {"S": "a"}, "number": {"N": "1"}},
                "SequenceNumber": "13021600000000001596893679",
                "SizeBytes": 112,
                "StreamViewType": "NEW_IMAGE",
            },
            "eventID": "13021600000000001596893679",
            "eventName": "INSERT",
            "eventSource": "aws:dynamodb",
            "eventVersion": "1.1",
        });
        let mut expected = given.clone();
        expected["eventSourceARN"] = json!("arn:stream");
        let record = Record::new(given, "arn:stream").expect("a record");
        assert_eq!(record.sequence_number, "13021600000000001596893679");
        assert_eq!(record.made, UNIX_EPOCH + Duration::from_secs(1_479_499_740));
        let payload: Value = serde_json::from_str(&payload(&[record.clone(), record])).expect("JSON");
        assert_eq!(payload, json!({"Records": [expected, expected]}));
    }
}
