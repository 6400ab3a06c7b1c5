//! The derive finds the library under whatever name a package gives it: cargo builds packages that do so.

use std::{
    fs, io,
    path::Path,
    process::{Command, Output},
};

const THIS_CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// Runs `cargo run` on a package of one file. It is no member of the workspace, but has its lock file and its target
/// directory: nothing is fetched that the workspace did not fetch, and what both build alike is built once.
fn run(name: &str, dependencies: &str, main: &str) -> io::Result<Output> {
    let workspace = Path::new(THIS_CRATE).join("../..");
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let package = temporary.join(name);
    let manifest = format!(
        r#"
        [package]
        name = "{name}"
        edition = "2024"

        [[bin]]
        name = "{name}"
        path = "main.rs"

        [dependencies]
        {dependencies}

        [workspace]

        # As in the workspace, so that dependencies are built alike.
        [profile.dev]
        debug = "line-tables-only"
        "#
    );

    fs::create_dir_all(&package)?;
    fs::write(package.join("Cargo.toml"), manifest)?;
    fs::write(package.join("Cargo.lock"), fs::read(workspace.join("Cargo.lock"))?)?;
    fs::write(package.join("main.rs"), main)?;

    Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--color=never", "--manifest-path"])
        .arg(package.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(temporary.join(".."))
        .current_dir(workspace)
        .output()
}

#[test]
fn a_renamed_library_is_found() {
    let dependencies = format!(
        r#"
        es = {{ package = "aws-event-sourcing-core", path = {core:?} }}
        serialization = {{ package = "serde", version = "1", default-features = false, features = ["std", "derive"] }}
        "#,
        core = Path::new(THIS_CRATE).with_file_name("core")
    );

    let output =
        run("aws-event-sourcing-macros-renamed", &dependencies, include_str!("packages/renamed.rs")).unwrap();

    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Undone Happened\n", "{stderr}");
}

#[test]
fn a_missing_library_is_named() {
    let dependencies = format!(
        r#"
        aws-event-sourcing-macros = {{ path = {THIS_CRATE:?} }}
        serde = {{ version = "1", default-features = false, features = ["std", "derive"] }}
        "#
    );

    let output =
        run("aws-event-sourcing-macros-without", &dependencies, include_str!("packages/without.rs")).unwrap();

    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        stderr.contains("which this crate does not depend on: run `cargo add aws-event-sourcing`"),
        "{stderr}"
    );
    assert!(stderr.contains("6 | #[derive(PartialEq, Serialize, Deserialize, Event)]"), "{stderr}");
}
