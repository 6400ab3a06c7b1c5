//! Whether there is a Java that can run DynamoDB Local.

use std::{io, process::Command};

use crate::Error;

/// Looks for a `java` that is not older than this.
pub(crate) fn check(oldest: u32) -> Result<(), Error> {
    let output = match Command::new("java").arg("-version").output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::NoJava),
        output => output.map_err(Error::refused("run java"))?,
    };
    // macOS has a `java` that only says where to get one.
    if !output.status.success() {
        return Err(Error::NoJava);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    match said.lines().find_map(|line| Some((line, major(line)?))) {
        Some((line, version)) if version < oldest => Err(Error::OldJava(line.to_owned())),
        // One that says nothing about its version may well be new enough.
        _ => Ok(()),
    }
}

/// The version in a line such as `openjdk version "17.0.15" 2025-04-15`. Up to Java 8 it was `"1.8.0_422"`.
fn major(line: &str) -> Option<u32> {
    let (_, version) = line.split_once(" version \"")?;
    let version = version.strip_prefix("1.").unwrap_or(version);
    version.split(|end: char| !end.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn old_and_new_versions_are_read() {
        assert_eq!(major(r#"openjdk version "17.0.15" 2025-04-15"#), Some(17));
        assert_eq!(major(r#"java version "1.7.0_80""#), Some(7));
        assert_eq!(major(r#"openjdk version "25" 2025-09-16"#), Some(25));
        assert_eq!(major("Picked up JAVA_TOOL_OPTIONS: -Xmx1g"), None);
    }
}
