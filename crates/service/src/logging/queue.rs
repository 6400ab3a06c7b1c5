//! [`Log`]: lines on their way to standard output. Whoever logs puts a line into a queue and goes on; a thread of its own
//! writes what is there. So nobody waits for whoever reads the log, and a log that nobody reads is no reason to stop.

use std::{
    cell::Cell,
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::fmt::MakeWriter;

/// How much may wait to be written. A line that does not fit is dropped, and counted.
const ROOM_BYTES: usize = 4 << 20;

/// How long the thread gathers lines before it writes them at once, unless somebody waits for it.
const GATHER: Duration = Duration::from_millis(10);

/// So much is written without gathering more.
const PLENTY_BYTES: usize = 64 << 10;

/// How long a line is waited for, where lines are.
const PATIENCE: Duration = Duration::from_millis(500);

/// For which lines it is waited until they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitFor {
    /// For each: while a service starts and after it has stopped, when the process may end at any time.
    EachLine,
    /// For errors: on Lambda, where the process stands still once it has answered.
    #[cfg(feature = "lambda")]
    Errors,
    /// For none: somebody may wait for an answer.
    Nothing,
}

impl WaitFor {
    /// The level of the least of them.
    fn level(self) -> LevelFilter {
        match self {
            Self::EachLine => LevelFilter::TRACE,
            #[cfg(feature = "lambda")]
            Self::Errors => LevelFilter::ERROR,
            Self::Nothing => LevelFilter::OFF,
        }
    }
}

thread_local! {
    /// Whether this is the thread that writes. It cannot wait for itself.
    static IS_WRITER: Cell<bool> = const { Cell::new(false) };
}

/// The queue, for those who log. Clones are the same queue.
#[derive(Debug, Clone)]
pub(crate) struct Log(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// There is something to write, or somebody waits for it.
    filled: Condvar,
    /// Something was written, or could not be.
    written: Condvar,
}

#[derive(Debug)]
struct Queue {
    /// What is to be written next.
    bytes: Vec<u8>,
    wait_for: WaitFor,
    /// Lines that were lost, and that the log does not tell of yet.
    dropped: u64,
    is_writing: bool,
    /// The last write failed: a full disk, or a reader that has gone.
    is_failing: bool,
    /// Somebody has waited in vain, and nothing was written since. Nobody waits again.
    is_stuck: bool,
    /// How many wait now.
    waiting: usize,
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && (self.dropped == 0 || self.is_failing)
    }

    fn is_drained(&self) -> bool {
        self.is_empty() && !self.is_writing
    }
}

impl Log {
    /// An empty queue, and nothing that writes.
    pub(crate) fn new() -> Self {
        let queue = Queue {
            bytes: Vec::new(),
            wait_for: WaitFor::EachLine,
            dropped: 0,
            is_writing: false,
            is_failing: false,
            is_stuck: false,
            waiting: 0,
        };
        Self(Arc::new(Shared { queue: queue.into(), filled: Condvar::new(), written: Condvar::new() }))
    }

    /// Starts the thread that writes, for as long as the process lives.
    pub(super) fn write_to(&self, output: impl Write + Send + 'static) -> io::Result<()> {
        let log = self.clone();
        thread::Builder::new().name("log".into()).spawn(move || log.run(output)).map(drop)
    }

    /// Sets for which lines it is waited from now on.
    pub(crate) fn wait_for(&self, lines: WaitFor) {
        self.queue().wait_for = lines;
    }

    /// Waits until everything is written, but not for long.
    pub(crate) fn drain(&self, patience: Duration) {
        self.wait(self.queue(), patience);
    }

    fn push(&self, line: &[u8], level: Level) {
        let mut queue = self.queue();
        if queue.bytes.len() + line.len() > ROOM_BYTES {
            queue.dropped += lines(line);
            return;
        }
        let before = queue.bytes.len();
        queue.bytes.extend_from_slice(line);
        if before == 0 || before < PLENTY_BYTES && queue.bytes.len() >= PLENTY_BYTES {
            self.0.filled.notify_one();
        }
        if level <= queue.wait_for.level() && !IS_WRITER.get() {
            self.wait(queue, PATIENCE);
        }
    }

    fn wait(&self, mut queue: MutexGuard<'_, Queue>, patience: Duration) {
        if queue.is_stuck || queue.is_drained() {
            return;
        }
        queue.waiting += 1;
        self.0.filled.notify_one();
        let waited = self.0.written.wait_timeout_while(queue, patience, |queue| !queue.is_drained());
        let (mut queue, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        queue.waiting -= 1;
        queue.is_stuck |= waited.timed_out();
    }

    fn run(&self, mut output: impl Write) {
        IS_WRITER.set(true);
        let (mut batch, mut is_torn) = (Vec::new(), false);
        loop {
            let dropped = self.take(&mut batch);
            if dropped > 0 {
                tracing::warn!(
                    lines = dropped,
                    "lines of the log were dropped, because they were not read in time or could not be written"
                );
            }
            if is_torn {
                batch.insert(0, b'\n');
            }
            let done = self.write(&mut output, &batch);
            let lost = lines(&batch[done..]);
            if done > 0 {
                is_torn = batch[done - 1] != b'\n';
            }
            // What a crowd has needed is not kept for good.
            batch.clear();
            batch.shrink_to(PLENTY_BYTES);

            let mut queue = self.queue();
            queue.is_writing = false;
            queue.is_failing = lost > 0;
            queue.dropped += lost;
            self.0.written.notify_all();
        }
    }

    /// Waits for lines and takes all that there are. Gives the number of lines that were lost, if this is the time to tell.
    fn take(&self, batch: &mut Vec<u8>) -> u64 {
        let queue = self.0.filled.wait_while(self.queue(), |queue| queue.is_empty());
        let queue = queue.unwrap_or_else(PoisonError::into_inner);
        let has_time = |queue: &mut Queue| queue.waiting == 0 && queue.bytes.len() < PLENTY_BYTES;
        let gathered = self.0.filled.wait_timeout_while(queue, GATHER, has_time);
        let (mut queue, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut queue.bytes, batch);
        queue.is_writing = true;
        if queue.is_failing { 0 } else { mem::take(&mut queue.dropped) }
    }

    /// Writes as much as can be written. Gives how much that was.
    fn write(&self, output: &mut impl Write, batch: &[u8]) -> usize {
        let mut done = 0;
        while done < batch.len() {
            let end = batch.len().min(done + PLENTY_BYTES);
            match output.write(&batch[done..end]) {
                Ok(0) => break,
                Ok(written) => {
                    done += written;
                    self.queue().is_stuck = false;
                }
                Err(error) if passes(&error) => {}
                Err(_) => break,
            }
        }
        while output.flush().is_err_and(|error| passes(&error)) {}
        done
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing that runs under the lock can leave it half-changed.
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the same write may succeed in a moment. Lets the moment pass.
fn passes(error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::Interrupted => true,
        // A pipe that was set not to block, and that is full.
        io::ErrorKind::WouldBlock => {
            thread::sleep(GATHER);
            true
        }
        _ => false,
    }
}

/// How many lines end here.
fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Takes a whole line at a time.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    log: &'a Log,
    level: Level,
}

impl Write for Entry<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.log.push(line, self.level);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Entry<'a>;

    fn make_writer(&'a self) -> Entry<'a> {
        Entry { log: self, level: Level::INFO }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Entry<'a> {
        Entry { log: self, level: *metadata.level() }
    }
}
