//! Reading everything there is: a million events, in a process of its own, whose memory is watched.

use std::{path::Path, time::Instant};

use aws_event_sourcing::{Repository, sqlite::SqliteStore};
use futures_util::TryStreamExt as _;

use crate::{Result, domain::Stock, fill, memory::memory, report::Report};

/// The argument that makes this program the process that reads.
pub(crate) const CHILD: &str = "find-all-in-this-process";

const RESOURCES: usize = 10_000;
const EVENTS: u64 = 100;

pub(crate) async fn measure(folder: &Path, report: &mut Report) -> Result {
    let store = fill::store(folder, "find_all.db").await?;
    fill::histories(&store, &fill::ids(RESOURCES), EVENTS, fill::MANY).await?;
    store.close().await?;

    let child = std::process::Command::new(std::env::current_exe()?)
        .arg(CHILD)
        .arg(folder.join("find_all.db"))
        .output()?;
    let output = String::from_utf8(child.stdout)?;
    let [seconds, megabytes] = output.split_whitespace().collect::<Vec<_>>()[..] else {
        return Err(format!("the reader said {output:?} {}", String::from_utf8_lossy(&child.stderr)).into());
    };
    let seconds: f64 = seconds.parse()?;
    let rate = format!("{:.2} million events/s, {megabytes} MB above the idle process", 1.0 / seconds);
    report.row(
        "find_all over 1,000,000 events",
        format!("{seconds:.2} s"),
        report.beside_floor(seconds),
        &rate,
    );
    Ok(())
}

/// Reads the store, and tells the seconds that took and the most memory above the idle process in MB.
pub(crate) async fn in_this_process(path: &Path) -> Result<String> {
    let repository = Repository::<Stock>::new(SqliteStore::open(path)?);
    repository.list(1, None).await?;
    let idle = memory("VmRSS:")?;
    let begin = Instant::now();
    let (resources, quantity) = repository
        .find_all()
        .try_fold((0, 0), async |(resources, quantity), stock| Ok((resources + 1, quantity + stock.quantity)))
        .await?;
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!((resources, quantity), (RESOURCES, RESOURCES as u64 * EVENTS * 5), "every event was applied");
    Ok(format!("{seconds} {:.1}\n", memory("VmHWM:")? - idle))
}
