//! [`build`]: an example as `sam build` makes it, which is what a user deploys.

use std::path::PathBuf;

use serde_json::Value;
use toolshed::{Refused, target};

use crate::{Error, Template, TemplateError, Tool, example};

/// What `sam build` leaves.
#[derive(Debug)]
pub struct Built {
    folder: PathBuf,
}

impl Built {
    /// The program of the function of this logical id, as Lambda runs it. SAM builds it once for several functions that have
    /// the same, and its template for `sam deploy` says where.
    ///
    /// # Errors
    ///
    /// When there is no such function.
    pub fn bootstrap(&self, function: &str) -> Result<PathBuf, TemplateError> {
        let template = Template::read(self.folder.join("template.yaml"))?;
        let folder = template.function(function)?.property("CodeUri").and_then(Value::as_str);
        let folder = folder.ok_or_else(|| TemplateError::new(function, "has no program"))?;
        Ok(self.folder.join(folder).join("bootstrap"))
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
    let output = sam.output().map_err(Refused::to("run sam"))?;
    if output.status.success() {
        return Ok(Built { folder });
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::NotBuilt { example: name.to_owned(), why })
}
