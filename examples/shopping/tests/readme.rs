//! The README tells the truth: its program is the shop, and its commands do what it says.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use testbed::{Running, ShellBlock, program, workspace};

#[test]
fn its_program_is_the_heart_of_the_shop() {
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/product.rs");
    let shop = fs::read_to_string(shop).expect("a shop").replace("pub(crate) ", "");
    let (_, shop) = shop.split_once("/// What can happen to a product.").expect("a domain");
    let (shop, _) = shop.split_once("#[cfg(test)]").expect("tests of its rules");
    let readme = fs::read_to_string(workspace().join("README.md")).expect("a README");
    let (_, program) = readme.split_once("```rust,no_run\n").expect("a program");
    let (program, _) = program.split_once("```").expect("it ends");
    assert!(program.contains(shop.trim_end()), "the README's program is not what is in product.rs");
}

#[test]
fn its_commands_do_what_it_says() {
    let commands = |beginning| ShellBlock::find("README.md", beginning);
    let data = tempfile::tempdir().expect("a folder");
    let shop = Running::start(&mut program(env!("CARGO_BIN_EXE_shopping"), data.path()));
    let script = commands("SHOP=").replace("127.0.0.1:3000", shop.address());
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

    let reactions = commands("curl -s $SHOP/reorders");
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

    // What any SQLite says to it, Python's as well.
    let sql = commands("sqlite3 data/events.db");
    let query =
        sql.trim_end().strip_prefix("sqlite3 data/events.db \"").and_then(|query| query.strip_suffix('"'));
    let rows = Command::new("python3")
        .args([
            "-c",
            "import sqlite3, sys; print(*sqlite3.connect('events.db').execute(sys.argv[1]), sep='\\n')",
        ])
        .arg(query.expect("a quoted query"))
        .current_dir(data.path())
        .output()
        .expect("Python runs");
    let rows = String::from_utf8(rows.stdout).expect("text");
    assert!(rows.lines().next().is_some_and(|row| row.contains("1, 'ProductRestocked', 2, '20")), "{rows}");
    assert!(rows.contains("3, 'ProductReserved', None, '20"), "{rows}");
}

#[test]
fn its_first_command_serves_the_shop() {
    let data = tempfile::tempdir().expect("a folder");
    let arguments = |command| {
        let mut cargo = program(env!("CARGO"), data.path());
        let package = ShellBlock::find("README.md", "cargo run -p ");
        let package = package.trim_end().strip_prefix("cargo run -p ").expect("one command").to_owned();
        cargo.args([command, "--quiet", "--locked", "-p", &package]).current_dir(workspace());
        cargo
    };
    assert!(arguments("build").status().expect("cargo runs").success());
    let shop = Running::start(&mut arguments("run"));
    assert!(shop.stop().success());
    assert!(data.path().join("events.db").exists());
}

/// As a person runs it, but on a port that is free: it says how to run the shop on it, and that is so.
#[test]
fn its_dynamodb_local_has_the_tables_of_the_examples() {
    let folder = tempfile::tempdir().expect("a folder");
    let command = ShellBlock::find("README.md", "cargo xtask dynamodb-local\n");
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let mut server = program("bash", folder.path());
    server.args(["-c", &format!("exec {} --port {port}", command.trim_end())]).current_dir(workspace());
    let mut server = server.stdout(Stdio::piped()).spawn().expect("bash runs");
    let said = BufReader::new(server.stdout.take().expect("a pipe"));
    let said: Vec<_> =
        said.lines().map_while(Result::ok).take_while(|line| !line.starts_with("Ctrl-C")).collect();
    let shop = said.iter().find(|line| line.ends_with("cargo run -p shopping"));
    let shop = shop
        .unwrap_or_else(|| panic!("{said:#?}"))
        .replace("cargo run -p shopping", env!("CARGO_BIN_EXE_shopping"));
    let shop = Running::start(program("bash", folder.path()).args(["-c", &format!("exec env {shop}")]));
    let created = bash(
        &format!(
            "curl -sf http://{}/products -H 'content-type: application/json' -d '{{\"amount\": 2}}'",
            shop.address()
        ),
        folder.path(),
    );
    assert!(created.contains(r#""version":1"#), "{created}");
    assert!(!folder.path().join("events.db").exists(), "it is on DynamoDB");
    assert!(shop.stop().success());
    server.kill().expect("it runs");
    server.wait().expect("it ends");
}

/// Only which versions there are is asked for: compiling it would take minutes, and is what the other tests do.
#[test]
fn a_crate_of_ones_own_has_the_versions_that_it_says() {
    let readme = fs::read_to_string(workspace().join("README.md")).expect("a README");
    let (_, dependencies) = readme.split_once("```toml\n[dependencies]\n").expect("dependencies");
    let (dependencies, rest) = dependencies.split_once("```").expect("they end");
    let (_, flag) = rest.split_once("```toml\n").expect("a flag for SQLite");
    let (flag, rest) = flag.split_once("```").expect("it ends");
    let ours = fs::read_to_string(workspace().join(".cargo/config.toml")).expect("our own settings");
    assert!(
        flag.trim().lines().all(|line| ours.lines().any(|our| our == line.trim())),
        "{flag} is not in {ours}"
    );
    let (_, rusqlite) = rest.split_once("itself has to use ").expect("a version");
    let (rusqlite, _) = rusqlite.split_once(',').expect("it ends");

    let git = r#"git = "https://github.com/aws-event-sourcing/aws-event-sourcing""#;
    let path = format!("path = {:?}", workspace().join("crates/aws-event-sourcing"));
    assert!(dependencies.contains(git), "{dependencies}");
    let resolve = |rusqlite: &str| {
        let own = tempfile::tempdir().expect("a folder");
        let package = "[package]\nname = \"own\"\nedition = \"2024\"\n[dependencies]\n";
        let rusqlite = format!("rusqlite = {{ version = {rusqlite:?}, default-features = false }}\n");
        let manifest = package.to_owned() + &dependencies.replace(git, &path) + &rusqlite;
        fs::write(own.path().join("Cargo.toml"), manifest).expect("a manifest");
        fs::create_dir(own.path().join("src")).expect("a folder");
        fs::write(own.path().join("src/main.rs"), "fn main() {}").expect("a program");
        let mut cargo = program(env!("CARGO"), own.path());
        let output = cargo.args(["generate-lockfile"]).current_dir(own.path()).output().expect("cargo runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (resolved, said) = resolve(rusqlite);
    assert!(resolved, "{said}");
    let (resolved, said) = resolve("0.40");
    assert!(!resolved && said.contains("links to the native library `sqlite3`"), "{said}");
}

fn bash(script: &str, folder: &Path) -> String {
    let output = Command::new("bash").args(["-euo", "pipefail", "-c", script]).current_dir(folder).output();
    let output = output.expect("bash runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}
