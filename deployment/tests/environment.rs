//! What the templates tell a function by its environment is what a service reads, and all of it that matters on Lambda.

use std::{collections::BTreeSet, fs, path::Path};

use deployment::{Template, example};

/// Documented, and not set: a laptop's, and what is as it should be when it is not set.
const NOT_SET: [&str; 6] = ["PORT", "HOST", "DATA_DIR", "LOG_FORMAT", "STOP_GRACE_SECONDS", "BASE_PATH"];

fn source(path: impl AsRef<Path>) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// The variables that the documentation of the service has in its table, but for AWS's own, which Lambda sets.
fn documented() -> BTreeSet<String> {
    let service = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/service/src/lib.rs");
    let text = source(service);
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! | `")?.split(" | ").next());
    let names = rows.flat_map(|cell| cell.split('`').step_by(2)).filter(|name| !name.is_empty());
    let is_variable =
        |name: &&str| name.chars().all(|char| char.is_ascii_uppercase() || "_<>".contains(char));
    names.filter(is_variable).filter(|name| !name.starts_with("AWS_")).map(str::to_owned).collect()
}

/// As the documentation calls it.
fn documented_name(variable: &str) -> &str {
    if variable.starts_with("DYNAMODB_TABLE_") { "DYNAMODB_TABLE_<TYPE>" } else { variable }
}

#[test]
fn the_documentation_is_understood() {
    let documented = documented();
    for variable in ["PORT", "DYNAMODB_TABLE", "DYNAMODB_TABLE_<TYPE>", "SUBSCRIPTIONS_TABLE", "RUST_LOG"] {
        assert!(documented.contains(variable), "{variable} is not in {documented:?}");
    }
}

#[test]
fn a_function_is_told_what_a_service_reads() {
    let documented = documented();
    let mut told = BTreeSet::from(NOT_SET.map(str::to_owned));
    for name in ["shopping", "deploys"] {
        let main = source(example(name).join("src/main.rs"));
        let template = Template::read(example(name).join("template.yaml")).expect("a template");
        for function in template.functions() {
            for variable in function.variables().keys() {
                let is_read = documented.contains(documented_name(variable))
                    || main.contains(&format!("env::var(\"{variable}\")"));
                assert!(is_read, "{name}: nobody reads {variable}");
                told.insert(documented_name(variable).to_owned());
            }
        }
    }
    let untold: Vec<_> = documented.difference(&told).collect();
    assert!(untold.is_empty(), "no template sets {untold:?}, and nobody says that it has not to");
}

#[test]
fn only_subscriptions_know_their_table() {
    for name in ["shopping", "deploys"] {
        let template = Template::read(example(name).join("template.yaml")).expect("a template");
        let table = |function| template.function(function).expect("a function").table("SUBSCRIPTIONS_TABLE");
        assert_eq!(table("ApiFunction"), None, "{name}");
        assert_eq!(table("SubscriptionsFunction").as_deref(), Some("SubscriptionsTable"), "{name}");
    }
}
