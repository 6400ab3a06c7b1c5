//! A service that is told to stop, as a real process: what it finishes, what it closes, and what it cuts off in the end.
//!
//! Its grace is ten minutes unless a test says otherwise, and nobody waits that long for it: that a process has ended says
//! that it has not waited for its clients.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::Duration,
};

use tempfile::TempDir;
use testbed::{Running, Signal, program};

/// The program of `src/bin/every-kind.rs`.
struct Service {
    running: Running,
    folder: TempDir,
}

impl Service {
    fn start(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut program = program(env!("CARGO_BIN_EXE_every-kind"), &folder.path().join("data"));
        let program = program.env("FOLDER", folder.path()).envs(settings.iter().copied());
        Self { running: Running::start(program), folder }
    }

    /// A connection on which this was sent.
    fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.running.address()).expect("a connection");
        stream.write_all(request.as_bytes()).expect("a connection");
        stream
    }

    /// The same, once the answer has come that far.
    fn send_until(&self, request: &str, answer: &str) -> TcpStream {
        let mut stream = self.send(request);
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains(answer) {
            let mut byte = [0];
            assert_eq!(
                stream.read(&mut byte).expect("a connection"),
                1,
                "{}",
                String::from_utf8_lossy(&read)
            );
            read.extend(byte);
        }
        stream
    }

    /// Waits until a handler has noted that.
    fn noted(&self, line: &str) {
        let ledger = self.folder.path().join("ledger");
        while !fs::read_to_string(&ledger).unwrap_or_default().lines().any(|noted| noted == line) {
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn stops(self) {
        assert!(self.running.stop().success());
    }
}

/// What else there is to read on a connection, to its end.
fn rest(mut stream: TcpStream) -> String {
    let mut rest = Vec::new();
    // One that is closed while the client still sends is reset.
    let _ = stream.read_to_end(&mut rest);
    String::from_utf8_lossy(&rest).into_owned()
}

const GET: &str = "GET /products HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST /products HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";

#[test]
fn what_has_not_arrived_in_full_and_who_says_nothing_is_not_waited_for() {
    let service = Service::start(&[]);
    // The server asks for the body when a handler waits for it.
    let asks = "HTTP/1.1 100 Continue\r\n\r\n";
    let body =
        |rest: &str| service.send_until(&format!("{POST}Expect: 100-continue\r\n{rest}\r\n\r\n"), asks);
    let mut half_a_body = body("Content-Length: 100");
    half_a_body.write_all(b"{\"amount\":").expect("a connection");
    let mut half_a_chunk = body("Transfer-Encoding: chunked");
    half_a_chunk.write_all(b"64\r\n{\"amount\":").expect("a connection");
    let dribbling = body("Content-Length: 1000000");
    let mut drops = dribbling.try_clone().expect("a connection");
    let dribble = thread::spawn(move || {
        while drops.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    });
    let mut half_a_second_head = service.send_until(GET, "\r\n\r\n");
    half_a_second_head.write_all(b"GET /products HTTP/1.1\r\nHo").expect("a connection");
    let clients = [
        ("says nothing", service.send("")),
        ("half a head", service.send("GET /products HTTP/1.1\r\nHost: a\r\n")),
        ("half a second head", half_a_second_head),
        ("no body yet", body("Content-Length: 2")),
        ("half a body", half_a_body),
        ("half a chunk", half_a_chunk),
        ("a body that dribbles", dribbling),
        ("idle", service.send_until(GET, "\r\n\r\n")),
    ];
    service.stops();
    dribble.join().expect("it was closed");
    for (name, client) in clients {
        assert_eq!(rest(client), "", "{name}");
    }
}

#[test]
fn an_answer_that_is_under_way_is_finished_and_one_without_an_end_ends_when_its_handler_learns_of_the_stop() {
    let service = Service::start(&[]);
    let ticks = service.send_until("GET /ticks HTTP/1.1\r\nHost: a\r\n\r\n", "tick");
    // Its body is here and not read yet.
    let last = service.send("POST /last HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    service.noted("last");
    service.stops();
    let (ticks, last) = (rest(ticks), rest(last));
    assert!(ticks.ends_with("0\r\n\r\n"), "{ticks:?}");
    assert!(last.starts_with("HTTP/1.1 200") && last.ends_with("body after the stop began"), "{last:?}");
}

/// Whether there is more of a request to come says nothing about that.
#[test]
fn a_handler_that_does_not_wait_for_the_rest_of_its_request_is_finished() {
    let service = Service::start(&[]);
    let head = |path: &str| format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n");
    let unwanted = service.send(&format!("{}\r\n", head("/unwanted")));
    let dropped = service.send(&format!("{}\r\n", head("/dropped")));
    // Asked for by nobody before the stop, and read by nobody.
    let unread = service.send(&format!("{}Expect: 100-continue\r\n\r\nbody", head("/last")));
    let expect = format!("{}Expect: 100-continue\r\n\r\n", head("/arrived"));
    let mut arrived = service.send_until(&expect, "100 Continue\r\n\r\n");
    arrived.write_all(b"body").expect("a connection");
    for noted in ["unwanted", "dropped", "last", "arrived"] {
        service.noted(noted);
    }
    service.stops();
    for (name, client, end) in [
        ("not looked at", unwanted, "without its body"),
        ("waited for once", dropped, "without its body"),
        ("here and not read", unread, "body after the stop began"),
        ("read and not taken", arrived, "body after the stop began"),
    ] {
        let answer = rest(client);
        assert!(answer.contains("HTTP/1.1 200") && answer.ends_with(end), "{name}: {answer:?}");
    }
}

#[test]
fn what_does_not_end_is_cut_off_when_the_grace_is_over() {
    let service = Service::start(&[("STOP_GRACE_SECONDS", "1")]);
    let endless = service.send_until("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n", "tick");
    // Nobody reads it, so that it is never written.
    let unread = service.send_until("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n", "tick");
    let slow = service.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    service.noted("slow");
    service.stops();
    assert!(!rest(endless).ends_with("0\r\n\r\n"));
    assert!(!rest(unread).ends_with("0\r\n\r\n"));
    assert_eq!(rest(slow), "");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let service = Service::start(&[]);
    let slow = service.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    service.noted("slow");
    service.running.signal(Signal::TERM);
    let _ = service.running.logged(&["once what is in flight is finished", "SIGTERM"]);
    service.running.signal(Signal::INT);
    assert!(service.running.wait().success());
    assert_eq!(rest(slow), "");
}
