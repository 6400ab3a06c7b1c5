//! What a table may be called. Checked before anything is sent: the service's own refusal is a page of pattern.

use crate::error::Error;

/// The fewest and the most characters, by [AWS's rules](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html).
const LENGTHS: std::ops::RangeInclusive<usize> = 3..=255;

/// Refuses what no table can be called.
pub(super) fn check(name: &str) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if LENGTHS.contains(&name.len()) && name.bytes().all(allowed) {
        Ok(())
    } else {
        Err(Error::BadName { name: name.to_owned() })
    }
}

/// The same for a table that somebody else made: it may be named by its ARN, as that of another account has to be.
pub(super) fn check_existing(name: &str) -> Result<(), Error> {
    if name.starts_with("arn:") { Ok(()) } else { check(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_allows_is_allowed() {
        for name in ["abc", "a.b", "-_-", "Products-2", &"x".repeat(255)] {
            check(name).unwrap();
            check_existing(name).unwrap();
        }
        check_existing("arn:aws:dynamodb:eu-west-1:123456789012:table/products").unwrap();
    }

    #[test]
    fn a_bad_name_is_refused_with_the_rule() {
        for name in ["", "ab", "my table", "täble", "a/b", "a:b", &"x".repeat(256)] {
            let error = check(name).unwrap_err().to_string();
            assert!(error.contains("3 to 255"), "{error}");
            check_existing(name).unwrap_err();
        }
        check("arn:aws:dynamodb:eu-west-1:123456789012:table/products").unwrap_err();
    }
}
