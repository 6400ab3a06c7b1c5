//! [`Complaints`]: what a server writes to standard error, for the error message when it does not start.

use std::{
    io::{BufRead as _, BufReader},
    process::ChildStderr,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

/// How much is kept, in bytes. The cause comes first.
const LIMIT: usize = 16 * 1024;

/// What a server has written so far. There is always a reader, or the server would block.
#[derive(Debug)]
pub(crate) struct Complaints {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Complaints {
    pub(crate) fn of(stderr: ChildStderr) -> Self {
        let text = Arc::<Mutex<String>>::default();
        let reader = thread::spawn({
            let text = text.clone();
            move || {
                for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line);
                    let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
                    if text.len() + line.len() < LIMIT {
                        text.extend([&line, "\n"]);
                    }
                }
            }
        });
        Self { text, reader: Some(reader) }
    }

    pub(crate) fn so_far(&self) -> String {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        if text.is_empty() { "nothing".to_owned() } else { text.trim_end().to_owned() }
    }

    /// Waits until the server has ended.
    pub(crate) fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        self.so_far()
    }
}
