//! [`Emulator`]: one process of a function, under AWS's runtime interface emulator.

use std::{
    io::{self, BufRead as _, BufReader, PipeReader},
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use axum::body::Bytes;
use tokio::{net::TcpStream, time::Instant};
use toolshed::Refused;

use super::{
    Failure,
    answer::understand,
    builder::{RUNTIME_API, Settings},
    port::Port,
    runtime_api::RuntimeApi,
};
use crate::{Error, Log};

/// How long the emulator may take until it listens. It starts nothing before that.
const PATIENCE: Duration = Duration::from_secs(30);

/// Becomes the emulator, and leaves a process behind which kills it when the pipe on standard input is closed. The system
/// closes it with the process that holds the other end, whatever that process dies of. The emulator hands the pipe on
/// to what it starts, and the signal 0 is for the group of processes that this one begins: what it starts is not in it.
const LEASHED: &str = r#"
exec 3<&0 </dev/null
{ read -r _ <&3; kill -9 0; } >/dev/null 2>&1 &
exec "$@"
"#;

/// A process of the emulator, and of the program once it was called. Takes one call at a time: a second one would kill it.
#[derive(Debug)]
pub(super) struct Emulator {
    address: String,
    http: reqwest::Client,
    process: Mutex<Option<Process>>,
    runtime_api: RuntimeApi,
    _ports: [Port; 2],
}

#[derive(Debug)]
struct Process {
    child: Child,
    leash: Option<ChildStdin>,
    reader: JoinHandle<()>,
}

impl Emulator {
    /// Runs it, before it listens.
    pub(super) async fn spawn(settings: &Settings) -> Result<Self, Error> {
        let port = || Port::claim().map_err(Refused::to("find a free port"));
        let ports = [port()?, port()?];
        let runtime_api = RuntimeApi::start(ports[1].address()).await?;
        let process = Process::spawn(settings, &ports, &runtime_api);
        let process = process.map_err(Refused::to("run the emulator of Lambda"))?;
        let client = reqwest::Client::builder().no_proxy().build();
        Ok(Self {
            address: ports[0].address(),
            http: client.expect("a client without TLS needs nothing"),
            process: Mutex::new(Some(process)),
            runtime_api,
            _ports: ports,
        })
    }

    /// Waits until it listens.
    pub(super) async fn answers(&self) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(&self.address).await.is_err() {
            if self.has_ended() {
                return Err(Error::Emulator("has ended by itself, see the log of the function".to_owned()));
            }
            if Instant::now() > deadline {
                return Err(Error::Emulator("does not listen".to_owned()));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    pub(super) async fn invoke(&self, payload: Bytes, trace: &str) -> Result<Bytes, Failure> {
        let url = format!("http://{}/2015-03-31/functions/function/invocations", self.address);
        let lost = |error: reqwest::Error| {
            Failure::NotCalled(Error::Emulator(format!("has not answered: {}", root(&error))))
        };
        self.runtime_api.set_trace(trace);
        let call = self.http.post(url).body(payload);
        let answer = call.send().await.map_err(lost)?;
        let status = answer.status().as_u16();
        understand(status, answer.bytes().await.map_err(lost)?)
    }

    /// Kills it and what it has started, and waits until all of that has ended.
    pub(super) fn stop(&self) {
        if let Some(process) = self.process().take() {
            process.kill();
        }
    }

    fn has_ended(&self) -> bool {
        self.process().as_mut().is_none_or(|process| !matches!(process.child.try_wait(), Ok(None)))
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Process {
    fn spawn(
        settings: &Settings,
        [calls, runtime]: &[Port; 2],
        runtime_api: &RuntimeApi,
    ) -> io::Result<Self> {
        let (lines, output) = io::pipe()?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", LEASHED, "emulator"]).arg(&settings.emulator).args(["--log-level", "warn"]);
        command.args(["--runtime-interface-emulator-address", &calls.address()]);
        command.args(["--runtime-api-address", &runtime.address()]).arg(settings.bootstrap());
        command.env_clear().envs(settings.variables.iter().map(|(name, value)| (name, value)));
        command.env(RUNTIME_API, runtime_api.address());
        command.current_dir(settings.folder()).stdin(Stdio::piped());
        command.stdout(output.try_clone()?).stderr(output);
        // The group that the leash kills. And Ctrl-C in a terminal is for whoever has started it, who stops it in order.
        command.process_group(0);
        let mut child = command.spawn()?;
        let leash = child.stdin.take();
        let log = settings.log.clone();
        Ok(Self { child, leash, reader: thread::spawn(move || read(lines, &log)) })
    }

    fn kill(mut self) {
        // One that has ended already cannot be killed.
        let _ = self.child.kill();
        drop(self.leash.take());
        let _ = self.child.wait();
        // Everything that it has started writes to the same pipe, so the last of it has ended when the pipe has.
        let _ = self.reader.join();
    }
}

/// Notes what is written until nobody is left to write. There is always a reader, or the program would block.
fn read(lines: PipeReader, log: &Log) {
    for line in BufReader::new(lines).split(b'\n').map_while(Result::ok) {
        log.write(String::from_utf8_lossy(&line).into_owned());
    }
}

/// What a client's error comes down to.
fn root(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root)
}
