//! A service that says what a test wants: for what AWS does and DynamoDB Local does not.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What the service says to the n-th request of an operation, from 1.
type Script = dyn Fn(&str, usize, &Value) -> Result<Value, &'static str> + Send + Sync;

/// It runs as long as the test's runtime does.
pub(crate) struct Service {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Service {
    /// A refusal is `Code` or `Code: message`. The message of a transaction that is called off is the reasons of its items.
    pub(crate) async fn new(
        script: impl Fn(&str, usize) -> Result<Value, &'static str> + Send + Sync + 'static,
    ) -> Self {
        Self::answering(move |operation, count, _| script(operation, count)).await
    }

    /// One that looks at the body of a request too.
    pub(crate) async fn answering(
        script: impl Fn(&str, usize, &Value) -> Result<Value, &'static str> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("it is there");
        let url = format!("http://{}", listener.local_addr().expect("it is there"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Script> = Arc::new(script);
        tokio::spawn(serve(listener, Arc::clone(&seen), script));
        Self { url, seen }
    }

    /// The operations asked for so far.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.seen.lock().expect("it is there").iter().map(|(operation, _)| operation.clone()).collect()
    }

    /// The bodies of all requests of an operation so far.
    pub(crate) fn bodies(&self, operation: &str) -> Vec<Value> {
        let seen = self.seen.lock().expect("it is there");
        seen.iter().filter(|(name, _)| name == operation).map(|(_, body)| body.clone()).collect()
    }
}

async fn serve(listener: TcpListener, seen: Arc<Mutex<Vec<(String, Value)>>>, script: Arc<Script>) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    loop {
        let (mut connection, _) = listener.accept().await.expect("it is there");
        let Some((operation, body)) = request(&mut connection).await else { continue };
        seen.lock().expect("it is there").push((operation.clone(), body.clone()));
        let count = counts.entry(operation.clone()).or_default();
        *count += 1;
        let (status, body) = match script(&operation, *count, &body) {
            Ok(body) => ("200 OK", body),
            Err(refusal) => {
                let (code, message) = refusal.split_once(": ").unwrap_or((refusal, ""));
                let reasons: Vec<_> = message.split(", ").map(|code| json!({ "Code": code })).collect();
                let code = format!("com.amazonaws.dynamodb.v20120810#{code}");
                let body = json!({ "__type": code, "message": message, "CancellationReasons": reasons });
                ("400 Bad Request", body)
            }
        };
        let body = body.to_string();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.0\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        connection.write_all(answer.as_bytes()).await.expect("it is there");
    }
}

async fn request(connection: &mut TcpStream) -> Option<(String, Value)> {
    let mut bytes = Vec::new();
    loop {
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let header = |name: &str| {
            head.lines().find_map(|line| {
                line.to_ascii_lowercase().starts_with(name).then(|| line.split_once(": "))?
            })
        };
        let (_, length) = header("content-length")?;
        if body.len() < length.trim().parse().expect("it is there") {
            continue;
        }
        let (_, target) = header("x-amz-target")?;
        let (_, operation) = target.split_once('.')?;
        return Some((operation.to_owned(), serde_json::from_str(body).expect("it is there")));
    }
}
