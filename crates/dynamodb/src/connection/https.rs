//! [`Https`]: how requests are sent.

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    connector_metadata::ConnectorMetadata,
    http::{HttpConnectorSettings, SharedHttpClient, SharedHttpConnector},
};

/// The SDK's client of HTTP, made ready by the first request. By itself it would read the certificates of all authorities as
/// soon as a service is configured, make of them what a connection takes, and throw that away: milliseconds of a
/// function's start, in which it could ask for its first call.
#[derive(Debug)]
pub(super) struct Https(SharedHttpClient);

impl Https {
    pub(super) fn new() -> Self {
        Self(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https())
    }
}

/// `validate_base_client_config` is where the SDK's client does that. Here it does nothing.
impl HttpClient for Https {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}
