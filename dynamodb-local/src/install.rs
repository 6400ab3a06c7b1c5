//! [`install`]: npm fetches DynamoDB Local into the target directory.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use toolshed::Refused;

use crate::Error;

/// The npm package that has DynamoDB Local 1.25.1 in its folder `emulator`.
const PACKAGE: &str = "amplify-dynamodb-simulator";
const VERSION: &str = "2.9.30";

/// The hash of the package, as npm writes it. We run no other.
const INTEGRITY: &str =
    "sha512-xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ==";

/// The folder of DynamoDB Local. Fetches it first when it is not there: 57 MB. Whoever else wants it meanwhile, in this
/// process or another, waits.
///
/// # Errors
///
/// When it cannot be fetched, or not be written.
pub fn install() -> Result<PathBuf, Error> {
    toolshed::once(&format!("dynamodb-local/{VERSION}"), INTEGRITY, |folder| {
        let package = fetch(folder)?;
        unpack(folder, &package)?;
        let package = folder.join(package);
        Ok(fs::remove_file(&package).map_err(Refused::to(format!("remove {}", package.display())))?)
    })
}

/// Has npm put the package into a folder, and gives the name of its file.
fn fetch(folder: &Path) -> Result<String, Error> {
    let specification = format!("{PACKAGE}@{VERSION}");
    // One more try after ten seconds. By default there would be another after a minute.
    let arguments = ["pack", &specification, "--json", "--ignore-scripts", "--fetch-retries=1"];
    let output = match Command::new("npm").args(arguments).current_dir(folder).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::NoNpm),
        output => output.map_err(Error::refused("run npm"))?,
    };
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    if !output.status.success() {
        // What it ends with on standard error is where its log is.
        let summary = said["error"]["summary"].as_str().and_then(|summary| summary.lines().next());
        return Err(Error::NotFetched(summary.map_or_else(|| toolshed::said(&output), str::to_owned)));
    }
    let text = |member: &str| said[0][member].as_str().unwrap_or_default().to_owned();
    if text("integrity") != INTEGRITY {
        return Err(Error::NotGenuine(text("integrity")));
    }
    Ok(text("filename"))
}

fn unpack(folder: &Path, package: &str) -> Result<(), Error> {
    let arguments = ["-xzf", package, "--strip-components=2", "package/emulator"];
    let output = Command::new("tar").args(arguments).current_dir(folder).output();
    let output = output.map_err(Error::refused("run tar"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Refused(format!("unpack {package}"), toolshed::said(&output)))
}
