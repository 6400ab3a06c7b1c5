//! Bringing a resource's state up to date, from nothing and from the cache.

use std::{path::Path, time::Instant};

use aws_event_sourcing::{CacheSettings, Repository, ResourceId, sqlite::SqliteStore};

use crate::{
    Result,
    domain::Stock,
    fill,
    report::{Report, median},
};

const LENGTHS: [u32; 2] = [100, 100_000];
const ROUNDS: usize = 21;

pub(crate) async fn measure(folder: &Path, report: &mut Report) -> Result {
    let store = fill::store(folder, "hydrate.db").await?;
    for length in LENGTHS {
        let id = &fill::ids(1)[0];
        fill::histories(&store, std::slice::from_ref(id), length.into(), fill::MANY).await?;
        let cold = time(&store, CacheSettings::OFF, id).await?;
        let warm = time(&store, CacheSettings::default(), id).await?;
        let rate = format!("{:.2} million events/s", f64::from(length) / cold / 1e6);
        let name = |temperature| format!("hydrate {length} events, {temperature}");
        report.row(&name("cold"), format!("{:.0} µs", cold * 1e6), report.beside_floor(cold), &rate);
        report.row(&name("warm"), format!("{:.0} µs", warm * 1e6), report.beside_floor(warm), "");
    }
    Ok(())
}

async fn time(store: &SqliteStore, cache: CacheSettings, id: &ResourceId) -> Result<f64> {
    let repository = Repository::<Stock>::builder(store.clone()).cache(cache).build();
    repository.find_one(id).await?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let stock = repository.find_one(id).await?;
        times.push(begin.elapsed().as_secs_f64());
        assert_eq!(stock.quantity, stock.version() * 5, "every event was applied");
    }
    Ok(median(&mut times))
}
