//! [`Links`]: the paths of resources, as the client sees them.

use std::convert::Infallible;

use aws_event_sourcing_core::ResourceId;
use axum::{
    extract::{FromRequestParts, MatchedPath, NestedPath, OriginalUri},
    http::request::Parts,
};

/// Paths of the resources that a request is about, with whatever prefix the request came with. An extractor.
///
/// The collection is what stands before `{id}` in the route, as its router has it; in a route without, it is the path
/// of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    collection: String,
}

impl Links {
    /// The path of all resources, without a slash at its end: `/products`; empty at the root.
    #[must_use]
    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// The path of a resource: `/products/7`.
    #[must_use]
    pub fn resource(&self, id: &ResourceId) -> String {
        let mut path = self.collection.clone();
        path.push('/');
        encode(&mut path, id.as_str(), |byte| matches!(byte, b'-' | b'.' | b'_' | b'~'));
        path
    }

    /// The path of a resource's events: `/products/7/events`.
    #[must_use]
    pub fn events(&self, id: &ResourceId) -> String {
        self.resource(id) + "/events"
    }

    /// Those of a request to the collection itself.
    pub(crate) fn at(path: &str) -> Self {
        Self::behind(path, 0)
    }

    /// Those of a request whose path has so many segments behind the collection.
    fn behind(path: &str, segments: usize) -> Self {
        let path = path.strip_suffix('/').unwrap_or(path);
        let path = path.rsplitn(segments + 1, '/').nth(segments).unwrap_or_default();
        let mut collection = String::with_capacity(path.len());
        // Characters that a URI cannot have are let through by lenient clients and servers.
        encode(&mut collection, path, |byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
        Self { collection }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Links {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let OriginalUri(uri) = OriginalUri::from_request_parts(parts, state).await?;
        let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let nested = parts.extensions.get::<NestedPath>().map_or("", NestedPath::as_str);
        let route = route.strip_prefix(nested).unwrap_or(route);
        let route = route.trim_end_matches('/');
        let id = route.rsplit('/').position(|segment| segment == "{id}");
        let segments = id.map_or(0, |place| place + 1);
        Ok(Self::behind(uri.path(), segments))
    }
}

/// Percent-encodes all but letters, digits, and what else is plain.
fn encode(path: &mut String, text: &str, plain: impl Fn(u8) -> bool) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain(byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_segment_whatever_is_in_it() {
        let links = Links::at("/v1/products/");
        assert_eq!(links.collection(), "/v1/products");
        assert_eq!(links.resource(&"a/b%c d?ü".into()), "/v1/products/a%2Fb%25c%20d%3F%C3%BC");
        assert_eq!(links.events(&"7".into()), "/v1/products/7/events");
        assert_eq!(Links::at("/ü\u{7f}\"/%2F").collection(), "/%C3%BC%7F%22/%2F");
        assert_eq!(Links::at("").resource(&"7".into()), "/7");
        assert_eq!(Links::at("/").resource(&"7".into()), "/7");
    }

    #[test]
    fn the_collection_stands_before_the_id() {
        assert_eq!(Links::behind("/v1/products/a%2Fb/buy", 2).collection(), "/v1/products");
        assert_eq!(Links::behind("/7", 1).collection(), "");
        assert_eq!(Links::behind("/7", 5).collection(), "");
    }
}
