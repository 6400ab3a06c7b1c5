//! Durable creates per second, by how many callers wait at a time.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use aws_event_sourcing::Repository;
use futures_util::future::try_join_all;

use crate::{
    Result,
    domain::{Stock, StockEvent},
    fill,
    floor::Floor,
    report::{Report, median},
};

const CALLERS: [usize; 4] = [1, 16, 64, 256];

/// What a person does who would have events replaced.
const DROP_TRIGGER: &str = "
import sqlite3, sys
sqlite3.connect(sys.argv[1]).execute('DROP TRIGGER events_are_not_replaced')";
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(600);

pub(crate) async fn measure(folder: &Path, report: &mut Report) -> Result {
    // A store for each, so that none has to clear up what another has left in the log.
    let mut repositories = Vec::new();
    for callers in CALLERS {
        repositories
            .push(Repository::<Stock>::new(fill::store(folder, &format!("creates-{callers}.db")).await?));
    }
    let name = "creates-unguarded.db";
    let unguarded = Repository::<Stock>::new(fill::store(folder, name).await?);
    if !Command::new("python3").args(["-c", DROP_TRIGGER]).arg(folder.join(name)).status()?.success() {
        return Err("python3 could not drop the trigger".into());
    }
    let mut guarded = Vec::new();
    let mut floor = Floor::in_folder(folder)?;
    let mut floors = Vec::new();
    let mut rates = CALLERS.map(|_| Vec::new());
    let mut ratios = CALLERS.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (index, callers) in CALLERS.into_iter().enumerate() {
            // The floor moves with whatever else the disk has to do: it is taken anew before each figure.
            let floor = floor.measure()?.as_secs_f64();
            let rate = creates_per_second(&repositories[index], callers).await?;
            floors.push(floor);
            rates[index].push(rate);
            ratios[index].push(rate * floor);
            if callers == CALLERS[CALLERS.len() - 1] {
                guarded.push(rate / creates_per_second(&unguarded, callers).await?);
            }
        }
    }
    let floor = median(&mut floors);
    report.row("floor: 512-byte append + fdatasync", format!("{:.0} /s", 1.0 / floor), "1.00 × floor", "");
    for (index, callers) in CALLERS.into_iter().enumerate() {
        let name = format!("creates, {callers} callers");
        let rate = median(&mut rates[index]);
        report.row(&name, format!("{rate:.0} /s"), format!("{:.2} × floor", median(&mut ratios[index])), "");
    }
    let ratio = format!("{:.2} ×", median(&mut guarded));
    report.row("that, beside a file whose events can be replaced", ratio, "", "without one of its triggers");
    report.set_floor(Duration::from_secs_f64(floor));
    Ok(())
}

async fn creates_per_second(repository: &Repository<Stock>, callers: usize) -> Result<f64> {
    let begin = Instant::now();
    let callers = (0..callers).map(|_| {
        let repository = repository.clone();
        tokio::spawn(async move {
            let mut created = 0_u32;
            while begin.elapsed() < ROUND {
                repository.create(StockEvent::StockAdded { amount: 5 }).await?;
                created += 1;
            }
            Result::Ok(created)
        })
    });
    let created = try_join_all(callers).await?.into_iter().sum::<Result<u32>>()?;
    Ok(f64::from(created) / begin.elapsed().as_secs_f64())
}
