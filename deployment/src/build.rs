//! [`build`]: an example as `sam build` makes it, which is what a user deploys.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use toolshed::{Refused, target};

use crate::{Error, Template, TemplateError, Tool, example};

/// What `sam deploy` zips a folder with. SAM has no command for that alone.
const ZIP: &str = "import sys; from samcli.lib.package.utils import make_zip; make_zip(*sys.argv[1:])";

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

    /// What `sam deploy` uploads of a function, as a file: zipped by SAM itself.
    ///
    /// # Errors
    ///
    /// When the template has no such function, or SAM does not zip it.
    pub fn zip(&self, function: &str) -> Result<PathBuf, Error> {
        let example = self.folder.file_name().expect("it is called like the example");
        let folder = target().join("deployment/zipped").join(example);
        fs::create_dir_all(&folder).map_err(Refused::to(format!("make {}", folder.display())))?;
        let name = folder.join(function);
        let mut python = Command::new(Tool::Sam.path()?.with_file_name("python"));
        run(python.args(["-c", ZIP]).arg(&name).arg(self.code(function)?), function)?;
        Ok(name.with_extension("zip"))
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
    sam.args(["build", "--build-dir"]).arg(&folder);
    // SAM looks for the program in the folder of the example, so that is where it has to be put.
    run(compiling(&mut sam, name, Path::new("target"))?, name)?;
    Ok(Built { folder })
}

/// Builds a program of this workspace in the same way as an example, for whoever compares the two: with the tool that SAM
/// builds with, and by the example's settings.
///
/// # Errors
///
/// When cargo-lambda cannot be installed, or does not build it.
pub fn build_alike(package: &str, like: &str) -> Result<PathBuf, Error> {
    let folder = target().join("deployment/alike");
    let mut cargo_lambda = Tool::CargoLambda.command()?;
    cargo_lambda.args(["lambda", "build", "--release", "--package", package, "--lambda-dir"]).arg(&folder);
    run(compiling(&mut cargo_lambda, like, &folder)?, package)?;
    Ok(folder.join(package).join("bootstrap"))
}

/// In the folder of an example, whose settings cargo reads there. What programs are made of is kept apart from them.
fn compiling<'c>(command: &'c mut Command, like: &str, programs: &Path) -> Result<&'c mut Command, Error> {
    command.current_dir(example(like)).env("PATH", Tool::CargoLambda.search_path()?);
    command.env("CARGO_TARGET_DIR", programs);
    Ok(command.env("CARGO_BUILD_BUILD_DIR", target().join("deployment/compiled")))
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
