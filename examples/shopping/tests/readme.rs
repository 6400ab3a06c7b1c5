//! The README tells the truth: its program is the shop, and its commands do what it says.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use testbed::{Running, program};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The README's blocks of code in a language.
fn blocks(language: &str) -> Vec<String> {
    let readme = fs::read_to_string(workspace().join("README.md")).expect("a README");
    let mut blocks = Vec::new();
    let mut rest = readme.as_str();
    while let Some((_, after)) = rest.split_once(&format!("```{language}\n")) {
        let (block, after) = after.split_once("```").expect("a block ends");
        blocks.push(block.to_owned());
        rest = after;
    }
    blocks
}

#[test]
fn its_program_is_the_shop() {
    let shop = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/main.rs")).expect("a shop");
    let without_header = shop.lines().skip_while(|line| line.is_empty() || line.starts_with("//!"));
    let program = without_header.collect::<Vec<_>>().join("\n");
    let program =
        program.trim_end().trim_end_matches("mod tests;").trim_end().trim_end_matches("#[cfg(test)]");
    assert_eq!(blocks("rust,no_run")[0].trim_end(), program.trim_end());
}

#[test]
fn its_commands_do_what_it_says() {
    let commands = blocks("sh");
    assert_eq!(commands[0], "cargo run -p shopping\n");
    let data = tempfile::tempdir().expect("a folder");
    let shop = Running::start(&mut program(env!("CARGO_BIN_EXE_shopping"), data.path()));
    let script = commands[1].replace("127.0.0.1:3000", shop.address());
    assert!(script.contains(shop.address()));
    let output = bash(&script, data.path());
    let (purchase, rest) = output.split_once('}').expect("the answer to a purchase");
    assert!(purchase.ends_with(r#""version":2,"status":"available","quantity":1"#), "{output}");
    for expected in [
        r#""version":3,"status":"sold-out","quantity":0}"#,
        r#""detail":"sold out""#,
        r#""type":"ProductRestocked""#,
        r#""version":1,"status":"available","quantity":2}"#,
    ] {
        assert!(rest.contains(expected), "{expected} is not in {rest}");
    }

    let sql = commands.iter().find(|block| block.starts_with("sqlite3")).expect("a query");
    assert!(sql.contains("data/events.db"));
    let (_, query) = sql.trim_end().split_once(" \"").expect("a quoted query");
    assert!(query.ends_with("FROM events ORDER BY position\""), "{query}");
}

#[test]
fn its_first_command_serves_the_shop() {
    let data = tempfile::tempdir().expect("a folder");
    let arguments = |command| {
        let mut cargo = program(env!("CARGO"), data.path());
        cargo.args([command, "--quiet", "--locked", "-p", "shopping"]).current_dir(workspace());
        cargo
    };
    assert!(arguments("build").status().expect("cargo runs").success());
    let shop = Running::start(&mut arguments("run"));
    assert!(shop.stop().success());
    assert!(data.path().join("events.db").exists());
}

fn bash(script: &str, folder: &Path) -> String {
    let output = Command::new("bash").args(["-euo", "pipefail", "-c", script]).current_dir(folder).output();
    let output = output.expect("bash runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}
