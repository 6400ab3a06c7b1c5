//! The one text of a JSON value: what every store gives back, whatever it makes of the text in between.
//!
//! Keys are sorted by their bytes, numbers are [plain](super::number), strings are escaped as little as JSON allows, and
//! there is no white space. So equal values have equal texts.

use std::{borrow::Cow, ops::Range};

use serde::de::Error as _;

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
pub(super) fn canonical(text: &str, lists: Lists) -> Result<String, serde_json::Error> {
    let mut writer = Writer { rest: text, lists, written: String::with_capacity(text.len()) };
    match writer.value(MAX_NESTING) {
        Ok(()) if writer.next().is_none() => Ok(writer.written),
        Ok(()) => Err(no_json()),
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

fn no_json() -> serde_json::Error {
    serde_json::Error::custom("the text is no JSON")
}

/// Reads a text from its beginning, and writes it in another form.
struct Writer<'a> {
    rest: &'a str,
    lists: Lists,
    written: String,
}

impl<'a> Writer<'a> {
    fn value(&mut self, levels: usize) -> Result<(), Stopped> {
        match self.next().ok_or_else(no_json)? {
            b'{' => self.object(levels.checked_sub(1).ok_or(Stopped::TooDeep)?),
            b'[' => self.list(levels.checked_sub(1).ok_or(Stopped::TooDeep)?),
            b'"' => {
                let string = self.string()?;
                self.write_string(string);
                Ok(())
            }
            b'-' | b'0'..=b'9' => {
                let number = self.run(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
                self.written.push_str(&plain(number));
                Ok(())
            }
            b'a'..=b'z' => {
                let word = self.run(|byte| byte.is_ascii_lowercase());
                self.written.push_str(word);
                Ok(())
            }
            _ => Err(no_json().into()),
        }
    }

    fn object(&mut self, levels: usize) -> Result<(), Stopped> {
        self.written.push('{');
        let mut entries = Vec::new();
        self.elements(b'}', |writer| {
            let begin = writer.written.len();
            let key = writer.string()?;
            writer.write_string(key.clone());
            writer.skip(b':')?;
            writer.written.push(':');
            writer.value(levels)?;
            entries.push((key, begin..writer.written.len()));
            Ok(())
        })?;
        if !entries.is_sorted_by(|(one, _), (other, _)| one < other) {
            let begin = entries[0].1.start;
            entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            if let Some([(key, _), _]) = entries.array_windows().find(|[(one, _), (other, _)]| one == other) {
                return Err(serde_json::Error::custom(format_args!("the key {key:?} comes twice")).into());
            }
            self.write_again(begin, entries.into_iter().map(|(_, entry)| entry));
        }
        self.written.push('}');
        Ok(())
    }

    fn list(&mut self, levels: usize) -> Result<(), Stopped> {
        self.written.push('[');
        let mut elements = Vec::new();
        self.elements(b']', |writer| {
            let begin = writer.written.len();
            writer.value(levels)?;
            if writer.lists == Lists::Sorted {
                elements.push(begin..writer.written.len());
            }
            Ok(())
        })?;
        if let Some(Range { start, .. }) = elements.first().cloned() {
            elements
                .sort_unstable_by(|one, other| self.written[one.clone()].cmp(&self.written[other.clone()]));
            self.write_again(start, elements);
        }
        self.written.push(']');
        Ok(())
    }

    /// Reads what is between commas, up to the bracket that closes it.
    fn elements(
        &mut self,
        end: u8,
        mut element: impl FnMut(&mut Self) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        self.rest = &self.rest[1..];
        if self.next() != Some(end) {
            loop {
                element(self)?;
                if self.next() != Some(b',') {
                    break;
                }
                self.skip(b',')?;
                self.written.push(',');
            }
        }
        self.skip(end)
    }

    /// Puts what has been written from there on into another order.
    fn write_again(&mut self, begin: usize, parts: impl IntoIterator<Item = Range<usize>>) {
        let mut ordered = String::with_capacity(self.written.len() - begin);
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                ordered.push(',');
            }
            ordered.push_str(&self.written[part]);
        }
        self.written.truncate(begin);
        self.written.push_str(&ordered);
    }

    /// What the string that begins here stands for.
    fn string(&mut self) -> Result<Cow<'a, str>, Stopped> {
        self.skip(b'"')?;
        let bytes = self.rest.as_bytes();
        let mut end = 0;
        let mut is_plain = true;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => {
                    is_plain = false;
                    end += 2;
                }
                Some(_) => end += 1,
                None => return Err(no_json().into()),
            }
        }
        let (string, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        if is_plain {
            return Ok(Cow::Borrowed(string));
        }
        Ok(Cow::Owned(serde_json::from_str(&format!("\"{string}\""))?))
    }

    fn write_string(&mut self, string: Cow<'_, str>) {
        match string {
            // Nothing in it was escaped, and nothing has to be.
            Cow::Borrowed(string) => {
                self.written.push('"');
                self.written.push_str(string);
                self.written.push('"');
            }
            Cow::Owned(string) => {
                self.written.push_str(&serde_json::to_string(&string).expect("a string has its JSON"));
            }
        }
    }

    /// The next byte that is no white space.
    fn next(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.bytes().next()
    }

    fn skip(&mut self, expected: u8) -> Result<(), Stopped> {
        if self.next() != Some(expected) {
            return Err(no_json().into());
        }
        self.rest = &self.rest[1..];
        Ok(())
    }

    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let end = self.rest.bytes().position(|byte| !belongs(byte)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at(end);
        self.rest = rest;
        run
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(text: &str) -> String {
        canonical(text, Lists::InOrder).expect("every store can hold it")
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
    fn what_not_every_store_can_hold_is_refused() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"a":1,"b":2,"\u0061":2}]"#, r#""\ud800""#, r#"{"\udfff":1}"#] {
            canonical(text, Lists::InOrder).expect_err(text);
        }
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        for text in [
            "",
            " ",
            "{",
            "[1",
            "[1,]",
            "[,1]",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{a:1}"#,
            "\"",
            r#""\"#,
            "1 2",
            "?",
            "]",
        ] {
            canonical(text, Lists::InOrder).expect_err(text);
        }
    }

    #[test]
    fn what_is_too_deep_is_left_as_it_is() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(text_of(&deep), deep);
        assert_eq!(canonical(&deep, Lists::Sorted).expect("any text"), deep);
    }

    #[test]
    fn a_sorted_list_is_a_bag() {
        let bag = |text: &str| canonical(text, Lists::Sorted).expect("any text");
        assert_eq!(bag(r#"{"a":[[2,1],3.0,"x"]}"#), bag(r#"{"a":["x",3,[1,2]]}"#));
        assert_ne!(bag("[1,1,2]"), bag("[1,2,2]"));
        assert_ne!(bag("[[1],[2]]"), bag("[[1,2],[]]"));
    }
}
