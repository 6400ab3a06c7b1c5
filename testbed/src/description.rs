//! [`keeps_its_description`]: whether an API is what its OpenAPI document says.

use std::{env, fs};

use deployment::Tool;

/// How many requests are made up for each operation, unless `SCHEMATHESIS_EXAMPLES` says it.
const EXAMPLES: &str = "20";

/// What schemathesis cannot know: how a cursor looks, and which parameters exclude each other.
const HOOKS: &str = include_str!("description/hooks.py");

const SETTINGS: &str = include_str!("description/schemathesis.toml");

/// What a resource is after a `DELETE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// 404, as for one that never was.
    Gone,
    /// Still there, with its history, and says that it is deleted.
    Remembered,
}

impl Deleted {
    fn settings(self) -> &'static str {
        match self {
            Self::Gone => "",
            // No description can say that what is deleted is there for good, and 410 would say that it is not.
            Self::Remembered => "use_after_free.enabled = false\n",
        }
    }
}

/// Has schemathesis ask the service at an address all that its `/_openapi.json` says that it takes, and much that it says it
/// does not.
///
/// # Panics
///
/// When an answer is not one that the document describes, or not one that a well-behaved API gives.
pub fn keeps_its_description(address: &str, deleted: Deleted) {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    write("hooks.py", HOOKS);
    write("schemathesis.toml", &[SETTINGS, deleted.settings()].concat());
    let mut schemathesis = Tool::Schemathesis.command().unwrap_or_else(|error| panic!("{error}"));
    schemathesis.current_dir(folder.path()).args(["run", "--no-color", "--seed", "1", "--max-examples"]);
    schemathesis.arg(env::var("SCHEMATHESIS_EXAMPLES").as_deref().unwrap_or(EXAMPLES));
    let output = schemathesis.arg(format!("http://{address}/_openapi.json")).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
