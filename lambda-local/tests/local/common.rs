//! A function that does what it is told to, and what the tests see of it.

use std::process::Command;

use lambda_local::{Builder, Function};
use serde_json::{Value, json};

/// Described in its source.
pub(crate) fn function() -> Builder {
    Function::builder(env!("CARGO_BIN_EXE_test-function"))
}

/// Calls it, and reads the answer.
pub(crate) async fn invoke(function: &Function, event: Value) -> Result<Value, lambda_local::Failure> {
    let answer = function.invoke(event.to_string()).await?;
    Ok(serde_json::from_slice(&answer).expect("JSON"))
}

/// The folder that all processes of a function have in their command lines.
pub(crate) async fn root(function: &Function) -> String {
    let environment = invoke(function, json!({"environment": true})).await.expect("an answer");
    environment["LAMBDA_TASK_ROOT"].as_str().expect("a folder").to_owned()
}

/// The processes that have this in their command lines.
pub(crate) fn processes(folder: &str) -> Vec<String> {
    let output = Command::new("ps").args(["-A", "-o", "pid=,args="]).output().expect("ps runs").stdout;
    let lines = String::from_utf8_lossy(&output).into_owned();
    lines.lines().filter(|line| line.contains(folder)).map(str::to_owned).collect()
}
