//! [`ETag`]: a resource's version in the header of a response. [`EntityTags`]: what clients send back.

use std::convert::Infallible;

use aws_event_sourcing_core::{Aggregate, Resource};
use axum::{
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{self, IF_MATCH, IF_NONE_MATCH},
    },
    response::{IntoResponse, IntoResponseParts, Response, ResponseParts},
};

use crate::{Problem, problem::version_mismatch};

/// The header `ETag` with a version: `"3"`. Part of a response, as in `(ETag(3), body)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ETag(pub u64);

impl ETag {
    /// That resource's.
    #[must_use]
    pub fn of<A: Aggregate>(resource: &Resource<A>) -> Self {
        Self(resource.version())
    }
}

impl IntoResponseParts for ETag {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        let tag =
            HeaderValue::try_from(format!("\"{}\"", self.0)).expect("digits and quotes are visible ASCII");
        response.headers_mut().insert(header::ETAG, tag);
        Ok(response)
    }
}

impl IntoResponse for ETag {
    fn into_response(self) -> Response {
        (self, ()).into_response()
    }
}

/// The value of `If-Match` or `If-None-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntityTags {
    /// `*`
    Any,
    /// At least one.
    Listed(Vec<EntityTag>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntityTag {
    pub(crate) weak: bool,
    /// None when it is not a tag that this crate gives out.
    pub(crate) version: Option<u64>,
}

/// The header is not what RFC 9110, section 8.8.3, says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

impl EntityTags {
    /// What all lines of that header say together.
    pub(crate) fn of(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, Malformed> {
        let lines: Vec<_> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        if lines.is_empty() {
            return Ok(None);
        }
        Self::parse(&lines.join(&b',')).map(Some).ok_or(Malformed)
    }

    fn parse(mut rest: &[u8]) -> Option<Self> {
        if rest.trim_ascii() == b"*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        loop {
            rest = rest.trim_ascii_start();
            match rest.split_first() {
                None if tags.is_empty() => return None,
                None => return Some(Self::Listed(tags)),
                Some((b',', behind)) => {
                    rest = behind;
                    continue;
                }
                Some(_) => {}
            }
            let weak = rest.starts_with(b"W/");
            let opened = rest[if weak { 2 } else { 0 }..].strip_prefix(b"\"")?;
            let (tag, behind) = opened.split_at_checked(opened.iter().position(|byte| *byte == b'"')?)?;
            if !tag.iter().all(|byte| matches!(byte, 0x21..=0x7e | 0x80..)) {
                return None;
            }
            tags.push(EntityTag { weak, version: version(tag) });
            rest = behind[1..].trim_ascii_start();
            if !matches!(rest.first(), None | Some(b',')) {
                return None;
            }
        }
    }
}

/// Only the very text that [`ETag`] writes: `"03"` is another tag than `"3"`. No resource is at version 0.
fn version(tag: &[u8]) -> Option<u64> {
    let text = str::from_utf8(tag).ok()?;
    let version = text.parse::<u64>().ok()?;
    (version > 0 && version.to_string() == text).then_some(version)
}

/// What the conditions of a request make of reading something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It is sent.
    Whole,
    /// The client has it already.
    NotModified,
}

/// Whether to send what is at that version: RFC 9110, section 13.2.2. An `If-None-Match` that is malformed says nothing; an
/// `If-Match` that is malformed must not be taken for one that is kept.
pub(crate) fn condition_of_reading(headers: &HeaderMap, version: u64) -> Result<Reading, Problem> {
    match if_match(headers)? {
        Some(EntityTags::Listed(tags))
            if !tags.iter().any(|tag| !tag.weak && tag.version == Some(version)) =>
        {
            return Err(version_mismatch(version));
        }
        _ => {}
    }
    let is_known = match EntityTags::of(headers, &IF_NONE_MATCH) {
        Ok(Some(EntityTags::Any)) => true,
        Ok(Some(EntityTags::Listed(tags))) => tags.iter().any(|tag| tag.version == Some(version)),
        Ok(None) | Err(Malformed) => false,
    };
    Ok(if is_known { Reading::NotModified } else { Reading::Whole })
}

/// That the client expects no version of what has none, a list. Asked last: a condition counts only for what would be answered
/// without it (RFC 9110, section 13.2.1).
pub(crate) fn check_reading_of_a_list(headers: &HeaderMap) -> Result<(), Problem> {
    match if_match(headers)? {
        Some(EntityTags::Listed(_)) => Err(Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "If-Match: a list has no ETag, so that none of these can match",
        )),
        Some(EntityTags::Any) | None => Ok(()),
    }
}

/// The header `If-Match`, of a read or a write.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<EntityTags>, Problem> {
    EntityTags::of(headers, &IF_MATCH).map_err(|Malformed| {
        let detail =
            "If-Match has to be * or a list of quoted versions such as \"3\" (RFC 9110, section 13.1.1)";
        Problem::new(StatusCode::BAD_REQUEST, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strong(version: u64) -> EntityTag {
        EntityTag { weak: false, version: Some(version) }
    }

    #[test]
    fn reads_lists_as_the_rfc_writes_them() {
        let other = EntityTag { weak: false, version: None };
        for (text, tags) in [
            ("\"3\"", vec![strong(3)]),
            ("  \"3\" ,, \"5\",", vec![strong(3), strong(5)]),
            ("W/\"3\",\"5\"", vec![EntityTag { weak: true, version: Some(3) }, strong(5)]),
            ("\"a,b\", \"3\"", vec![other, strong(3)]),
            ("\"\",\"0\",\"03\",\"+3\",\"*\"", vec![other; 5]),
            ("\"99999999999999999999\"", vec![other]),
        ] {
            assert_eq!(EntityTags::parse(text.as_bytes()), Some(EntityTags::Listed(tags)), "{text}");
        }
        assert_eq!(EntityTags::parse(b" * "), Some(EntityTags::Any));
        assert_eq!(EntityTags::parse(b"\"\xfc\""), Some(EntityTags::Listed(vec![other])));
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            " ",
            ",",
            "3",
            "\"3",
            "3\"",
            "w/\"3\"",
            "W/3",
            "W/ \"3\"",
            "\"3\" \"5\"",
            "\"3\"5",
            "*, \"3\"",
            "\"a b\"",
        ] {
            assert_eq!(EntityTags::parse(text.as_bytes()), None, "{text}");
        }
    }
}
