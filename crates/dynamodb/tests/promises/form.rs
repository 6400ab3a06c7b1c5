//! The stored form: what `docs/stored-form.md` draws is what is in a table, seen without this library.

use std::error::Error as _;

use aws_event_sourcing_core::{
    AppendError, Commit, EncodedEvent, EventStore as _, FindError, Json, Repository, ResourceKey,
    StoreErrorKind,
};
use aws_event_sourcing_dynamodb::Meter;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};

use crate::support::{Notebook, ask, dynamodb, new_table, note};

/// The item in the documentation.
fn documented() -> Value {
    let document = include_str!("../../../../docs/stored-form.md");
    let (_, block) = document.split_once("```json\n").expect("a block of JSON");
    let (block, _) = block.split_once("```").expect("its end");
    serde_json::from_str(block).expect("JSON")
}

/// The same as a commit.
fn commit() -> Commit {
    let json = |text| Some(Json::parse(text).expect("JSON"));
    let event = |name: &'static str, data| EncodedEvent { event_type: name.into(), data };
    Commit {
        resource: ResourceKey::new("product", "4f4b2c1e-0c53-4f1e-9d0d-2f6a3e1b7c55"),
        number: 4,
        events: vec![
            event("ProductRestocked", json(r#"{"amount":5}"#)),
            event("ProductReserved", None),
            event("ProductReserved", None),
        ],
        at: "2026-11-24T09:30:00.000Z".parse().expect("a time"),
        id: "0193a1f0-7c2e-7b43-8f0e-5d1c2b3a4958".into(),
        follows: Some("0193a1ef-2b10-7c3d-9a51-77e0c4d1b2a6".into()),
        trace: Some("00-67431a984bf92f3577b34da6a3ce929d-00f067aa0ba902b7-01".parse().expect("a trace")),
        cause: Some("restocking/8c0c3f7e-52e1-4e0b-a1a5-0d1f6c3b2a19/7".into()),
        meta: json(r#"{"tenant":"north"}"#),
    }
}

#[tokio::test]
async fn an_item_looks_as_documented() {
    let table = new_table().await;
    let store = dynamodb().await.store().table("product", table.as_str()).build();
    store.append(&commit()).await.expect("stored");
    let items = ask("Scan", json!({ "TableName": table })).await;
    assert_eq!(items["Items"], json!([documented()]));
}

#[tokio::test]
async fn only_the_first_commit_is_in_the_list_and_in_the_shard_of_its_id() {
    let table = new_table().await;
    let store = dynamodb().await.store().table("product", table.as_str()).build();
    store.append(&Commit { number: 1, ..commit() }).await.expect("stored");
    store.append(&commit()).await.expect("stored");
    let listed = ask("Scan", json!({ "TableName": table, "IndexName": "listing" })).await;
    assert_eq!(
        listed["Items"],
        json!([{
            "id": documented()["id"],
            "number": { "N": "1" },
            "shard": { "S": "6" },
            "at": documented()["at"],
        }])
    );
    let together = ask("Scan", json!({ "TableName": table, "IndexName": "together" })).await;
    assert_eq!(together["Items"], json!([]), "the local index stays empty");
}

#[tokio::test]
async fn an_item_that_somebody_else_wrote_as_documented_is_read() {
    let table = new_table().await;
    let mut item = documented();
    item["ours"] = json!({ "S": "an attribute of a later version" });
    ask("PutItem", json!({ "TableName": table, "Item": item })).await;
    let store = dynamodb().await.store().table("product", table).build();
    let read: Vec<_> = store.read(&commit().resource, 0).try_collect().await.expect("read");
    assert_eq!(read, [commit()]);
}

#[tokio::test]
async fn an_item_that_is_none_of_ours_is_named() {
    for (attribute, value) in [
        ("type", Value::Null),
        ("at", json!({ "S": "yesterday" })),
        ("commit", json!({ "N": "1" })),
        ("trace", json!({ "S": "00-0-0-0" })),
        ("data", json!({ "SS": ["a"] })),
        ("meta", json!({ "B": "YQ==" })),
        ("more", json!({ "L": [{ "M": {} }] })),
    ] {
        let table = new_table().await;
        let mut item = documented();
        match value {
            Value::Null => drop(item.as_object_mut().expect("an item").remove(attribute)),
            value => item[attribute] = value,
        }
        ask("PutItem", json!({ "TableName": table, "Item": item })).await;
        let store = dynamodb().await.store().table("product", table.as_str()).build();
        let error = store.read(&commit().resource, 0).try_next().await.expect_err("unreadable");
        assert_eq!(error.kind(), StoreErrorKind::Undecodable, "{attribute}");
        let unreadable = error.unreadable().expect("it names the resource");
        assert_eq!((&unreadable.resource, unreadable.number), (&commit().resource, Some(4)));
        let source = unreadable.source().expect("a reason").to_string();
        let named = if attribute == "more" { "type" } else { attribute };
        assert_eq!(
            source,
            format!(
                "the item {} number 4 of table {table} has an unreadable {named:?}",
                commit().resource.id
            )
        );
    }
}

/// Somebody has put items into the table that this library does not write: over the lists they hurt nobody but their
/// resources.
#[tokio::test]
async fn items_that_are_none_of_ours_are_in_nobodys_way() {
    let table = new_table().await;
    let store = dynamodb().await.store().table("notebook", table.as_str()).build();
    let notebooks = Repository::<Notebook>::new(store.clone());
    for id in ["a", "b", "c", "d"] {
        notebooks.create(note(1)).id(id).await.expect("created");
    }
    let at = "2026-11-24T09:30:00.000Z";
    for item in [
        // Behind a commit, between two numbers, and before all.
        json!({ "id": { "S": "b" }, "number": { "N": "2" }, "price": { "N": "7" } }),
        json!({ "id": { "S": "c" }, "number": { "N": "1.5" }, "type": { "S": "NoteAdded" } }),
        json!({ "id": { "S": "d" }, "number": { "N": "-3" } }),
        // Of their own: another type of attribute, and in the list too, at times that are none.
        json!({ "id": { "S": "e" }, "number": { "N": "1" }, "type": { "N": "1" } }),
        json!({ "id": { "S": "f" }, "number": { "N": "1" }, "shard": { "S": "3" }, "at": { "S": "yesterday" } }),
        json!({ "id": { "S": "g" }, "number": { "N": "1" }, "shard": { "S": "0" }, "at": { "S": "0" } }),
        json!({ "id": { "S": "h" }, "number": { "N": "1" }, "shard": { "S": "1" }, "at": { "S": at } }),
    ] {
        ask("PutItem", json!({ "TableName": table, "Item": item })).await;
    }

    let mut found: Vec<_> = notebooks
        .find_all()
        .map(|found| match found {
            Ok(notebook) => (notebook.id().to_string(), Ok(notebook.version())),
            Err(FindError::Unreadable(unreadable)) => {
                (unreadable.resource.id.to_string(), Err(unreadable.number))
            }
            Err(error) => panic!("{error:?}"),
        })
        .collect()
        .await;
    found.sort_unstable();
    let expected = [
        ("a", Ok(1)),
        ("b", Err(Some(2))),
        ("c", Err(None)),
        ("d", Err(None)),
        ("e", Err(Some(1))),
        ("f", Err(Some(1))),
        ("g", Err(Some(1))),
        ("h", Err(Some(1))),
    ];
    assert_eq!(found, expected.map(|(id, found)| (id.to_owned(), found)));
    let error = notebooks.find_one("b").await.expect_err("unreadable");
    assert!(matches!(error, FindError::Unreadable(_)), "{error:?}");

    for limit in 1..9 {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = notebooks.find_page(limit, after.as_ref()).await.expect("found");
            listed.extend(page.resources.iter().map(|found| match found {
                Ok(notebook) => (notebook.id().to_string(), true),
                Err(unreadable) => (unreadable.resource.id.to_string(), false),
            }));
            let Some(next) = page.next else { break };
            after = Some(next.to_string().parse().expect("a cursor"));
        }
        listed.sort_unstable();
        let listed: Vec<_> = listed.iter().map(|(id, is_read)| (id.as_str(), *is_read)).collect();
        // Not in the list: what is not known there as the first of its resource.
        let expected =
            [("a", true), ("b", false), ("c", false), ("d", false), ("f", false), ("g", false), ("h", false)];
        assert_eq!(listed, expected, "{limit}");
    }
}

#[tokio::test]
async fn what_an_attribute_cannot_hold_is_refused_before_anything_is_sent() {
    let meter = Meter::new();
    let store = dynamodb().await.store().table("product", "never-asked").on_request(meter.observer()).build();
    for text in [r#"{"name":"\ud800"}"#, r#"{"\udc00":1}"#, r#"{"a":1,"a":2}"#] {
        let mut refused = commit();
        refused.events[1].data = Some(Json::parse(text).expect("JSON"));
        match store.append(&refused).await {
            Err(AppendError::Store(error)) => assert_eq!(error.kind(), StoreErrorKind::Unencodable, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert_eq!(meter.read().requests, 0);
}
