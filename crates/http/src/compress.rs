//! [`compress`]: answers that are packed for the clients that take them so.

use std::io;

use async_compression::{Level, tokio::bufread::GzipEncoder};
use axum::{
    Router,
    body::{Body, HttpBody as _},
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
            ETAG, IF_MATCH, IF_NONE_MATCH, VARY,
        },
    },
    middleware::{self, Next},
    response::Response,
};
use futures_util::TryStreamExt as _;
use tokio_util::io::{ReaderStream, StreamReader};

/// What is smaller gains less than its coding costs.
const SMALLEST: u64 = 1024;

/// What the ETag of something has behind it when it is packed.
const SUFFIX: &str = "-gzip";

/// Has a router send its answers as gzip to those clients whose `Accept-Encoding` takes that. A host applies it next to the
/// router, inside of [`harden`](crate::harden()).
///
/// Text and JSON of 1 KiB and more, and those of a length that is not known yet, are packed while they are sent. Not packed
/// are streams of events (`text/event-stream`), what is packed already, parts of something (`Content-Range`), and what says
/// `Cache-Control: no-transform`: a layer that adds this header switches packing off. Where it was up to the client whether
/// an answer is packed, that says `Vary: Accept-Encoding`.
///
/// What is packed has an ETag of its own ([RFC 9110, section 8.8.3.3](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3.3)):
/// `"3-gzip"` where it is `"3"` otherwise. The router takes the one for the other: a client may send either in `If-Match` and
/// `If-None-Match`.
pub fn compress(router: Router) -> Router {
    router.layer(middleware::from_fn(coded))
}

async fn coded(mut request: Request, next: Next) -> Response {
    let headers = request.headers_mut();
    let takes_gzip = takes_gzip(headers);
    let known = headers.get_all(IF_NONE_MATCH).iter().cloned().collect::<Vec<_>>();
    for name in [IF_MATCH, IF_NONE_MATCH] {
        add_tags_without_suffix(headers, &name);
    }
    let mut response = next.run(request).await;
    if response.status() == StatusCode::NOT_MODIFIED {
        vary(response.headers_mut());
        restore_suffix(response.headers_mut(), &known);
        return response;
    }
    if !is_worth_it(&response) {
        return response;
    }
    vary(response.headers_mut());
    if takes_gzip { packed(response) } else { response }
}

fn packed(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    if let Some(tag) = parts.headers.get_mut(ETAG) {
        with_suffix(tag);
    }
    let reader = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
    let encoder = GzipEncoder::with_quality(reader, Level::Fastest);
    Response::from_parts(parts, Body::from_stream(ReaderStream::new(encoder)))
}

/// Whether the client says that it takes gzip, and not that it likes what is not packed better: RFC 9110, section 12.5.3.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let (mut gzip, mut identity, mut any) = (None, None, None);
    for item in lines.flat_map(|line| line.split(',')) {
        let mut parts = item.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let quality = quality.map_or(1.0, |quality| quality.parse::<f32>().unwrap_or(0.0));
        match &*coding {
            "gzip" | "x-gzip" => gzip = Some(quality),
            "identity" => identity = Some(quality),
            "*" => any = Some(quality),
            _ => {}
        }
    }
    let gzip = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0)
}

fn is_worth_it(response: &Response) -> bool {
    let headers = response.headers();
    let is_left_alone = headers.contains_key(CONTENT_ENCODING)
        || headers.contains_key(CONTENT_RANGE)
        || headers
            .get_all(CACHE_CONTROL)
            .iter()
            .any(|line| line.to_str().is_ok_and(|line| line.to_ascii_lowercase().contains("no-transform")));
    // An answer to HEAD says how long the body would be.
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let length = length.or(response.body().size_hint().upper());
    let is_small = length.is_some_and(|bytes| bytes < SMALLEST);
    !is_left_alone && !is_small && headers.get(CONTENT_TYPE).is_some_and(is_text)
}

fn is_text(media_type: &HeaderValue) -> bool {
    let media_type = media_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    match &*media_type {
        "text/event-stream" => false,
        "application/json" | "application/xml" | "application/javascript" | "application/x-ndjson" => true,
        other => other.starts_with("text/") || other.ends_with("+json") || other.ends_with("+xml"),
    }
}

fn vary(headers: &mut HeaderMap) {
    let says_so = |line: &HeaderValue| {
        line.to_str().is_ok_and(|line| line.to_ascii_lowercase().contains("accept-encoding"))
    };
    if !headers.get_all(VARY).iter().any(says_so) {
        headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    }
}

/// A strong tag as that of what is packed. A weak one is true of both.
fn with_suffix(tag: &mut HeaderValue) {
    let suffixed = tag.to_str().ok().and_then(|text| text.strip_prefix('"')?.strip_suffix('"').map(suffixed));
    if let Some(suffixed) = suffixed.and_then(|text| HeaderValue::try_from(text).ok()) {
        *tag = suffixed;
    }
}

fn suffixed(opaque: &str) -> String {
    format!("\"{opaque}{SUFFIX}\"")
}

/// Adds `"3"` behind `"3-gzip"`, for those who know nothing of the suffix.
fn add_tags_without_suffix(headers: &mut HeaderMap, name: &HeaderName) {
    let lines: Vec<_> = headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    let mut plain = Vec::new();
    for line in lines {
        let pieces: Vec<_> = line.split('"').collect();
        for pair in pieces.windows(2).step_by(2) {
            if let Some(opaque) = pair[1].strip_suffix(SUFFIX) {
                let weak = if pair[0].ends_with("W/") { "W/" } else { "" };
                plain.push(format!("{weak}\"{opaque}\""));
            }
        }
    }
    for tag in plain {
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.append(name, tag);
        }
    }
}

/// Names what the client has as it does: one that has only what is packed could not find it by another tag.
fn restore_suffix(headers: &mut HeaderMap, known: &[HeaderValue]) {
    let Some(tag) = headers.get_mut(ETAG) else { return };
    let mut other = tag.clone();
    with_suffix(&mut other);
    let names = |tag: &HeaderValue| {
        let tag = tag.to_str().unwrap_or("?");
        known.iter().any(|line| line.to_str().is_ok_and(|line| line.contains(tag)))
    };
    if !names(tag) && names(&other) {
        *tag = other;
    }
}
