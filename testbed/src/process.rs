//! [`Running`]: the process of a service.

use std::{
    env,
    ffi::OsStr,
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::Client;

/// How long a service may take to start or to stop before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the names of a service's settings begin with, and those of what cargo tells tests about themselves.
const SETTINGS: [&str; 12] = [
    "HOST",
    "PORT",
    "DATA_DIR",
    "DYNAMODB_",
    "SUBSCRIPTIONS_",
    "STOP_GRACE_",
    "BASE_PATH",
    "AWS_",
    "RUST_LOG",
    "LOG_FORMAT",
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
];

/// A service that answers on a port of its own. Killed when it is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    address: String,
    log: Arc<Log>,
}

/// What the service has logged, as far as it is read.
#[derive(Debug, Default)]
struct Log {
    reading: Mutex<Reading>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Reading {
    lines: Vec<String>,
    /// The pipe stays open, and nobody reads it.
    is_paused: bool,
}

impl Log {
    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: String) {
        let reading = self.changed.wait_while(self.reading(), |reading| reading.is_paused);
        reading.unwrap_or_else(PoisonError::into_inner).lines.push(line);
        self.changed.notify_all();
    }
}

/// A program of a service over the store in `data_dir`, on any free port, with its log as JSON, and with no setting that
/// happens to be in the environment of the tests.
#[must_use]
pub fn program(path: impl AsRef<OsStr>, data_dir: &Path) -> Command {
    let mut command = Command::new(path);
    for (name, _) in env::vars_os() {
        let is_setting = |prefix| name.to_string_lossy().starts_with(prefix);
        if SETTINGS.into_iter().any(is_setting) {
            command.env_remove(name);
        }
    }
    command.env("PORT", "0").env("DATA_DIR", data_dir).env("LOG_FORMAT", "json");
    command
}

impl Running {
    /// Starts a [`program`] and waits until it listens.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let mut child = spawn(command, Stdio::piped());
        let stdout = child.stdout.take().expect("standard output is a pipe");
        Self::listening(child, stdout, command)
    }

    /// The same, with its log in a file, of which no more is read once it listens.
    ///
    /// # Panics
    ///
    /// When it does not listen, or there can be no such file.
    #[must_use]
    pub fn start_with_log_in(command: &mut Command, file: &Path) -> Self {
        let written = File::create(file).expect("a file for the log");
        let log = Growing(File::open(file).expect("the file for the log"));
        let running = Self::listening(spawn(command, written.into()), log, command);
        running.stop_reading();
        running
    }

    fn listening(mut child: Child, stdout: impl Read + Send + 'static, command: &Command) -> Self {
        let log = Arc::<Log>::default();
        let (listening, listens) = mpsc::channel();
        thread::spawn({
            let log = log.clone();
            move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    let address = line.split_once("listening on http://").map(|(_, address)| {
                        let end = address.find(|end: char| end == '"' || end.is_whitespace());
                        address[..end.unwrap_or(address.len())].to_owned()
                    });
                    log.push(line);
                    if let Some(address) = address {
                        // The test has given up already when nobody takes it.
                        let _ = listening.send(address);
                    }
                }
            }
        });
        let Ok(address) = listens.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            let mut errors = String::new();
            let _ = child.stderr.take().expect("standard error is a pipe").read_to_string(&mut errors);
            panic!("{command:?} does not listen. Log: {log:#?} Errors: {errors}");
        };
        // What it complains about from now on is for whoever runs the test.
        let stderr = child.stderr.take().expect("standard error is a pipe");
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                #[allow(clippy::print_stderr, reason = "the runner of the test shows it when the test fails")]
                {
                    eprintln!("{line}");
                }
            }
        });
        Self { child, address, log }
    }

    /// A client of this service.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// Host and port that it listens on.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The lines that it has logged so far.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log.reading().lines.clone()
    }

    /// Waits for a line of the log that has all of these in it.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn logged(&self, texts: &[&str]) -> String {
        let find = |reading: &Reading| {
            let is_it = |line: &&String| texts.iter().all(|text| line.contains(text));
            reading.lines.iter().find(is_it).cloned()
        };
        let log = self.log.reading();
        let waited = self.log.changed.wait_timeout_while(log, PATIENCE, |log| find(log).is_none());
        let (log, _) = waited.unwrap_or_else(PoisonError::into_inner);
        find(&log).unwrap_or_else(|| panic!("no line has {texts:?}: {:#?}", log.lines))
    }

    /// Reads no more of the log, and leaves its pipe open.
    pub fn stop_reading(&self) {
        self.log.reading().is_paused = true;
    }

    /// Reads the log again.
    pub fn read_on(&self) {
        self.log.reading().is_paused = false;
        self.log.changed.notify_all();
    }

    /// Ends it as a crash would: `kill -9`.
    pub fn crash(mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process has an id");
        // A process that has ended is not there to be told.
        let _ = kill_process(id, signal);
    }

    /// Tells it to stop, as a supervisor does, and waits until it has.
    ///
    /// # Panics
    ///
    /// When it goes on regardless.
    pub fn stop(self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    ///
    /// When it goes on.
    pub fn wait(mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("our own child can be waited for") {
                return status;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("it does not stop. Log: {:#?}", self.log());
    }
}

/// A file that somebody writes to: it has no end.
struct Growing(File);

impl Read for Growing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer)? {
                0 => thread::sleep(Duration::from_millis(5)),
                read => return Ok(read),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a [`program`] prints that refuses to start.
///
/// # Panics
///
/// When it starts all the same.
#[must_use]
pub fn refused_to_start(command: &mut Command) -> Output {
    let mut child = spawn(command, Stdio::piped());
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().expect("our own child can be waited for").is_none() {
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("{command:?} has started");
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().expect("its output can be read")
}

fn spawn(command: &mut Command, stdout: Stdio) -> Child {
    let command = command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped());
    command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"))
}
