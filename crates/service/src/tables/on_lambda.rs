//! What a function on Lambda wants of its tables besides.

use aws_event_sourcing_core::{
    ErrorChain, EventStore as _, ResourceKey,
    subscription::{Registration, SubscriptionKey},
};
use aws_event_sourcing_dynamodb::Past;
use futures_util::TryStreamExt as _;

use super::TableStores;
use crate::Error;

impl TableStores {
    /// The table of a type.
    pub(crate) fn table_of(&self, resource_type: &str) -> Option<&str> {
        self.tables.of(resource_type).map(String::as_str)
    }

    /// Opens a connection, by a read of what is not there. What a store does after its first request, which is to look which
    /// table it has, is done then as well.
    ///
    /// That takes no permission that a function over this table could do without, and one read unit. Beside the connection it
    /// leaves behind what DynamoDB has to look up the first time that it sees these credentials and this table.
    pub(crate) fn connect_ahead(&self) -> impl Future<Output = ()> + use<> {
        let used = self.used().clone();
        let with_table = used.into_iter().find_map(|(resource_type, table)| table.and(Some(resource_type)));
        let nothing = with_table.map(|resource_type| {
            let nobody = ResourceKey::new(resource_type, "connect-ahead");
            self.store(resource_type).read(&nobody, u64::MAX)
        });
        async {
            let Some(nothing) = nothing else { return };
            if let Err(error) = nothing.try_collect::<Vec<_>>().await {
                tracing::warn!(error = %ErrorChain::of(&error), "a table cannot be read");
            }
        }
    }

    /// What happened before a function was handed a subscription's events. Read as one segment, so that it fits into the memory
    /// of a small function.
    pub(crate) async fn past(&self, registration: &Registration) -> Result<Past, Error> {
        let SubscriptionKey { subscription, resource_type } = &registration.key;
        let (events, progress) = self.sides(subscription, resource_type)?;
        Ok(progress.feed(&events.scan_segments(1).build()).past(registration).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, net::SocketAddr};

    use aws_event_sourcing_dynamodb::DynamoDb;
    use axum::{
        Router,
        extract::ConnectInfo,
        http::{HeaderMap, header::CONTENT_TYPE},
        response::IntoResponse as _,
    };
    use tokio::{net::TcpListener, sync::mpsc};

    use super::*;
    use crate::{
        logging::Log,
        server::{HEAD_TIMEOUT, Server},
        settings::Tables,
        signals::Signals,
    };

    #[tokio::test]
    async fn the_first_request_finds_a_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, mut requests) = mpsc::unbounded_channel();
        let answer = async move |ConnectInfo(client): ConnectInfo<SocketAddr>, headers: HeaderMap| {
            let operation = headers["x-amz-target"].to_str().unwrap().to_owned();
            sender.send((operation, client)).unwrap();
            ([(CONTENT_TYPE, "application/x-amz-json-1.0")], r#"{"Items":[],"Count":0}"#).into_response()
        };
        let dynamodb = DynamoDb::builder().region("eu-central-1").access_key("a", "b").endpoint_url(url);
        let dynamodb = dynamodb.connect().await.unwrap();
        let tables = TableStores::new(dynamodb, Tables::One("products".into()), None);
        let client = async {
            let store = tables.store("product");
            tables.connect_ahead().await;
            // The connection's own task has to see that it is free.
            tokio::task::yield_now().await;
            let events = store.read(&ResourceKey::new("product", "p-1"), 0).try_collect::<Vec<_>>();
            assert_eq!(events.await.unwrap(), []);
            [requests.recv().await.unwrap(), requests.recv().await.unwrap(), requests.recv().await.unwrap()]
        };
        let mut signals = Signals::listen(Default::default(), &Log::new()).await.unwrap();
        let server = Server::new(Router::new().fallback(answer), HEAD_TIMEOUT, Default::default());
        let [ahead, look, first] = tokio::select! {
            all = client => all,
            () = server.accept(listener, &mut signals) => pending().await,
        };
        assert_eq!(ahead.0, "DynamoDB_20120810.Query");
        assert_eq!(look, ("DynamoDB_20120810.DescribeTable".to_owned(), ahead.1), "on another connection");
        assert_eq!(ahead, first, "on another connection");
    }
}
