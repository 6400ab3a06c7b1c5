//! What a description says: all that the routes take and answer, and nothing more.

use aws_event_sourcing_http::{OpenApi, RequestBody};
use serde_json::{Value, json};

/// What a reference refers to.
fn resolved<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    match part["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).expect("what is referred to"),
        None => part,
    }
}

/// The schemas of a body: the name of one, of its items, or of what else it may be.
fn schemas(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().expect("a name").to_owned();
    }
    if let Some(options) = schema["anyOf"].as_array() {
        return options.iter().map(schemas).collect::<Vec<_>>().join("|");
    }
    match schema["type"].as_str() {
        Some("array") => format!("[{}]", schemas(&schema["items"])),
        Some(name) => name.to_owned(),
        None => String::new(),
    }
}

/// A line for each operation, each of its parameters, its body, and each of its answers.
fn outline(document: &Value) -> Vec<String> {
    let object = |part: &Value| part.as_object().cloned().unwrap_or_default();
    let mut lines = Vec::new();
    for (path, item) in object(&document["paths"]) {
        for (method, operation) in object(&item) {
            if method == "parameters" {
                continue;
            }
            lines.push(format!("{method} {path}"));
            let own = [&item["parameters"], &operation["parameters"]];
            for parameter in own.into_iter().filter_map(Value::as_array).flatten() {
                let parameter = resolved(document, parameter);
                let text = |name: &str| parameter[name].as_str().expect("text").to_owned();
                lines.push(format!("  {} {}", text("in"), text("name")));
            }
            for (media, content) in object(&operation["requestBody"]["content"]) {
                let required = &operation["requestBody"]["required"];
                lines.push(format!("  body {media} {} required={required}", schemas(&content["schema"])));
            }
            for (status, answer) in object(&operation["responses"]) {
                let headers: String =
                    object(&answer["headers"]).keys().map(|name| format!(" {name}")).collect();
                let content = object(&answer["content"]);
                let content: String = content
                    .iter()
                    .map(|(media, it)| format!(" {media} {}", schemas(&it["schema"])))
                    .collect();
                lines.push(format!("  {status}{content}{headers}"));
            }
        }
    }
    lines
}

#[test]
fn a_description_names_every_route_with_all_that_it_takes_and_answers() {
    let body = json!({"type": "object"});
    let document = OpenApi::new("shop")
        .resources("/products", "product", json!({}))
        .create("/products", "product", RequestBody::Required(body.clone()))
        .command("post", "/products/{id}/buy", "product", RequestBody::Optional(body))
        .silent_command("delete", "/products/{id}", "product", RequestBody::None);
    let outline = outline(&serde_json::to_value(document).unwrap()).join("\n");
    assert_eq!(outline, include_str!("openapi.outline").trim_end());
}
