//! [`Kind`]: what an event is, by its own shape. A quick look at it; the modules of each kind read it.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{InvocationError, http::Format, ping};

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A request of a client.
    Http(Format),
    /// Records of the stream of a DynamoDB table.
    Stream,
    /// `{"aws-event-sourcing":"redrive"}`, by a schedule.
    Redrive,
    /// Messages of an SQS queue.
    Queue,
    /// A message of an SNS topic.
    Topic,
    /// An event of an EventBridge bus, or of a schedule.
    Bus,
    /// Nothing: somebody keeps the function warm.
    Ping,
}

impl Kind {
    pub(super) fn of(payload: &RawValue) -> Result<Self, InvocationError> {
        if payload.get() == "null" {
            return Ok(Self::Ping);
        }
        // What is of another type than expected is no event of AWS's.
        let shape: Shape = serde_json::from_str(payload.get()).map_err(|_| unknown(payload))?;
        let Shape { records, request_context, http_method, method, raw_path, detail_type, source, command } =
            shape;
        match records.map(|FirstSource(source)| source) {
            Some(Some(source)) => return Self::of_records(&source),
            Some(None) => return Err(unknown(payload)),
            None => {}
        }
        match (request_context, command) {
            (Some(RequestContext { elb: Some(_), .. }), _) => Ok(Self::Http(Format::LoadBalancer)),
            (Some(RequestContext { http: Some(_), .. }), _) => Ok(Self::Http(Format::Version2)),
            (Some(RequestContext { service_arn: Some(_), .. }), _) if method.is_some() => {
                Ok(Self::Http(Format::Lattice))
            }
            (None, _) if method.is_some() && raw_path.is_some() => Ok(Self::Http(Format::Lattice)),
            (Some(_), _) if http_method.is_some() => Ok(Self::Http(Format::Version1)),
            (_, Some(Command::Redrive)) => Ok(Self::Redrive),
            _ if detail_type.is_some() && source.is_some() => Ok(Self::Bus),
            (None, None) if ping::is_one(payload) => Ok(Self::Ping),
            _ => Err(unknown(payload)),
        }
    }

    /// The kind of records that come from there.
    fn of_records(source: &str) -> Result<Self, InvocationError> {
        match source {
            "aws:dynamodb" => Ok(Self::Stream),
            "aws:sqs" => Ok(Self::Queue),
            "aws:sns" => Ok(Self::Topic),
            _ => Err(InvocationError::NoHandler(format!("records of {source:?}"))),
        }
    }
}

/// What tells the kinds apart.
#[derive(Deserialize)]
struct Shape {
    #[serde(rename = "Records")]
    records: Option<FirstSource>,
    #[serde(rename = "requestContext")]
    request_context: Option<RequestContext>,
    #[serde(rename = "httpMethod")]
    http_method: Option<IgnoredAny>,
    method: Option<IgnoredAny>,
    raw_path: Option<IgnoredAny>,
    #[serde(rename = "detail-type")]
    detail_type: Option<IgnoredAny>,
    source: Option<IgnoredAny>,
    #[serde(rename = "aws-event-sourcing")]
    command: Option<Command>,
}

#[derive(Deserialize)]
struct RequestContext {
    elb: Option<IgnoredAny>,
    http: Option<IgnoredAny>,
    #[serde(rename = "serviceArn")]
    service_arn: Option<IgnoredAny>,
}

/// What a schedule of this project's own templates asks for.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Command {
    Redrive,
}

/// Where the first record comes from, and so all of them.
struct FirstSource(Option<String>);

impl<'de> Deserialize<'de> for FirstSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Records;

        impl<'de> Visitor<'de> for Records {
            type Value = FirstSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("records")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<FirstSource, A::Error> {
                let first: Option<Record> = records.next_element()?;
                while records.next_element::<IgnoredAny>()?.is_some() {}
                Ok(FirstSource(first.and_then(|record| record.source)))
            }
        }

        deserializer.deserialize_seq(Records)
    }
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventSource", alias = "EventSource")]
    source: Option<String>,
}

/// The error for what is of no kind. It says what there is, so that one can tell who has called the function.
fn unknown(payload: &RawValue) -> InvocationError {
    let kind = match serde_json::from_str::<BTreeMap<String, IgnoredAny>>(payload.get()) {
        Ok(members) => {
            let names: Vec<_> = members.into_keys().collect();
            format!("an event with the members {}", names.join(", "))
        }
        Err(_) => "an event that is no JSON object".into(),
    };
    InvocationError::NoHandler(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(event: &str) -> Result<Kind, String> {
        let payload = serde_json::from_str(event).expect("JSON");
        Kind::of(payload).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn every_documented_event_is_of_its_kind() {
        for (event, expected) in [
            (include_str!("../../tests/events/rest-api.json"), Kind::Http(Format::Version1)),
            (include_str!("../../tests/events/rest-api-domain.json"), Kind::Http(Format::Version1)),
            (include_str!("../../tests/events/http-api-1.0.json"), Kind::Http(Format::Version1)),
            (include_str!("../../tests/events/http-api.json"), Kind::Http(Format::Version2)),
            (include_str!("../../tests/events/http-api-stage.json"), Kind::Http(Format::Version2)),
            (include_str!("../../tests/events/function-url.json"), Kind::Http(Format::Version2)),
            (include_str!("../../tests/events/alb.json"), Kind::Http(Format::LoadBalancer)),
            (include_str!("../../tests/events/alb-multi-value.json"), Kind::Http(Format::LoadBalancer)),
            (include_str!("../../tests/events/rest-api-mapping.json"), Kind::Http(Format::Version1)),
            (include_str!("../../tests/events/http-api-mapping.json"), Kind::Http(Format::Version2)),
            (include_str!("../../tests/events/vpc-lattice-1.json"), Kind::Http(Format::Lattice)),
            (include_str!("../../tests/events/vpc-lattice-2.json"), Kind::Http(Format::Lattice)),
            (include_str!("../../tests/events/warm-up.json"), Kind::Ping),
            (include_str!("../../tests/events/dynamodb.json"), Kind::Stream),
            (include_str!("../../tests/events/redrive.json"), Kind::Redrive),
            (include_str!("../../tests/events/sqs.json"), Kind::Queue),
            (include_str!("../../tests/events/sqs-fifo.json"), Kind::Queue),
            (include_str!("../../tests/events/sns.json"), Kind::Topic),
            (include_str!("../../tests/events/event-bridge.json"), Kind::Bus),
            (include_str!("../../tests/events/event-bridge-schedule.json"), Kind::Bus),
            (include_str!("../../tests/events/scheduler.json"), Kind::Bus),
        ] {
            assert_eq!(kind(event), Ok(expected), "{event}");
        }
    }

    #[test]
    fn what_says_nothing_and_what_keeps_functions_warm_is_a_ping() {
        for event in [
            "{}",
            "null",
            r#"{"source":"serverless-plugin-warmup"}"#,
            r#"{"warmer":true,"concurrency":3,"correlationId":"a"}"#,
            r#"{"type":"warmer","warmerId":"a","index":0,"concurrency":1,"delay":75}"#,
            r#"{"keep_warm":true}"#,
            r#"{"keepWarm":true}"#,
            r#"{"warmup":true}"#,
        ] {
            assert_eq!(kind(event), Ok(Kind::Ping), "{event}");
        }
    }

    #[test]
    fn what_is_of_no_kind_is_named() {
        for (event, message) in [
            (r#"{"Records":[{"eventSource":"aws:s3"}]}"#, r#"records of "aws:s3""#),
            (r#"{"Records":[]}"#, "an event with the members Records"),
            (r#"{"Records":7}"#, "an event with the members Records"),
            (r#"{"key1":"value1","key2":2}"#, "an event with the members key1, key2"),
            (
                r#"{"requestContext":{"connectionId":"d="},"body":""}"#,
                "an event with the members body, requestContext",
            ),
            (r#"{"aws-event-sourcing":"rewind"}"#, "an event with the members aws-event-sourcing"),
            (r#"{"source":"a-shop","warmer":"no"}"#, "an event with the members source, warmer"),
            (r#"{"type":"order","warmer":false}"#, "an event with the members type, warmer"),
            (
                r#"{"requestContext":{"connectionId":"d="},"warmer":true}"#,
                "an event with the members requestContext, warmer",
            ),
            ("[1]", "an event that is no JSON object"),
        ] {
            assert_eq!(kind(event), Err(format!("no handler for {message}")), "{event}");
        }
    }
}
