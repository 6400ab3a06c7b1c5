//! [`Log`]: what something of a deployment has to say.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// How many lines are kept: the newest.
const KEPT: usize = 100_000;

/// Shows a line to somebody.
type Show = dyn Fn(&str) + Send + Sync;

/// The lines that something has written. Its clones are the same log.
#[derive(Clone, Default)]
pub struct Log {
    lines: Arc<Mutex<VecDeque<String>>>,
    show: Option<Arc<Show>>,
}

impl Log {
    /// A log that shows each of its lines to somebody, too.
    pub fn shown(show: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { lines: Arc::default(), show: Some(Arc::new(show)) }
    }

    /// A log of its own that shows its lines to the same one, with a name in front of each.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        let show = self.show.clone().map(|show| {
            let name = name.to_owned();
            Arc::new(move |line: &str| show(&format!("{name} | {line}"))) as Arc<Show>
        });
        Self { lines: Arc::default(), show }
    }

    /// Adds a line.
    pub fn write(&self, line: String) {
        if let Some(show) = &self.show {
            show(&line);
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The lines that have been written so far, but for the oldest when there are a hundred thousand.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("lines", &self.lines().len()).finish_non_exhaustive()
    }
}
