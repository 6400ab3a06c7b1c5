//! The one text of a JSON value: what every store gives back, whatever it makes of the text in between.
//!
//! Keys are sorted by their bytes, numbers are [plain](super::number), strings are escaped as little as JSON allows, and
//! there is no white space. So equal values have equal texts.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::number::plain;
use crate::limits::MAX_NESTING;

/// The order of a list's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lists {
    /// As they are.
    InOrder,
    /// By their texts, as if lists were bags.
    Sorted,
}

/// The canonical text of a JSON value. One that is nested deeper than any store allows is left as it is.
///
/// # Errors
///
/// When an object has a key twice, or a string half a surrogate pair: not every store could hold it.
pub(super) fn canonical(text: String) -> Result<String, serde_json::Error> {
    if is_canonical(text.as_bytes()) {
        return Ok(text);
    }
    let mut written = String::with_capacity(text.len());
    match write(text.trim(), Lists::InOrder, MAX_NESTING, &mut written) {
        Ok(()) => Ok(written),
        Err(Stopped::TooDeep) => Ok(text),
        Err(Stopped::Unholdable(error)) => Err(error),
    }
}

/// The same, with the elements of all lists sorted: equal for texts that differ in the order of lists only.
pub(super) fn without_order(text: &str) -> Result<String, serde_json::Error> {
    let mut written = String::with_capacity(text.len());
    match write(text.trim(), Lists::Sorted, MAX_NESTING, &mut written) {
        Ok(()) => Ok(written),
        Err(Stopped::TooDeep) => Ok(text.to_owned()),
        Err(Stopped::Unholdable(error)) => Err(error),
    }
}

enum Stopped {
    TooDeep,
    Unholdable(serde_json::Error),
}

impl From<serde_json::Error> for Stopped {
    fn from(error: serde_json::Error) -> Self {
        Self::Unholdable(error)
    }
}

fn write(text: &str, lists: Lists, levels: usize, to: &mut String) -> Result<(), Stopped> {
    match text.as_bytes().first() {
        Some(b'{' | b'[') if levels == 0 => return Err(Stopped::TooDeep),
        Some(b'{') => {
            let Object(mut entries) = serde_json::from_str(text)?;
            entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            if let Some([(key, _), _]) = entries.array_windows().find(|[(one, _), (other, _)]| one == other) {
                return Err(serde_json::Error::custom(format_args!("the key {key:?} comes twice")).into());
            }
            to.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                separate(index, to);
                write_string(&key, to);
                to.push(':');
                write(value.get(), lists, levels - 1, to)?;
            }
            to.push('}');
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text)?;
            to.push('[');
            if lists == Lists::InOrder {
                for (index, element) in elements.into_iter().enumerate() {
                    separate(index, to);
                    write(element.get(), lists, levels - 1, to)?;
                }
            } else {
                let texts = elements.into_iter().map(|element| {
                    let mut text = String::new();
                    write(element.get(), lists, levels - 1, &mut text).map(|()| text)
                });
                let mut texts = texts.collect::<Result<Vec<_>, _>>()?;
                texts.sort_unstable();
                to.push_str(&texts.join(","));
            }
            to.push(']');
        }
        Some(b'"') if text.contains('\\') => write_string(&serde_json::from_str::<String>(text)?, to),
        Some(b'-' | b'0'..=b'9') => to.push_str(&plain(text)),
        _ => to.push_str(text),
    }
    Ok(())
}

fn separate(index: usize, to: &mut String) {
    if index > 0 {
        to.push(',');
    }
}

fn write_string(string: &str, to: &mut String) {
    to.push_str(&serde_json::to_string(string).expect("a string has its JSON"));
}

/// An object's entries as they are written, whose values are not looked at yet.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// Whether a text certainly is the canonical one: one pass, for the many that are.
fn is_canonical(text: &[u8]) -> bool {
    // The last key of each object that is open; an empty one, which no store takes, counts as none.
    let mut last_keys = [&text[..0]; MAX_NESTING];
    let mut depth = 0;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let begin = at;
        at += 1;
        match byte {
            b'{' | b'[' => {
                if depth == MAX_NESTING {
                    return false;
                }
                last_keys[depth] = &[];
                depth += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while text.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\')) {
                    at += 1;
                }
                if text.get(at) != Some(&b'"') {
                    return false;
                }
                let string = &text[begin + 1..at];
                at += 1;
                if text.get(at) == Some(&b':') {
                    let Some(last) = depth.checked_sub(1).map(|level| &mut last_keys[level]) else {
                        return false;
                    };
                    if string <= *last {
                        return false;
                    }
                    *last = string;
                }
            }
            b'-' | b'0'..=b'9' => {
                let digits = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                at += text[at..].iter().take_while(|byte| digits(byte)).count();
                let Ok(number) = str::from_utf8(&text[begin..at]) else { return false };
                if plain(number) != number {
                    return false;
                }
            }
            b',' | b':' | b'a'..=b'z' => {}
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(text: &str) -> String {
        canonical(text.to_owned()).expect("every store can hold it")
    }

    #[test]
    fn equal_values_have_one_text() {
        for (text, expected) in [
            ("null", "null"),
            (" true ", "true"),
            ("-0.0", "0"),
            (r#""""#, r#""""#),
            (r#" { "b" : [ 1.0 , "\u00e9\/\ud83d\ude00" ] , "a" : { } } "#, r#"{"a":{},"b":[1,"é/😀"]}"#),
            (r#"{"b":1,"a":2,"B":3,"é":4,"aa":5}"#, r#"{"B":3,"a":2,"aa":5,"b":1,"é":4}"#),
            (r#"{"a\n":1,"\u0061":2}"#, r#"{"a":2,"a\n":1}"#),
            (r#"{"\n":1,"\u0001":2}"#, r#"{"\u0001":2,"\n":1}"#),
            (r#"[3,1e2,[2,{"b":0.50,"a":-1}]]"#, r#"[3,100,[2,{"a":-1,"b":0.5}]]"#),
            (r#"[{"a":1},{"a":2,"c":3},"a",{"b":"c"}]"#, r#"[{"a":1},{"a":2,"c":3},"a",{"b":"c"}]"#),
        ] {
            assert_eq!(text_of(text), expected, "{text}");
            assert_eq!(text_of(expected), expected, "{text}");
        }
    }

    #[test]
    fn what_is_canonical_is_seen_at_a_glance() {
        for text in [
            "null",
            "-7",
            "1.5",
            r#"{"a":{"b":[],"c":""},"b":{"a":[{"a":1},{"a":1}]}}"#,
            r#"["b","a",{"x":"é"}]"#,
            "{}",
        ] {
            assert!(is_canonical(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_not_every_store_can_hold_is_refused() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"a":1,"b":2,"\u0061":2}]"#, r#""\ud800""#, r#"{"\udfff":1}"#] {
            canonical(text.to_owned()).expect_err(text);
        }
    }

    #[test]
    fn what_is_too_deep_is_left_as_it_is() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(text_of(&deep), deep);
        assert_eq!(without_order(&deep).expect("any text"), deep);
    }

    #[test]
    fn without_order_lists_are_bags() {
        let bag = |text: &str| without_order(text).expect("any text");
        assert_eq!(bag(r#"{"a":[[2,1],3.0,"x"]}"#), bag(r#"{"a":["x",3,[1,2]]}"#));
        assert_ne!(bag("[1,1,2]"), bag("[1,2,2]"));
        assert_ne!(bag("[[1],[2]]"), bag("[[1,2],[]]"));
    }
}
