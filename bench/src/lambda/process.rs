//! What the process of a function takes.

use std::fs;

use lambda_local::Function;

use crate::{Result, memory::memory_of};

/// The one process of a function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process(u32);

impl Process {
    /// That of a function which was called, and never twice at once.
    pub(super) fn of(function: &Function) -> Result<Self> {
        match function.processes()?[..] {
            [id] => Ok(Self(id)),
            ref others => Err(format!("one process was expected, not {others:?}").into()),
        }
    }

    /// The most memory that it ever had, in MB.
    pub(super) fn peak_memory(self) -> Result<f64> {
        memory_of(self.0, "VmHWM:")
    }

    /// How long it has had a processor since its start, in seconds.
    pub(super) fn processor_time(self) -> Result<f64> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0))? {
            let times = fs::read_to_string(thread?.path().join("schedstat"))?;
            nanoseconds += times.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(nanoseconds as f64 / 1e9)
    }
}
