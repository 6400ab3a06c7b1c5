//! [`once`]: a folder in the target directory that is complete, or not there.

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// In a folder that is complete, this file says what it was made of.
const STAMP: &str = ".made-of";

/// The operating system has refused something.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what}")]
pub struct Refused {
    what: String,
    source: io::Error,
}

impl Refused {
    /// What could not be done, as it follows on "cannot".
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// For `map_err`: what could not be done.
    pub fn to(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        |source| Self { what: what.into(), source }
    }
}

/// The target directory of this workspace, unless the environment names another for cargo. Tests, benchmarks and
/// documentation run in different folders, and all find the same one.
#[must_use]
pub fn target() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of the workspace");
    workspace.join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// The folder of that name in the [target directory](target). When it is not there, was left half made, or was made of something
/// else than `made_of`, `fill` is given an empty one first. Whoever else wants it meanwhile, in this process or another,
/// waits.
///
/// `fill` gets the folder's final path, so that programs which have their own path written into them can be run there.
///
/// # Errors
///
/// Those of `fill`, and when nothing can be written there.
pub fn once<E: From<Refused>>(
    name: &str,
    made_of: &str,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<PathBuf, E> {
    let folder = target().join(name);
    once_at(&folder, made_of, fill)?;
    Ok(folder)
}

fn once_at<E: From<Refused>>(
    folder: &Path,
    made_of: &str,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let stamp = folder.join(STAMP);
    let is_made = || fs::read(&stamp).is_ok_and(|stamp| stamp == made_of.as_bytes());
    if is_made() {
        return Ok(());
    }
    let parent = folder.parent().expect("a folder of the target directory");
    fs::create_dir_all(parent).map_err(Refused::to(format!("make {}", parent.display())))?;
    // The lock ends with the process that holds it.
    let mut lock = folder.as_os_str().to_owned();
    lock.push(".lock");
    let held = File::create(&lock).and_then(|lock| lock.lock().map(|()| lock));
    let _held = held.map_err(Refused::to(format!("lock {}", lock.display())))?;
    if is_made() {
        return Ok(());
    }
    // Somebody was killed on the way, or has failed; or it is an old one.
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(Refused::to(format!("remove {}", folder.display())))?;
    }
    fs::create_dir(folder).map_err(Refused::to(format!("make {}", folder.display())))?;
    fill(folder)?;
    // The stamp appears whole, or not at all.
    let draft = folder.join(".made-of.draft");
    let stamped = fs::write(&draft, made_of).and_then(|()| fs::rename(&draft, &stamp));
    stamped.map_err(Refused::to(format!("write {}", stamp.display())))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Barrier,
            atomic::{AtomicU32, Ordering},
        },
        thread,
    };

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error("on purpose")]
        OnPurpose,
        #[error(transparent)]
        Refused(#[from] Refused),
    }

    fn with(file: &'static str) -> impl FnOnce(&Path) -> Result<(), Failure> {
        move |folder| Ok(fs::write(folder.join(file), "").map_err(Refused::to("write"))?)
    }

    fn never(_: &Path) -> Result<(), Failure> {
        panic!("it is there already")
    }

    #[test]
    fn a_folder_is_made_once_however_many_want_it() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("tools/one");
        let (together, made) = (Barrier::new(8), AtomicU32::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    together.wait();
                    let made_it = once_at(&folder, "1", |folder| {
                        made.fetch_add(1, Ordering::Relaxed);
                        with("file")(folder)
                    });
                    made_it.expect("it is made");
                    assert!(folder.join("file").exists());
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }

    #[test]
    fn a_folder_that_was_not_finished_is_made_anew() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("one");
        let failed = once_at(&folder, "1", |folder| {
            with("half")(folder)?;
            Err(Failure::OnPurpose)
        });
        assert!(matches!(failed, Err(Failure::OnPurpose)), "{failed:?}");
        once_at(&folder, "1", with("whole")).expect("it is made");
        assert!(!folder.join("half").exists() && folder.join("whole").exists());
        once_at(&folder, "1", never).expect("it is there");
    }

    #[test]
    fn a_folder_that_is_made_of_something_else_is_made_anew() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("one");
        once_at(&folder, "1", with("old")).expect("it is made");
        once_at(&folder, "2", with("new")).expect("it is made");
        assert!(!folder.join("old").exists() && folder.join("new").exists());
        once_at(&folder, "2", never).expect("it is there");
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let parent = tempfile::tempdir().expect("a folder");
        let file = parent.path().join("file");
        fs::write(&file, "").expect("a file");
        let error = once_at(&file.join("folder"), "1", never).expect_err("a file is no folder");
        assert!(error.to_string().contains("make"), "{error}");
    }
}
