//! [`Decimal`]: the exact value of a JSON number, however it is written and however long it is.

/// A decimal number: its digits, and the power of ten that the last of them stands for.
///
/// No zeros at either end, so equal values have equal fields. Zero has no digits, no sign and the power 0.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    power: i128,
}

impl Decimal {
    /// The value of a JSON number; none if the text is none, or its exponent has more digits than an `i64`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut power = i128::from(exponent.parse::<i64>().ok()?) - fraction.len() as i128;
        let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
        digits.truncate(digits.len() - zeros);
        power += zeros as i128;
        digits.drain(..digits.iter().take_while(|digit| **digit == b'0').count());
        if digits.is_empty() {
            return Some(Self { negative: false, digits, power: 0 });
        }
        Some(Self { negative, digits, power })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_equal() {
        for (one, other) in [
            ("1", "1.0"),
            ("1", "1.000e0"),
            ("100", "1e2"),
            ("100", "1E+2"),
            ("0.01", "1e-2"),
            ("-12.50", "-125e-1"),
            ("0", "-0"),
            ("0", "0.000e55"),
            ("10.10", "1.01e1"),
            ("123456789012345678901234567890", "1.2345678901234567890123456789e29"),
            ("5e-324", "0.5e-323"),
            ("1e9223372036854775807", "10e9223372036854775806"),
        ] {
            assert_eq!(Decimal::parse(one).expect(one), Decimal::parse(other).expect(other), "{one} {other}");
        }
    }

    #[test]
    fn different_values_are_different() {
        for (one, other) in [
            ("1", "-1"),
            ("1", "10"),
            ("1", "0"),
            ("0.1", "0.10000000000000001"),
            ("9007199254740993", "9007199254740992"),
            ("18446744073709551615", "1.8446744073709552e19"),
            ("1e5", "1e-5"),
            ("12", "1.2"),
            ("101", "11"),
        ] {
            assert_ne!(Decimal::parse(one).expect(one), Decimal::parse(other).expect(other), "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_number_has_no_value() {
        for text in ["", "-", "x", "1x", "1e", "1e1.5", "1e99999999999999999999", "--1", "."] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
