//! [`Lock`]: how others see that the process which has a [lease](crate::lease) is alive, and whether it stands still.
//!
//! A lock is a file beside the store's that the operating system locks for as long as it is open: the lock is gone the moment
//! its process is, however that ended. But a process that is stopped keeps it. So whoever waits asks, and whoever has the lock
//! answers:
//!
//! | bytes of the file | |
//! |---|---|
//! | 0 to 8 | the question: a number that nobody has written before |
//! | 8 to 16 | the answer: the question that was found there |
//!
//! The file is empty until somebody waits, and nothing is written to it while nobody does. What is written is for processes of
//! this machine only, and need not get to the disk.
//!
//! Each lease has a file of its own, with a random name that is in the table of leases. Whoever gives a lock back removes it;
//! what a killed process has left, the next one that takes a lease removes.

use std::{
    fs::{self, File, TryLockError},
    hash::{BuildHasher as _, RandomState},
    io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process,
};

use aws_event_sourcing_core::subscription::SubscriptionKey;

use crate::{error::Error, path::FilePath};

/// The file system's name for a lock ends so.
const END: &str = ".lock";

/// Eight bytes, as they are in the file.
type Number = [u8; 8];

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    file: File,
}

/// What is in the file of a lock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Dialogue {
    question: Number,
    answer: Number,
}

/// What becomes of a lock that somebody else has.
#[derive(Debug)]
pub(crate) enum Others {
    /// They have it.
    Held(OtherLock),
    /// They have given it back, or their process has ended.
    Free,
}

/// A lock that somebody else has.
#[derive(Debug)]
pub(crate) struct OtherLock {
    path: PathBuf,
    file: File,
}

impl Lock {
    /// Makes a lock that nobody else knows, and gives its id.
    pub(crate) fn make(store: &FilePath, key: &SubscriptionKey) -> Result<(Self, String), Error> {
        loop {
            let id = format!("{:08x}", random() >> 32);
            let path = path(store, key, &id);
            let failed = |source| Error::Lock { path: path.clone(), source };
            let file = match File::options().create_new(true).read(true).write(true).open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(failed(error)),
            };
            match file.try_lock() {
                // Somebody may have taken it, at the last moment, for one that was left behind.
                Ok(()) if is_at(&file, &path).map_err(failed)? => return Ok((Self { path, file }, id)),
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    }

    /// Whether its file is still where others find it.
    pub(crate) fn is_there(&self) -> Result<bool, Error> {
        is_at(&self.file, &self.path).map_err(|source| self.failed(source))
    }

    /// The question that nobody has answered yet, if there is one.
    pub(crate) fn question(&self) -> Result<Option<Number>, Error> {
        let Dialogue { question, answer } = read(&self.file).map_err(|source| self.failed(source))?;
        Ok((question != answer).then_some(question))
    }

    pub(crate) fn answer(&self, question: Number) -> Result<(), Error> {
        write(&self.file, 8, question).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Lock { path: self.path.clone(), source }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is locked. If it cannot be removed, it is removed later.
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl OtherLock {
    /// Looks at the lock of that id.
    pub(crate) fn find(store: &FilePath, key: &SubscriptionKey, id: &str) -> Result<Others, Error> {
        let path = path(store, key, id);
        let failed = |source| Error::Lock { path: path.clone(), source };
        let file = match File::options().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Others::Free),
            Err(error) => return Err(failed(error)),
        };
        match file.try_lock() {
            Ok(()) => Ok(Others::Free),
            Err(TryLockError::WouldBlock) => Ok(Others::Held(Self { path, file })),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    pub(crate) fn dialogue(&self) -> Result<Dialogue, Error> {
        read(&self.file).map_err(|source| self.failed(source))
    }

    /// Asks whether anybody is there.
    pub(crate) fn ask(&self) -> Result<(), Error> {
        write(&self.file, 0, random().to_ne_bytes()).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Lock { path: self.path.clone(), source }
    }
}

impl Dialogue {
    /// Whether something was answered since then.
    pub(crate) fn goes_on_from(self, earlier: Self) -> bool {
        self.answer != earlier.answer
    }
}

/// Removes the locks for that key that processes have left behind which are no more. If one cannot be removed now, it is
/// another time.
pub(crate) fn clear_up(store: &FilePath, key: &SubscriptionKey) {
    let Some(entries) = store.folder().filter(|_| cfg!(unix)).and_then(|folder| fs::read_dir(folder).ok())
    else {
        return;
    };
    let begin = store.with(&name(key));
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let text = path.as_os_str().as_encoded_bytes();
        let is_lock =
            text.starts_with(begin.as_os_str().as_encoded_bytes()) && text.ends_with(END.as_bytes());
        // One that is locked is somebody's.
        if is_lock
            && let Ok(file) = File::options().write(true).open(&path)
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(&path);
        }
    }
}

fn path(store: &FilePath, key: &SubscriptionKey, id: &str) -> PathBuf {
    store.with(&format!("{}{id}{END}", name(key)))
}

/// What the names of a key's locks have behind the store's: `-reorders@product.`, and then an id.
fn name(key: &SubscriptionKey) -> String {
    let mut name = format!("-{}@", key.subscription);
    for byte in key.resource_type.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02x}"));
        }
    }
    name + "."
}

/// A number that nobody else has.
fn random() -> u64 {
    RandomState::new().hash_one(process::id())
}

/// What is not there is nothing but zeros.
fn read(mut file: &File) -> io::Result<Dialogue> {
    let mut bytes = Vec::with_capacity(16);
    file.seek(SeekFrom::Start(0))?;
    file.take(16).read_to_end(&mut bytes)?;
    bytes.resize(16, 0);
    let mut dialogue = Dialogue::default();
    dialogue.question.copy_from_slice(&bytes[..8]);
    dialogue.answer.copy_from_slice(&bytes[8..]);
    Ok(dialogue)
}

fn write(mut file: &File, at: u64, number: Number) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.write_all(&number)
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let opened = file.metadata()?;
    match fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn is_free(store: &FilePath, key: &SubscriptionKey, id: &str) -> bool {
        matches!(OtherLock::find(store, key, id).unwrap(), Others::Free)
    }

    #[test]
    fn a_lock_is_one_s_own_while_others_clear_up_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = FilePath::new(&folder.path().join("events.db")).unwrap();
        let key = SubscriptionKey::new("reorders", "a/b ü");
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..300 {
                        let (lock, id) = Lock::make(&store, &key).unwrap();
                        clear_up(&store, &key);
                        assert!(lock.is_there().unwrap() && !is_free(&store, &key, &id));
                        drop(lock);
                        assert!(is_free(&store, &key, &id));
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_asked_is_answered_and_what_is_left_behind_is_cleared_up() {
        let folder = tempfile::tempdir().unwrap();
        let store = FilePath::new(&folder.path().join("events.db")).unwrap();
        let key = SubscriptionKey::new("reorders", "product");
        let (lock, id) = Lock::make(&store, &key).unwrap();
        assert_eq!((lock.question().unwrap(), lock.file.metadata().unwrap().len()), (None, 0));
        let Others::Held(other) = OtherLock::find(&store, &key, &id).unwrap() else { panic!("it is held") };
        let before = other.dialogue().unwrap();
        other.ask().unwrap();
        assert!(!other.dialogue().unwrap().goes_on_from(before));
        lock.answer(lock.question().unwrap().unwrap()).unwrap();
        assert!(other.dialogue().unwrap().goes_on_from(before));
        assert_eq!(lock.question().unwrap(), None);

        fs::remove_file(&lock.path).unwrap();
        assert!(!lock.is_there().unwrap());
        let left_behind =
            ["-reorders@product.lock", "-reorders@product.0123abcd.lock"].map(|name| store.with(name));
        let others =
            ["", "-wal", "-reorders@products.0.lock", "-others@product.0.lock"].map(|name| store.with(name));
        left_behind.iter().chain(&others).for_each(|path| fs::write(path, "").unwrap());
        clear_up(&store, &key);
        assert!(left_behind.iter().all(|path| !path.exists()) && others.iter().all(|path| path.exists()));
    }
}
