//! The parts that descriptions of operations are made of.

use std::sync::LazyLock;

use axum::http::StatusCode;
use serde_json::{Value, json};

/// ETags of ours.
const ETAGS: &str = r#"^"[1-9][0-9]{0,17}(-gzip)?"(, ?"[1-9][0-9]{0,17}(-gzip)?")*$"#;

/// A token, or a quoted string.
const KEY: &str = r#"^([!#-~][!-~]{0,99}|"[ !#-\[\]-~]{1,100}")$"#;

/// Everything that is referred to.
pub(super) static COMPONENTS: LazyLock<Value> = LazyLock::new(|| {
    let if_match = json!({"type": "string", "anyOf": [{"const": "*"}, {"pattern": ETAGS}]});
    json!({
        "schemas": {
            "resource": {
                "type": "object",
                "required": ["id", "version"],
                "properties": {
                    "id": {"type": "string"},
                    "version": {"type": "integer", "minimum": 1, "description": "The number of its last event"},
                },
            },
            "event": {
                "type": "object",
                "required": ["number", "type", "at", "commit"],
                "properties": {
                    "number": {"type": "integer", "minimum": 1},
                    "type": {"type": "string"},
                    "data": {"description": "What is in the event; absent when there is nothing"},
                    "at": {"type": "string", "format": "date-time"},
                    "commit": {"type": "string", "description": "Events that were stored together have one"},
                },
            },
            "unreadable": {
                "type": "object",
                "description": "In the place of a resource that this version of the service cannot read",
                "required": ["id", "unreadable"],
                "properties": {"id": {"type": "string"}, "unreadable": {"$ref": "#/components/schemas/unreadable-mark"}},
            },
            "unreadable-event": {
                "type": "object",
                "description": "An event that this version of the service cannot read, with what is known of it",
                "required": ["unreadable"],
                "properties": {
                    "number": {"type": "integer", "minimum": 1},
                    "type": {"type": "string"},
                    "data": {},
                    "at": {"type": "string", "format": "date-time"},
                    "commit": {"type": "string"},
                    "unreadable": {"$ref": "#/components/schemas/unreadable-mark"},
                },
            },
            "unreadable-mark": {
                "type": "object",
                "description": "The first event that cannot be read, as far as it is known",
                "properties": {"number": {"type": "integer", "minimum": 1}, "type": {"type": "string"}},
            },
            "problem": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "instance"],
                "properties": {
                    "type": {"type": "string", "format": "uri-reference"},
                    "title": {"type": "string"},
                    "status": {"type": "integer", "minimum": 400, "maximum": 599},
                    "detail": {"type": "string"},
                    "instance": {"type": "string", "format": "uri-reference"},
                    "version": {"type": "integer", "description": "The version that the resource has, where it is of use"},
                    "unreadable": {"$ref": "#/components/schemas/unreadable-mark"},
                },
            },
        },
        "parameters": {
            "id": {
                "name": "id", "in": "path", "required": true,
                "schema": {"type": "string", "minLength": 1},
            },
            "limit": {
                "name": "limit", "in": "query",
                "description": "A page, of so many resources: 100 unless it is said, 1000 at the most",
                "schema": {"type": "integer", "minimum": 1},
            },
            "limit-of-events": {
                "name": "limit", "in": "query",
                "description": "A page, of so many events, 1000 at the most, or fewer where they are large",
                "schema": {"type": "integer", "minimum": 1},
            },
            "after-cursor": {
                "name": "after", "in": "query",
                "description": "A page behind a place: follow the `Link` of the page before it",
                "schema": {"type": "string", "format": "cursor"},
            },
            "after-number": {
                "name": "after", "in": "query",
                "description": "Only events behind this number",
                "schema": {"type": "integer", "minimum": 0},
            },
            "version": {
                "name": "version", "in": "query",
                "description": "The resource as it was at that version. Not together with `at`",
                "schema": {"type": "integer", "minimum": 1},
            },
            "at": {
                "name": "at", "in": "query",
                "description": "The resource as it was at that time. Not together with `version`",
                "schema": {"type": "string", "format": "date-time"},
            },
            "if-match": {
                "name": "If-Match", "in": "header",
                "description": "`*`, or ETags: 412 unless the resource is at one of these versions",
                "schema": if_match,
            },
            "if-match-list": {
                "name": "If-Match", "in": "header",
                "description": "A list has no ETag: anything but `*` is 412",
                "schema": if_match,
            },
            "if-none-match": {
                "name": "If-None-Match", "in": "header",
                "description": "`*`, or ETags: 304 when the resource is at one of these versions. Anything else says nothing",
                "schema": {"type": "string"},
            },
            "if-none-match-any": {
                "name": "If-None-Match", "in": "header",
                "description": "What is created is new in any case",
                "schema": {"type": "string", "const": "*"},
            },
            "idempotency-key": {
                "name": "Idempotency-Key", "in": "header",
                "description": "Requests with one key are carried out once, and answered alike",
                "schema": {"type": "string", "pattern": KEY},
            },
        },
        "headers": {
            "etag": {
                "description": "The version, quoted; with `-gzip` behind it when the answer is packed",
                "required": true,
                "schema": {"type": "string", "pattern": r#"^"[1-9][0-9]*(-gzip)?"$"#},
            },
            "location": {
                "description": "Where the new resource is",
                "required": true,
                "schema": {"type": "string", "format": "uri-reference"},
            },
            "content-location": {
                "description": "Where this state is for good, when it was asked for by a time",
                "schema": {"type": "string", "format": "uri-reference"},
            },
            "next": {
                "description": "The next page, when there is more: `</products?limit=3&after=…>; rel=\"next\"`",
                "schema": {"type": "string"},
            },
            "retry-after": {
                "description": "Seconds until it is worth another attempt",
                "schema": {"type": "integer", "minimum": 1},
            },
        },
    })
});

/// The answers that say what is wrong.
pub(super) fn problems(statuses: &[u16]) -> impl Iterator<Item = (String, Value)> {
    statuses.iter().map(|status| {
        let reason = StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason());
        let mut answer = json!({
            "description": reason.unwrap_or_default(),
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}},
        });
        if *status == 503 {
            answer["headers"] = json!({"retry-after": {"$ref": "#/components/headers/retry-after"}});
        }
        (status.to_string(), answer)
    })
}
