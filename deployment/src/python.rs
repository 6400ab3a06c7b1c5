//! [`Package`]: a tool that pip installs, in a virtual environment of its own, because requirements conflict.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use toolshed::Refused;

use crate::{Error, npm::check_version};

/// A package, and everything that it needs.
pub(crate) struct Package {
    /// What the tool is called.
    pub(crate) name: &'static str,
    /// The packages to install, as pip takes them.
    pub(crate) specification: &'static str,
    /// The versions of whatever they need, so that the tool is the same next year.
    pub(crate) constraints: &'static str,
    /// The program that tells its version, its arguments, and what it has to say.
    pub(crate) version: (&'static str, &'static [&'static str], &'static str),
}

impl Package {
    /// The virtual environment.
    pub(crate) fn install(&self) -> Result<PathBuf, Error> {
        let made_of = format!("{}\n{}", self.specification, self.constraints);
        toolshed::once(&format!("deployment/{}", self.name), &made_of, |folder| self.install_in(folder))
    }

    fn install_in(&self, folder: &Path) -> Result<(), Error> {
        let mut python = Command::new("python3");
        python.args(["-m", "venv"]).arg(folder);
        self.run(&mut python, "python3")?;
        let constraints = folder.join("constraints.txt");
        let written = fs::write(&constraints, self.constraints);
        written.map_err(Refused::to(format!("write {}", constraints.display())))?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
        pip.arg("--constraint").arg(&constraints).args(self.specification.split(' '));
        self.run(&mut pip, "pip")?;
        let (program, arguments, expected) = self.version;
        check_version(self.name, Command::new(folder.join(program)).args(arguments), expected)
    }

    fn run(&self, command: &mut Command, installer: &'static str) -> Result<(), Error> {
        let output = command.output();
        let output = output.map_err(Error::cannot_run(installer, || Error::NoPython(self.name)))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::NotInstalled { tool: self.name, installer, why: toolshed::said(&output) })
    }
}
