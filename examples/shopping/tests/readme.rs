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
fn its_program_is_the_heart_of_the_shop() {
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/product.rs");
    let shop = fs::read_to_string(shop).expect("a shop").replace("pub(crate) ", "");
    let (_, shop) = shop.split_once("/// What can happen to a product.").expect("a domain");
    let (shop, _) = shop.split_once("#[cfg(test)]").expect("tests of its rules");
    let program = &blocks("rust,no_run")[0];
    assert!(program.contains(shop.trim_end()), "the README's program is not what is in product.rs");
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

    let reactions = commands.iter().find(|block| block.contains("/deliver")).expect("reactions");
    // A person takes longer to get there than the shop to reorder.
    let script =
        format!("{}\nsleep 1\n{}\n", script.lines().take(5).collect::<Vec<_>>().join("\n"), reactions);
    let script = script.replace("\ncurl -s $SHOP/products/$ID  ", "\nsleep 1\ncurl -s $SHOP/products/$ID  ");
    let data = tempfile::tempdir().expect("a folder");
    let shop_of_its_own = Running::start(&mut program(env!("CARGO_BIN_EXE_shopping"), data.path()));
    let output = bash(&script.replace(shop.address(), shop_of_its_own.address()), data.path());
    for expected in [
        r#""version":1,"status":"requested""#,
        r#""version":2,"status":"delivered""#,
        r#""version":4,"status":"available","quantity":10}"#,
    ] {
        assert!(output.contains(expected), "{expected} is not in {output}");
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
