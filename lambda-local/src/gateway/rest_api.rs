//! Version 1.0 of the format: what a REST API hands to a function.

use serde_json::{Value, json};

use super::event::{ACCOUNT, API_ID, Call, members};

const STAGE: &str = "prod";

/// A request in this format.
pub(super) fn event(call: &Call) -> Value {
    let method = call.head.method.as_str();
    let last = |values: Vec<String>| json!(values.last());
    let all = |values: Vec<String>| json!(values);
    let parameters = call.parameters();
    let parameters = || parameters.iter().map(|(name, values)| (name.as_str(), values.clone()));
    // A REST API takes everything for text, unless it is told otherwise.
    let (body, is_base64) = call.body(|_| true);
    // A domain of one's own leads to a stage without naming it. What its mapping has in front is in both paths, as users found:
    // https://github.com/localstack/localstack/pull/12296
    let client_path =
        if call.is_mapped() { call.path().to_owned() } else { format!("/{STAGE}{}", call.path()) };
    json!({
        "resource": call.resource(),
        "path": call.path(),
        "httpMethod": method,
        "headers": members(call.headers(), last),
        "multiValueHeaders": members(call.headers(), all),
        "queryStringParameters": members(parameters(), last),
        "multiValueQueryStringParameters": members(parameters(), all),
        "pathParameters": call.proxy(),
        "stageVariables": null,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API_ID,
            "domainName": call.host(),
            "domainPrefix": API_ID,
            "extendedRequestId": call.id,
            "httpMethod": method,
            "identity": {
                "sourceIp": call.client.ip().to_string(),
                "userAgent": call.header("user-agent"),
            },
            "path": client_path,
            "protocol": "HTTP/1.1",
            "requestId": call.id,
            "requestTime": call.time(),
            "requestTimeEpoch": call.milliseconds(),
            "resourceId": "local",
            "resourcePath": call.resource(),
            "stage": STAGE,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::{
        super::event::{call, mapped},
        *,
    };

    #[test]
    fn a_request_is_as_api_gateway_documents_it() {
        let request = Request::put("/products?tag=x&tag=%26y").header("accept", "a").header("accept", "b");
        let event = event(&call(request, b"text"));
        assert_eq!((&event["resource"], &event["path"]), (&json!("/{proxy+}"), &json!("/products")));
        assert_eq!(event["httpMethod"], "PUT");
        assert_eq!(
            (&event["headers"]["accept"], &event["multiValueHeaders"]["accept"]),
            (&json!("b"), &json!(["a", "b"]))
        );
        assert_eq!(event["queryStringParameters"], json!({"tag": "&y"}));
        assert_eq!(event["multiValueQueryStringParameters"], json!({"tag": ["x", "&y"]}));
        assert_eq!(event["requestContext"]["path"], "/prod/products");
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("text"), &json!(false)));
    }

    #[test]
    fn a_mapping_is_in_front_of_both_paths_and_not_of_the_parameters() {
        let event = event(&mapped("/v1/catalog", Request::get("/v1/catalog/products/a%20b"), b""));
        let path = json!("/v1/catalog/products/a%20b");
        assert_eq!((&event["path"], &event["requestContext"]["path"]), (&path, &path));
        assert_eq!(event["pathParameters"], json!({"proxy": "products/a b"}));
        assert_eq!(super::event(&mapped("/c", Request::get("/c"), b""))["resource"], "/");
    }

    #[test]
    fn what_is_not_there_is_null() {
        let event = event(&call(Request::get("/"), b""));
        for member in ["body", "queryStringParameters", "multiValueQueryStringParameters", "pathParameters"] {
            assert!(
                event.as_object().is_some_and(|event| event.get(member) == Some(&Value::Null)),
                "{member}"
            );
        }
    }

    #[test]
    fn what_is_no_text_is_encoded() {
        let event = event(&call(Request::post("/"), b"\xff"));
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/w=="), &json!(true)));
    }
}
