//! The stored form: what `docs/stored-form.md` draws is what is in the table, seen without this library.

use aws_event_sourcing_core::subscription::{
    Parked, Progress, ProgressStore as _, Skipped, Start, SubscriptionKey, Swap,
};
use aws_event_sourcing_core::{ResourceId, StoreErrorKind, Timestamp};
use serde_json::{Value, json};

use crate::support::{Process, Tables, ask, dynamodb};

/// The item of a parked resource in the documentation.
fn documented() -> Value {
    let document = include_str!("../../../../docs/stored-form.md");
    let (_, section) = document.split_once("### A resource\n").expect("a section");
    let (_, block) = section.split_once("```json\n").expect("a block of JSON");
    let (block, _) = block.split_once("```").expect("its end");
    serde_json::from_str(block).expect("JSON")
}

fn key() -> SubscriptionKey {
    SubscriptionKey::new("reorders", "product")
}

fn id() -> ResourceId {
    "4f4b2c1e-0c53-4f1e-9d0d-2f6a3e1b7c55".into()
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// The same as a record.
fn record() -> Progress {
    let parked = Parked {
        number: 8,
        after: 6,
        event_type: Some("ProductReserved".into()),
        waiting: 11,
        error: "the supplier does not answer".into(),
        attempts: 5,
        first_failed_at: time("2026-11-24T09:30:00.000Z"),
        last_failed_at: time("2026-11-24T09:30:14.000Z"),
        next_attempt_at: time("2026-11-24T09:30:29.000Z"),
        claimed_until: None,
        trace: Some("00-67431a984bf92f3577b34da6a3ce929d-00f067aa0ba902b7-01".parse().expect("a trace")),
    };
    Progress { handled: Some(6), parked: Some(Box::new(parked)), revision: 41 }
}

#[tokio::test]
async fn an_item_is_read_and_written_as_documented() {
    let tables = Tables::new().await;
    let store = tables.progress(&dynamodb().await);
    ask("PutItem", json!({ "TableName": tables.subscriptions, "Item": documented() })).await;
    let found = store
        .load(&key(), &[id()])
        .await
        .expect("loaded")
        .into_iter()
        .map(|record| record.expect("a record"))
        .collect::<Vec<_>>();
    assert_eq!(found, [record()]);
    let parked = store.parked(&key(), None, 10, None).await.expect("listed");
    assert_eq!(parked.resources, [(id(), record())]);

    assert_eq!(store.swap(&key(), &id(), 41, &record(), None).await.expect("swapped"), Swap::Done(42));
    let items = ask("Scan", json!({ "TableName": tables.subscriptions })).await;
    let mut item = items["Items"][0].clone();
    assert_eq!(item["write"]["S"].as_str().map(str::len), Some(32));
    (item["write"], item["revision"]) = (documented()["write"].clone(), documented()["revision"].clone());
    assert_eq!(item, documented());
}

#[tokio::test]
async fn the_other_items_are_as_documented() {
    let tables = Tables::new().await;
    let store = tables.progress(&dynamodb().await);
    store.register(&key(), Start::Now, time("2026-11-24T09:30:00.000Z")).await.expect("registered");
    let skipped = Skipped {
        number: 8,
        event_type: Some("ProductReserved".into()),
        error: "no".into(),
        reason: "ordered by telephone".into(),
        by: "ada".into(),
        at: time("2026-11-24T10:00:00.000Z"),
    };
    let handled = Progress { handled: Some(8), ..Progress::default() };
    store.swap(&key(), &id(), 0, &handled, Some(&skipped)).await.expect("swapped");
    store.advance(&key(), &[("other".into(), 3)]).await.expect("advanced");

    let items = ask("Scan", json!({ "TableName": tables.subscriptions })).await;
    let mut items = items["Items"].as_array().expect("items").clone();
    items.sort_by_key(|item| (item["id"].to_string(), item["part"].to_string()));
    items.iter_mut().for_each(|item| drop(item.as_object_mut().expect("an item").remove("write")));
    let s = |text: &str| json!({ "S": text });
    let n = |number: &str| json!({ "N": number });
    assert_eq!(
        items,
        [
            json!({
                "id": s("#registered"), "part": s("#registered/reorders/product"),
                "subscription": s("reorders"), "type": s("product"),
                "start": s("now"), "started_at": s("2026-11-24T09:30:00.000Z"),
            }),
            json!({
                "id": s(id().as_str()), "part": s("#skipped/reorders/product/00000000000000000008"),
                "number": n("8"), "type": s("ProductReserved"), "error": s("no"),
                "reason": s("ordered by telephone"), "by": s("ada"), "at": s("2026-11-24T10:00:00.000Z"),
            }),
            json!({
                "id": s(id().as_str()), "part": s("reorders/product"), "handled": n("8"), "revision": n("1"),
            }),
            json!({ "id": s("other"), "part": s("reorders/product"), "handled": n("3"), "revision": n("1") }),
        ]
    );
}

#[tokio::test]
async fn the_leases_are_as_documented() {
    let tables = Tables::new().await;
    let mut process = Process::new(&tables, Start::Beginning).await;
    let shard = process.shard().await;
    let leases = tables.leases().await;
    let [first, past] = &leases[..] else { panic!("{leases:#?}") };
    let names = |item: &Value| item.as_object().expect("an item").keys().cloned().collect::<Vec<_>>();
    assert_eq!(first["part"]["S"], format!("#feed/shard/{}", shard.part.name));
    assert_eq!(names(first), ["counter", "id", "lease", "owner", "part", "read_to", "renewed_at", "round"]);
    assert_eq!((&first["round"]["N"], &first["lease"]["N"]), (&json!("1"), &json!("2000")));
    assert_eq!(past["part"]["S"], "#feed/table");
    let of_past =
        ["counter", "finished_at", "id", "lease", "opened", "part", "renewed_at", "roots", "round", "stream"];
    assert_eq!(names(past), of_past);
    assert!(past["stream"]["S"].as_str().expect("text").contains(&tables.events));
}

#[tokio::test]
async fn an_item_that_is_none_of_ours_is_named() {
    let tables = Tables::new().await;
    let store = tables.progress(&dynamodb().await);
    for (attribute, number, named) in [
        ("revision", "18446744073709551615", "revision"),
        ("handled", "9223372036854775807", "handled"),
        ("number", "0", "number"),
        ("number", "18446744073709551615", "number"),
        ("after", "9223372036854775806", "after"),
        ("waiting", "9223372036854775807", "waiting"),
    ] {
        let mut item = documented();
        item[attribute] = json!({ "N": number });
        ask("PutItem", json!({ "TableName": tables.subscriptions, "Item": item })).await;
        let loaded = store.load(&key(), &[id()]).await.expect("loaded").remove(0);
        let record = loaded.expect_err(attribute);
        let reason = std::error::Error::source(&record).expect("a reason").to_string();
        assert!(reason.ends_with(&format!("has an unreadable {named:?}")), "{reason}");
    }
    let mut item = documented();
    item["waiting"] = json!({ "S": "many" });
    ask("PutItem", json!({ "TableName": tables.subscriptions, "Item": item })).await;
    let table = &tables.subscriptions;
    let reason =
        format!(r#"the item {} reorders/product of table {table} has an unreadable "waiting""#, id());
    let loaded = store.load(&key(), &[id()]).await.expect("loaded").remove(0).expect_err("unreadable");
    let listed = store.parked(&key(), None, 1, None).await.expect("listed").unreadable.remove(0);
    for record in [loaded, listed] {
        assert_eq!(std::error::Error::source(&record).expect("a reason").to_string(), reason);
        let command = format!("aws dynamodb delete-item --table-name '{table}' --key ");
        let key = format!(r#"'{{"id":{{"S":"{}"}},"part":{{"S":"reorders/product"}}}}'"#, id());
        assert!(record.remedy().contains(&(command + &key)), "{}", record.remedy());
    }
    let error = store.swap(&key(), &id(), 7, &record(), None).await.expect_err("unreadable");
    assert_eq!(error.kind(), StoreErrorKind::Undecodable);
    assert_eq!(std::error::Error::source(&error).expect("a reason").to_string(), reason);
}
