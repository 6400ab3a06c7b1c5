//! Reading a whole table: 100,000 events, in a process of its own, whose memory is watched.

use std::time::Instant;

use aws_event_sourcing::{Repository, dynamodb::Consumed};
use futures_util::TryStreamExt as _;

use super::{Bench, connect, figures::Figures};
use crate::{Result, domain::Stock, fill, memory::memory};

/// The argument that makes this program the process that reads.
pub(crate) const CHILD: &str = "find-all-on-dynamodb-in-this-process";

const TABLE: &str = "find-all";
const RESOURCES: usize = 1_000;
const EVENTS: u64 = 100;

/// Events in a commit. With one in each, DynamoDB Local would take an hour to be filled: it becomes slow with the number
/// of its items.
const TOGETHER: u64 = 10;

pub(super) async fn measure(bench: &Bench, figures: &mut Figures) -> Result {
    let (store, _) = bench.table(TABLE).await?;
    let commits = EVENTS / TOGETHER;
    fill::histories_of(&store, &fill::ids(RESOURCES), commits, TOGETHER, fill::FEW).await?;
    let child = std::process::Command::new(std::env::current_exe()?)
        .args([CHILD, &bench.url, &bench.access_key])
        .output()?;
    let output = String::from_utf8(child.stdout)?;
    let figures_of_child =
        output.split_whitespace().map(str::parse).collect::<std::result::Result<Vec<f64>, _>>();
    let [seconds, megabytes, requests, read_units] = figures_of_child.unwrap_or_default()[..] else {
        return Err(format!("the reader said {output:?} {}", String::from_utf8_lossy(&child.stderr)).into());
    };
    let consumed = Consumed { requests: requests as u64, write_units: 0.0, read_units };
    let remark = format!("{megabytes} MB above the idle process");
    figures.row("find_all over 100,000 events, 10 in each commit", 1, seconds, consumed, &remark);
    Ok(())
}

/// Reads the table. Tells the seconds that took, the most memory above the idle process in MB, requests and read units.
pub(crate) async fn in_this_process(url: &str, access_key: &str) -> Result<String> {
    let bench = Bench {
        url: url.to_owned(),
        access_key: access_key.to_owned(),
        dynamodb: connect(url, access_key).await?,
    };
    let (store, meter) = bench.store(TABLE);
    let repository = Repository::<Stock>::new(store);
    repository.list(1, None).await?;
    let idle = memory("VmRSS:")?;
    meter.take();
    let begin = Instant::now();
    let (resources, quantity) = repository
        .find_all()
        .try_fold((0, 0), async |(resources, quantity), stock| Ok((resources + 1, quantity + stock.quantity)))
        .await?;
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!((resources, quantity), (RESOURCES, RESOURCES as u64 * EVENTS * 5), "every event was applied");
    let Consumed { requests, read_units, .. } = meter.take();
    Ok(format!("{seconds} {:.1} {requests} {read_units}\n", memory("VmHWM:")? - idle))
}
