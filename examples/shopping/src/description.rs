//! What the API takes and shows, for `GET /_openapi.json`.

use aws_event_sourcing::http::{OpenApi, RequestBody};
use serde_json::json;

/// The shop's part of the document.
pub(crate) fn describe(document: OpenApi) -> OpenApi {
    reorders(products(document))
}

fn products(document: OpenApi) -> OpenApi {
    let count = json!({"type": "integer", "minimum": 0, "maximum": u32::MAX});
    let body = |field: &str| json!({"type": "object", "required": [field], "properties": {field: count}});
    let state = json!({
        "required": ["status", "quantity"],
        "properties": {"status": {"enum": ["sold-out", "available"]}, "quantity": count},
    });
    document
        .resources("/products", "product", state)
        .create("/products", "product", RequestBody::Required(body("amount")))
        .command("post", "/products/{id}/restock", "product", RequestBody::Required(body("amount")))
        .command("post", "/products/{id}/buy", "product", RequestBody::Optional(body("quantity")))
}

fn reorders(document: OpenApi) -> OpenApi {
    let state = json!({
        "required": ["status", "product", "amount"],
        "properties": {
            "status": {"enum": ["requested", "delivered"]},
            "product": {"type": "string", "description": "The id of what is reordered"},
            "amount": {"type": "integer", "minimum": 0},
        },
    });
    document.resources("/reorders", "reorder", state).command(
        "post",
        "/reorders/{id}/deliver",
        "reorder",
        RequestBody::None,
    )
}
