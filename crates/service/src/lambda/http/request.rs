//! [`Arrived`]: what all formats of a request say, and how it becomes one for the router.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::{
    body::Body,
    extract::{ConnectInfo, OriginalUri},
    http::{HeaderMap, HeaderName, HeaderValue, Request, Uri},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::InvocationError;
use crate::base_path::BasePath;

/// Headers or parameters as most formats write them, with one value each.
pub(super) type Single = BTreeMap<String, String>;

/// The same, with all values of each.
pub(super) type Multiple = BTreeMap<String, Vec<String>>;

/// A request, whatever it was written in.
pub(super) struct Arrived {
    pub(super) method: String,
    /// What the client's path has in front of the router's, a stage or a base path, when the event tells. Percent-encoded,
    /// without a slash at its end.
    pub(super) in_front: Option<String>,
    /// The path behind that, percent-encoded.
    pub(super) path: String,
    /// Without the question mark.
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    /// So its sender wants those of the answer.
    pub(super) has_multi_value_headers: bool,
    pub(super) body: Option<String>,
    pub(super) is_base64_encoded: bool,
    /// The client's address, as text.
    pub(super) client: Option<String>,
}

impl Arrived {
    /// The request as the router sees it, of a service with that base path.
    pub(super) fn into_request(self, base_path: Option<&BasePath>) -> Result<Request<Body>, InvocationError> {
        let Self { method, in_front, path, query, headers, body, is_base64_encoded, client, .. } = self;
        let path = if path.starts_with('/') { path } else { format!("/{path}") };
        let (in_front, mut target) = match (in_front, base_path) {
            (in_front, None) => (in_front.unwrap_or_default(), path),
            // Who says so knows better than an API what clients see.
            (Some(_), Some(base)) => (base.as_str().to_owned(), path),
            (None, Some(base)) => {
                (base.as_str().to_owned(), base.behind(&path).map_or_else(|| path.clone(), str::to_owned))
            }
        };
        if !query.is_empty() {
            target.push('?');
            target.push_str(&query);
        }
        let body = body.unwrap_or_default();
        let body = match is_base64_encoded {
            true => Body::from(BASE64_STANDARD.decode(body).map_err(malformed)?),
            false => Body::from(body),
        };
        let mut request = Request::new(body);
        *request.method_mut() = method.parse().map_err(malformed)?;
        if !in_front.is_empty() {
            let original: Uri = (in_front + &target).parse().map_err(malformed)?;
            request.extensions_mut().insert(OriginalUri(original));
        }
        *request.uri_mut() = target.parse().map_err(malformed)?;
        *request.headers_mut() = headers;
        request.extensions_mut().insert(ConnectInfo(address(client.as_deref())));
        Ok(request)
    }
}

/// The client's address. Nobody says its port, so that is 0; and a client whose address is not told is at 0.0.0.0.
fn address(client: Option<&str>) -> SocketAddr {
    let ip = |text: &str| text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 0));
    let address = client.and_then(|text| ip(text).or_else(|| text.parse().ok()));
    address.unwrap_or_else(|| SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0))
}

/// All lines of the headers: the second map has all of them, when it is there. What HTTP does not allow is left out.
pub(super) fn headers(single: Option<Single>, multiple: Option<Multiple>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let multiple = multiple.unwrap_or_default().into_iter();
    let lines =
        multiple.flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)));
    for (name, value) in lines {
        if let Some((name, value)) = header(&name, value) {
            headers.append(name, value);
        }
    }
    for (name, value) in single.unwrap_or_default() {
        if let Some((name, value)) = header(&name, value)
            && !headers.contains_key(&name)
        {
            headers.insert(name, value);
        }
    }
    headers
}

fn header(name: &str, value: String) -> Option<(HeaderName, HeaderValue)> {
    Some((name.parse().ok()?, value.try_into().ok()?))
}

/// A query with all parameters: the second map has all values of each, when it is there.
pub(super) fn query(
    single: Option<Single>,
    multiple: Option<Multiple>,
    encode: impl Fn(&str) -> String,
) -> String {
    let parameters = multiple.filter(|multiple| !multiple.is_empty()).unwrap_or_else(|| {
        single.unwrap_or_default().into_iter().map(|(name, value)| (name, vec![value])).collect()
    });
    let pairs = parameters.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    let pairs: Vec<_> = pairs.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

/// A target as a client wrote it, in two: its path, and its query if it has one.
pub(super) fn target(written: &str) -> (&str, Option<&str>) {
    written.split_once('?').map_or((written, None), |(path, query)| (path, Some(query)))
}

/// For `map_err`.
pub(super) fn malformed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(source: E) -> InvocationError {
    InvocationError::Malformed { kind: "a request", source: source.into() }
}
