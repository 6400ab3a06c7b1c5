//! Version 2.0 of the format: what an HTTP API hands to a function.

use axum::http::HeaderMap;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::event::{ACCOUNT, API_ID, Call, members};

/// A request in this format.
pub(super) fn event(call: &Call) -> Value {
    let method = call.head.method.as_str();
    let joined = |values: Vec<String>| json!(values.join(","));
    let cookies: Vec<_> = call.head.headers.get_all("cookie").iter().collect();
    let cookies: Vec<_> = cookies.iter().map(|cookie| String::from_utf8_lossy(cookie.as_bytes())).collect();
    let cookies: Vec<_> = cookies.iter().flat_map(|cookie| cookie.split(';')).map(str::trim).collect();
    let headers = call.headers().into_iter().filter(|(name, _)| *name != "cookie");
    let parameters = call.parameters();
    let parameters = parameters.iter().map(|(name, values)| (name.as_str(), values.clone()));
    let (body, is_base64) = call.body(is_text);
    let host = call.host();
    let route = format!("ANY {}", call.resource());
    // Unlike a REST API, an HTTP API hands the path over decoded, as captures of live ones show:
    // https://github.com/hotsock/voker/pull/8
    let path = percent_decode_str(call.path()).decode_utf8_lossy();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": call.query(),
        "headers": members(headers, joined),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API_ID,
            "domainName": host,
            "domainPrefix": API_ID,
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": call.client.ip().to_string(),
                "userAgent": call.header("user-agent").unwrap_or_default(),
            },
            "requestId": call.id,
            "routeKey": route,
            "stage": "$default",
            "time": call.time(),
            "timeEpoch": call.milliseconds(),
        },
        "isBase64Encoded": is_base64,
    });
    // What is not there is left out.
    let optional = [
        ("cookies", if cookies.is_empty() { Value::Null } else { json!(cookies) }),
        ("queryStringParameters", members(parameters, joined)),
        ("pathParameters", call.proxy()),
        ("body", body),
    ];
    for (name, value) in optional.into_iter().filter(|(_, value)| !value.is_null()) {
        event[name] = value;
    }
    event
}

/// What an HTTP API does not encode.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_data = ["application/json", "application/javascript", "application/xml"].contains(&kind.as_str());
    is_data || kind.starts_with("text/") || kind.ends_with("+json") || kind.ends_with("+xml")
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::{super::event::call, *};

    #[test]
    fn a_request_is_as_api_gateway_documents_it() {
        let request = Request::post("/products/a%20b?limit=3&tag=x&tag=%26y")
            .header("host", "127.0.0.1:3000")
            .header("content-type", "application/json")
            .header("user-agent", "curl")
            .header("accept", "a")
            .header("accept", "b")
            .header("cookie", "one=1; two=2")
            .header("cookie", "three=3")
            .header("connection", "keep-alive")
            .header("x-amzn-trace-id", "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e;Parent=1");
        let call = call(request, b"{\"a\": 1}");
        let expected = json!({
            "version": "2.0",
            "routeKey": "ANY /{proxy+}",
            "rawPath": "/products/a b",
            "rawQueryString": "limit=3&tag=x&tag=%26y",
            "cookies": ["one=1", "two=2", "three=3"],
            "headers": {
                "host": "127.0.0.1:3000",
                "content-type": "application/json",
                "user-agent": "curl",
                "accept": "a,b",
                "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
                "x-forwarded-for": "127.0.0.1",
                "x-forwarded-port": "80",
                "x-forwarded-proto": "http",
            },
            "queryStringParameters": {"limit": "3", "tag": "x,&y"},
            "pathParameters": {"proxy": "products/a b"},
            "requestContext": {
                "accountId": "012345678912",
                "apiId": "local",
                "domainName": "127.0.0.1:3000",
                "domainPrefix": "local",
                "http": {
                    "method": "POST",
                    "path": "/products/a b",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "curl",
                },
                "requestId": call.id,
                "routeKey": "ANY /{proxy+}",
                "stage": "$default",
                "time": "04/Mar/2020:19:03:58 +0000",
                "timeEpoch": 1_583_348_638_390_u64,
            },
            "body": "{\"a\": 1}",
            "isBase64Encoded": false,
        });
        assert_eq!(event(&call), expected);
        assert!(call.trace().starts_with("Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e;Parent="));
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        let event = event(&call(Request::get("/"), b""));
        for member in ["body", "cookies", "queryStringParameters", "pathParameters"] {
            assert!(event.get(member).is_none(), "{member}");
        }
        assert_eq!((&event["rawQueryString"], &event["routeKey"]), (&json!(""), &json!("ANY /")));
    }

    #[test]
    fn what_is_not_text_is_encoded() {
        let body = |kind: &str, body| {
            let event = event(&call(Request::post("/").header("content-type", kind), body));
            (event["body"].as_str().map(str::to_owned), event["isBase64Encoded"] == true)
        };
        let plain = (Some("a=1".to_owned()), false);
        for kind in ["text/plain; charset=utf-8", "application/problem+json", "application/JSON"] {
            assert_eq!(body(kind, b"a=1"), plain, "{kind}");
        }
        for kind in ["application/x-www-form-urlencoded", "application/octet-stream"] {
            assert_eq!(body(kind, b"a=1"), (Some("YT0x".to_owned()), true), "{kind}");
        }
        assert_eq!(body("text/plain", b"\xff"), (Some("/w==".to_owned()), true));
    }
}
