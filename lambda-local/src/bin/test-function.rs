//! A function that does what it is told to, for the tests of this crate.
//!
//! Told by the event itself:
//!
//! - `{"fail": "why"}`: answers with an error. `{"exit": 1}`: ends. `{"sleep": 100}`: takes so many milliseconds.
//! - `{"environment": true}`: answers with its environment. `{"ask": "/path"}`: asks its runtime API for that, and answers
//!   with the status. Whatever else it is called with, it answers with that.
//! - A request of API Gateway is answered with the event as the body, the trace and the deadline of the call, and what the event's own body says if it is JSON:
//!   `{"sleep": 100}` and the like.
//!
//! Told by the items of a stream, each with a `name`:
//!
//! - `LEDGER` names a file that gets a line for each call, with the names of its items, before anything else is done.
//! - A file of the item's name in the folder `FATES` says what becomes of it: `throw` fails the call, `report` reports the
//!   item and whatever is behind it, `report-nonsense` reports something that is no item, `sleep` takes a second and a half.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    path::PathBuf,
    time::Duration,
};

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::{Map, Value, json};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(service_fn(answer)).await
}

async fn answer(event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let LambdaEvent { payload: event, context } = event;
    if let Some(records) = event["Records"].as_array() {
        return handle(records).await;
    }
    if event.get("requestContext").is_none() {
        return obey(&event).await;
    }
    let body = event["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or(Value::Null);
    let obeyed = obey(&body).await?;
    let mut answer = json!({
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json!({
            "event": event,
            "answer": obeyed,
            "process": std::process::id(),
            "trace": context.xray_trace_id,
            "deadline": context.deadline,
        })
        .to_string(),
        "isBase64Encoded": false,
    });
    if event["version"] == "2.0" {
        answer["cookies"] = json!(["a=1", "b=2"]);
    }
    Ok(answer)
}

async fn obey(order: &Value) -> Result<Value, Diagnostic> {
    if let Some(milliseconds) = order["sleep"].as_u64() {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    if let Some(why) = order["fail"].as_str() {
        return Err(failure(why));
    }
    if let Some(code) = order["exit"].as_i64() {
        std::process::exit(i32::try_from(code).unwrap_or(1));
    }
    if order.get("environment").is_some() {
        let variables: Map<_, _> = env::vars().map(|(name, value)| (name, json!(value))).collect();
        return Ok(Value::Object(variables));
    }
    if let Some(path) = order["ask"].as_str() {
        return ask(path).map(Value::from).map_err(|error| failure(&error.to_string()));
    }
    Ok(order.clone())
}

/// The status line that the runtime API answers with.
fn ask(path: &str) -> std::io::Result<String> {
    let mut api = TcpStream::connect(env::var("AWS_LAMBDA_RUNTIME_API").unwrap_or_default())?;
    write!(api, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(api).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn failure(why: &str) -> Diagnostic {
    Diagnostic { error_type: "Told".to_owned(), error_message: why.to_owned() }
}

async fn handle(records: &[Value]) -> Result<Value, Diagnostic> {
    let name =
        |record: &Value| record["dynamodb"]["Keys"]["name"]["S"].as_str().unwrap_or_default().to_owned();
    let names: Vec<_> = records.iter().map(name).collect();
    note(&names).map_err(|error| failure(&error.to_string()))?;
    let fates = PathBuf::from(env::var_os("FATES").unwrap_or_default());
    for (name, record) in names.iter().zip(records) {
        match fs::read_to_string(fates.join(name)).unwrap_or_default().as_str() {
            "throw" => return Err(failure(name)),
            "report" => {
                let number = &record["dynamodb"]["SequenceNumber"];
                return Ok(json!({"batchItemFailures": [{"itemIdentifier": number}]}));
            }
            "report-nonsense" => return Ok(json!({"batchItemFailures": [{"itemIdentifier": "nonsense"}]})),
            "sleep" => tokio::time::sleep(Duration::from_millis(1500)).await,
            _ => {}
        }
    }
    Ok(json!({"batchItemFailures": []}))
}

fn note(names: &[String]) -> std::io::Result<()> {
    let Some(ledger) = env::var_os("LEDGER") else { return Ok(()) };
    let mut ledger = fs::OpenOptions::new().append(true).create(true).open(ledger)?;
    ledger.write_all(format!("{}\n", names.join(" ")).as_bytes())
}
