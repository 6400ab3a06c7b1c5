//! [`install`]: npm fetches DynamoDB Local into the target directory.

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

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
    let installed = target().join("dynamodb-local").join(VERSION);
    install_in(&installed)?;
    Ok(installed)
}

/// The target directory of this workspace, unless the environment names another for cargo. Tests, benchmarks and
/// documentation run in different folders, and all find the same one.
fn target() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of the workspace");
    workspace.join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// The folder appears whole, or not at all.
fn install_in(installed: &Path) -> Result<(), Error> {
    if installed.is_dir() {
        return Ok(());
    }
    let parent = installed.parent().expect("a folder of the target directory");
    fs::create_dir_all(parent).map_err(Error::refused(format!("make {}", parent.display())))?;
    // The lock ends with the process that holds it.
    let lock = File::create(parent.join("lock")).and_then(|lock| lock.lock().map(|()| lock));
    let _lock = lock.map_err(Error::refused(format!("lock {}", parent.display())))?;
    if installed.is_dir() {
        return Ok(());
    }
    let draft = parent.join("draft");
    // Somebody was killed on the way, or has failed.
    if draft.exists() {
        fs::remove_dir_all(&draft).map_err(Error::refused(format!("remove {}", draft.display())))?;
    }
    fs::create_dir(&draft).map_err(Error::refused(format!("make {}", draft.display())))?;
    let package = fetch(&draft)?;
    unpack(&draft, &package)?;
    let renamed = fs::rename(draft.join("package/emulator"), installed);
    renamed.map_err(Error::refused(format!("make {}", installed.display())))?;
    fs::remove_dir_all(&draft).map_err(Error::refused(format!("remove {}", draft.display())))
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
        return Err(Error::NotFetched(summary.map_or_else(|| last_line(&output), str::to_owned)));
    }
    let text = |member: &str| said[0][member].as_str().unwrap_or_default().to_owned();
    if text("integrity") != INTEGRITY {
        return Err(Error::NotGenuine(text("integrity")));
    }
    Ok(text("filename"))
}

fn unpack(folder: &Path, package: &str) -> Result<(), Error> {
    let output = Command::new("tar").args(["-xzf", package, "package/emulator"]).current_dir(folder).output();
    let output = output.map_err(Error::refused("run tar"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Refused(format!("unpack {package}"), last_line(&output)))
}

/// The last line that a program has written to standard error, or how it has ended.
fn last_line(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors.lines().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(|| output.status.to_string(), str::to_owned)
}
