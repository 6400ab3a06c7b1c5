//! `eventctl restore`.

use std::{fs, path::PathBuf, process::ExitCode};

use aws_event_sourcing_sqlite::{Origin, restore};
use clap::Args;
use serde::Serialize;

use crate::{
    backup::{Document, existing, tell_of_missing},
    failure::Failure,
    file::File,
    print::{Printer, labelled},
    progress::Share,
};

/// Put a backup in the place of the embedded store, while the service stands
#[derive(Debug, Args)]
#[command(
    long_about = "\
Put a backup in the place of the embedded store, while the service stands. The backup is checked as a whole before, and
stays as it is. Whenever this command ends, the old store is in its place or the new one.

The store that was there is kept beside the new one, under its name and the time; remove it when you do not need it. With
the events comes how far subscriptions were when the backup was made: they go on from there.",
    after_help = "\
The store is the one in ./data, unless DATA_DIR or --data-dir says otherwise. Tables on DynamoDB are restored by AWS.

Examples:
  eventctl restore events-tuesday.db
  eventctl restore --data-dir /var/lib/shop --force /mnt/backup/events.db"
)]
pub(crate) struct RestoreCommand {
    /// The backup: what `eventctl backup` has made, or a copy of the file of an idle store
    #[arg(value_name = "FILE")]
    from: PathBuf,

    /// Replace the store that is there, and keep it under another name
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    store: File,
}

/// What programs get.
#[derive(Serialize)]
struct Restored<'a> {
    #[serde(flatten)]
    contents: Document<'a>,
    replaced: Option<PathBuf>,
    without_log: bool,
}

impl RestoreCommand {
    pub(crate) fn run(&self, printer: &Printer) -> Result<ExitCode, Failure> {
        let Some(store) = self.store.path() else {
            return Err(Failure::means_nothing(
                "the events are in DynamoDB, and not in a file",
                "There, `aws dynamodb restore-table-to-point-in-time` or `restore-table-from-backup` makes a new table. \
                 Say --data-dir for an embedded store.",
            ));
        };
        if store.exists() && !self.force {
            let line = format!(
                "there is a store {} already: say --force to replace it. It is kept under another name",
                store.display()
            );
            return Err(Failure::saying(&line));
        }
        if !self.from.exists() {
            return Err(Failure::saying(&format!("there is no backup {}", self.from.display())));
        }
        if let Some(folder) = store.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut share = Share::new("copying", printer);
        let restored =
            restore(&self.from, &store, existing(self.force), |copied| share.show(copied.bytes, copied.of));
        drop(share);
        let restored = restored?;
        if restored.origin == Origin::WithoutLog {
            printer.note(&format!(
                "{} was copied without its log while it was in use: what was only in the log is not restored",
                self.from.display()
            ));
        }
        tell_of_missing(printer, &restored.contents);
        let document = Restored {
            contents: Document::new(&store, &restored.contents),
            replaced: restored.replaced,
            without_log: restored.origin == Origin::WithoutLog,
        };
        printer.print(&document, || {
            let mut lines = document.contents.lines();
            if let Some(replaced) = &document.replaced {
                lines.push(("old store", replaced.display().to_string()));
            }
            labelled(lines)
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
