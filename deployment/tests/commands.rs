//! The commands that the documentation has for AWS are run as far as they go without AWS: each knows its arguments, finds its
//! files, and ends at the connection. Nobody listens there.
//!
//! What they build is built by `build.rs`. What they install is what these tests install, in versions of their own.

use std::{
    env, fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use deployment::{Tool, example};
use tempfile::TempDir;
use testbed::ShellBlock;

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:9";

/// In front of a command that is run elsewhere, or needs what this machine does not have.
const NOT_HERE: [&str; 5] = ["pip install ", "npm install ", "sam build", "git pull", "git checkout "];

/// The examples as far as SAM needs them to deploy them, in a folder of their own: it writes there what it was told.
fn copies() -> TempDir {
    let copies = tempfile::tempdir().expect("a folder");
    for name in ["shopping", "deploys"] {
        let copy = copies.path().join("examples").join(name);
        fs::create_dir_all(&copy).expect("a folder");
        for file in ["template.yaml", "samconfig.toml", "serverless.yml"] {
            fs::copy(example(name).join(file), copy.join(file)).expect("a file");
        }
    }
    copies
}

/// Runs the commands of a block, one after the other, in the folder of the shop, each with this on standard input. Gives what
/// each has said.
fn run(file: &str, beginning: &str, input: &str) -> Vec<String> {
    let block = ShellBlock::find(file, beginning).replace("\\\n", " ");
    let copies = copies();
    let mut folder = copies.path().join("examples/shopping");
    let mut said = Vec::new();
    for command in block.lines().flat_map(|line| line.split(" && ")).map(str::trim) {
        if let Some(to) = command.strip_prefix("cd ") {
            folder = copies.path().join(to);
        } else if !NOT_HERE.iter().any(|prefix| command.starts_with(prefix)) {
            said.push(bash(command, &folder, input));
        }
    }
    said
}

fn bash(command: &str, folder: &Path, input: &str) -> String {
    let mut path = vec![];
    for tool in [Tool::Sam, Tool::Aws, Tool::Osls] {
        path.push(tool.path().unwrap_or_else(|error| panic!("{error}")).with_file_name(""));
    }
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    // As a tool runs in these tests: without the settings of whoever runs them.
    let clean = Tool::Sam.command().expect("SAM");
    let mut bash = Command::new("bash");
    for (name, value) in clean.get_envs() {
        match value {
            Some(value) => bash.env(name, value),
            None => bash.env_remove(name),
        };
    }
    let bash = bash
        .args(["-o", "pipefail", "-c", command])
        .env("PATH", env::join_paths(path).expect("folders"))
        .env("AWS_ENDPOINT_URL", NOBODY)
        .envs([("AWS_ACCESS_KEY_ID", "none"), ("AWS_SECRET_ACCESS_KEY", "none"), ("AWS_MAX_ATTEMPTS", "1")])
        .envs([("BUCKET", "unhandled"), ("KEY", "a/batch"), ("TABLE", "products")])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = bash.spawn().expect("bash runs");
    // One that does not read it to the end is no failure.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let Output { stdout, stderr, status } = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    format!("{command}\n{said}\n{status}")
}

/// Whether a command got as far as the connection to AWS.
#[track_caller]
fn reaches_aws(said: &[String], count: usize) {
    assert_eq!(said.len(), count, "{said:#?}");
    for said in said {
        let refused = ["Could not connect to the endpoint URL", "ECONNREFUSED"];
        assert!(refused.iter().any(|refused| said.contains(refused)), "{said}");
    }
}

#[test]
fn a_stack_is_deployed_watched_and_removed() {
    // As it is, whatever it asks; and then that an API without authentication is meant, for each of its routes.
    let answers = "\n".repeat(14) + &"y\n".repeat(3) + &"\n".repeat(10);
    for file in ["README.md", "docs/deploy.md"] {
        reaches_aws(&run(file, "pip install aws-sam-cli", &answers), 1);
    }
    for (beginning, count) in [
        ("sam logs --stack-name", 2),
        ("cd examples/deploys && sam build", 1),
        ("sam build && sam deploy --parameter", 1),
        ("git pull", 1),
        ("git checkout", 1),
    ] {
        reaches_aws(&run("docs/deploy.md", beginning, ""), count);
    }
    reaches_aws(&run("docs/deploy.md", "sam delete", "y\n"), 1);
    reaches_aws(&run("docs/deploy.md", "aws dynamodb update-table", ""), 2);
}

#[test]
fn a_table_is_restored_to_a_new_name() {
    reaches_aws(&run("docs/restore.md", "aws dynamodb restore-table-to-point-in-time", ""), 4);
}

#[test]
fn the_outputs_of_a_stack_are_asked_for() {
    for (beginning, variable) in
        [("SHOP=$(aws", "SHOP"), ("export SUBSCRIPTIONS_TABLE=$(aws", "SUBSCRIPTIONS_TABLE")]
    {
        let block = ShellBlock::find("docs/deploy.md", beginning).replace("\\\n", " ");
        let first = block.lines().next().expect("a command");
        reaches_aws(&[bash(first, &example("shopping"), "")], 1);
        let output = first
            .split_once("OutputKey=='")
            .and_then(|(_, rest)| rest.split_once('\''))
            .expect("an output")
            .0;
        let template = fs::read_to_string(example("shopping").join("template.yaml")).expect("a template");
        assert!(template.contains(&format!("\n  {output}:\n")), "{variable}: there is no output {output}");
    }
}

#[test]
fn a_batch_that_was_set_aside_is_handed_to_the_function_again() {
    let block = ShellBlock::find("docs/deploy.md", "aws s3 ls");
    let [list, fetch, unpack, invoke] = block.lines().collect::<Vec<_>>()[..] else { panic!("{block}") };
    let folder = tempfile::tempdir().expect("a folder");
    let here = |command| bash(command, folder.path(), "");
    reaches_aws(&[here(list), here(fetch)], 2);
    // Lambda puts the batch there as text or, by what its documentation shows, as an object.
    for payload in [r#""{\"Records\": [1]}""#, r#"{"Records": [1]}"#] {
        let set_aside = format!(r#"{{"requestContext": {{}}, "payload": {payload}}}"#);
        fs::write(folder.path().join("unhandled.json"), set_aside).expect("a file");
        assert!(here(unpack).ends_with("exit status: 0"), "{}", here(unpack));
        let batch = fs::read_to_string(folder.path().join("batch.json")).expect("a batch");
        assert_eq!(batch.trim(), r#"{"Records": [1]}"#);
    }
    reaches_aws(&[here(invoke.split(" && ").next().expect("a command"))], 1);
}

#[test]
fn the_serverless_framework_deploys_and_removes() {
    let block = ShellBlock::find("docs/deploy.md", "npm install --global osls");
    let [_, build, deploy, remove] = block.lines().collect::<Vec<_>>()[..] else { panic!("{block}") };
    // It builds what `build.rs` builds, and puts it where the examples' serverless.yml looks for it.
    let configuration =
        fs::read_to_string(example("shopping").join("serverless.yml")).expect("a configuration");
    assert!(build.ends_with("--output-format zip --bin shopping"), "{build}");
    assert!(configuration.contains("target/lambda/shopping/bootstrap.zip"), "{configuration}");
    let copies = copies();
    let (folder, program) =
        (copies.path().join("examples/shopping"), copies.path().join("target/lambda/shopping"));
    fs::create_dir_all(&program).expect("a folder");
    fs::write(program.join("bootstrap.zip"), "any program").expect("a file");
    reaches_aws(&[bash(deploy, &folder, ""), bash(remove, &folder, "")], 2);
}
