//! [`build`]: an example as `sam build` makes it, which is what a user deploys.

use std::{path::PathBuf, process::Command};

use serde_json::Value;
use toolshed::{Refused, target};

use crate::{Error, Template, TemplateError, Tool, example};

/// What `sam build` leaves.
#[derive(Debug)]
pub struct Built {
    folder: PathBuf,
}

impl Built {
    /// The template that `sam deploy` takes.
    #[must_use]
    pub fn template(&self) -> PathBuf {
        self.folder.join("template.yaml")
    }

    /// The program of a function, as Lambda runs it.
    ///
    /// # Errors
    ///
    /// When the template has no such function.
    pub fn bootstrap(&self, function: &str) -> Result<PathBuf, Error> {
        Ok(self.code(function)?.join("bootstrap"))
    }

    /// The folder of what a function is made of. Functions may share one.
    fn code(&self, function: &str) -> Result<PathBuf, Error> {
        let template = Template::read(self.template())?;
        let folder = template.function(function)?.property("CodeUri").and_then(Value::as_str);
        let folder = folder.ok_or_else(|| TemplateError::new(function, "has no folder"))?;
        Ok(self.folder.join(folder))
    }
}

/// Runs `sam build` for an example: some minutes when nothing was compiled yet. What is compiled is kept in the target
/// directory of the workspace, and shared by the examples.
///
/// # Errors
///
/// When SAM or cargo-lambda cannot be installed, or does not build it.
pub fn build(name: &str) -> Result<Built, Error> {
    let folder = target().join("deployment/built").join(name);
    let mut sam = Tool::Sam.command()?;
    sam.args(["build", "--build-dir"]).arg(&folder).current_dir(example(name));
    sam.env("PATH", Tool::CargoLambda.search_path()?);
    // SAM looks for the program in the folder of the example, so that is where it has to be put. What it is made from goes
    // elsewhere.
    sam.env("CARGO_TARGET_DIR", "target").env("CARGO_BUILD_BUILD_DIR", target().join("deployment/compiled"));
    run(&mut sam, name)?;
    Ok(Built { folder })
}

fn run(command: &mut Command, what: &str) -> Result<(), Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(Refused::to(format!("run {program}")))?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::NotBuilt { what: what.to_owned(), why })
}
