//! The floor: what this disk takes for 512 bytes at the end of a file, made durable. No store that acknowledges one
//! commit at a time can be faster.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use crate::{Result, report::median};

const WRITES: usize = 200;

/// A file that grows by 512 bytes at a time.
#[derive(Debug)]
pub(crate) struct Floor {
    file: File,
}

impl Floor {
    pub(crate) fn in_folder(folder: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(folder.join("floor"))?;
        Ok(Self { file })
    }

    /// The median time of one durable write, just now.
    pub(crate) fn measure(&mut self) -> Result<Duration> {
        let mut times = Vec::with_capacity(WRITES);
        for _ in 0..WRITES {
            let begin = Instant::now();
            self.file.write_all(&[b'x'; 512])?;
            self.file.sync_data()?;
            times.push(begin.elapsed().as_secs_f64());
        }
        Ok(Duration::from_secs_f64(median(&mut times)))
    }
}
