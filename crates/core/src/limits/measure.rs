//! One pass over a JSON text: its size as DynamoDB counts it, its depth, and the extremes of its keys and numbers.

use std::ops::RangeInclusive;

/// What a list or a map costs by itself.
pub(super) const CONTAINER: usize = 3;

/// What each element of a list and each entry of a map costs on top of its content.
pub(super) const ELEMENT: usize = 1;

/// What is in a JSON text.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Measured {
    /// Size of the value as a DynamoDB attribute, without its name.
    pub(super) bytes: usize,
    /// Levels of lists and maps: 0 for a scalar.
    pub(super) depth: usize,
    /// Whether a key is empty.
    pub(super) empty_key: bool,
    /// The most bytes of UTF-8 in a key.
    pub(super) longest_key: usize,
    /// The most significant digits of any number.
    pub(super) digits: usize,
    /// The smallest and the largest decimal exponent of any number but zero.
    exponents: Option<(i64, i64)>,
}

impl Measured {
    /// A number's exponent outside the range, if there is one.
    pub(super) fn exponent_outside(&self, range: &RangeInclusive<i64>) -> Option<i64> {
        let (least, most) = self.exponents?;
        [least, most].into_iter().find(|exponent| !range.contains(exponent))
    }

    fn number(&mut self, text: &[u8]) {
        let number = Number::read(text);
        self.bytes += number_bytes(number.digits);
        self.digits = self.digits.max(number.digits);
        if number.digits > 0 {
            let (least, most) = self.exponents.unwrap_or((number.exponent, number.exponent));
            self.exponents = Some((least.min(number.exponent), most.max(number.exponent)));
        }
    }
}

/// The size of a whole number.
pub(super) fn integer(number: u64) -> usize {
    number_bytes(number.checked_ilog10().map_or(1, |digits| digits as usize + 1))
}

/// One byte for two digits, one for the exponent, and one for a sign or a half-filled byte.
fn number_bytes(digits: usize) -> usize {
    digits / 2 + 2
}

/// Measures a text that is known to be JSON; of anything else it makes what it can.
pub(super) fn measure(text: &str) -> Measured {
    let bytes = text.as_bytes();
    let mut measured = Measured::default();
    let mut depth = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => {
                depth += 1;
                measured.depth = measured.depth.max(depth);
                measured.bytes += CONTAINER;
                // A container with anything in it has one more element than it has commas.
                if !bytes[at..].trim_ascii_start().starts_with(if byte == b'{' { b"}" } else { b"]" }) {
                    measured.bytes += ELEMENT;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => measured.bytes += ELEMENT,
            b'"' => {
                let (length, end) = string(bytes, at);
                measured.bytes += length;
                at = end;
                if bytes[at..].trim_ascii_start().starts_with(b":") {
                    measured.empty_key |= length == 0;
                    measured.longest_key = measured.longest_key.max(length);
                }
            }
            b't' | b'f' | b'n' => {
                measured.bytes += 1;
                at = run(bytes, at, u8::is_ascii_lowercase);
            }
            b'-' | b'0'..=b'9' => {
                let end =
                    run(bytes, at, |byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
                measured.number(&bytes[at - 1..end]);
                at = end;
            }
            _ => {}
        }
    }
    measured
}

fn run(bytes: &[u8], from: usize, belongs: impl Fn(&u8) -> bool) -> usize {
    from + bytes[from..].iter().take_while(|byte| belongs(byte)).count()
}

/// Bytes of UTF-8 that a JSON string stands for, and where the text after its closing quote begins.
fn string(bytes: &[u8], from: usize) -> (usize, usize) {
    let mut length = 0;
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        let (taken, stands_for) = match (byte, bytes.get(at + 1)) {
            (b'"', _) => return (length, at + 1),
            (b'\\', Some(b'u')) => (6, escaped(bytes.get(at + 2..at + 6))),
            (b'\\', _) => (2, 1),
            _ => (1, 1),
        };
        at += taken;
        length += stands_for;
    }
    (length, bytes.len())
}

/// UTF-8 bytes of the UTF-16 unit behind `\u`. A pair of surrogates stands for four.
fn escaped(digits: Option<&[u8]>) -> usize {
    let unit = digits.and_then(|digits| u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
    match unit {
        Some(0..=0x7f) => 1,
        Some(0x80..=0x7ff | 0xd800..=0xdfff) => 2,
        _ => 3,
    }
}

/// A JSON number's significant digits and its exponent in scientific notation.
struct Number {
    digits: usize,
    exponent: i64,
}

impl Number {
    fn read(text: &[u8]) -> Self {
        let mantissa_end = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
        let (mantissa, power) = text.split_at(mantissa_end);
        let power = str::from_utf8(power.get(1..).unwrap_or_default()).unwrap_or_default();
        // An exponent beyond i64 saturates: it is outside every limit either way.
        let power = match power.parse::<i64>() {
            Ok(power) => power,
            Err(_) if power.is_empty() => 0,
            Err(_) if power.starts_with('-') => i64::MIN / 2,
            Err(_) => i64::MAX / 2,
        };
        let (mut whole, mut seen_point, mut leading_zeros) = (0_i64, false, 0_i64);
        let (mut digits, mut trailing_zeros) = (0, 0);
        for &byte in mantissa {
            match byte {
                b'.' => seen_point = true,
                b'0'..=b'9' => {
                    if byte != b'0' || digits > 0 {
                        digits += 1;
                    } else if seen_point {
                        leading_zeros += 1;
                    }
                    trailing_zeros = if byte == b'0' && digits > 0 { trailing_zeros + 1 } else { 0 };
                    if !seen_point && digits > 0 {
                        whole += 1;
                    }
                }
                _ => {}
            }
        }
        let scientific = if whole > 0 { whole - 1 } else { -leading_zeros - 1 };
        Self { digits: digits - trailing_zeros, exponent: scientific.saturating_add(power) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_rules_of_dynamodb() {
        for (text, bytes, depth) in [
            ("null", 1, 0),
            ("true", 1, 0),
            (r#""""#, 0, 0),
            (r#""aé\n\u00e9\ud83d\ude00""#, 1 + 2 + 1 + 2 + 4, 0),
            ("{}", 3, 1),
            ("[ ]", 3, 1),
            (r#"{"amount":5}"#, 3 + 1 + 6 + 2, 1),
            (r#"{"a,[":["b",null]}"#, (3 + 1 + 3) + (3 + 2 + 1 + 1), 2),
            ("12345", 4, 0),
        ] {
            let measured = measure(text);
            assert_eq!((measured.bytes, measured.depth), (bytes, depth), "{text}");
        }
    }

    #[test]
    fn keys_are_told_from_other_strings() {
        for (text, empty_key, longest_key) in [
            (r#"["", "abc"]"#, false, 0),
            (r#"{"a":"","\u00e9b" : ":"}"#, false, 3),
            (r#"[{"a":{"":1}}]"#, true, 1),
            (r#"{"":":"}"#, true, 0),
        ] {
            let measured = measure(text);
            assert_eq!((measured.empty_key, measured.longest_key), (empty_key, longest_key), "{text}");
        }
    }

    #[test]
    fn digits_and_exponents_are_those_of_scientific_notation() {
        for (text, digits, exponent) in [
            ("1", 1, 0),
            ("-120", 2, 2),
            ("0.00120", 2, -3),
            ("1234.5678e10", 8, 13),
            ("1.7976931348623157e+308", 17, 308),
            ("5e-324", 1, -324),
            ("18446744073709551615", 20, 19),
            ("100000000000000000000000000000000000000000", 1, 41),
            ("0.1e-99999999999999999999999", 1, i64::MIN / 2 - 1),
        ] {
            let number = Number::read(text.as_bytes());
            assert_eq!((number.digits, number.exponent), (digits, exponent), "{text}");
        }
        assert_eq!(measure("[0, 0.0, -0e5]").exponents, None);
    }
}
