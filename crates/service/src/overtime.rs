//! The end of a process whose stop takes longer than it may: code that does not return, or a standard output that nobody
//! reads and that a handler prints to, would keep it for ever.

use std::{process, thread, time::Duration};

use crate::logging::{LAST_WORDS, Log};

/// Ends the process after that time, if it is there still.
pub(crate) fn end_process_after(time: Duration, log: &Log) {
    let log = log.clone();
    let end = move || {
        thread::sleep(time);
        tracing::error!("the service could not be stopped in order: ending the process");
        log.drain(LAST_WORDS);
        process::exit(1);
    };
    // Without a thread there is no more that can be done than without this.
    let _ = thread::Builder::new().name("overtime".into()).spawn(end);
}
