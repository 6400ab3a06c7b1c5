//! [`starts_as_its_template_says`]: a program and the template that deploys it.

use std::{path::Path, process::Command};

use deployment::{Function, Template, example};
use serde_json::Value;

use crate::{Running, Tables, program, refused_to_start};

/// The logical id of the table for subscriptions, in every template.
const SUBSCRIPTIONS: &str = "SubscriptionsTable";

/// Starts the program of an example with the environment that the template gives to the function that handles events, over
/// tables as the template has them; it answers a `GET` of that path. Without any one variable that names a table it says
/// which one is missing, and does not start.
///
/// # Panics
///
/// When it is otherwise.
pub async fn starts_as_its_template_says(name: &str, path: &str, answers: &str) {
    let template = Template::read(example(name).join("template.yaml")).expect("a template");
    let function = template.function("SubscriptionsFunction").expect("a function");
    let ids: Vec<_> = template.tables().map(|table| table.id()).filter(|id| *id != SUBSCRIPTIONS).collect();
    let tables = Tables::create(&ids).await.with_subscriptions().await;
    let data = tempfile::tempdir().expect("a folder");
    let program = || program_of(path, function, &tables, data.path());

    let running = Running::start(&mut program());
    let answer = running.client().get(answers).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(running.stop().success());

    let named = function.variables().into_keys().filter(|variable| function.table(variable).is_some());
    let named: Vec<_> = named.collect();
    assert!(!named.is_empty(), "no variable names a table");
    for variable in named {
        let output = refused_to_start(program().env_remove(variable));
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(complaint.contains(variable), "without {variable}: {complaint}");
    }
}

/// The program over tables that have their logical ids for names, but for the one for subscriptions.
fn program_of(path: &str, function: Function<'_>, tables: &Tables, data_dir: &Path) -> Command {
    let mut program = program(path, data_dir);
    for (variable, value) in function.variables() {
        match (function.table(variable), value) {
            (Some(table), _) if table == SUBSCRIPTIONS => program.env(variable, "subscriptions"),
            (Some(table), _) => program.env(variable, table),
            (None, Value::String(text)) => program.env(variable, text),
            // Nothing, unless a parameter is set.
            (None, _) => &mut program,
        };
    }
    program.envs(tables.settings());
    program
}
