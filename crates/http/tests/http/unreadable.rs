//! A resource that cannot be read, alone and among others that can.

use aws_event_sourcing_core::{Commit, EncodedEvent, EventStore as _, Json, Repository, Resource, Timestamp};
use aws_event_sourcing_http::{JsonArray, Listed, OpenApi, ResourceRoutes};
use axum::{Router, routing::get};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::{
    domain::{Product, ProductEvent::ProductRestocked, api},
    log::Log,
    reads::{ids, json_of, next, stocked},
    server::{Server, problem},
    stores::Faulty,
};

/// Six products, two of which cannot be read: p3 has an event of a type that nobody knows, and p1 lacks its second one.
async fn partly_unreadable() -> (Faulty, Repository<Product>) {
    let store = Faulty::default();
    let products = stocked(store.clone(), 6).await;
    products.commit("p3", ProductRestocked { amount: 1 }).await.unwrap();
    let retired =
        || EncodedEvent { event_type: "ProductRetired".into(), data: Some(Json::parse("{}").unwrap()) };
    // Text that is no JSON, as somebody may have put it into a file.
    let damaged =
        EncodedEvent { event_type: "ProductRestocked".into(), data: Some(Json::from_stored("{".into())) };
    for (id, number, events) in [("p3", 3, vec![retired(), damaged]), ("p1", 3, vec![retired()])] {
        let commit = Commit {
            resource: products.key(id),
            number,
            events,
            at: Timestamp::from_unix_millis(1_700_000_000_007),
            id: "newer".into(),
            follows: None,
            trace: None,
            cause: None,
            meta: None,
        };
        store.memory.append(&commit).await.unwrap();
    }
    (store.clone(), Repository::new(store))
}

#[tokio::test]
async fn a_resource_that_cannot_be_read_is_an_entry_among_all_others() {
    let (log, _guard) = Log::capture();
    let (_, products) = partly_unreadable().await;
    let server = Server::start(api(products)).await;
    let p3 = json!({"id": "p3", "unreadable": {"number": 3, "type": "ProductRetired"}});
    let p1 = json!({"id": "p1", "unreadable": {"number": 2}});

    for _ in 0..3 {
        let all = json_of(&server, "/products").await;
        let all = all.as_array().unwrap();
        assert!(all.contains(&p3) && all.contains(&p1), "{all:?}");
        let readable: Vec<_> = all.iter().filter(|product| product["quantity"].is_u64()).collect();
        assert_eq!((readable.len(), all.len()), (4, 6));
    }
    for limit in 1..=7 {
        let (mut path, mut found) = (format!("/products?limit={limit}"), Vec::new());
        loop {
            let response = server.get(&path).send().await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            let next = next(response.headers());
            found.extend(response.json::<Vec<Value>>().await.unwrap());
            let Some(next) = next else { break };
            path = next;
        }
        assert_eq!(ids(&found.clone().into()), ["p5", "p4", "p3", "p2", "p1", "p0"]);
        assert_eq!((&found[2], &found[4]), (&p3, &p1));
    }

    // However often they were listed.
    let lines = log.lines("a resource cannot be read: lists say so in its place (logged once)");
    let mut told: Vec<_> = lines.iter().map(|line| line["fields"]["id"].as_str().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, ["p1", "p3"]);
    for line in lines {
        assert_eq!((&line["level"], &line["span"]["path"]), (&json!("ERROR"), &json!("/products")));
        assert!(line["fields"]["error"].as_str().unwrap().starts_with("event "), "{line}");
    }
}

#[tokio::test]
async fn a_resource_that_cannot_be_read_is_a_problem_that_names_the_event() {
    let (log, _guard) = Log::capture();
    let (_, products) = partly_unreadable().await;
    let server = Server::start(api(products)).await;
    let buy = server.post("/products/p3/buy").json(&json!({"amount": 1}));
    for (request, path) in [(server.get("/products/p3"), "/products/p3"), (buy, "/products/p3/buy")] {
        let problem = problem(request.header("x-request-id", "r-1").send().await.unwrap(), 500).await;
        assert_eq!(problem["type"], "urn:aws-event-sourcing:problem:unreadable");
        assert_eq!(problem["unreadable"], json!({"number": 3, "type": "ProductRetired"}));
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.starts_with(r#"event 3 of product p3, of type "ProductRetired", cannot be read"#),
            "{detail}"
        );
        let lines = log.lines("failed");
        let line = lines.iter().find(|line| line["fields"]["path"] == path).unwrap();
        assert_eq!(line["fields"]["request_id"], "r-1");
        let error = line["fields"]["error"].as_str().unwrap();
        assert!(
            error.ends_with("cannot be read: no variant of the event enum has this name or alias"),
            "{error}"
        );
    }
    // What was before is as it was.
    assert_eq!(json_of(&server, "/products/p3?version=2").await["quantity"], 4);
    problem(server.get("/products/p1?version=3").send().await.unwrap(), 500).await;
}

#[tokio::test]
async fn events_that_cannot_be_read_are_shown_as_they_are_stored() {
    let (_, products) = partly_unreadable().await;
    let server = Server::start(api(products)).await;
    let events = json_of(&server, "/products/p3/events").await;
    let marks: Vec<_> = (0..4).map(|index| events[index]["unreadable"].clone()).collect();
    let mark = |number, of| json!({"number": number, "type": of});
    let last = mark(4, "ProductRestocked");
    assert_eq!(marks, [Value::Null, Value::Null, mark(3, "ProductRetired"), last.clone()]);
    assert_eq!((&events[2]["data"], &events[2]["commit"]), (&json!({}), &json!("newer")));
    // What is stored is no JSON.
    let at = "2023-11-14T22:13:20.007Z";
    let damaged = json!({
        "number": 4, "type": "ProductRestocked", "at": at, "commit": "newer", "unreadable": last,
    });
    assert_eq!(events[3], damaged);
    for (after, numbers) in [(1, &[2, 3, 4][..]), (2, &[3, 4]), (3, &[4]), (4, &[])] {
        let events = json_of(&server, &format!("/products/p3/events?after={after}")).await;
        let found: Vec<_> =
            events.as_array().unwrap().iter().map(|event| event["number"].as_u64().unwrap()).collect();
        assert_eq!(found, numbers, "after {after}");
    }
    // One that is missing has its place.
    for (after, numbers) in [(0, &[1, 2, 3][..]), (1, &[2, 3]), (2, &[3])] {
        let events = json_of(&server, &format!("/products/p1/events?after={after}")).await;
        let found: Vec<_> =
            events.as_array().unwrap().iter().map(|event| event["number"].as_u64().unwrap()).collect();
        assert_eq!(found, numbers, "after {after}");
        let missing = events.as_array().unwrap().iter().find(|event| event["number"] == 2);
        let expected = json!({"number": 2, "unreadable": {"number": 2}});
        assert_eq!(missing, (after < 2).then_some(&expected));
    }
    for (id, numbers) in [("p3", &[1, 2, 3, 4][..]), ("p1", &[1, 2, 3])] {
        let (mut path, mut found) = (format!("/products/{id}/events?limit=1"), Vec::new());
        loop {
            let response = server.get(&path).send().await.unwrap();
            let next = next(response.headers());
            let page = response.json::<Vec<Value>>().await.unwrap();
            found.extend(page.iter().map(|event| event["number"].as_u64().unwrap()));
            let Some(next) = next else { break };
            path = next;
        }
        assert_eq!(found, numbers, "{id}");
    }
}

#[tokio::test]
async fn who_leaves_some_out_is_told_of_those_that_nobody_can_judge() {
    let (_, products) = partly_unreadable().await;
    let routes = ResourceRoutes::new(products.clone()).list_only(|product| product.quantity > 3);
    let own = Router::new().route(
        "/own",
        get(async move || {
            let quantity = |product: Resource<Product>| product.quantity;
            JsonArray::begin(products.find_all().map(move |found| Listed::of(found.map(quantity)))).await
        }),
    );
    let server = Server::start(own.nest("/products", routes.into_router())).await;
    for path in ["/products", "/products?limit=10"] {
        let shown = json_of(&server, path).await;
        let mut shown = ids(&shown);
        shown.sort_unstable();
        assert_eq!(shown, ["p1", "p3", "p4", "p5"], "{path}");
    }
    let own = json_of(&server, "/own").await;
    let unreadable = json!({"id": "p3", "unreadable": {"number": 3, "type": "ProductRetired"}});
    assert!(own.as_array().unwrap().contains(&unreadable) && own.as_array().unwrap().contains(&json!(5)));
}

/// Whether a value is what a schema says, as far as ours go; and, of an object, that nothing is in it that is not said.
fn fits(document: &Value, schema: &Value, value: &Value) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        return fits(document, document.pointer(&reference[1..]).unwrap(), value);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        return any.iter().any(|schema| fits(document, schema, value));
    }
    let Some(properties) = schema["properties"].as_object() else {
        return match schema["type"].as_str() {
            Some("array") => {
                value.as_array().unwrap().iter().all(|item| fits(document, &schema["items"], item))
            }
            Some("integer") => value.is_u64(),
            Some("string") => value.is_string(),
            _ => true,
        };
    };
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let members = value.as_object().unwrap();
    required.iter().all(|name| members.contains_key(name.as_str().unwrap()))
        && members
            .iter()
            .all(|(name, member)| properties.get(name).is_some_and(|schema| fits(document, schema, member)))
}

#[tokio::test]
async fn what_cannot_be_read_is_in_the_description() {
    let (_, products) = partly_unreadable().await;
    let server = Server::start(api(products)).await;
    let state = json!({"properties": {"quantity": {"type": "integer"}}});
    let mut document =
        serde_json::to_value(OpenApi::new("shop").resources("/products", "product", state)).unwrap();
    // One schema of what `allOf` has two of.
    document["components"]["schemas"]["product"] = json!({
        "required": ["id", "version"],
        "properties": {"id": {"type": "string"}, "version": {"type": "integer"}, "quantity": {"type": "integer"}},
    });
    for (path, described) in [
        ("/products", "/products"),
        ("/products?limit=10", "/products"),
        ("/products/p3/events", "/products/{id}/events"),
        ("/products/p1/events?limit=10", "/products/{id}/events"),
    ] {
        let schema =
            &document["paths"][described]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        let shown = json_of(&server, path).await;
        assert!(shown.to_string().contains("unreadable"), "{shown}");
        assert!(fits(&document, schema, &shown), "{path}: {shown}");
    }
    let problem = problem(server.get("/products/p1").send().await.unwrap(), 500).await;
    assert!(fits(&document, &document["components"]["schemas"]["problem"], &problem), "{problem}");
}
