//! [`Call`]: a request, in the parts that both formats of API Gateway are made of.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::function::{trace_root, trace_within};

/// Whose API it is said to be.
pub(super) const ACCOUNT: &str = "012345678912";
pub(super) const API_ID: &str = "local";

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A request that has arrived.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) head: Parts,
    pub(super) body: Bytes,
    pub(super) client: SocketAddr,
    pub(super) id: String,
    pub(super) at: SystemTime,
    base_path: Arc<str>,
    root: String,
}

impl Call {
    /// Adds the headers that API Gateway adds.
    pub(super) fn new(mut head: Parts, body: Bytes, client: SocketAddr, base_path: Arc<str>) -> Self {
        let given = head.headers.get("x-amzn-trace-id").and_then(|trace| trace.to_str().ok());
        let given =
            given.and_then(|trace| trace.split(';').find_map(|part| part.trim().strip_prefix("Root=")));
        let root = given.map_or_else(trace_root, str::to_owned);
        for (name, value) in [
            ("x-amzn-trace-id", format!("Root={root}")),
            ("x-forwarded-for", client.ip().to_string()),
            ("x-forwarded-port", "80".to_owned()),
            ("x-forwarded-proto", "http".to_owned()),
        ] {
            if let Ok(value) = HeaderValue::try_from(value) {
                head.headers.insert(HeaderName::from_static(name), value);
            }
        }
        // It is about this connection alone.
        head.headers.remove("connection");
        Self { head, body, client, id: Uuid::new_v4().to_string(), at: SystemTime::now(), base_path, root }
    }

    /// The header for the call of the function.
    pub(super) fn trace(&self) -> String {
        trace_within(&self.root)
    }

    /// With the base path.
    pub(super) fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// Whether it has come by way of a domain of one's own.
    pub(super) fn is_mapped(&self) -> bool {
        !self.base_path.is_empty()
    }

    /// What the template's route `/{proxy+}` makes of it, decoded; nothing for its route `/`.
    pub(super) fn proxy(&self) -> Value {
        let behind = self.path().strip_prefix(&*self.base_path).unwrap_or_default();
        match behind.strip_prefix('/') {
            None | Some("") => Value::Null,
            Some(rest) => json!({ "proxy": percent_decode_str(rest).decode_utf8_lossy() }),
        }
    }

    pub(super) fn resource(&self) -> &'static str {
        if self.proxy().is_null() { "/" } else { "/{proxy+}" }
    }

    pub(super) fn query(&self) -> &str {
        self.head.uri.query().unwrap_or_default()
    }

    /// The parameters of the query, decoded, those of one name together.
    pub(super) fn parameters(&self) -> Vec<(String, Vec<String>)> {
        let mut parameters: Vec<(String, Vec<String>)> = Vec::new();
        let Ok(url) = reqwest::Url::parse(&format!("http://local/?{}", self.query())) else {
            return parameters;
        };
        for (name, value) in url.query_pairs() {
            match parameters.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value.into_owned()),
                None => parameters.push((name.into_owned(), vec![value.into_owned()])),
            }
        }
        parameters
    }

    /// The headers, those of one name together.
    pub(super) fn headers(&self) -> Vec<(&str, Vec<String>)> {
        let values = |name| self.head.headers.get_all(name).iter().map(text).collect();
        self.head.headers.keys().map(|name| (name.as_str(), values(name))).collect()
    }

    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.head.headers.get(name).map(text)
    }

    pub(super) fn host(&self) -> String {
        self.header("host").unwrap_or_default()
    }

    /// `12/Mar/2026:19:03:58 +0000`.
    pub(super) fn time(&self) -> String {
        let at = humantime::format_rfc3339_seconds(self.at).to_string();
        let month = at[5..7].parse::<usize>().ok().and_then(|month| MONTHS.get(month - 1)).unwrap_or(&"");
        format!("{}/{month}/{}:{} +0000", &at[8..10], &at[..4], &at[11..19])
    }

    pub(super) fn milliseconds(&self) -> u64 {
        let since = self.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// The body, and whether it is in base64.
    pub(super) fn body(&self, is_text: impl Fn(&HeaderMap) -> bool) -> (Value, bool) {
        match std::str::from_utf8(&self.body) {
            Ok("") => (Value::Null, false),
            Ok(body) if is_text(&self.head.headers) => (json!(body), false),
            _ => (json!(BASE64_STANDARD.encode(&self.body)), true),
        }
    }
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// Each name with what `value` makes of its values; null when there is none.
pub(super) fn members<'n>(
    pairs: impl IntoIterator<Item = (&'n str, Vec<String>)>,
    value: impl Fn(Vec<String>) -> Value,
) -> Value {
    let members: serde_json::Map<_, _> =
        pairs.into_iter().map(|(name, values)| (name.to_owned(), value(values))).collect();
    if members.is_empty() { Value::Null } else { Value::Object(members) }
}

#[cfg(test)]
pub(super) fn call(request: axum::http::request::Builder, body: &'static [u8]) -> Call {
    mapped("", request, body)
}

#[cfg(test)]
pub(super) fn mapped(base_path: &str, request: axum::http::request::Builder, body: &'static [u8]) -> Call {
    let (head, ()) = request.body(()).expect("a request").into_parts();
    let mut call =
        Call::new(head, Bytes::from_static(body), SocketAddr::from(([127, 0, 0, 1], 4711)), base_path.into());
    call.at = UNIX_EPOCH + std::time::Duration::from_millis(1_583_348_638_390);
    call
}
