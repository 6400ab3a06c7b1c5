//! [`Document`]: a JSON value whose numbers are decimal numbers, to compare what was written with what was read.

use std::{collections::BTreeMap, fmt};

use serde_json::value::RawValue;

use crate::decimal::Decimal;

/// One JSON value. A number is kept as its text.
#[derive(Clone)]
pub(crate) enum Document {
    Null,
    Bool(bool),
    Number(Box<str>),
    Text(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

impl Document {
    /// Reads a text; of two entries with the same key, the last counts.
    pub(crate) fn parse(json: &str) -> Result<Self, serde_json::Error> {
        let json = json.trim();
        // Each level is read by serde_json, which also refuses what is no JSON; the first byte tells which sort it is.
        Ok(match json.as_bytes().first() {
            Some(b'n') => serde_json::from_str(json).map(|()| Self::Null)?,
            Some(b't' | b'f') => Self::Bool(serde_json::from_str(json)?),
            Some(b'"') => Self::Text(serde_json::from_str(json)?),
            Some(b'[') => {
                let elements: Vec<&RawValue> = serde_json::from_str(json)?;
                Self::List(
                    elements
                        .into_iter()
                        .map(|element| Self::parse(element.get()))
                        .collect::<Result<_, _>>()?,
                )
            }
            Some(b'{') => {
                let entries: BTreeMap<String, &RawValue> = serde_json::from_str(json)?;
                let entries = entries.into_iter().map(|(key, value)| Ok((key, Self::parse(value.get())?)));
                Self::Map(entries.collect::<Result<_, serde_json::Error>>()?)
            }
            _ => Self::Number(serde_json::from_str::<&RawValue>(json)?.get().into()),
        })
    }

    /// Where and how a document that was read is another than the one that was written; none when they are equal.
    ///
    /// The order of keys does not matter, and a number only has to have the same decimal value: `1.0` may come back as
    /// `1` and `1e3` as `1000`. But what was written as a plain integer comes back as one, since a reader that expects
    /// an integer refuses `5.0` and `5e0`.
    pub(crate) fn difference(&self, read: &Self) -> Option<String> {
        match (self, read) {
            (Self::Null, Self::Null) => None,
            (Self::Bool(written), Self::Bool(read)) if written == read => None,
            (Self::Number(written), Self::Number(read)) if same_number(written, read) => None,
            (Self::Text(written), Self::Text(read)) if written == read => None,
            (Self::List(written), Self::List(read)) if written.len() == read.len() => {
                let mut pairs = written.iter().zip(read).enumerate();
                pairs.find_map(|(index, (written, read))| {
                    written.difference(read).map(|difference| format!("[{index}]{difference}"))
                })
            }
            (Self::Map(written), Self::Map(read)) if written.keys().eq(read.keys()) => {
                let mut pairs = written.iter().zip(read.values());
                pairs.find_map(|((key, written), read)| {
                    written.difference(read).map(|difference| format!("[{key:?}]{difference}"))
                })
            }
            _ => Some(format!(": {} was written and {} read", shortened(self), shortened(read))),
        }
    }
}

fn same_number(written: &str, read: &str) -> bool {
    // Serializers write the float -0.0 as "-0.0"; "-0" is a float to whoever reads it, and no integer.
    let integer = written != "-0" && written.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    // A number whose exponent is beyond reckoning has no `Decimal` and equals itself only.
    written == read
        || (!integer && Decimal::parse(written).is_some_and(|value| Decimal::parse(read) == Some(value)))
}

fn shortened(document: &Document) -> String {
    let text = document.to_string();
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

/// The document's JSON.
impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn separated<T>(
            f: &mut fmt::Formatter<'_>,
            items: impl IntoIterator<Item = T>,
            write: impl Fn(&mut fmt::Formatter<'_>, T) -> fmt::Result,
        ) -> fmt::Result {
            items.into_iter().enumerate().try_for_each(|(index, item)| {
                f.write_str(if index == 0 { "" } else { "," })?;
                write(f, item)
            })
        }
        let text = |text: &str| serde_json::to_string(text).map_err(|_| fmt::Error);
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => f.write_str(number),
            Self::Text(value) => f.write_str(&text(value)?),
            Self::List(elements) => {
                f.write_str("[")?;
                separated(f, elements, |f, element| write!(f, "{element}"))?;
                f.write_str("]")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                separated(f, entries, |f, (key, value)| write!(f, "{}:{value}", text(key)?))?;
                f.write_str("}")
            }
        }
    }
}

/// The same, for the reports of a property that does not hold.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(written: &str, read: &str) -> Option<String> {
        Document::parse(written).unwrap().difference(&Document::parse(read).unwrap())
    }

    #[test]
    fn what_is_written_differently_can_be_equal() {
        for (written, read) in [
            (r#"{"a":1,"b":[true,null,""]}"#, "{ \"b\" : [ true, null, \"\" ], \"a\" : 1 }"),
            (r#""\u00e9\ud83d\ude00\u0000""#, "\"é😀\\u0000\""),
            ("1.0", "1"),
            ("1e3", "1000"),
            ("-0.0", "0"),
            ("-0", "0"),
            ("-0", "0.0"),
            ("1e99999999999999999999", "1e99999999999999999999"),
            ("{}", "{ }"),
            ("[]", "[\n]"),
        ] {
            assert_eq!(difference(written, read), None, "{written} {read}");
        }
    }

    #[test]
    fn what_looks_alike_can_differ() {
        for (written, read) in [
            ("null", "{}"),
            ("null", "\"\""),
            ("{}", "[]"),
            ("[]", "[null]"),
            (r#"{"a":null}"#, "{}"),
            ("1", "\"1\""),
            ("1", "true"),
            ("5", "5.0"),
            ("5", "5e0"),
            ("1000", "1e3"),
            ("9007199254740993", "9007199254740992"),
            ("9007199254740993.0", "9007199254740992.0"),
            ("18446744073709551615", "18446744073709552000"),
            ("0.1", "0.10000000000000001"),
            ("1e99999999999999999999", "1e99999999999999999998"),
            ("\"é\"", "\"e\u{301}\""),
            ("[1,2]", "[2,1]"),
        ] {
            assert!(difference(written, read).is_some(), "{written} {read}");
        }
    }

    #[test]
    fn a_difference_tells_where_it_is() {
        let difference = difference(r#"{"a":[0,{"b":1}]}"#, r#"{"a":[0,{"b":2}]}"#);
        assert_eq!(difference.as_deref(), Some(r#"["a"][1]["b"]: 1 was written and 2 read"#));
    }

    #[test]
    fn what_is_no_json_is_no_document() {
        for text in ["", "nul", "truth", "\"", "[1,]", "{1:2}", "01", "1.", "-", "+1", "\"\\ud800\"", "1 2"] {
            assert!(Document::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_document_is_shown_as_the_json_it_is() {
        for text in ["null", "true", "-1.50e-3", r#""a\"\\\n""#, "[]", "[1,[2],{}]", r#"{"":{},"a":[null]}"#]
        {
            assert_eq!(Document::parse(text).unwrap().to_string(), text);
        }
    }
}
