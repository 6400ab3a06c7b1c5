//! [`response`]: what a function's answer is to the client.

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, Response, StatusCode},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Map, Value};

use super::Api;

/// Headers that are about the connection to the client, which is not the function's.
const OURS: [&str; 3] = ["connection", "content-length", "transfer-encoding"];

/// The response; nothing when the function has answered with something that is none.
pub(super) fn response(api: Api, answer: &[u8]) -> Option<Response<Body>> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    if api == Api::Http && answer.get("statusCode").is_none() {
        // To an HTTP API, whatever has no status is the body.
        let body = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
        return Response::builder().header("content-type", "application/json").body(body.into()).ok();
    }
    let status = u16::try_from(answer.get("statusCode")?.as_u64()?).ok()?;
    let mut response = Response::new(Body::from(body(&answer)?));
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    for (name, value) in headers(api, &answer)? {
        if !OURS.contains(&name.as_str()) {
            response.headers_mut().append(name, value);
        }
    }
    if api == Api::Rest && !response.headers().contains_key("content-type") {
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    }
    Some(response)
}

fn body(answer: &Value) -> Option<Bytes> {
    let body = match answer.get("body") {
        None | Some(Value::Null) => return Some(Bytes::new()),
        Some(body) => body.as_str()?,
    };
    if answer.get("isBase64Encoded") == Some(&Value::Bool(true)) {
        return BASE64_STANDARD.decode(body).ok().map(Bytes::from);
    }
    Some(Bytes::copy_from_slice(body.as_bytes()))
}

fn headers(api: Api, answer: &Value) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let members = |name: &str| answer.get(name).and_then(Value::as_object);
    let mut headers = Vec::new();
    let several = members("multiValueHeaders").filter(|_| api == Api::Rest);
    for (name, values) in several.into_iter().flatten() {
        for value in values.as_array()? {
            headers.push(header(name, value)?);
        }
    }
    // A header of both members is what the other one says, which has all its values.
    let is_known = |name: &str| several.is_some_and(|several| has(several, name));
    for (name, value) in members("headers").into_iter().flatten() {
        if !is_known(name) {
            headers.push(header(name, value)?);
        }
    }
    let cookies = answer.get("cookies").filter(|_| api == Api::Http).and_then(Value::as_array);
    for cookie in cookies.into_iter().flatten() {
        headers.push(header("set-cookie", cookie)?);
    }
    Some(headers)
}

fn has(members: &Map<String, Value>, name: &str) -> bool {
    members.keys().any(|known| known.eq_ignore_ascii_case(name))
}

fn header(name: &str, value: &Value) -> Option<(HeaderName, HeaderValue)> {
    let value = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return None,
    };
    Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, headers and body.
    async fn of(api: Api, answer: &str) -> Option<(u16, Vec<(String, String)>, String)> {
        let (head, body) = response(api, answer.as_bytes())?.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
        let value = |value: &HeaderValue| value.to_str().expect("a text").to_owned();
        let headers = head.headers.iter().map(|(name, it)| (name.to_string(), value(it))).collect();
        Some((head.status.as_u16(), headers, String::from_utf8_lossy(&body).into_owned()))
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[tokio::test]
    async fn status_headers_cookies_and_body_are_the_functions() {
        let answer = r#"{"statusCode":201,"headers":{"ETag":"\"1\"","Content-Length":"9"},"cookies":["a=1","b=2"],"body":"eA==","isBase64Encoded":true}"#;
        let headers = pairs(&[("etag", "\"1\""), ("set-cookie", "a=1"), ("set-cookie", "b=2")]);
        assert_eq!(of(Api::Http, answer).await, Some((201, headers, "x".to_owned())));
    }

    #[tokio::test]
    async fn a_rest_api_takes_headers_with_several_values() {
        let answer = r#"{"statusCode":200,"headers":{"a":"1","b":"2"},"multiValueHeaders":{"A":["3","4"],"content-type":["t"]},"body":null}"#;
        let headers = pairs(&[("a", "3"), ("a", "4"), ("content-type", "t"), ("b", "2")]);
        assert_eq!(of(Api::Rest, answer).await, Some((200, headers, String::new())));
    }

    #[tokio::test]
    async fn to_an_http_api_what_has_no_status_is_the_body() {
        let headers = || pairs(&[("content-type", "application/json")]);
        assert_eq!(of(Api::Http, r#"{"a":1}"#).await, Some((200, headers(), r#"{"a":1}"#.to_owned())));
        assert_eq!(of(Api::Http, "\"text\"").await, Some((200, headers(), "text".to_owned())));
        assert_eq!(of(Api::Rest, r#"{"a":1}"#).await, None);
    }

    #[tokio::test]
    async fn what_is_no_answer_is_refused() {
        for answer in ["", r#"{"statusCode":"ok"}"#, r#"{"statusCode":200,"body":1}"#, r#"{"statusCode":99}"#]
        {
            assert_eq!(of(Api::Http, answer).await, None, "{answer}");
        }
    }
}
