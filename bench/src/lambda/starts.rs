//! What the first call takes of a process that is not there yet.
//!
//! The emulator starts a process when it gets the first call, not when it is started itself. So the time begins when the
//! call is sent to an emulator that listens, and ends when the answer is here: it has the start of the process in it, all that
//! it does before it asks for work, and the emulator's own part. What it has not: what AWS does before it starts a
//! process, to fetch the program and to make a place for it. The program is in the system's page cache.

use lambda_local::Function;
use serde_json::{Value, json};

use super::{
    Bench, event,
    figures::{Figures, Unit},
};
use crate::{Result, report::median};

const STARTS: usize = 100;

/// In milliseconds.
const SLOWEST_GET: f64 = 40.0;
const SLOWEST_PURCHASE: f64 = 120.0;

pub(super) async fn measure(bench: &Bench, figures: &mut Figures) -> Result {
    let running = bench.shop()?;
    let (mut gets, mut purchases, mut puts) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let product = event::post("/products", Some(&json!({"amount": 10})));
        let product = event::send(&running, &product).await?;
        let path = format!("/products/{}", product["id"].as_str().ok_or("a product has no id")?);
        let purchase = event::post(&format!("{path}/buy"), None);
        gets.push(first(bench.shop()?, &event::get(&path)).await?);
        purchases.push(first(bench.shop()?, &purchase).await?);
        puts.push(first(bench.bare.function()?, &purchase).await?);
    }
    for (name, mut times, target) in [
        ("from the start to the first answered `GET`", gets, Some(SLOWEST_GET)),
        ("from the start to the first acknowledged purchase", purchases, Some(SLOWEST_PURCHASE)),
        ("from the start of the bare function to its first `PutItem`", puts, None),
    ] {
        let half = median(&mut times);
        let remark = format!("{STARTS} starts; p99 {:.1} ms", times[STARTS * 99 / 100] * 1e3);
        figures.row(&format!("{name}, p50"), half * 1e3, Unit::Milliseconds, target, remark);
    }
    Ok(())
}

/// Seconds from the start of a process to its first answer.
async fn first(function: Function, event: &Value) -> Result<f64> {
    function.stand_by().await?;
    event::timed(&function, event).await
}
