//! [`DynamoDbLocal`]: a server of our own, and its end.

use std::{
    ffi::OsString,
    io,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
};

use crate::{Error, Launch, complaints::Complaints};

/// Becomes the server, and leaves a process behind which kills it when the pipe on standard input is closed. The system
/// closes it with the process that holds the other end, whatever that process dies of.
const LEASHED: &str = r#"
exec 3<&0
{ read -r _ <&3; kill -9 $$; } >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null
"#;

/// A running DynamoDB Local. Dropping it stops it, and waits until it has. It ends with this process at the latest, even
/// when that is killed.
#[derive(Debug)]
pub struct DynamoDbLocal {
    child: Child,
    leash: Option<ChildStdin>,
    url: String,
    complaints: Complaints,
}

impl DynamoDbLocal {
    /// Starts a server on a free port, with [shared](crate::Tables::Shared) tables in memory, and waits until it answers: some seconds. Fetches
    /// DynamoDB Local first when it is not [installed](crate::install).
    ///
    /// # Errors
    ///
    /// When it cannot be fetched, or does not answer within a minute.
    pub fn start() -> Result<Self, Error> {
        Self::builder().start()
    }

    /// A server with settings of its own.
    pub fn builder() -> Launch {
        Launch::default()
    }

    /// Runs the program in a folder, on a port, before it answers.
    pub(crate) fn spawn(folder: &Path, port: u16, arguments: &[OsString]) -> Result<Self, Error> {
        let mut command = Command::new("sh");
        command.args(["-c", LEASHED, "dynamodb-local", "java", "-Xmx1024m"]);
        command.args(["-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar"]);
        command.args(["-port", &port.to_string(), "-disableTelemetry"]).args(arguments);
        command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        // Ctrl-C in a terminal is for whoever has started it, who may want it to the end.
        command.process_group(0);
        let mut child = command.spawn().map_err(Error::refused("run sh"))?;
        let complaints = Complaints::of(child.stderr.take().expect("standard error is a pipe"));
        let leash = child.stdin.take();
        Ok(Self { child, leash, url: format!("http://127.0.0.1:{port}"), complaints })
    }

    /// Its address: `http://127.0.0.1:` and the port. It takes any region and any credentials.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until the server ends, which it does not do by itself, and says what it died of.
    #[must_use]
    pub fn wait(mut self) -> Error {
        Error::Ended(self.complaints.all())
    }

    pub(crate) fn complaints(&self) -> String {
        self.complaints.so_far()
    }

    pub(crate) fn has_ended(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }
}

impl Drop for DynamoDbLocal {
    fn drop(&mut self) {
        // One that has ended already cannot be killed.
        let _ = self.child.kill();
        drop(self.leash.take());
        let _ = self.child.wait();
    }
}
