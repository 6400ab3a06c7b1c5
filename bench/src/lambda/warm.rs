//! What a purchase takes in a process that is there, beside the bare `PutItem` that it makes, and how much memory that
//! process has had.

use serde_json::json;

use super::{
    Bench, event,
    figures::{Figures, Unit},
    process::Process,
};
use crate::{Result, report::median};

const PURCHASES: usize = 1_000;

/// So many are not counted: they warm DynamoDB Local up.
const FIRST: usize = 100;

/// Of the bare `PutItem`.
const SLOWEST: f64 = 1.3;

/// In MB.
const MOST_MEMORY: f64 = 40.0;

pub(super) async fn measure(bench: &Bench, figures: &mut Figures) -> Result {
    let (shop, bare) = (bench.shop()?, bench.bare.function()?);
    let product = event::send(&shop, &event::post("/products", Some(&json!({"amount": 1_000_000})))).await?;
    let id = product["id"].as_str().ok_or("a product has no id")?;
    let purchase = event::post(&format!("/products/{id}/buy"), None);
    let (mut purchases, mut puts) = (Vec::new(), Vec::new());
    let process = Process::of(&shop)?;
    let mut processor_time = 0.0;
    for number in 0..PURCHASES {
        if number == FIRST {
            purchases.clear();
            puts.clear();
            processor_time = process.processor_time()?;
        }
        purchases.push(event::timed(&shop, &purchase).await?);
        puts.push(event::timed(&bare, &purchase).await?);
    }
    processor_time = (process.processor_time()? - processor_time) / purchases.len() as f64;
    let memory = Process::of(&shop)?.peak_memory()?;
    bench.bare.check(bench.shop.table("ProductTable")?).await?;

    let (purchase, put) = (median(&mut purchases), median(&mut puts));
    let tail = |sorted: &[f64]| format!("p99 {:.1} ms", sorted[sorted.len() * 99 / 100] * 1e3);
    let remark = tail(&purchases);
    figures.row("a warm purchase, p50", purchase * 1e3, Unit::Milliseconds, None, remark);
    let remark = tail(&puts);
    figures.row("the bare `PutItem` that it makes, p50", put * 1e3, Unit::Milliseconds, None, remark);
    let name = "a warm purchase beside the bare `PutItem`";
    figures.row(name, purchase / put, Unit::Times, Some(SLOWEST), "by turns, with an item of the same size");
    let name = "processor time of a warm purchase";
    figures.row(name, processor_time * 1e3, Unit::Milliseconds, None, "on average");
    let name = &format!("peak memory after {PURCHASES} purchases");
    figures.row(name, memory, Unit::Megabytes, Some(MOST_MEMORY), "VmHWM of the function's process");
    Ok(())
}
