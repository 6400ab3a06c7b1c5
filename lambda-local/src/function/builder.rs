//! [`Builder`]: how a function is to be run.

use std::{
    fs, io,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    time::Duration,
};

use deployment::Tool;
use tempfile::TempDir;
use toolshed::Refused;

use super::Function;
use crate::{Error, Log};

/// What Lambda gives a function that does not say otherwise.
const TIMEOUT: Duration = Duration::from_secs(3);
const MEMORY: u32 = 128;

/// Enough to see several at once, few enough for a laptop.
const INSTANCES: usize = 8;

/// The variable by which what the emulator starts learns where its runtime API is: not at the emulator, which would say so
/// itself.
pub(super) const RUNTIME_API: &str = "LAMBDA_LOCAL_RUNTIME_API";

/// What the emulator starts: the program, and beside it a process that kills both when the pipe is closed which the emulator
/// has inherited. The emulator makes a group of processes of its own for what it starts.
const BOOTSTRAP: &str = r#"#!/bin/sh
{ read -r _ <&3; kill -9 0; } >/dev/null 2>&1 &
AWS_LAMBDA_RUNTIME_API=$LAMBDA_LOCAL_RUNTIME_API
unset LAMBDA_LOCAL_RUNTIME_API
exec "${0%/*}/program" 3<&-
"#;

/// How a function is to be run.
#[derive(Debug)]
#[must_use = "nothing runs before `start`"]
pub struct Builder {
    program: PathBuf,
    name: String,
    timeout: Duration,
    memory: u32,
    variables: Vec<(String, String)>,
    instances: usize,
    log: Log,
}

/// How it is run.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) emulator: PathBuf,
    pub(super) instances: usize,
    pub(super) log: Log,
    /// The whole environment.
    pub(super) variables: Vec<(String, String)>,
    folder: TempDir,
}

impl Settings {
    /// A folder with nothing else in it, for the program to run in.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn bootstrap(&self) -> PathBuf {
        self.folder().join("bootstrap")
    }

    /// What its processes are called.
    pub(super) fn program(&self) -> PathBuf {
        self.folder().join("program")
    }
}

impl Builder {
    pub(super) fn new(program: PathBuf) -> Self {
        Self {
            program,
            name: "function".to_owned(),
            timeout: TIMEOUT,
            memory: MEMORY,
            variables: Vec::new(),
            instances: INSTANCES,
            log: Log::default(),
        }
    }

    /// Its name; `function` otherwise.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How long a call may take, in whole seconds, before it is killed; 3 seconds otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What it is told to have, in MB; 128 otherwise. Nothing keeps it from taking more.
    pub fn memory(mut self, megabytes: u32) -> Self {
        self.memory = megabytes;
        self
    }

    /// A variable of its environment. There are no others than those that are set, and those of Lambda.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Several of them.
    pub fn envs<N: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.variables.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// How many processes of it there are at once, at most; 8 otherwise.
    pub fn instances(mut self, most: usize) -> Self {
        self.instances = most.max(1);
        self
    }

    /// Where its lines go; otherwise into a [log](Function::log) of its own.
    pub fn log(mut self, log: Log) -> Self {
        self.log = log;
        self
    }

    /// Makes the function. Its first process starts with the first call. Installs the emulator first when it is not there,
    /// which takes a minute.
    ///
    /// # Errors
    ///
    /// When there is no such program, or the emulator cannot be installed.
    pub fn build(self) -> Result<Function, Error> {
        let program = fs::canonicalize(&self.program);
        let program = program.map_err(|_| Error::NoProgram(self.program.display().to_string()))?;
        let emulator = Tool::RuntimeInterfaceEmulator.path()?;
        let folder = prepare(&program).map_err(Refused::to("make a folder for the function"))?;
        let variables = self.environment(folder.path());
        let Self { name, instances, log, .. } = self;
        Ok(Function::new(Settings { name, emulator, instances, log, variables, folder }))
    }

    /// What is set, over what Lambda sets for every function.
    fn environment(&self, folder: &Path) -> Vec<(String, String)> {
        let folder = folder.to_string_lossy();
        let timeout = self.timeout.as_secs().max(1).to_string();
        let memory = self.memory.to_string();
        let group = format!("/aws/lambda/{}", self.name);
        let lambda = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin"),
            ("LANG", "en_US.UTF-8"),
            ("TZ", ":UTC"),
            ("_HANDLER", "bootstrap"),
            ("LAMBDA_TASK_ROOT", &folder),
            ("AWS_LAMBDA_FUNCTION_NAME", &self.name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
            // This one is the emulator's own.
            ("AWS_LAMBDA_FUNCTION_TIMEOUT", &timeout),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", &group),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
            ("AWS_REGION", crate::dynamodb::REGION),
            ("AWS_DEFAULT_REGION", crate::dynamodb::REGION),
        ];
        let lambda = lambda.map(|(name, value)| (name.to_owned(), value.to_owned()));
        lambda.into_iter().chain(self.variables.iter().cloned()).collect()
    }
}

fn prepare(program: &Path) -> io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    symlink(program, folder.path().join("program"))?;
    let bootstrap = folder.path().join("bootstrap");
    fs::write(&bootstrap, BOOTSTRAP)?;
    fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}
