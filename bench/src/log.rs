//! What the log costs a shop that sells as fast as it can: one that logs warnings only, beside one whose log of each request,
//! commit and handled event is written to a file, and one whose log goes into a pipe that nobody reads.

use std::{fs, path::Path, time::Duration};

use testbed::{Client, Running, program};

use crate::{
    Result,
    report::{Report, median},
    shop::{self, CONNECTIONS, QUIET},
};

/// Each shop has its turn in every round.
const ROUNDS: usize = 9;
const TURN: Duration = Duration::from_secs(2);

/// Until all that waits to be read is full, with much to spare.
const WARM_UP: Duration = Duration::from_secs(6);

/// What a log may cost.
const TARGET: f64 = 0.95;

struct Shop {
    log: &'static str,
    products: Vec<(Client, String)>,
    rates: Vec<f64>,
    _running: Running,
}

impl Shop {
    async fn new(log: &'static str, running: Running) -> Self {
        let products = shop::products(&running).await;
        Self { log, products, rates: Vec::new(), _running: running }
    }
}

pub(crate) async fn measure(folder: &Path, report: &mut Report) -> Result {
    let shopping = shop::build()?;
    let [quiet, written, unread] = ["quiet", "written", "unread"].map(|name| folder.join(name));
    let file = folder.join("log");
    let running = Running::start(program(&shopping, &quiet).env("RUST_LOG", QUIET));
    let quiet = Shop::new("a log of warnings only", running).await;
    let running = Running::start_with_log_in(&mut program(&shopping, &written), &file);
    let written = Shop::new("a log that is written to a file", running).await;
    let running = Running::start(&mut program(&shopping, &unread));
    running.stop_reading();
    let unread = Shop::new("a log that nobody reads", running).await;

    let mut shops = [quiet, written, unread];
    for shop in &shops {
        shop::purchases(&shop.products, WARM_UP).await?;
    }
    let bytes = fs::metadata(&file)?.len();
    for round in 0..ROUNDS {
        for turn in 0..shops.len() {
            let at = (round + turn) % shops.len();
            let sold = shop::purchases(&shops[at].products, TURN).await?;
            shops[at].rates.push(sold.rate);
        }
    }
    let bytes = fs::metadata(&file)?.len() - bytes;
    let [quiet, logging @ ..] = &mut shops;
    for shop in logging {
        let mut ratios: Vec<_> =
            shop.rates.iter().zip(&quiet.rates).map(|(with, without)| with / without).collect();
        let remark = format!("{:.2} × of warnings only; at least {TARGET} ×", median(&mut ratios));
        row(report, shop, &remark);
    }
    let per_second = bytes as f64 / (TURN.as_secs_f64() * ROUNDS as f64) / 1e6;
    row(report, quiet, &format!("what was written to the file: {per_second:.1} MB/s"));
    Ok(())
}

fn row(report: &mut Report, shop: &mut Shop, remark: &str) {
    let name = format!("purchases over HTTP, {CONNECTIONS} connections, {}", shop.log);
    let rate = median(&mut shop.rates);
    report.row(&name, format!("{rate:.0} /s"), report.rate_beside_floor(rate), remark);
}
