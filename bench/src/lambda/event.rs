//! Requests as API Gateway hands them to a function, and its answers.

use std::time::Instant;

use lambda_local::Function;
use serde_json::{Value, json};

use crate::Result;

/// Has a function answer a request to an HTTP API, and gives the body of the answer.
pub(super) async fn send(function: &Function, event: &Value) -> Result<Value> {
    understand(&function.invoke(event.to_string()).await?)
}

/// The same; gives the seconds that it takes.
pub(super) async fn timed(function: &Function, event: &Value) -> Result<f64> {
    let event = event.to_string();
    let begin = Instant::now();
    let answer = function.invoke(event).await?;
    let seconds = begin.elapsed().as_secs_f64();
    understand(&answer)?;
    Ok(seconds)
}

/// The body of an answer. One that tells of an error is one.
fn understand(answer: &[u8]) -> Result<Value> {
    let answer: Value = serde_json::from_slice(answer)?;
    if !answer["statusCode"].as_u64().is_some_and(|status| (200..300).contains(&status)) {
        return Err(format!("the function has answered {answer}").into());
    }
    Ok(answer["body"].as_str().map(serde_json::from_str).transpose()?.unwrap_or_default())
}

pub(super) fn get(path: &str) -> Value {
    request("GET", path)
}

pub(super) fn post(path: &str, body: Option<&Value>) -> Value {
    let mut request = request("POST", path);
    if let Some(body) = body {
        request["headers"]["content-type"] = json!("application/json");
        request["body"] = json!(body.to_string());
    }
    request
}

/// In version 2.0 of the format.
fn request(method: &str, path: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "ANY /{proxy+}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "host": "local.execute-api.us-east-1.amazonaws.com",
            "user-agent": "bench",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "012345678912",
            "apiId": "local",
            "domainName": "local.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "local",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "bench",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "ANY /{proxy+}",
            "stage": "$default",
            "time": "10/Mar/2026:05:16:23 +0000",
            "timeEpoch": 1_773_119_783_000_u64,
        },
        "isBase64Encoded": false,
    })
}
