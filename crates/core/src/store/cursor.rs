//! [`Cursor`]: where a list goes on, as a client may hold it.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{ResourceId, Timestamp};

/// The place in a list behind a resource: after its creation time and id, whether or not it exists.
///
/// As text it is opaque and safe in a URL. It holds a position only, no type and no table: a client that makes one up
/// comes to another place in the same list and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// When the resource was created.
    pub at: Timestamp,
    /// The resource.
    pub id: ResourceId,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(format!("{} {}", self.at, self.id)))
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let position = String::from_utf8(bytes).map_err(|_| InvalidCursor)?;
        let (at, id) = position.split_once(' ').ok_or(InvalidCursor)?;
        Ok(Self { at: at.parse().map_err(|_| InvalidCursor)?, id: id.into() })
    }
}

/// The text is not a cursor that a list has given out. The client's mistake: HTTP 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct InvalidCursor;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_trip_through_a_url() {
        let cursor = Cursor { at: Timestamp::from_unix_millis(1_700_000_000_007), id: "a b/ü?".into() };
        let text = cursor.to_string();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
        assert_eq!(text.parse(), Ok(cursor));
        for wrong in ["", "x", "AAAA", "MjAyNg"] {
            assert_eq!(wrong.parse::<Cursor>(), Err(InvalidCursor));
        }
    }
}
