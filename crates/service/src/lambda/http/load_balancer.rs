//! Requests of an Application Load Balancer, with headers of one value each or, when the target group is set to it, of all:
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName, header::SET_COOKIE};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::{
    Answer, InvocationError, encode,
    request::{Arrived, Multiple, Single, headers, malformed, query},
    text,
    version1::multi_value,
    version2::joined,
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    http_method: String,
    path: String,
    headers: Option<Single>,
    multi_value_headers: Option<Multiple>,
    query_string_parameters: Option<Single>,
    multi_value_query_string_parameters: Option<Multiple>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

pub(super) fn read(payload: &str) -> Result<Arrived, InvocationError> {
    let payload: Payload = serde_json::from_str(payload).map_err(malformed)?;
    let has_multi_value_headers = payload.multi_value_headers.is_some();
    let headers = headers(payload.headers, payload.multi_value_headers);
    Ok(Arrived {
        method: payload.http_method,
        in_front: None,
        path: encode::path(&payload.path),
        // A load balancer decodes nothing.
        query: query(
            payload.query_string_parameters,
            payload.multi_value_query_string_parameters,
            encode::query,
        ),
        client: client(&headers),
        headers,
        has_multi_value_headers,
        body: payload.body,
        is_base64_encoded: payload.is_base64_encoded,
    })
}

/// Who has called the load balancer: the last in the list, because a client may send the beginning of one.
pub(super) fn client(headers: &HeaderMap) -> Option<String> {
    let line = headers.get_all(X_FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
    line.rsplit(',').next().map(|address| address.trim().to_owned())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    status_code: u16,
    status_description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<BTreeMap<&'a str, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_value_headers: Option<BTreeMap<&'a str, Vec<String>>>,
    body: &'a str,
    is_base64_encoded: bool,
}

impl<'a> Written<'a> {
    fn new(answer: &'a Answer) -> Self {
        Self {
            status_code: answer.status.as_u16(),
            status_description: answer.status.to_string(),
            headers: None,
            multi_value_headers: None,
            body: answer.body.text(),
            is_base64_encoded: answer.body.is_base64_encoded(),
        }
    }
}

/// For a target group without multi-value headers, and for VPC Lattice. Of several cookies the last is set: there is no way to write two.
pub(super) fn write(answer: &Answer) -> Result<Box<RawValue>, serde_json::Error> {
    let mut headers = joined(answer);
    if let Some(cookie) = answer.headers.get_all(SET_COOKIE).iter().next_back() {
        headers.insert("set-cookie", text(cookie));
    }
    to_raw_value(&Written { headers: Some(headers), ..Written::new(answer) })
}

/// For a target group with multi-value headers.
pub(super) fn write_multi_value(answer: &Answer) -> Result<Box<RawValue>, serde_json::Error> {
    to_raw_value(&Written { multi_value_headers: Some(multi_value(answer)), ..Written::new(answer) })
}
