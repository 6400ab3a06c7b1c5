//! [`BasePath`]: the path under which clients find a service whose router does not know of it.

use axum::{
    extract::{OriginalUri, Request},
    http::Uri,
};
use percent_encoding::percent_decode_str;

/// `BASE_PATH`, percent-encoded, without a slash at its end: `/catalog`; empty for `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BasePath(String);

impl BasePath {
    /// Nothing when this is no path as it is in a URL.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let path = text.strip_suffix('/').unwrap_or(text);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte);
        let is_segment = |segment: &str| {
            let mut coded = segment.split('%');
            let plain = coded.next().unwrap_or_default();
            let is_code = |code: &str| {
                code.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
                    && code.bytes().skip(2).all(is_plain)
            };
            !matches!(segment, "" | "." | "..") && plain.bytes().all(is_plain) && coded.all(is_code)
        };
        let mut segments = path.split('/');
        let begins_with_a_slash = text.starts_with('/') && segments.next() == Some("");
        (begins_with_a_slash && segments.all(is_segment)).then(|| Self(path.to_owned()))
    }

    /// What it is in front of a path that begins with a slash.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path behind it, if it is in front of this one.
    pub(crate) fn behind<'p>(&self, path: &'p str) -> Option<&'p str> {
        let mut rest = path;
        for segment in self.0.split('/').skip(1) {
            let from = rest.strip_prefix('/')?;
            let end = from.find('/').unwrap_or(from.len());
            if !percent_decode_str(&from[..end]).eq(percent_decode_str(segment)) {
                return None;
            }
            rest = &from[end..];
        }
        Some(if rest.is_empty() { "/" } else { rest })
    }

    /// Has a router see the path behind it, and links begin with it. A path without it is taken for one from which somebody
    /// on the way has removed it.
    pub(crate) fn take_from<B>(&self, request: &mut Request<B>) {
        let uri = request.uri();
        if !uri.path().starts_with('/') {
            return;
        }
        let behind = self.behind(uri.path()).unwrap_or(uri.path());
        let original = with_path(uri, &format!("{}{behind}", self.0));
        let (Some(original), Some(inner)) = (original, with_path(uri, behind)) else { return };
        request.extensions_mut().insert(OriginalUri(original));
        *request.uri_mut() = inner;
    }
}

/// Nothing when that is longer than a URI may be.
fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{path}{query}").parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_is_one_as_it_is_in_a_url() {
        for text in ["/", "/catalog", "/catalog/", "/v1/catalog", "/my%20shop", "/~me/@shop"] {
            let path = BasePath::parse(text).expect(text);
            assert_eq!(path.as_str(), text.trim_end_matches('/'));
        }
        for text in
            ["catalog", "//", "/a//b", "/catalog?x", "/catalog#x", "/ü", "/my shop", "/a/../b", "/%2", "/%zz"]
        {
            assert_eq!(BasePath::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_router_sees_what_is_behind_it_and_links_have_it() {
        for (base, path, inner, original) in [
            ("/catalog", "/catalog/products?limit=2", "/products?limit=2", "/catalog/products?limit=2"),
            ("/catalog", "/catalog", "/", "/catalog/"),
            ("/catalog", "/catalog/", "/", "/catalog/"),
            ("/catalog", "/catalogue", "/catalogue", "/catalog/catalogue"),
            (
                "/v1/catalog",
                "/v1/catalog/products/a%2Fb%2541",
                "/products/a%2Fb%2541",
                "/v1/catalog/products/a%2Fb%2541",
            ),
            ("/my%20shop", "/my%20sh%6fp//products", "//products", "/my%20shop//products"),
            ("/products", "/products/products", "/products", "/products/products"),
            // What a proxy has taken away already, or who asks the process itself.
            ("/catalog", "/products/7", "/products/7", "/catalog/products/7"),
            ("/", "/products/7", "/products/7", "/products/7"),
        ] {
            let mut request = Request::get(path).body(()).expect("a request");
            BasePath::parse(base).expect(base).take_from(&mut request);
            let OriginalUri(uri) = request.extensions().get::<OriginalUri>().expect("it is told").clone();
            assert_eq!((request.uri().to_string(), uri.to_string()), (inner.to_owned(), original.to_owned()));
        }
        let mut request = Request::options("*").body(()).expect("a request");
        BasePath::parse("/catalog").expect("a path").take_from(&mut request);
        assert_eq!(request.uri(), "*");
    }
}
