//! The log, when nobody reads it: on a laptop, on Lambda, and when the service is to stop.

use std::{
    env, fs,
    future::pending,
    io::{self, Write as _},
    process::{Child, Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use aws_event_sourcing::{http::Stopping, service::Service};
use axum::{
    Router,
    extract::Path,
    http::{HeaderName, StatusCode},
    response::IntoResponse as _,
    routing::{get, post},
};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use testbed::{Client, Running, SHOP_TABLES, Tables, program};
use tokio::{net::TcpListener, sync::mpsc};

use super::SHOP;

/// Requests that have two lines of 60 KB each in the log: together more than may wait to be written.
const LONG: usize = 80;

/// Requests that have two short ones.
const SHORT: usize = 1_000;

/// Asks for what is not there.
async fn ask(client: &Client, requests: usize, length: usize) {
    let path = format!("/{}", "x".repeat(length));
    let answers = stream::iter(0..requests).map(|_| client.get(&path)).buffer_unordered(64);
    answers.for_each(async |answer| assert_eq!(answer.status, 404)).await;
}

/// How many lines a line says that were dropped.
fn dropped(line: &str) -> usize {
    let (_, count) = line.split_once("lines").expect("a number of lines");
    let digits = count.trim_start_matches(['"', ':', '=']).split(|char: char| !char.is_ascii_digit());
    digits.into_iter().next().and_then(|digits| digits.parse().ok()).expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_holds_up_no_answer() {
    for format in ["json", "pretty"] {
        let data = tempfile::tempdir().expect("a folder");
        let shop = Running::start(program(SHOP, data.path()).env("LOG_FORMAT", format));
        shop.stop_reading();
        ask(&shop.client(), LONG, 60_000).await;
        ask(&shop.client(), SHORT, 10).await;

        shop.read_on();
        let told = shop.logged(&["lines of the log were dropped", "WARN"]);
        // What is logged from then on is there again.
        let request = shop.client().request("GET", "/products").header("x-request-id", "after-all");
        assert_eq!(testbed::Answer::to(request).await.status, 200);
        let _ = shop.logged(&["answered", "after-all"]);
        let written = shop.log().iter().filter(|line| line.contains("/xxxx")).count();
        let dropped = dropped(told.split_once("were dropped").map_or("", |(_, fields)| fields));
        assert!(dropped > 0 && written > 0, "{written} written, {dropped} dropped");
        assert_eq!(written + dropped, 2 * (LONG + SHORT), "each is written or counted");
        assert!(shop.stop().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_holds_up_no_stop() {
    for format in ["json", "pretty"] {
        let data = tempfile::tempdir().expect("a folder");
        let shop = Running::start(program(SHOP, data.path()).env("LOG_FORMAT", format));
        shop.stop_reading();
        ask(&shop.client(), 400, 200).await;
        let stopped = tokio::task::spawn_blocking(move || shop.stop()).await.expect("stopped");
        assert!(stopped.success(), "{format}: {stopped}");
        let files = fs::read_dir(data.path()).expect("a folder").count();
        assert_eq!(files, 1, "{format}: closed in order");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_holds_up_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    // What is written to it does not fit.
    let full =
        Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").expect("it is on every Linux"));
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let mut child = program(SHOP, data.path())
        .env("PORT", taken.port().to_string())
        .stdout(full)
        .spawn()
        .expect("the shop runs");
    let client = Client::new(&taken.to_string());
    while testbed::Answer::maybe(client.request("GET", "/products")).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    ask(&client, 100, 10).await;
    signal(&child, "TERM");
    assert!(child.wait().expect("our own child").success());
}

/// A handler that does not return, as one does that prints to a standard output which nobody reads.
#[test]
fn a_handler_that_never_returns_does_not_keep_the_process() {
    let start = |grace: &str| {
        let data = tempfile::tempdir().expect("a folder");
        let itself = env::current_exe().expect("this program");
        let mut program = program(itself, data.path());
        program.args(["--exact", "log::service_that_hangs", "--nocapture"]);
        (Running::start(program.env("HANGS", "yes").env("STOP_GRACE_SECONDS", grace)), data)
    };
    let call = |service: &Running, path: &str| {
        let mut client = std::net::TcpStream::connect(service.address()).expect("it listens");
        write!(client, "GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").expect("a request");
        let _ = service.logged(&["it does not return"]);
        client
    };

    let (service, _data) = start("600");
    let client = call(&service, "/");
    service.signal(testbed::Signal::TERM);
    let _ = service.logged(&["stopping once what is in flight is finished"]);
    service.signal(testbed::Signal::TERM);
    assert_eq!(service.wait().code(), Some(1));
    drop(client);

    let (service, _data) = start("0");
    let client = call(&service, "/stop");
    assert_eq!(service.wait().code(), Some(1), "it has told itself to stop");
    drop(client);
}

async fn hang() -> StatusCode {
    writeln!(io::stdout(), "it does not return").expect("a pipe");
    loop {
        thread::park();
    }
}

async fn stop(stopping: Stopping) -> StatusCode {
    stopping.begin();
    hang().await
}

/// The service of the test above, in a process of its own.
#[test]
fn service_that_hangs() {
    if env::var_os("HANGS").is_none() {
        return;
    }
    // Another thread than the one that hangs has to stop it.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let service = Service::from_env("hanging").await.expect("settings");
        let api = Router::new().route("/", get(hang)).route("/stop", get(stop));
        service.api(api).run().await.expect("it stops");
    });
}

/// What AWS Lambda is to a function: it hands over one invocation after the other, and takes the answers. AWS's emulator, which
/// `lambda-local` runs, always reads what a function logs, and never has it stand still.
struct RuntimeApi {
    address: String,
    answers: mpsc::Receiver<Value>,
}

impl RuntimeApi {
    /// Hands over the same event so many times, and does something as soon as an answer comes, before it is taken.
    async fn start(event: Value, times: usize, on_answer: impl Fn() + Clone + Send + Sync + 'static) -> Self {
        let left = Arc::new(AtomicUsize::new(times));
        let (sender, answers) = mpsc::channel(1);
        let next = async move || {
            if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
                return pending().await;
            }
            let cut_off =
                std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is later");
            let cut_off = cut_off.as_millis() + 60_000;
            let headers = [
                (HeaderName::from_static("lambda-runtime-aws-request-id"), "8476a536-e9f4-11e8".to_owned()),
                (HeaderName::from_static("lambda-runtime-deadline-ms"), cut_off.to_string()),
                (
                    HeaderName::from_static("lambda-runtime-invoked-function-arn"),
                    "arn:aws:lambda:shop".to_owned(),
                ),
            ];
            (headers, event.to_string()).into_response()
        };
        let take = async move |Path((_, _)): Path<(String, String)>, answer: String| {
            on_answer();
            sender.send(serde_json::from_str(&answer).expect("JSON")).await.expect("the test is there");
            StatusCode::ACCEPTED
        };
        let api = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{what}", post(take));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        tokio::spawn(async { axum::serve(listener, api).await });
        Self { address, answers }
    }

    /// Starts the shop as a function.
    async fn shop(&self, stdout: Stdio) -> Child {
        let tables = Tables::of_shop().await;
        let nowhere = tempfile::tempdir().expect("a folder");
        let mut command = program(SHOP, nowhere.path());
        command.envs(tables.settings()).envs(SHOP_TABLES).env("AWS_LAMBDA_RUNTIME_API", &self.address);
        let function = [
            ("AWS_LAMBDA_FUNCTION_NAME", "shop"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ];
        command.envs(function).stdout(stdout).spawn().expect("the shop runs")
    }
}

/// A request by way of a function URL.
fn request(path: &str) -> Value {
    json!({
        "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": {"host": "shop.example"},
        "requestContext": {"http": {"method": "GET", "path": path}}, "isBase64Encoded": false
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn on_lambda_the_lines_of_an_invocation_are_written_before_its_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let process = Arc::new(OnceLock::<u32>::new());
    let freeze = {
        let process = process.clone();
        // As Lambda does.
        move || {
            let id = process.wait().to_string();
            assert!(Command::new("kill").args(["-STOP", &id]).status().expect("there is a kill").success());
        }
    };
    let mut api = RuntimeApi::start(request("/products/none"), 1, freeze).await;
    let mut shop = api.shop(fs::File::create(&log).expect("a file").into()).await;
    process.set(shop.id()).expect("it is set once");
    let answer = api.answers.recv().await.expect("an answer");
    assert_eq!(answer["statusCode"], 404);
    let log = fs::read_to_string(&log).expect("a log");
    for message in ["refused", "answered"] {
        assert!(
            log.lines().any(|line| line.contains(message) && line.contains("8476a536")),
            "{message}: {log}"
        );
    }
    shop.kill().expect("our own child");
    shop.wait().expect("our own child");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_lambda_a_log_that_nobody_reads_holds_up_no_answer() {
    let mut api = RuntimeApi::start(request(&format!("/{}", "x".repeat(4_000))), 50, || ()).await;
    let mut shop = api.shop(Stdio::piped()).await;
    for _ in 0..50 {
        let answer = api.answers.recv().await.expect("an answer");
        assert_eq!(answer["statusCode"], 404);
    }
    shop.kill().expect("our own child");
    shop.wait().expect("our own child");
}

fn signal(process: &Child, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), process.id().to_string()]).status();
    assert!(sent.expect("there is a kill").success());
}
