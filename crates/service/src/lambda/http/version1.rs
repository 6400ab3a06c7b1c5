//! Payloads of version 1.0, of REST APIs and of HTTP APIs that are set to it:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::{
    Answer, InvocationError, encode,
    request::{Arrived, Multiple, Single, headers, malformed, query},
    route::{Split, split},
    text,
    version2::without_stage,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    /// HTTP APIs have it, REST APIs have not.
    version: Option<String>,
    /// The route, such as `/{proxy+}`.
    resource: Option<String>,
    path_parameters: Option<Single>,
    http_method: String,
    path: String,
    headers: Option<Single>,
    multi_value_headers: Option<Multiple>,
    query_string_parameters: Option<Single>,
    multi_value_query_string_parameters: Option<Multiple>,
    request_context: Context,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    identity: Option<Identity>,
    /// The path as the client sent it: with the stage, where it has one.
    path: Option<String>,
    stage: Option<String>,
    domain_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    source_ip: Option<String>,
}

pub(super) fn read(payload: &str) -> Result<Arrived, InvocationError> {
    let payload: Payload = serde_json::from_str(payload).map_err(malformed)?;
    let context = payload.request_context;
    let is_http_api = payload.version.is_some();
    let path = payload.path.as_str();
    let route = payload.resource.as_deref().unwrap_or_default();
    let split = split(path, route, payload.path_parameters.as_ref());
    let (in_front, path) = match split {
        // A REST API has a stage in the client's path only.
        Some(Split { behind, .. }) if !is_http_api => {
            (Some(in_front(context.path.as_deref().unwrap_or(path), behind)), behind)
        }
        Some(Split { in_front, behind }) => (Some(in_front), behind),
        None if is_http_api => without_stage(path, context.stage.as_deref(), context.domain_name.as_deref()),
        None => {
            let in_front = in_front(context.path.as_deref().unwrap_or(path), path);
            (Some(in_front).filter(|in_front| !in_front.is_empty()), path)
        }
    };
    // An HTTP API has decoded the path, and both have decoded the parameters.
    let encode_path = if is_http_api { encode::decoded_path } else { encode::path };
    let (in_front, path) = (in_front.map(encode_path), encode_path(path));
    Ok(Arrived {
        method: payload.http_method,
        in_front,
        path,
        query: query(
            payload.query_string_parameters,
            payload.multi_value_query_string_parameters,
            encode::parameter,
        ),
        headers: headers(payload.headers, payload.multi_value_headers),
        has_multi_value_headers: true,
        body: payload.body,
        is_base64_encoded: payload.is_base64_encoded,
        client: context.identity.and_then(|identity| identity.source_ip),
    })
}

/// What a client's path has in front of the router's.
fn in_front<'a>(client_path: &'a str, path: &str) -> &'a str {
    // At the root, a client may leave out the slash.
    let of_the_root = || (path == "/").then_some(client_path);
    client_path.strip_suffix(path).or_else(of_the_root).unwrap_or_default().trim_end_matches('/')
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    status_code: u16,
    multi_value_headers: BTreeMap<&'a str, Vec<String>>,
    body: &'a str,
    is_base64_encoded: bool,
}

pub(super) fn write(answer: &Answer) -> Result<Box<RawValue>, serde_json::Error> {
    to_raw_value(&Written {
        status_code: answer.status.as_u16(),
        multi_value_headers: multi_value(answer),
        body: answer.body.text(),
        is_base64_encoded: answer.body.is_base64_encoded(),
    })
}

/// All values of each header.
pub(super) fn multi_value(answer: &Answer) -> BTreeMap<&str, Vec<String>> {
    let mut headers = BTreeMap::<_, Vec<_>>::new();
    for (name, value) in &answer.headers {
        headers.entry(name.as_str()).or_default().push(text(value));
    }
    headers
}
