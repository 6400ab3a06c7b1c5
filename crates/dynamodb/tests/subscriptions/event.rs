//! Records as AWS Lambda hands them over: made of what the stream of DynamoDB Local really has.

use aws_event_sourcing_core::{Commit, EncodedEvent, EventStore as _, Json, StoreErrorKind, TraceParent};
use aws_event_sourcing_dynamodb::{Change, StreamEvent, StreamRecord};
use serde_json::{Value, json};

use crate::support::{Tables, append, ask, ask_streams, commit, dynamodb, resource};

/// All records of a table's stream, as an event of Lambda's.
async fn event(table: &str) -> Vec<StreamRecord> {
    let description = ask("DescribeTable", json!({ "TableName": table })).await;
    let arn = description["Table"]["LatestStreamArn"].as_str().expect("a stream").to_owned();
    let stream = ask_streams("DescribeStream", json!({ "StreamArn": arn })).await;
    let shard = &stream["StreamDescription"]["Shards"][0]["ShardId"];
    let from = json!({ "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
    let iterator = ask_streams("GetShardIterator", from).await["ShardIterator"].clone();
    let mut records = ask_streams("GetRecords", json!({ "ShardIterator": iterator })).await["Records"].take();
    for record in records.as_array_mut().expect("records") {
        record["eventSourceARN"] = Value::from(arn.clone());
    }
    let event: StreamEvent = serde_json::from_value(json!({ "Records": records })).expect("an event");
    event.records
}

#[tokio::test]
async fn a_commit_comes_without_loss() {
    let tables = Tables::new().await;
    let store = tables.store(&dynamodb().await);
    let event_of = |data: Option<&str>| EncodedEvent {
        event_type: "NoteAdded".into(),
        data: data.map(|data| Json::parse(data).expect("JSON")),
    };
    let rich = Commit {
        events: vec![
            event_of(Some(
                r#"{"a":[1,-2.5,true,null,"é\u0000",{"b":[]}],"c":12345678901234567890123456789012345678,"d":{"e":{}}}"#,
            )),
            event_of(None),
            event_of(Some(r#""text""#)),
            event_of(Some("null")),
            event_of(Some("1e-100")),
        ],
        trace: Some(TraceParent::new_root(commit("a", 1).at)),
        cause: Some("reorders/r-1/2".into()),
        meta: Some(Json::parse(r#"{"tenant":"north"}"#).expect("JSON")),
        ..commit("a", 1)
    };
    store.append(&rich).await.expect("stored");
    append(&store, "b", 1..=3).await;
    let records = event(&tables.events).await;
    assert!(records.iter().all(|record| record.is_of(&tables.events)));
    assert!(records.iter().all(|record| !record.sequence_number().is_empty()));
    let changes: Vec<_> = records
        .into_iter()
        .map(|record| record.change(&rich.resource.resource_type).expect("a change"))
        .collect();
    assert_eq!(changes.len(), 4);
    assert_eq!(changes[0], Change::Committed(rich));
    assert_eq!(changes[3], Change::Committed(commit("b", 3)));
}

#[tokio::test]
async fn what_was_changed_by_hand_is_a_breach_and_what_is_no_commit_is_named() {
    let tables = Tables::new().await;
    append(&tables.store(&dynamodb().await), "a", 1..=1).await;
    let key = json!({ "id": { "S": "a" }, "number": { "N": "1" } });
    let of = |more: Value| {
        let mut request = json!({ "TableName": tables.events, "Key": key });
        request.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
        request
    };
    let change =
        json!({ "UpdateExpression": "SET extra = :e", "ExpressionAttributeValues": { ":e": { "S": "x" } } });
    ask("UpdateItem", of(change)).await;
    ask("DeleteItem", of(json!({}))).await;
    let strange = json!({ "id": { "S": "c" }, "number": { "N": "7" }, "type": { "B": "AAECAw==" } });
    ask("PutItem", json!({ "TableName": tables.events, "Item": strange })).await;

    let resource_type = &*resource("a").resource_type;
    let records = event(&tables.events).await;
    let changes: Vec<_> = records.into_iter().map(|record| record.change(resource_type)).collect();
    let [committed, modified, removed, unreadable] = &changes[..] else { panic!("{changes:?}") };
    assert!(matches!(committed, Ok(Change::Committed(_))));
    for (change, expected) in [(modified, "MODIFY"), (removed, "REMOVE")] {
        let Ok(Change::Breach { what, id, number }) = change else { panic!("{change:?}") };
        assert_eq!((&**what, &**id, &**number), (expected, "a", "1"));
    }
    let error = unreadable.as_ref().expect_err("it is no commit");
    assert_eq!(error.kind(), StoreErrorKind::Undecodable);
    let unreadable = error.unreadable().expect("it names the resource");
    assert_eq!((&unreadable.resource, unreadable.number), (&resource("c"), Some(7)));
    let why = std::error::Error::source(unreadable).expect("it says why").to_string();
    assert!([&*tables.events, "item c number 7"].iter().all(|part| why.contains(part)), "{why}");
}
