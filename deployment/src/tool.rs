//! [`Tool`]: a program that a deployment takes, in the version that this project relies on.
//!
//! Some versions are older than the newest on purpose: a linter is of use only as far as it refuses what is wrong, and
//! SAM 1.170 and cfn-lint 1.58 accepted a template that these refuse. `tests/templates.rs` has it.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use toolshed::Refused;

use crate::{Error, npm, python};

/// The region that commands of the tools are about. None of them calls it.
const REGION: &str = "us-east-1";

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:9";

/// A program that checks, builds, packs or runs what is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tool {
    /// AWS SAM's `sam` 1.148.0: validates and builds a template.
    Sam,
    /// `cfn-lint` 1.41.0, as a command of its own: SAM brings an older one.
    CfnLint,
    /// `cargo-lambda` 1.9.2, with the zig that it links with.
    CargoLambda,
    /// `osls` 4.3.1, the open fork of the Serverless Framework.
    Osls,
    /// `aws` 1.46.3, the AWS CLI. Its version 2 is in no registry; what the documentation uses is the same in both.
    Aws,
    /// `schemathesis` 4.32.5: asks an API whatever its OpenAPI document says that it takes, and looks at the answers.
    Schemathesis,
    /// AWS's runtime interface emulator, which stands for the Lambda service in front of one program. It is part of SAM.
    RuntimeInterfaceEmulator,
}

const SAM: python::Package = python::Package {
    name: "sam",
    specification: "aws-sam-cli==1.148.0",
    constraints: include_str!("../tools/sam.txt"),
    version: ("bin/sam", &["--version"], "SAM CLI, version 1.148.0"),
};

const CFN_LINT: python::Package = python::Package {
    name: "cfn-lint",
    specification: "cfn-lint==1.41.0",
    constraints: include_str!("../tools/cfn-lint.txt"),
    version: ("bin/cfn-lint", &["--version"], "cfn-lint 1.41.0"),
};

const CARGO_LAMBDA: python::Package = python::Package {
    name: "cargo-lambda",
    specification: "cargo-lambda==1.9.2 ziglang==0.17.1",
    constraints: include_str!("../tools/cargo-lambda.txt"),
    version: ("bin/cargo-lambda", &["lambda", "--version"], "cargo-lambda 1.9.2"),
};

const AWS: python::Package = python::Package {
    name: "aws",
    specification: "awscli==1.46.3",
    constraints: include_str!("../tools/aws.txt"),
    version: ("bin/aws", &["--version"], "aws-cli/1.46.3"),
};

const SCHEMATHESIS: python::Package = python::Package {
    name: "schemathesis",
    specification: "schemathesis==4.32.5",
    constraints: include_str!("../tools/schemathesis.txt"),
    version: ("bin/schemathesis", &["--version"], "schemathesis, version 4.32.5"),
};

impl Tool {
    /// Where it is. Installs it first when it is not there, which takes up to a minute or two; whoever else wants it
    /// meanwhile waits.
    ///
    /// # Errors
    ///
    /// When it cannot be installed.
    pub fn path(self) -> Result<PathBuf, Error> {
        match self {
            Self::Sam => Ok(SAM.install()?.join("bin/sam")),
            Self::CfnLint => Ok(CFN_LINT.install()?.join("bin/cfn-lint")),
            Self::CargoLambda => Ok(CARGO_LAMBDA.install()?.join("bin/cargo-lambda")),
            Self::Osls => npm::install(),
            Self::Aws => Ok(AWS.install()?.join("bin/aws")),
            Self::Schemathesis => Ok(SCHEMATHESIS.install()?.join("bin/schemathesis")),
            Self::RuntimeInterfaceEmulator => emulator(&SAM.install()?),
        }
    }

    /// The program, to be run as it is run here: without anybody's credentials, settings and telemetry, without what cargo tells
    /// us about ourselves, without a toolchain being fetched on the way, and, in case that it builds, with
    /// [cargo-lambda](Self::CargoLambda) at hand.
    ///
    /// # Errors
    ///
    /// When it cannot be installed.
    pub fn command(self) -> Result<Command, Error> {
        let mut command = Command::new(self.path()?);
        for (name, _) in env::vars_os() {
            if ["AWS_", "SAM_", "SLS_", "CARGO_LAMBDA_", "CARGO_PKG_", "CARGO_MANIFEST_"]
                .iter()
                .any(|prefix| name.to_string_lossy().starts_with(prefix))
            {
                command.env_remove(name);
            }
        }
        command.env("AWS_REGION", REGION).env("AWS_DEFAULT_REGION", REGION);
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("SAM_CLI_TELEMETRY", "0").env("SLS_TELEMETRY_DISABLED", "1").env("NO_COLOR", "1");
        if matches!(self, Self::Sam | Self::CargoLambda) {
            command.env("RUSTUP_DIST_SERVER", NOBODY).env("RUSTUP_UPDATE_ROOT", NOBODY);
        }
        Ok(command)
    }

    /// A `PATH` on which this tool's folder goes before all others.
    ///
    /// # Errors
    ///
    /// When it cannot be installed.
    pub fn search_path(self) -> Result<OsString, Error> {
        let program = self.path()?;
        let folder = program.parent().expect("a program is in a folder").to_owned();
        let others = env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(folder).chain(env::split_paths(&others));
        Ok(env::join_paths(folders).expect("they were taken from such a path"))
    }
}

/// The folder of an example of this workspace.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of the workspace");
    workspace.join("examples").join(name)
}

/// The emulator for this machine. Which Python has installed SAM is part of the path.
fn emulator(environment: &Path) -> Result<PathBuf, Error> {
    let architecture = if env::consts::ARCH == "aarch64" { "arm64" } else { env::consts::ARCH };
    let inside = format!("site-packages/samcli/local/rapid/aws-lambda-rie-{architecture}");
    let libraries = environment.join("lib");
    let pythons = fs::read_dir(&libraries).map_err(Refused::to(format!("read {}", libraries.display())))?;
    let found = pythons.flatten().map(|python| python.path().join(&inside)).find(|path| path.exists());
    found.ok_or_else(|| {
        let why = std::io::Error::from(std::io::ErrorKind::NotFound);
        Refused::to(format!("find the emulator for {architecture} in {}", libraries.display()))(why).into()
    })
}
