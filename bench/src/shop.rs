//! The example shop over HTTP, as a process of its own, with 64 connections that never rest.

use std::{
    path::{Path, PathBuf},
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

pub(crate) const CONNECTIONS: usize = 64;
const DURATION: Duration = Duration::from_secs(4);

/// Warnings only, and where the shop listens.
pub(crate) const QUIET: &str = "warn,aws_event_sourcing_service=info";

pub(crate) async fn measure(folder: &Path, report: &mut Report) -> Result {
    // What a line for each request costs is measured by itself.
    let shop = Running::start(testbed::program(build()?, folder).env("RUST_LOG", QUIET));
    let products = products(&shop).await;
    let purchases = purchases(&products, DURATION).await?;
    let reads = load(&products, DURATION, |client, path| client.request("GET", path)).await?;
    for (name, Load { rate, p50, p99 }) in [("purchases", purchases), ("reads of one product", reads)] {
        let name = format!("{name} over HTTP, {CONNECTIONS} connections");
        let times = format!("p50 {:.1} ms, p99 {:.1} ms", p50 * 1e3, p99 * 1e3);
        report.row(&name, format!("{rate:.0} /s"), report.rate_beside_floor(rate), &times);
    }
    Ok(())
}

/// Builds the shop, and gives its program.
pub(crate) fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--release", "--quiet", "-p", "shopping"]).status()?;
    if !built.success() {
        return Err("the shop does not compile".into());
    }
    Ok(std::env::current_exe()?.with_file_name("shopping"))
}

/// A product for each connection, and the connection.
pub(crate) async fn products(shop: &Running) -> Vec<(Client, String)> {
    let mut products = Vec::new();
    for _ in 0..CONNECTIONS {
        let client = shop.client();
        let created = client.post("/products", json!({"amount": 1_000_000})).await;
        products.push((client, format!("/products/{}", created.text("id"))));
    }
    products
}

/// Buys of each product on its connection, again and again.
pub(crate) async fn purchases(products: &[(Client, String)], duration: Duration) -> Result<Load> {
    load(products, duration, |client, path| client.request("POST", &format!("{path}/buy"))).await
}

pub(crate) struct Load {
    pub(crate) rate: f64,
    p50: f64,
    p99: f64,
}

async fn load(
    products: &[(Client, String)],
    duration: Duration,
    request: impl Fn(&Client, &str) -> RequestBuilder + Copy + Send + Sync + 'static,
) -> Result<Load> {
    let begin = Instant::now();
    let connections = products.iter().cloned().map(|(client, path)| {
        tokio::spawn(async move {
            let mut times = Vec::new();
            while begin.elapsed() < duration {
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
