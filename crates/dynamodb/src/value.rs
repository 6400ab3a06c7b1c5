//! JSON to native attributes and back: exactly, or not at all.
//!
//! | JSON | attribute | |
//! |---|---|---|
//! | object | `M` | its keys are the names of attributes |
//! | array | `L` | |
//! | string | `S` | empty ones too |
//! | number | `N` | by its decimal digits, never by way of a float |
//! | `true`, `false` | `BOOL` | |
//! | `null` | `NULL` | |
//!
//! The order of keys is not kept: they come back sorted.
//!
//! What JSON can say and an attribute cannot is refused: a string with half a surrogate pair, and an object with one key
//! twice. Numbers within the limits are held exactly. DynamoDB writes them in a form of its own; they are read back in
//! [that of all payloads](Json::plain_number).

use std::{collections::HashMap, fmt};

use aws_event_sourcing_core::Json;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The attribute for a JSON value. Its depth has been checked: this goes down as deep.
pub(crate) fn from_json(json: &Json) -> Result<AttributeValue, serde_json::Error> {
    from_text(json.as_str())
}

fn from_text(text: &str) -> Result<AttributeValue, serde_json::Error> {
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let Object(entries) = serde_json::from_str(text)?;
            let entries = entries.into_iter().map(|(key, value)| Ok((key, from_text(value.get())?)));
            AttributeValue::M(entries.collect::<Result<_, serde_json::Error>>()?)
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text)?;
            let elements = elements.into_iter().map(|element| from_text(element.get()));
            AttributeValue::L(elements.collect::<Result<_, _>>()?)
        }
        Some(b'"') => AttributeValue::S(serde_json::from_str(text)?),
        Some(b't' | b'f') => AttributeValue::Bool(serde_json::from_str(text)?),
        Some(b'n') => {
            let () = serde_json::from_str(text)?;
            AttributeValue::Null(true)
        }
        _ => {
            let number: &RawValue = serde_json::from_str(text)?;
            AttributeValue::N(number.get().to_owned())
        }
    })
}

/// An object whose values are not looked at yet. Refuses a key that comes twice.
struct Object<'a>(HashMap<String, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut entries = HashMap::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    if let Some(_twice) = entries.insert(key.clone(), value) {
                        return Err(A::Error::custom(format_args!("the key {key:?} comes twice")));
                    }
                }
                Ok(Object(entries))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// The attribute is of a type that JSON does not have: a set, or binary.
#[derive(Debug, thiserror::Error)]
#[error("it holds {0}, which JSON does not have")]
pub(crate) struct NoJson(&'static str);

/// The JSON value of an attribute.
pub(crate) fn to_json(value: &AttributeValue) -> Result<Json, NoJson> {
    let mut text = String::new();
    write(value, &mut text)?;
    Ok(Json::from_stored(text))
}

fn write(value: &AttributeValue, text: &mut String) -> Result<(), NoJson> {
    match value {
        AttributeValue::M(entries) => {
            // The SDK gives them in another order each time; whoever compares two answers should not see that.
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                text.push(if index == 0 { '{' } else { ',' });
                write_string(key, text);
                text.push(':');
                write(value, text)?;
            }
            text.push_str(if entries.is_empty() { "{}" } else { "}" });
        }
        AttributeValue::L(elements) => {
            for (index, element) in elements.iter().enumerate() {
                text.push(if index == 0 { '[' } else { ',' });
                write(element, text)?;
            }
            text.push_str(if elements.is_empty() { "[]" } else { "]" });
        }
        AttributeValue::S(string) => write_string(string, text),
        AttributeValue::N(number) => text.push_str(&Json::plain_number(number)),
        AttributeValue::Bool(bool) => text.push_str(if *bool { "true" } else { "false" }),
        AttributeValue::Null(_) => text.push_str("null"),
        AttributeValue::B(_) | AttributeValue::Bs(_) => return Err(NoJson("binary data")),
        AttributeValue::Ns(_) | AttributeValue::Ss(_) => return Err(NoJson("a set")),
        _ => return Err(NoJson("an attribute of an unknown type")),
    }
    Ok(())
}

fn write_string(string: &str, text: &mut String) {
    text.push_str(&serde_json::to_string(string).expect("a string has its JSON"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(text: &str) -> String {
        to_json(&from_json(&Json::parse(text).unwrap()).unwrap()).unwrap().to_string()
    }

    #[test]
    fn every_json_value_comes_back() {
        for text in [
            "null",
            "true",
            "false",
            r#""""#,
            r#""\"\\\n\u0000é😀""#,
            "{}",
            "[]",
            r#"[[],{},[null,{"c":[{"a b":-12}]}]]"#,
            "18446744073709551615",
            "-9223372036854775808",
            "12345678901234567890123456789012345678",
        ] {
            assert_eq!(there_and_back(text), text);
        }
        assert_eq!(there_and_back(r#"{"b":1,"a":2,"c":3}"#), r#"{"a":2,"b":1,"c":3}"#);
        assert_eq!(there_and_back(r#" { "a" : [ 1 , "\u00e9\ud83d\ude00" ] } "#), r#"{"a":[1,"é😀"]}"#);
    }

    #[test]
    fn what_an_attribute_cannot_hold_is_refused() {
        for text in [r#""\ud800""#, r#"{"\udfff":1}"#, r#"{"a":1,"\u0061":2}"#, r#"[{"a":1,"a":1}]"#] {
            from_json(&Json::parse(text).unwrap()).unwrap_err();
        }
    }

    #[test]
    fn what_json_does_not_have_is_refused() {
        let set = AttributeValue::Ss(vec!["a".into()]);
        let error = to_json(&AttributeValue::L(vec![set])).unwrap_err();
        assert_eq!(error.to_string(), "it holds a set, which JSON does not have");
    }
}
