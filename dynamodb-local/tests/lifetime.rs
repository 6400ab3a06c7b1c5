//! A server runs as long as its owner wants it to, and not a moment longer than its owner lives.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use dynamodb_local::{DynamoDbLocal, Error, Tables, URL_VARIABLE, url};

/// Set when a test runs once more, in a process of its own, to own a server.
const OWNER: &str = "DYNAMODB_LOCAL_TEST_OWNER";

const PATIENCE: Duration = Duration::from_secs(10);

const TABLE: &str = r#"{"TableName":"things","BillingMode":"PAY_PER_REQUEST",
    "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],
    "KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}"#;

/// Sends an operation of DynamoDB, and gives the whole answer.
fn ask(url: &str, operation: &str, body: &str) -> io::Result<String> {
    ask_as("local", url, operation, body)
}

fn ask_as(key: &str, url: &str, operation: &str, body: &str) -> io::Result<String> {
    let address = url.strip_prefix("http://").expect("a plain address");
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nX-Amz-Target: DynamoDB_20120810.{operation}\r\n\
         Content-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/dynamodb/aws4_request, \
         SignedHeaders=host, Signature=0\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn tables(url: &str) -> String {
    let answer = ask(url, "ListTables", "{}").expect("an answer");
    answer.split_once("\r\n\r\n").expect("a body").1.to_owned()
}

fn ends(url: &str) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if ask(url, "ListTables", "{}").is_err() {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

/// A test that runs once more, in a process of its own, and owns a server.
struct Owner {
    process: Child,
    // It prints to the end, and there must be somebody to print to.
    _stdout: BufReader<ChildStdout>,
    url: String,
}

impl Owner {
    fn start(test: &str) -> Self {
        let mut program = Command::new(env::current_exe().expect("a path"));
        program.args([test, "--exact", "--nocapture"]).env(OWNER, "").env_remove(URL_VARIABLE);
        let mut process = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
        let mut stdout = BufReader::new(process.stdout.take().expect("a pipe"));
        let lines = stdout.by_ref().lines().map_while(Result::ok);
        let url = lines.map(|line| line.trim().to_owned()).find(|line| line.starts_with("http://"));
        Self { process, _stdout: stdout, url: url.expect("it says where its server is") }
    }
}

/// What the owner does: it says where its server is, and lives until it is told otherwise.
fn own() {
    writeln!(io::stdout().lock(), "\n{}", url()).expect("a pipe");
    io::stdin().lock().read_line(&mut String::new()).expect("a pipe");
}

#[test]
fn a_server_answers_until_it_is_dropped() {
    let server = DynamoDbLocal::start().expect("a server");
    let url = server.url().to_owned();
    assert_eq!(tables(&url), r#"{"TableNames":[]}"#);
    drop(server);
    assert!(ask(&url, "ListTables", "{}").is_err());
}

#[test]
fn a_server_ends_with_an_owner_that_is_killed() {
    if env::var_os(OWNER).is_some() {
        return own();
    }
    let mut owner = Owner::start("a_server_ends_with_an_owner_that_is_killed");
    assert_eq!(tables(&owner.url), r#"{"TableNames":[]}"#);
    owner.process.kill().expect("our own child");
    owner.process.wait().expect("our own child");
    assert!(ends(&owner.url));
}

#[test]
fn a_server_ends_with_an_owner_that_never_drops_it() {
    if env::var_os(OWNER).is_some() {
        return own();
    }
    let mut owner = Owner::start("a_server_ends_with_an_owner_that_never_drops_it");
    assert_eq!(tables(&owner.url), r#"{"TableNames":[]}"#);
    owner.process.stdin.take().expect("a pipe").write_all(b"\n").expect("a pipe");
    assert!(owner.process.wait().expect("our own child").success());
    assert!(ends(&owner.url));
}

#[test]
fn an_interrupt_from_the_terminal_is_not_for_the_server() {
    let server = DynamoDbLocal::start().expect("a server");
    let port = server.url().rsplit(':').next().expect("a port");
    // A terminal interrupts the processes of one group.
    let groups = Command::new("ps").args(["-A", "-o", "pid=,pgid=,args="]).output().expect("ps runs").stdout;
    let groups = String::from_utf8_lossy(&groups).into_owned();
    let group = |is_it: &dyn Fn(&str) -> bool| {
        let line = groups.lines().find(|line| is_it(line)).expect("a process");
        line.split_whitespace().nth(1).expect("its group").to_owned()
    };
    let ours = format!("{} ", std::process::id());
    let ours = group(&|line| line.trim_start().starts_with(&ours));
    assert_ne!(group(&|line| line.contains(&format!(" -port {port} "))), ours);
}

#[test]
fn a_kept_table_is_there_the_next_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = DynamoDbLocal::builder().tables(Tables::Kept(data.clone())).start().expect("a server");
    let answer = ask(server.url(), "CreateTable", TABLE).expect("an answer");
    assert!(answer.contains(" 200 OK"), "{answer}");
    let row = r#"{"TableName":"things","Item":{"id":{"S":"row"}}}"#;
    let answer = ask(server.url(), "PutItem", row).expect("an answer");
    assert!(answer.contains(" 200 OK"), "{answer}");
    drop(server);

    let server = DynamoDbLocal::builder().tables(Tables::Kept(data.clone())).start().expect("a server");
    assert_eq!(tables(server.url()), r#"{"TableNames":["things"]}"#);
    let key = r#"{"TableName":"things","Key":{"id":{"S":"row"}}}"#;
    let answer = ask(server.url(), "GetItem", key).expect("an answer");
    assert!(answer.ends_with(r#"{"Item":{"id":{"S":"row"}}}"#), "{answer}");
}

#[test]
fn tables_are_for_everybody_or_for_each_key() {
    for (tables, others) in
        [(Tables::Shared, r#"{"TableNames":["things"]}"#), (Tables::OfEachKey, r#"{"TableNames":[]}"#)]
    {
        let server = DynamoDbLocal::builder().tables(tables.clone()).start().expect("a server");
        let made = ask_as("one", server.url(), "CreateTable", TABLE).expect("an answer");
        assert!(made.contains(" 200 OK"), "{made}");
        let seen = ask_as("other", server.url(), "ListTables", "{}").expect("an answer");
        assert!(seen.ends_with(others), "{tables:?}: {seen}");
    }
}

#[test]
fn a_port_in_use_is_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let error = DynamoDbLocal::builder().port(port).start().expect_err("the port is taken");
    assert!(matches!(error, Error::PortInUse(refused) if refused == port), "{error}");
}
