//! The signals that stop a service: Ctrl-C and, where there is one, SIGTERM.
//!
//! A thread of its own waits for them. A handler that does not return may hold the very thread of the service's runtime on which
//! a signal would be noticed: one that prints to a standard output that nobody reads, for instance.

use std::{io, thread, time::Duration};

use tokio::{
    runtime,
    sync::{mpsc, oneshot},
};

use crate::{Error, logging::Log, overtime::end_process_after};

/// How long a process may take, after what was in flight, until it has ended.
const OVERTIME: Duration = Duration::from_millis(1_500);

/// The ways in which a person or a supervisor says stop.
#[derive(Debug)]
pub(crate) struct Signals {
    next: mpsc::UnboundedReceiver<&'static str>,
    grace: Duration,
    log: Log,
}

impl Signals {
    /// Listens from now on. After a signal the process has as long as the grace, and a little more, until it is ended; after
    /// another one only the little more.
    pub(crate) async fn listen(grace: Duration, log: &Log) -> Result<Self, Error> {
        let (sender, next) = mpsc::unbounded_channel();
        let (ready, is_ready) = oneshot::channel();
        let signals = Self { next, grace, log: log.clone() };
        let log = log.clone();
        let wait = move || {
            let listening = runtime::Builder::new_current_thread().enable_io().build();
            let listening = listening.and_then(|runtime| {
                let sources = runtime.block_on(async { Sources::listen() })?;
                Ok((runtime, sources))
            });
            match listening {
                Ok((runtime, mut sources)) => {
                    // Nobody waits when the service has been given up by then.
                    let _ = ready.send(Ok(()));
                    runtime.block_on(async {
                        let mut time = grace.saturating_add(OVERTIME);
                        loop {
                            let signal = sources.next().await;
                            end_process_after(time, &log);
                            // Nobody takes it when the service has stopped already, and the process has not ended.
                            let _ = sender.send(signal);
                            time = OVERTIME;
                        }
                    });
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        };
        thread::Builder::new().name("signals".into()).spawn(wait).map_err(Error::Signals)?;
        let is_ready = is_ready.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()));
        is_ready.map(|()| signals).map_err(Error::Signals)
    }

    /// The service stops without a signal: the process has as long as after one.
    pub(crate) fn begin_overtime(&self) {
        end_process_after(self.grace.saturating_add(OVERTIME), &self.log);
    }

    /// Waits for the next one, and names it.
    pub(crate) async fn next(&mut self) -> &'static str {
        match self.next.recv().await {
            Some(signal) => signal,
            // The thread waits for ever.
            None => std::future::pending().await,
        }
    }
}

struct Sources {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Sources {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

#[cfg(not(unix))]
impl Sources {
    fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}
