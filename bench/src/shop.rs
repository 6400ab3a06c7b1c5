//! The example shop over HTTP, as a process of its own, with 64 connections that never rest.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use reqwest::RequestBuilder;
use serde_json::json;
use testbed::{Client, Running};

use crate::{
    Result,
    report::{Report, median},
};

const CONNECTIONS: usize = 64;
const DURATION: Duration = Duration::from_secs(4);

pub(crate) async fn measure(folder: &Path, report: &mut Report) -> Result {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--release", "--quiet", "-p", "shopping"]).status()?;
    if !built.success() {
        return Err("the shop does not compile".into());
    }
    let program = std::env::current_exe()?.with_file_name("shopping");
    // A log line for each request is what a service writes by default; here it would measure the pipe.
    let shop = Running::start(
        testbed::program(program, folder).env("RUST_LOG", "warn,aws_event_sourcing_service=info"),
    );
    let mut products = Vec::new();
    for _ in 0..CONNECTIONS {
        let client = shop.client();
        let created = client.post("/products", json!({"amount": 1_000_000})).await;
        products.push((client, format!("/products/{}", created.text("id"))));
    }
    let purchases = load(&products, |client, path| client.request("POST", &format!("{path}/buy"))).await?;
    let reads = load(&products, |client, path| client.request("GET", path)).await?;
    for (name, Load { rate, p50, p99 }) in [("purchases", purchases), ("reads of one product", reads)] {
        let name = format!("{name} over HTTP, {CONNECTIONS} connections");
        let times = format!("p50 {:.1} ms, p99 {:.1} ms", p50 * 1e3, p99 * 1e3);
        report.row(&name, format!("{rate:.0} /s"), report.rate_beside_floor(rate), &times);
    }
    Ok(())
}

struct Load {
    rate: f64,
    p50: f64,
    p99: f64,
}

async fn load(
    products: &[(Client, String)],
    request: impl Fn(&Client, &str) -> RequestBuilder + Copy + Send + Sync + 'static,
) -> Result<Load> {
    let begin = Instant::now();
    let connections = products.iter().cloned().map(|(client, path)| {
        tokio::spawn(async move {
            let mut times = Vec::new();
            while begin.elapsed() < DURATION {
                let sent = Instant::now();
                let response = request(&client, &path).send().await?.error_for_status()?;
                response.bytes().await?;
                times.push(sent.elapsed().as_secs_f64());
            }
            Result::Ok(times)
        })
    });
    let mut times = Vec::new();
    for connection in try_join_all(connections).await? {
        times.extend(connection?);
    }
    let rate = times.len() as f64 / begin.elapsed().as_secs_f64();
    let p50 = median(&mut times);
    Ok(Load { rate, p50, p99: times[times.len() * 99 / 100] })
}
