//! [`Tables`]: tables in DynamoDB Local for one service.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_event_sourcing_dynamodb::DynamoDb;

const REGION: &str = "us-east-1";

const SUBSCRIPTIONS: &str = "subscriptions";

/// Which tables [the shop](Tables::of_shop) uses.
pub const SHOP_TABLES: [(&str, &str); 3] = [
    ("DYNAMODB_TABLE_PRODUCT", "products"),
    ("DYNAMODB_TABLE_REORDER", "reorders"),
    ("SUBSCRIPTIONS_TABLE", SUBSCRIPTIONS),
];

/// Tables in DynamoDB Local that nobody else sees: they belong to an access key of their own.
#[derive(Debug, Clone)]
pub struct Tables {
    access_key: String,
}

impl Tables {
    /// Makes tables of these names.
    ///
    /// # Panics
    ///
    /// When they cannot be made.
    pub async fn create(names: &[&str]) -> Self {
        static KEYS: AtomicU32 = AtomicU32::new(0);
        let key = KEYS.fetch_add(1, Ordering::Relaxed);
        let tables = Self { access_key: format!("testbed{}x{key}", std::process::id()) };
        let dynamodb = tables.connect().await;
        for &name in names {
            dynamodb.table(name).create().send().await.expect("a table");
        }
        tables
    }

    /// Makes those of the shop: `products`, `reorders` and `subscriptions`.
    ///
    /// # Panics
    ///
    /// When they cannot be made.
    pub async fn of_shop() -> Self {
        Self::create(&["products", "reorders"]).await.with_subscriptions().await
    }

    /// Makes a table `subscriptions` too.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    #[must_use]
    pub async fn with_subscriptions(self) -> Self {
        self.connect().await.subscriptions_table(SUBSCRIPTIONS).create().send().await.expect("a table");
        self
    }

    /// A connection that sees them.
    ///
    /// # Panics
    ///
    /// When there is no DynamoDB Local.
    pub async fn connect(&self) -> DynamoDb {
        let connect = DynamoDb::builder().access_key(&self.access_key, "secret").region(REGION);
        connect.endpoint_url(dynamodb_local::url()).connect().await.expect("a connection")
    }

    /// The settings of a [`program`](crate::program) that uses them, but for the names of the tables.
    #[must_use]
    pub fn settings(&self) -> [(&'static str, &str); 4] {
        [
            ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_local::url()),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", &self.access_key),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ]
    }
}
