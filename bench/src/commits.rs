//! Commits to one resource, one after the other, by the length of its history.

use std::{path::Path, time::Instant};

use aws_event_sourcing::Repository;

use crate::{
    Result,
    domain::{Stock, StockEvent},
    fill,
    report::{Report, median},
};

const LENGTHS: [u64; 3] = [1, 1_000, 100_000];
const ROUNDS: usize = 400;

pub(crate) async fn measure(folder: &Path, report: &mut Report) -> Result {
    let store = fill::store(folder, "commits.db").await?;
    let ids = fill::ids(LENGTHS.len());
    for (id, length) in ids.iter().zip(LENGTHS) {
        fill::histories(&store, std::slice::from_ref(id), length, fill::MANY).await?;
    }
    let repository = Repository::<Stock>::new(store);
    let mut resources = Vec::new();
    for id in &ids {
        resources.push(repository.find_one(id).await?);
    }
    let mut times = LENGTHS.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        // Turn by turn, so that whatever disturbs the disk disturbs all of them.
        for (resource, times) in resources.iter_mut().zip(&mut times) {
            let begin = Instant::now();
            resource.commit(StockEvent::StockTaken).await?;
            times.push(begin.elapsed().as_secs_f64());
        }
    }
    let medians = times.each_mut().map(|times| median(times));
    for (length, time) in LENGTHS.into_iter().zip(medians) {
        let name = format!("warm commit at length {length}");
        let ratio = format!("{:.2} × the one at length 1", time / medians[0]);
        report.row(&name, format!("{:.0} µs", time * 1e6), report.beside_floor(time), &ratio);
    }
    Ok(())
}
