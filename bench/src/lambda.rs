//! What the shop takes as a function: the one that is deployed, under AWS's runtime interface emulator, with DynamoDB
//! Local in memory.

mod bare;
mod event;
mod figures;
mod process;
mod starts;
mod warm;

use dynamodb_local::{DynamoDbLocal, Tables};
use lambda_local::{Deployment, DynamoDb, Function, Prepared, Program};
use uuid::Uuid;

use self::{
    bare::Bare,
    figures::{Figures, Unit},
};
use crate::Result;

/// The function that answers the API.
const FUNCTION: &str = "ApiFunction";

/// In MB.
const LARGEST: f64 = 6.0;

/// Measures everything, on a server of its own.
pub(crate) async fn measure(options: &[&str]) -> Result<String> {
    let json = match options {
        [] => false,
        ["--json"] => true,
        unknown => return Err(format!("unknown options {unknown:?}, see --help").into()),
    };
    let built = deployment::build("shopping")?;
    let server = DynamoDbLocal::builder().tables(Tables::OfEachKey).start()?;
    let dynamodb = DynamoDb::new(server.url(), format!("bench{}", Uuid::new_v4().simple()));
    let program = Program::At(built.bootstrap(FUNCTION)?);
    let shop = Deployment::of("shopping").program(program).dynamodb(dynamodb.clone()).prepare().await?;
    let bare = Bare::prepare(dynamodb).await?;
    let bench = Bench { shop, bare };

    let mut figures = Figures::default();
    let zipped = std::fs::metadata(built.zip(FUNCTION)?)?.len() as f64 / 1e6;
    figures.row("the function, zipped", zipped, Unit::Megabytes, Some(LARGEST), "as `sam deploy` uploads it");
    warm::measure(&bench, &mut figures).await?;
    starts::measure(&bench, &mut figures).await?;
    Ok(if json { figures.json() } else { figures.table() })
}

/// The shop, and what it is compared with.
struct Bench {
    shop: Prepared,
    bare: Bare,
}

impl Bench {
    /// The shop as a function that nobody has called yet.
    fn shop(&self) -> Result<Function> {
        Ok(self.shop.function(FUNCTION)?)
    }
}
