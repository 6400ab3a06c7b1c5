//! [`Body`]: the body of an answer as JSON can carry it.

use axum::body::Bytes;
use base64::{Engine as _, prelude::BASE64_STANDARD};

/// Text as it is, and everything else as base64.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    Text(String),
    Base64(String),
}

impl Body {
    pub(super) fn of(bytes: Bytes) -> Self {
        match String::from_utf8(bytes.into()) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Base64(BASE64_STANDARD.encode(error.into_bytes())),
        }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Base64(text) => text,
        }
    }

    pub(super) fn is_base64_encoded(&self) -> bool {
        matches!(self, Self::Base64(_))
    }

    /// How many bytes of JSON this will be.
    pub(super) fn size_of(bytes: &[u8]) -> usize {
        if std::str::from_utf8(bytes).is_err() {
            return bytes.len().div_ceil(3) * 4 + 2;
        }
        let of_one = |byte: &u8| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
            0x00..0x20 => 6,
            _ => 1,
        };
        bytes.iter().map(of_one).sum::<usize>() + 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_that_of_the_json() {
        let all: Vec<u8> = (0..=255).collect();
        for bytes in
            [&b""[..], b"[{\"id\":\"7\"}]", &all[..128], &all, "ü\u{2028}€\u{1F600}".as_bytes(), &[0xff]]
        {
            let body = Body::of(Bytes::copy_from_slice(bytes));
            let json = serde_json::to_string(body.text()).expect("text");
            assert_eq!(Body::size_of(bytes), json.len(), "{bytes:?}");
        }
    }
}
