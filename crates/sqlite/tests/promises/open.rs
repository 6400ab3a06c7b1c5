//! What cannot be a store is refused with one clear line, and left as it was.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aws_event_sourcing_core::StoreErrorKind;
use aws_event_sourcing_sqlite::SqliteStore;
use rusqlite::Connection;

use crate::support::{commit, explain, files, folder, open, read, resource, store};

/// Has a file refused, and nothing changed by that, and gives the line that says why.
pub(crate) fn refused(file: &Path, kind: StoreErrorKind) -> String {
    let folder = file.parent().expect("a folder");
    let before = folder.is_dir().then(|| files_and_folders(folder));
    let error = SqliteStore::open(file).expect_err("it should be refused");
    let line = explain(&error);
    assert_eq!(error.kind(), kind, "{line}");
    assert!(!line.contains('\n') && line.contains(file.to_str().expect("text")), "{line}");
    assert_eq!(folder.is_dir().then(|| files_and_folders(folder)), before, "{line}");
    line
}

fn files_and_folders(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut entries: Vec<_> = entries.map(|path| (path.clone(), fs::read(path).ok())).collect();
    entries.sort();
    entries
}

/// A sound store with some events, closed in good order.
async fn sound(file: &Path) {
    let opened = open(file);
    store(&opened, &commit(&resource(), 1, 2)).await;
    opened.close().await.expect("closed");
}

#[test]
fn a_missing_folder_is_refused() {
    let (_folder, file) = folder();
    let line = refused(&file.join("events.db"), StoreErrorKind::Misconfigured);
    assert!(line.ends_with("cannot be opened: its folder does not exist"), "{line}");
}

#[test]
fn a_file_in_place_of_the_folder_is_refused() {
    let (_folder, file) = folder();
    fs::write(&file, "").expect("written");
    refused(&file.join("events.db"), StoreErrorKind::Misconfigured);
}

#[test]
fn a_folder_in_place_of_the_file_is_refused() {
    let (_folder, file) = folder();
    fs::create_dir(&file).expect("a folder");
    let line = refused(&file, StoreErrorKind::Misconfigured);
    assert!(line.ends_with("cannot be opened: it is a folder"), "{line}");
}

#[test]
fn a_path_that_is_none_is_refused() {
    let error = SqliteStore::open("").expect_err("it should be refused");
    assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{}", explain(&error));
}

#[test]
fn what_is_no_database_is_refused() {
    for content in ["id,number\na,1\n".as_bytes(), &[0; 8192], &[0xff; 100], "x".repeat(100_000).as_bytes()] {
        let (_folder, file) = folder();
        fs::write(&file, content).expect("written");
        let line = refused(&file, StoreErrorKind::Misconfigured);
        assert!(line.ends_with("cannot be opened: it is no SQLite database"), "{line}");
    }
}

#[test]
fn a_database_of_another_application_is_refused() {
    for sql in [
        "CREATE TABLE events (id TEXT)",
        "PRAGMA journal_mode = WAL; CREATE TABLE events (id TEXT)",
        "PRAGMA application_id = 1",
        "PRAGMA user_version = 1",
        // One of ours that says nothing about its layout is none of ours.
        "PRAGMA application_id = 0x41574553",
    ] {
        let (_folder, file) = folder();
        Connection::open(&file).and_then(|theirs| theirs.execute_batch(sql)).expect("written");
        let line = refused(&file, StoreErrorKind::Misconfigured);
        assert!(line.ends_with("it is a SQLite database of another application"), "{line}");
    }
}

#[tokio::test]
async fn a_newer_layout_is_refused() {
    let (_folder, file) = folder();
    sound(&file).await;
    Connection::open(&file)
        .and_then(|newer| newer.execute_batch("CREATE TABLE unheard_of (a); PRAGMA user_version = 7"))
        .expect("written");
    let line = refused(&file, StoreErrorKind::Misconfigured);
    assert!(line.ends_with("it has layout 7, and this program knows layouts up to 3"), "{line}");
}

/// A newer version crashed right after it had migrated the file: the new layout is in the log only.
#[tokio::test]
async fn a_newer_layout_in_the_log_is_refused() {
    let (_folder, running) = folder();
    sound(&running).await;
    let newer = Connection::open(&running).expect("opened");
    newer.execute_batch("PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 7").expect("written");

    let (folder, crashed) = folder();
    for end in ["", "-wal"] {
        let name = |file: &Path| PathBuf::from(format!("{}{end}", file.display()));
        fs::copy(name(&running), name(&crashed)).expect("copied");
    }
    let before = files(folder.path());
    let error = SqliteStore::open(&crashed).expect_err("it should be refused");
    assert!(
        explain(&error).ends_with("it has layout 7, and this program knows layouts up to 3"),
        "{}",
        explain(&error)
    );
    let mut after = files(folder.path());
    // SQLite's index of the log: to see what is in the log is to make it.
    after.remove("events.db-shm");
    assert_eq!(after, before);
}

#[test]
fn what_is_there_but_empty_becomes_a_store() {
    for sql in ["", "PRAGMA journal_mode = WAL"] {
        let (_folder, file) = folder();
        fs::write(&file, "").expect("written");
        Connection::open(&file).and_then(|empty| empty.execute_batch(sql)).expect("written");
        open(&file);
    }
}

#[tokio::test]
async fn a_path_means_what_it_says() {
    let (folder, _) = folder();
    let names = ["a b", "100%", "what?mode=memory", "#1", "file:x", ":memory:", "Ü", "'", "&immutable=1"];
    for name in names {
        let file = folder.path().join(name);
        let (account, opened) = (resource(), open(&file));
        store(&opened, &commit(&account, 1, 1)).await;
        opened.close().await.expect("closed");
        let opened = open(&file);
        assert_eq!(opened.path(), file);
        assert_eq!(read(&opened, &account).await.len(), 1);
        opened.close().await.expect("closed");
    }
    assert_eq!(files(folder.path()).len(), names.len());
}

#[cfg(unix)]
mod permissions {
    use std::{
        fs::Permissions,
        os::unix::{
            fs::{MetadataExt as _, PermissionsExt as _},
            process::CommandExt as _,
        },
    };

    use super::*;
    use crate::peer::{Peer, part, program};

    /// Runs this test again, as a user whom permissions bind, to have the file refused. It is the superuser whom they
    /// do not bind.
    fn refused_without_privileges(test: &str, folder: &Path, file: &Path) {
        let mut command = program(test, file.to_str().expect("text"));
        let copy = tempfile::tempdir().expect("a folder");
        if fs::metadata(folder).expect("a folder").uid() == 0 {
            let program = copy.path().join("test");
            fs::copy(command.get_program(), &program).expect("copied");
            fs::set_permissions(copy.path(), Permissions::from_mode(0o755)).expect("permitted");
            let mut unprivileged = std::process::Command::new(program);
            unprivileged.args(command.get_args()).current_dir("/").uid(65_534).gid(65_534);
            unprivileged.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            command = unprivileged;
        }
        Peer::start(command).finish();
    }

    #[test]
    fn a_folder_that_must_not_be_written_is_refused() {
        if let Some(file) = part() {
            refused(Path::new(&file), StoreErrorKind::Denied);
            return;
        }
        let (folder, file) = folder();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o555)).expect("permitted");
        refused_without_privileges(
            "open::permissions::a_folder_that_must_not_be_written_is_refused",
            folder.path(),
            &file,
        );
        assert_eq!(files(folder.path()).len(), 0);
    }

    #[tokio::test]
    async fn a_file_that_must_not_be_written_is_refused() {
        if let Some(file) = part() {
            refused(Path::new(&file), StoreErrorKind::Denied);
            return;
        }
        for mode in [0o444, 0o000] {
            let (folder, file) = folder();
            sound(&file).await;
            fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("permitted");
            fs::set_permissions(&file, Permissions::from_mode(mode)).expect("permitted");
            refused_without_privileges(
                "open::permissions::a_file_that_must_not_be_written_is_refused",
                folder.path(),
                &file,
            );
            assert_eq!(files(folder.path()).len(), 1);
        }
    }

    /// The file may be written, but not the folder, where the log would be.
    #[tokio::test]
    async fn a_folder_without_room_for_the_log_is_refused() {
        if let Some(file) = part() {
            refused(Path::new(&file), StoreErrorKind::Denied);
            return;
        }
        let (folder, file) = folder();
        sound(&file).await;
        fs::set_permissions(&file, Permissions::from_mode(0o666)).expect("permitted");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o555)).expect("permitted");
        refused_without_privileges(
            "open::permissions::a_folder_without_room_for_the_log_is_refused",
            folder.path(),
            &file,
        );
        assert_eq!(files(folder.path()).len(), 1);
    }
}
