//! The tool that npm installs: osls.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::Error;

const NAME: &str = "osls";
const PACKAGE: &str = "osls@4.3.1";
const VERSION: &str = "osls version: 4.3.1";

/// The program.
pub(crate) fn install() -> Result<PathBuf, Error> {
    Ok(toolshed::once("deployment/osls", PACKAGE, install_in)?.join("node_modules/.bin/osls"))
}

fn install_in(folder: &Path) -> Result<(), Error> {
    // One more try after ten seconds. By default there would be another after a minute.
    let arguments = ["install", PACKAGE, "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"];
    // Without the prefix npm would look for a package above this folder.
    let output = Command::new("npm").args(arguments).arg("--prefix").arg(folder).current_dir(folder).output();
    let output = output.map_err(Error::cannot_run("npm", || Error::NoNpm(NAME)))?;
    if !output.status.success() {
        return Err(Error::NotInstalled { tool: NAME, installer: "npm", why: toolshed::said(&output) });
    }
    check_version(NAME, Command::new(folder.join("node_modules/.bin/osls")).arg("--version"), VERSION)
}

/// Asks a tool that was installed what it is.
pub(crate) fn check_version(
    tool: &'static str,
    command: &mut Command,
    expected: &'static str,
) -> Result<(), Error> {
    let output = command.output().map_err(toolshed::Refused::to(format!("run {tool}")))?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if said.starts_with(expected) {
        return Ok(());
    }
    let said = if said.is_empty() { toolshed::said(&output) } else { said };
    Err(Error::WrongVersion { tool, said, expected })
}
