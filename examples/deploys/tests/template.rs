//! The program understands the environment that its template gives it.

use std::{path::Path, process::Command};

use deployment::{Template, example};
use serde_json::Value;
use testbed::{Running, Tables, program, refused_to_start};

/// The program with the environment of the function that handles events, over tables that have their logical ids for
/// names, but for the one for subscriptions.
fn program_of(template: &Template, tables: &Tables, data_dir: &Path) -> Command {
    let function = template.function("SubscriptionsFunction").expect("a function");
    let mut program = program(env!("CARGO_BIN_EXE_deploys"), data_dir);
    for (variable, value) in function.variables() {
        match (function.table(variable), value) {
            (Some(table), _) if table == "SubscriptionsTable" => program.env(variable, "subscriptions"),
            (Some(table), _) => program.env(variable, table),
            (None, Value::String(text)) => program.env(variable, text),
            // Nothing, unless a parameter is set.
            (None, _) => &mut program,
        };
    }
    program.envs(tables.settings());
    program
}

#[tokio::test]
async fn it_starts_with_it_and_not_without_one_of_its_tables() {
    let template = Template::read(example("deploys").join("template.yaml")).expect("a template");
    let ids: Vec<_> =
        template.tables().map(|table| table.id()).filter(|id| *id != "SubscriptionsTable").collect();
    let tables = Tables::create(&ids).await.with_subscriptions().await;
    let data = tempfile::tempdir().expect("a folder");

    let running = Running::start(&mut program_of(&template, &tables, data.path()));
    let answer = running.client().get("/deploys").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(running.stop().success());

    let function = template.function("SubscriptionsFunction").expect("a function");
    let named = function.variables().into_keys().filter(|variable| function.table(variable).is_some());
    for variable in named.collect::<Vec<_>>() {
        let mut program = program_of(&template, &tables, data.path());
        let output = refused_to_start(program.env_remove(variable));
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(complaint.contains(variable), "without {variable}: {complaint}");
    }
}
