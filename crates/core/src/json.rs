//! [`Json`]: a payload on its way to or from a store, as text.

mod canonical;
mod number;

use std::{borrow::Cow, fmt};

use serde::{Serialize, Serializer, de::DeserializeOwned};
use serde_json::value::RawValue;

use self::canonical::{Lists, canonical};

/// One JSON value as compact text.
///
/// Payloads cross the contract of a store as text, so that a number of any size and a key in any order arrive as they
/// left. It serializes as the value itself, not as a string that contains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(Box<str>);

impl Json {
    /// The value's JSON, as every store gives it back: keys are sorted, and numbers are plain. 1.0 is `1`, and 1e21 has all
    /// its zeros.
    ///
    /// # Errors
    ///
    /// When the value has no JSON: a map with keys that are no strings, or a `Serialize` that fails. When not every store
    /// could hold it: an object with one key twice.
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).and_then(|text| Self::canonical(&text))
    }

    /// The same for a value that has been written already.
    pub(crate) fn canonical(text: &str) -> Result<Self, serde_json::Error> {
        canonical(text, Lists::InOrder).map(|text| Self(text.into()))
    }

    /// Whether both are the same value, however they are written. A text that not every store could hold is like no other.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.has_same_text(other, Lists::InOrder)
    }

    /// Whether both are the same value when no list has an order.
    pub(crate) fn equals_but_for_order(&self, other: &Self) -> bool {
        self.has_same_text(other, Lists::Sorted)
    }

    fn has_same_text(&self, other: &Self, lists: Lists) -> bool {
        let texts = (canonical(&self.0, lists), canonical(&other.0, lists));
        matches!(texts, (Ok(one), Ok(other)) if one == other)
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

    /// A decimal number as it is written in all payloads: by its plain digits, without an exponent unless it is below a
    /// millionth, and without a fraction when it is whole. For stores that keep numbers in a form of their own.
    #[must_use]
    pub fn plain_number(number: &str) -> Cow<'_, str> {
        number::plain(number)
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
