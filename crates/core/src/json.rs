//! [`Json`]: a payload on its way to or from a store, as text.

use std::fmt;

use serde::{Serialize, Serializer, de::DeserializeOwned};
use serde_json::value::RawValue;

/// One JSON value as compact text.
///
/// Payloads cross the contract of a store as text, so that a number of any size and a key in any order arrive as they
/// left. It serializes as the value itself, not as a string that contains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(Box<str>);

impl Json {
    /// The value's JSON.
    ///
    /// # Errors
    ///
    /// When the value has no JSON: a map with keys that are no strings, or a `Serialize` that fails.
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(|text| Self(text.into()))
    }

    /// Text that somebody else wrote, without the white space around it.
    ///
    /// # Errors
    ///
    /// When the text is not exactly one JSON value.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let _: &RawValue = serde_json::from_str(text)?;
        Ok(Self(text.trim().into()))
    }

    /// Text that a store was given as `Json` and kept, taken back without a second look: reading a long history spends
    /// its time here. Text that is no JSON is noticed by whoever decodes it.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text.into())
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value as a Rust type.
    ///
    /// # Errors
    ///
    /// When the value is not of that type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serializes_as_the_value_that_it_holds() {
        let json = Json::parse(" {\"big\": 18446744073709551615} ").expect("valid");
        assert_eq!(serde_json::to_string(&vec![json]).expect("valid"), r#"[{"big": 18446744073709551615}]"#);
        Json::parse("{} {}").expect_err("two values");
    }
}
