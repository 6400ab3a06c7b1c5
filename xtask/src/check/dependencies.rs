//! Who may depend on what: the core stays light, a heavy dependency has one owner, and the stated minimum version of
//! Rust is the one that the dependencies demand.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::run::{Result, cargo, output, say};

/// Everything that the core may pull in, itself included. No AWS, no HTTP, no disk, no asynchronous runtime beyond
/// tokio's locks and timers.
const CORE: &[&str] = &[
    "aws-event-sourcing-core",
    // JSON, its traits and its numbers.
    "serde",
    "serde_core",
    "serde_json",
    "itoa",
    "memchr",
    "zmij",
    // Errors and ids.
    "thiserror",
    "uuid",
    "sha1_smol",
    "getrandom",
    "libc",
    "cfg-if",
    "fastrand",
    // Time as text, and the cursor of a list.
    "humantime",
    "base64",
    // Futures and streams.
    "futures-core",
    "futures-task",
    "futures-util",
    "slab",
    "pin-project-lite",
    "tokio",
    // What is worth telling.
    "tracing",
    "tracing-core",
    "once_cell",
    // The cache.
    "lru",
    "hashbrown",
];

/// What the core may use of tokio.
const TOKIO: &[&str] = &["sync", "time"];

/// Dependencies that only these crates may name. A star at the end stands for any rest of the name.
const OWNERS: &[(&str, &[&str])] = &[
    ("rusqlite", &["aws-event-sourcing-sqlite"]),
    ("hyper-util", &["aws-event-sourcing-service"]),
    ("tracing-subscriber", &["aws-event-sourcing-service"]),
    ("axum", &["aws-event-sourcing-http", "aws-event-sourcing-service"]),
    ("tower-http", &["aws-event-sourcing-http"]),
    ("async-compression", &["aws-event-sourcing-http"]),
    ("aws-config", &["aws-event-sourcing-dynamodb"]),
    ("aws-credential-types", &["aws-event-sourcing-dynamodb"]),
    ("aws-sdk-dynamodb", &["aws-event-sourcing-dynamodb"]),
    ("aws-sdk-dynamodbstreams", &["aws-event-sourcing-dynamodb"]),
    ("aws-smithy-*", &["aws-event-sourcing-dynamodb"]),
    ("aws-types", &["aws-event-sourcing-dynamodb"]),
    ("clap", &["aws-event-sourcing-cli"]),
    (
        "aws-event-sourcing-dynamodb",
        &["aws-event-sourcing-cli", "aws-event-sourcing-service", "aws-event-sourcing"],
    ),
    (
        "aws-event-sourcing-sqlite",
        &["aws-event-sourcing-cli", "aws-event-sourcing-service", "aws-event-sourcing"],
    ),
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    rust_version: Option<String>,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

pub(super) fn check() -> Result {
    core_is_light()?;
    let metadata = output(&mut cargo(&["metadata", "--format-version", "1", "--all-features", "--locked"]))?;
    let metadata: Metadata =
        serde_json::from_str(&metadata).map_err(|error| format!("cannot read `cargo metadata`: {error}"))?;
    heavy_dependencies_have_owners(&metadata)?;
    minimum_rust_is_what_dependencies_demand(&metadata)
}

fn core_is_light() -> Result {
    let arguments = ["tree", "--package", "aws-event-sourcing-core", "--edges", "normal,no-proc-macro"];
    let tree =
        output(cargo(&arguments).args(["--prefix", "none", "--format", "{p} features={f}", "--locked"]))?;
    for line in tree.lines() {
        let name = line.split(' ').next().unwrap_or_default();
        if !CORE.contains(&name) {
            return Err(format!("the core must stay light, but depends on {name}"));
        }
        let features = line.split_once("features=").map_or("", |(_, features)| features);
        let features = features.trim_end_matches(" (*)").split(',').filter(|feature| !feature.is_empty());
        if let Some(surplus) = features.filter(|_| name == "tokio").find(|feature| !TOKIO.contains(feature)) {
            return Err(format!("the core may use tokio's {TOKIO:?} only, but enables {surplus:?}"));
        }
    }
    say(&format!("core: {} crates, as listed\n", tree.lines().collect::<BTreeSet<_>>().len()));
    Ok(())
}

fn heavy_dependencies_have_owners(metadata: &Metadata) -> Result {
    let is_ours = |package: &&Package| {
        package.manifest_path.contains("/crates/") && package.name.starts_with("aws-event")
    };
    for package in metadata.packages.iter().filter(is_ours) {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind.is_none()) {
            let owners = OWNERS.iter().find(|(pattern, _)| matches(pattern, &dependency.name));
            if let Some((_, owners)) = owners.filter(|(_, owners)| !owners.contains(&package.name.as_str())) {
                let name = &dependency.name;
                return Err(format!("{} depends on {name}, which only {owners:?} may", package.name));
            }
        }
    }
    Ok(())
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

fn minimum_rust_is_what_dependencies_demand(metadata: &Metadata) -> Result {
    let package = |id: &str| metadata.packages.iter().find(|package| package.id == id);
    let facade = metadata.packages.iter().find(|package| package.name == "aws-event-sourcing");
    let facade = facade.ok_or("there is no package aws-event-sourcing")?;
    let stated = version(facade.rust_version.as_deref());
    let mut seen = BTreeSet::new();
    let mut open = vec![facade.id.as_str()];
    let mut demanded = ((0, 0), "nobody");
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        if let Some(package) = package(id).filter(|package| !package.name.starts_with("aws-event-sourcing")) {
            demanded = demanded.max((version(package.rust_version.as_deref()), &package.name));
        }
        let edges = metadata.resolve.nodes.iter().filter(|node| node.id == id).flat_map(|node| &node.deps);
        let used = edges.filter(|edge| edge.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev")));
        open.extend(used.map(|edge| edge.pkg.as_str()));
    }
    let (version, by) = demanded;
    if stated != version {
        let (major, minor) = version;
        return Err(format!("rust-version must be {major}.{minor}, which {by} demands"));
    }
    say(&format!("rust-version: as {by} demands\n"));
    Ok(())
}

fn version(text: Option<&str>) -> (u32, u32) {
    let mut parts = text.unwrap_or_default().split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}
