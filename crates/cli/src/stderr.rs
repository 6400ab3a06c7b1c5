//! Standard error, for what is said beside the answer. A pipe that nobody reads must not keep a command from its work or from
//! its end: what is not taken in time is not said.

use std::{
    io::{self, Write as _},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

/// How long it is waited for something to be taken.
const PATIENCE: Duration = Duration::from_secs(1);

/// Something was not taken. Nothing is said any more.
static IS_STUCK: AtomicBool = AtomicBool::new(false);

/// Says something. That nobody hears it does not matter.
pub(crate) fn say(text: String) {
    if IS_STUCK.load(Ordering::Relaxed) {
        return;
    }
    let (sender, said) = mpsc::channel();
    let write = move || {
        let _ = io::stderr().write_all(text.as_bytes());
        let _ = sender.send(());
    };
    // The thread ends with the process, if not before.
    let is_said = thread::Builder::new().spawn(write).is_ok_and(|_| said.recv_timeout(PATIENCE).is_ok());
    IS_STUCK.store(!is_said, Ordering::Relaxed);
}
