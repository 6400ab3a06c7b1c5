//! [`Lock`]: that one process at a time follows the events for a subscription.
//!
//! A file beside the store's is locked by the operating system for as long as it is open: the lock is gone the moment
//! its process is, however that ended, and cannot be had twice however long a process sleeps. Neither could be said of a
//! lease that ends at some time.
//!
//! The file is empty. Whoever gives the lock back removes it; what a killed process has left is used again.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::PathBuf,
};

use aws_event_sourcing_core::subscription::SubscriptionKey;

use crate::{error::Error, path::FilePath};

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the lock, unless somebody has it.
    pub(crate) fn try_take(store: &FilePath, key: &SubscriptionKey) -> Result<Option<Self>, Error> {
        let path = store.with(&name(key));
        let failed = |source| Error::Lock { path: path.clone(), source };
        loop {
            let open = File::options().create(true).truncate(false).write(true).open(&path);
            let file = open.map_err(failed)?;
            match file.try_lock() {
                // Somebody may have removed it in between, and a third made it again.
                Ok(()) if is_at(&file, &path).map_err(failed)? => {
                    return Ok(Some(Self { path, _file: file }));
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is locked: nobody else uses it. If it cannot be removed, it is used again.
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What the name of a lock's file has at its end: `-reorders@product.lock`.
fn name(key: &SubscriptionKey) -> String {
    let mut name = format!("-{}@", key.subscription);
    for byte in key.resource_type.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02x}"));
        }
    }
    name + ".lock"
}

#[cfg(unix)]
fn is_at(file: &File, path: &PathBuf) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let opened = file.metadata()?;
    match fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &PathBuf) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    use super::*;

    #[test]
    fn a_lock_is_had_by_one_at_a_time_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = FilePath::new(&folder.path().join("events.db")).unwrap();
        let key = SubscriptionKey::new("reorders", "a/b ü");
        let (held, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while taken.load(Ordering::SeqCst) < 2_000 {
                        if let Some(lock) = Lock::try_take(&store, &key).unwrap() {
                            assert_eq!(held.fetch_add(1, Ordering::SeqCst), 0);
                            taken.fetch_add(1, Ordering::SeqCst);
                            held.fetch_sub(1, Ordering::SeqCst);
                            drop(lock);
                        }
                    }
                });
            }
        });
        let other = SubscriptionKey::new("reorders", "product");
        let locks = [&key, &other].map(|key| Lock::try_take(&store, key).unwrap().expect("nobody has it"));
        assert!(Lock::try_take(&store, &key).unwrap().is_none());
        drop(locks);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
