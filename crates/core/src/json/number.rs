//! The one text of a number, whoever wrote it.

use std::borrow::Cow;

use crate::limits::NUMBER_EXPONENTS;

/// The number by its plain decimal digits: without a sign for zero or plus, a needless zero, and an exponent, unless it is
/// below a millionth. A number that no store can hold is left as it is, and so is what is no number.
pub(super) fn plain(number: &str) -> Cow<'_, str> {
    if is_plain(number) {
        return Cow::Borrowed(number);
    }
    let (sign, magnitude) = match number.strip_prefix('-') {
        Some(magnitude) => ("-", magnitude),
        None => ("", number.strip_prefix('+').unwrap_or(number)),
    };
    let (mantissa, power) = magnitude.split_once(['e', 'E']).unwrap_or((magnitude, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(number);
    }
    let leading_zeros = digits.len() - digits.trim_start_matches('0').len();
    let digits = digits.trim_matches('0');
    if digits.is_empty() {
        return Cow::Borrowed("0");
    }
    let Ok(power) = power.parse::<i64>() else { return Cow::Borrowed(number) };
    // Where the decimal point is, counted from the first of these digits.
    let point = (whole.len() as i64 - leading_zeros as i64).saturating_add(power);
    if !NUMBER_EXPONENTS.contains(&point.saturating_sub(1)) {
        return Cow::Borrowed(number);
    }
    match usize::try_from(point) {
        Ok(point) if point >= digits.len() => format!("{sign}{digits}{}", "0".repeat(point - digits.len())),
        Ok(point) if point > 0 => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
        _ if point > -6 => format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let rest = if rest.is_empty() { String::new() } else { format!(".{rest}") };
            format!("{sign}{first}{rest}e{}", point - 1)
        }
    }
    .into()
}

/// Whether it is written like that already, seen at a glance: of the numbers below a thousandth not all are seen.
fn is_plain(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number).as_bytes();
    let whole = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_whole_plain = digits.first() != Some(&b'0') || whole == 1;
    whole > 0
        && is_whole_plain
        && match &digits[whole..] {
            [] => number != "-0",
            [b'.', fraction @ .., b'1'..=b'9'] => {
                fraction.iter().all(u8::is_ascii_digit) && !fraction.starts_with(b"000")
            }
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_one_text() {
        for (number, json) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("0E+3", "0"),
            ("0e99999999999999999999", "0"),
            ("007", "7"),
            ("1E+2", "100"),
            ("-1.50e3", "-1500"),
            ("120.0", "120"),
            ("0.00120", "0.0012"),
            ("12.50", "12.5"),
            (".5", "0.5"),
            ("+7", "7"),
            ("1.7e-7", "1.7e-7"),
            ("-1E-130", "-1e-130"),
            ("0.1e-5", "0.000001"),
            ("123e-2", "1.23"),
            ("9.99E+4", "99900"),
            ("100000000000000000000000000000000000001.0", "100000000000000000000000000000000000001"),
        ] {
            assert_eq!(plain(number), json, "{number}");
            assert_eq!(plain(json), json, "{number}");
        }
        assert_eq!(plain("1E+125").len(), 126);
    }

    #[test]
    fn what_no_store_can_hold_is_left_as_it_is() {
        for number in
            ["1e126", "-1.0e-131", "1.0E+9223372036854775807", "1e99999999999999999999", "-", "1x", "--1"]
        {
            assert_eq!(plain(number), number);
        }
    }
}
