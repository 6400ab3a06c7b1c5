//! [`Launch`]: how a server is to be started, with which [`Tables`], and its start.

use std::{
    collections::hash_map::RandomState,
    ffi::OsString,
    fs,
    hash::{BuildHasher as _, Hasher as _},
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{DynamoDbLocal, Error, Version, install, java};

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long it may take for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How many ports are tried when somebody else takes one after the other.
const PORTS: usize = 10;

/// How a server is to be started.
#[derive(Debug, Clone, Default)]
#[must_use = "nothing runs before `start`"]
pub struct Launch {
    port: Option<u16>,
    tables: Tables,
    version: Option<Version>,
}

/// Where the tables are, and who sees them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Tables {
    /// In memory. Everybody sees the same ones, whatever the credentials and the region.
    #[default]
    Shared,
    /// In memory. Each access key has tables of its own in each region, so that tests do not see each other's.
    OfEachKey,
    /// In this folder, which is made when it is not there, for the next time. Everybody sees the same ones.
    Kept(PathBuf),
}

impl Launch {
    /// Listens on this port rather than on any that is free.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Has its tables there, rather than [shared](Tables::Shared) ones in memory.
    pub fn tables(mut self, tables: Tables) -> Self {
        self.tables = tables;
        self
    }

    /// Is this version, rather than that of the [environment](Version::of_environment).
    pub fn version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }

    /// Starts the server, as [`DynamoDbLocal::start`] does.
    ///
    /// # Errors
    ///
    /// When it cannot be fetched, or does not answer within a minute; [`PortInUse`](Error::PortInUse) when somebody
    /// listens on the port.
    pub fn start(&self) -> Result<DynamoDbLocal, Error> {
        let version = self.version.map_or_else(Version::of_environment, Ok)?;
        java::check(version.package().java)?;
        // Before anything is fetched for nothing.
        let chosen = self.port.map(unused).transpose()?;
        let program = install(version)?;
        let tables = self.tables.arguments()?;
        if let Some(port) = chosen {
            return start_on(port, &program, &tables);
        }
        // Between our look at a port and the server's use of it, somebody else may take it.
        let attempt = || start_on(unused(0)?, &program, &tables);
        let mut started = attempt();
        for _ in 1..PORTS {
            if !matches!(started, Err(Error::PortInUse(_))) {
                break;
            }
            started = attempt();
        }
        started
    }
}

impl Tables {
    /// The server's arguments for them. It runs in another folder than we do.
    fn arguments(&self) -> Result<Vec<OsString>, Error> {
        match self {
            Self::Shared => Ok(vec!["-sharedDb".into(), "-inMemory".into()]),
            Self::OfEachKey => Ok(vec!["-inMemory".into()]),
            Self::Kept(folder) => {
                let whole = fs::create_dir_all(folder).and_then(|()| folder.canonicalize());
                let whole = whole.map_err(Error::refused(format!("make {}", folder.display())))?;
                Ok(vec!["-sharedDb".into(), "-dbPath".into(), whole.into()])
            }
        }
    }
}

/// A port on which nobody listens; zero stands for any.
fn unused(port: u16) -> Result<u16, Error> {
    match TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).and_then(|listener| listener.local_addr()) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(Error::PortInUse(port)),
        address => {
            address.map(|address| address.port()).map_err(Error::refused(format!("listen on port {port}")))
        }
    }
}

fn start_on(port: u16, program: &Path, tables: &[OsString]) -> Result<DynamoDbLocal, Error> {
    // Nobody else's server sends this back, so whoever does is ours.
    let origin = format!("http://{:016x}.invalid", RandomState::new().build_hasher().finish());
    let arguments = [&["-cors".into(), origin.clone().into()], tables].concat();
    let mut server = DynamoDbLocal::spawn(program, port, &arguments)?;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        match who_answers(port, &origin) {
            Who::Ours => return Ok(server),
            Who::SomebodyElse => return Err(Error::PortInUse(port)),
            Who::Nobody => {}
        }
        // It goes on for ever when it cannot listen.
        if server.complaints().contains("java.net.BindException") {
            return Err(Error::PortInUse(port));
        }
        if server.has_ended().map_err(Error::refused("wait for java"))? {
            return Err(server.wait());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err(Error::Silent(server.complaints()))
}

enum Who {
    Ours,
    SomebodyElse,
    Nobody,
}

/// Sends a request, which the server that was started with this origin answers with it.
fn who_answers(port: u16, origin: &str) -> Who {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(mut stream) = TcpStream::connect_timeout(&address, ANSWER_TIMEOUT) else { return Who::Nobody };
    // TCP connects a port to itself when it happens to choose it for our end as well.
    if stream.local_addr().is_ok_and(|ours| ours == address) {
        return Who::Nobody;
    }
    let request =
        format!("GET / HTTP/1.1\r\nHost: {address}\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n");
    let mut answer = Vec::new();
    let asked = stream
        .set_read_timeout(Some(ANSWER_TIMEOUT))
        .and_then(|()| stream.write_all(request.as_bytes()))
        .and_then(|()| stream.read_to_end(&mut answer));
    match asked {
        // Whatever has come before an error is an answer as well.
        Err(_) if answer.is_empty() => Who::Nobody,
        _ if String::from_utf8_lossy(&answer).contains(origin) => Who::Ours,
        _ => Who::SomebodyElse,
    }
}

#[cfg(test)]
mod tests {
    use super::start_on;
    use crate::{DynamoDbLocal, Error, Version, install};

    #[test]
    fn a_port_that_another_server_has_taken_meanwhile_is_noticed() {
        let other = DynamoDbLocal::start().expect("a server");
        let port = other.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let installed = install(Version::default()).expect("a folder");
        let error =
            start_on(port, &installed, &["-inMemory".into()]).expect_err("it answers, but is not ours");
        assert!(matches!(error, Error::PortInUse(refused) if refused == port), "{error}");
    }
}
