//! What the DynamoDB store takes: requests, capacity units, money, and time on DynamoDB Local.

mod figures;
pub(crate) mod find_all;
mod price;
mod subscriptions;

use std::time::Instant;

use aws_event_sourcing::{
    CacheSettings, Repository, ResourceId, Retry,
    dynamodb::{Consumed, DynamoDb, DynamoDbStore, Meter},
};
use dynamodb_local::{DynamoDbLocal, Tables};
use futures_util::future::try_join_all;
use uuid::Uuid;

use self::{figures::Figures, price::Prices};
use crate::{
    Result,
    domain::{Stock, StockEvent},
    fill,
    report::median,
};

const ROUNDS: u32 = 200;
const LENGTHS: [u64; 3] = [10, 1_000, 10_000];
const WRITERS: u32 = 8;

/// Measures everything, on a server of its own.
pub(crate) async fn measure(options: &[&str]) -> Result<String> {
    let (mut prices, mut json) = (Prices::default(), false);
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let mut price = || -> Result<f64> { Ok(options.next().ok_or("which price?")?.parse()?) };
        match *option {
            "--json" => json = true,
            "--write-price" => prices.write_units = price()?,
            "--read-price" => prices.read_units = price()?,
            unknown => return Err(format!("unknown option {unknown:?}, see --help").into()),
        }
    }
    let server = DynamoDbLocal::builder().tables(Tables::OfEachKey).start()?;
    let access_key = format!("bench{}", Uuid::new_v4().simple());
    let dynamodb = connect(server.url(), &access_key).await?;
    let bench = Bench { url: server.url().to_owned(), access_key, dynamodb };
    let mut figures = Figures::new(prices);
    one_after_the_other(&bench, &mut figures).await?;
    sequence(&bench, &mut figures).await?;
    by_length(&bench, &mut figures).await?;
    contended(&bench, &mut figures).await?;
    subscriptions::measure(&bench, &mut figures).await?;
    find_all::measure(&bench, &mut figures).await?;
    Ok(if json { figures.json() } else { figures.table() })
}

async fn connect(url: &str, access_key: &str) -> Result<DynamoDb> {
    let connect = DynamoDb::builder().access_key(access_key, "secret").region("us-east-1");
    Ok(connect.endpoint_url(url).connect().await?)
}

/// A server, and tables that nobody else has.
struct Bench {
    url: String,
    access_key: String,
    dynamodb: DynamoDb,
}

impl Bench {
    /// A new table, as a store with a meter.
    async fn table(&self, name: &str) -> Result<(DynamoDbStore, Meter)> {
        self.dynamodb.table(name).create().send().await?;
        Ok(self.store(name))
    }

    fn store(&self, table: &str) -> (DynamoDbStore, Meter) {
        let meter = Meter::new();
        (self.dynamodb.store().table("stock", table).on_request(meter.observer()).build(), meter)
    }
}

/// Times a call again and again; the median in seconds, and what all together consumed.
async fn rounds<T>(
    rounds: u32,
    meter: &Meter,
    mut call: impl AsyncFnMut() -> Result<T>,
) -> Result<(f64, Consumed)> {
    // The first one opens a connection.
    call().await?;
    meter.take();
    let mut times = Vec::new();
    for _ in 0..rounds {
        let begin = Instant::now();
        call().await?;
        times.push(begin.elapsed().as_secs_f64());
    }
    Ok((median(&mut times), meter.take()))
}

async fn one_after_the_other(bench: &Bench, figures: &mut Figures) -> Result {
    let (store, meter) = bench.table("single").await?;
    let stock = Repository::<Stock>::new(store);
    let add = || StockEvent::StockAdded { amount: 5 };

    let (time, consumed) = rounds(ROUNDS, &meter, async || Ok(stock.create(add()).await?)).await?;
    figures.row("create", ROUNDS, time, consumed, "one of the units is the list's");

    let id = stock.create(add()).await?.id().clone();
    let (time, consumed) = rounds(ROUNDS, &meter, async || Ok(stock.commit(&id, add()).await?)).await?;
    figures.row("commit, warm", ROUNDS, time, consumed, "");
    let five = async || Ok(stock.commit_all(&id, [add(), add(), add(), add(), add()]).await?);
    let (time, consumed) = rounds(ROUNDS, &meter, five).await?;
    figures.row("commit of five events, warm", ROUNDS, time, consumed, "");
    let (time, consumed) = rounds(ROUNDS, &meter, async || Ok(stock.find_one(&id).await?)).await?;
    figures.row("find_one, warm", ROUNDS, time, consumed, "");
    Ok(())
}

/// Many commits to one resource, the last ones beside the first ones.
async fn sequence(bench: &Bench, figures: &mut Figures) -> Result {
    let (store, meter) = bench.table("sequence").await?;
    let stock = Repository::<Stock>::new(store);
    let mut resource = stock.create(StockEvent::StockTaken).await?;
    meter.take();
    let mut times = Vec::new();
    for _ in 0..1_000 {
        let begin = Instant::now();
        resource.commit(StockEvent::StockTaken).await?;
        times.push(begin.elapsed().as_secs_f64());
    }
    let consumed = meter.take();
    // The very first ones warm the server up.
    let (first, last) = (median(&mut times[..100].to_vec()), median(&mut times[900..].to_vec()));
    let remark = format!("the last 100 take {:.2} × the first 100", last / first);
    figures.row("1,000 commits in sequence, each", 1_000, median(&mut times), consumed, &remark);
    Ok(())
}

/// What depends on how long a history is, for those who have not seen it yet.
async fn by_length(bench: &Bench, figures: &mut Figures) -> Result {
    let (store, meter) = bench.table("lengths").await?;
    let cold = Repository::<Stock>::builder(store.clone()).cache(CacheSettings::OFF).build();
    for length in LENGTHS {
        let id: ResourceId = fill::ids(1).remove(0);
        fill::histories(&store, std::slice::from_ref(&id), length, fill::FEW).await?;
        let calls = if length > 1_000 { 20 } else { 50 };
        let (time, consumed) = rounds(calls, &meter, async || Ok(cold.find_one(&id).await?)).await?;
        figures.row(&format!("find_one, cold, {length} events"), calls, time, consumed, "");
        let commit = async || Ok(cold.commit(&id, StockEvent::StockTaken).await?);
        let (time, consumed) = rounds(calls, &meter, commit).await?;
        figures.row(&format!("commit, cold, {length} events"), calls, time, consumed, "");
    }
    Ok(())
}

/// Eight processes that commit to one resource at the same time.
async fn contended(bench: &Bench, figures: &mut Figures) -> Result {
    const EACH: u32 = 40;
    let (store, meter) = bench.table("contended").await?;
    let id = Repository::<Stock>::new(store.clone()).create(StockEvent::StockTaken).await?.id().clone();
    meter.take();
    // Each with a cache, and so a view of its own. Nobody gives up.
    let retry = Retry { attempts: 1_000, ..Retry::default() };
    let writers = (0..WRITERS).map(|_| {
        let stock = Repository::<Stock>::builder(store.clone()).retry(retry).build();
        let id = id.clone();
        async move {
            for _ in 0..EACH {
                stock.commit(&id, StockEvent::StockTaken).await?;
            }
            Result::Ok(())
        }
    });
    let begin = Instant::now();
    try_join_all(writers).await?;
    let seconds = begin.elapsed().as_secs_f64() / f64::from(WRITERS * EACH);
    let consumed = meter.take();
    figures.row(
        "commit, 8 processes on one resource",
        WRITERS * EACH,
        seconds,
        consumed,
        "time is wall clock for each commit",
    );
    Ok(())
}
