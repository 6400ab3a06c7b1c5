//! Payloads of version 2.0, of HTTP APIs and function URLs:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>.

use std::collections::BTreeMap;

use axum::http::{
    HeaderValue,
    header::{COOKIE, SET_COOKIE},
};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::{
    Answer, InvocationError, encode,
    request::{Arrived, Single, headers, malformed},
    route::{Split, split},
    text,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    /// `ANY /{proxy+}`, or `$default`.
    route_key: Option<String>,
    path_parameters: Option<Single>,
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    cookies: Option<Vec<String>>,
    headers: Option<Single>,
    request_context: Context,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    domain_name: Option<String>,
    stage: Option<String>,
    http: Http,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    source_ip: Option<String>,
}

pub(super) fn read(payload: &str) -> Result<Arrived, InvocationError> {
    let payload: Payload = serde_json::from_str(payload).map_err(malformed)?;
    let (path, context) = (payload.raw_path.as_str(), payload.request_context);
    let domain = context.domain_name.as_deref();
    let route =
        payload.route_key.as_deref().and_then(|key| key.split_once(' ')).map_or("", |(_, route)| route);
    let (in_front, path) = match split(path, route, payload.path_parameters.as_ref()) {
        Some(Split { in_front, behind }) => (Some(in_front), behind),
        None => without_stage(path, context.stage.as_deref(), domain),
    };
    // A function URL hands the path over as it is, an HTTP API decodes it.
    let is_function_url = domain.is_some_and(|domain| domain.contains(".lambda-url."));
    let encode_path = if is_function_url { encode::path } else { encode::decoded_path };
    let (in_front, path) = (in_front.map(encode_path), encode_path(path));
    let mut headers = headers(payload.headers, None);
    if let Some(cookies) = payload.cookies.filter(|cookies| !cookies.is_empty())
        && let Ok(cookies) = HeaderValue::try_from(cookies.join("; "))
    {
        headers.insert(COOKIE, cookies);
    }
    Ok(Arrived {
        method: context.http.method,
        in_front,
        path,
        query: encode::query(&payload.raw_query_string),
        headers,
        has_multi_value_headers: false,
        body: payload.body,
        is_base64_encoded: payload.is_base64_encoded,
        client: context.http.source_ip,
    })
}

/// The stage, with a slash in front of it, and the path behind it. A path has one only at the domain that AWS gives to an API: a
/// domain of one's own leads to a stage without naming it.
pub(super) fn without_stage<'p>(
    path: &'p str,
    stage: Option<&str>,
    domain: Option<&str>,
) -> (Option<&'p str>, &'p str) {
    let is_named = domain.is_some_and(|domain| domain.contains(".execute-api."));
    let stage = stage.filter(|stage| is_named && *stage != "$default");
    let behind = stage.and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage));
    match behind {
        Some("") => (Some(path), "/"),
        Some(behind) if behind.starts_with('/') => (Some(&path[..path.len() - behind.len()]), behind),
        _ => (None, path),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    status_code: u16,
    headers: BTreeMap<&'a str, String>,
    cookies: Vec<String>,
    body: &'a str,
    is_base64_encoded: bool,
}

pub(super) fn write(answer: &Answer) -> Result<Box<RawValue>, serde_json::Error> {
    to_raw_value(&Written {
        status_code: answer.status.as_u16(),
        headers: joined(answer),
        cookies: answer.headers.get_all(SET_COOKIE).iter().map(text).collect(),
        body: answer.body.text(),
        is_base64_encoded: answer.body.is_base64_encoded(),
    })
}

/// Each header with all its values in one, but for `Set-Cookie`, whose values have commas.
pub(super) fn joined(answer: &Answer) -> BTreeMap<&str, String> {
    let names = answer.headers.keys().filter(|name| **name != SET_COOKIE);
    let values = |name| answer.headers.get_all(name).iter().map(text).collect::<Vec<_>>().join(", ");
    names.map(|name| (name.as_str(), values(name))).collect()
}
