//! The request header `Idempotency-Key`, as a plain token and as the quoted string of the
//! [IETF draft](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/).

use aws_event_sourcing_core::{CommitId, limits};
use axum::http::{HeaderMap, HeaderName, StatusCode, request::Parts};

use crate::{IdempotencyScope, Problem};

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A key, and whose it is.
#[derive(Debug, Clone)]
pub(crate) struct ScopedKey {
    pub(crate) key: String,
    /// None where all keys of a service are in one scope.
    pub(crate) scope: Option<String>,
}

impl ScopedKey {
    /// The key that the request carries, if any.
    pub(crate) fn of(request: &Parts) -> Result<Option<Self>, Problem> {
        let Some(key) = key(&request.headers)? else { return Ok(None) };
        let scope = match request.extensions.get::<IdempotencyScope>() {
            None => None,
            Some(scope) => {
                let scope = scope.of_request(request);
                Some(scope.ok_or_else(|| refused("is taken only from clients that the service knows"))?)
            }
        };
        let id = CommitId::of_key(&key, scope.as_deref());
        limits::check_commit_id(&id).map_err(|limit| match limit {
            limits::LimitExceeded::TooLarge { limit, actual, .. } => {
                let in_front = actual - key.len();
                refused(&format!("is {} bytes long; the limit is {}", key.len(), limit - in_front))
            }
            _ => refused("is empty"),
        })?;
        Ok(Some(Self { key, scope }))
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut lines = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(refused("is there more than once"));
    }
    let key = parse(line.as_bytes().trim_ascii()).ok_or_else(|| {
        refused(
            "has to be visible ASCII without spaces, or a quoted string of ASCII (RFC 8941, section 3.3.3)",
        )
    })?;
    Ok(Some(key))
}

fn refused(reason: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, format!("Idempotency-Key {reason}"))
}

fn parse(line: &[u8]) -> Option<String> {
    let Some(quoted) = line.strip_prefix(b"\"") else {
        return line.iter().map(|byte| byte.is_ascii_graphic().then_some(char::from(*byte))).collect();
    };
    let mut key = String::new();
    let mut bytes = quoted.strip_suffix(b"\"")?.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => key.push(char::from(*bytes.next().filter(|byte| matches!(byte, b'"' | b'\\'))?)),
            b' '..=b'~' if *byte != b'"' => key.push(char::from(*byte)),
            _ => return None,
        }
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_quoted_key_is_the_key_in_the_quotes() {
        for (line, key) in [
            ("order-7", "order-7"),
            ("\"order-7\"", "order-7"),
            ("\"order 7\"", "order 7"),
            (r#""a\"b\\c""#, r#"a"b\c"#),
            ("a\"b", "a\"b"),
            ("\"\"", ""),
            ("", ""),
        ] {
            assert_eq!(parse(line.as_bytes()).as_deref(), Some(key), "{line}");
        }
    }

    #[test]
    fn anything_else_is_no_key() {
        for line in [
            "order 7",
            "\"",
            "\"a",
            "\"a\"b\"",
            r#""a\""#,
            r#""a\b""#,
            "\"a\";b=1",
            "ü",
            "\"ü\"",
            "a\tb",
            "\"a\tb\"",
        ] {
            assert_eq!(parse(line.as_bytes()), None, "{line}");
        }
    }
}
