//! What a test's own subscriber has written. On a runtime of one thread, where the server's tasks write to it as well.

use std::{
    io,
    sync::{Arc, Mutex, Once},
};

use serde_json::Value;
use tracing::{Level, subscriber::DefaultGuard};

static EVERYWHERE: Once = Once::new();

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Captures until the guard is dropped.
    pub(crate) fn capture() -> (Self, DefaultGuard) {
        // As long as there is one subscriber only, tracing asks that of whatever thread comes first what it wants to
        // hear: one that hears nothing, if it is another test's.
        EVERYWHERE.call_once(|| {
            let deaf = tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_writer(io::sink).finish();
            tracing::subscriber::set_global_default(deaf).unwrap();
        });
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(Level::DEBUG)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines of this crate with that message.
    pub(crate) fn lines(&self, message: &str) -> Vec<Value> {
        let lines = self.text();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["fields"]["message"] == message).collect()
    }

    #[track_caller]
    pub(crate) fn line(&self, message: &str) -> Value {
        let mut lines = self.lines(message);
        assert_eq!(lines.len(), 1, "{message}: {}", self.text());
        lines.remove(0)
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
