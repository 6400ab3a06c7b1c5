//! [`IdempotencyScope`]: whose an `Idempotency-Key` is.

use std::{fmt, sync::Arc};

use axum::http::request::Parts;

/// Whose an `Idempotency-Key` is: what a service knows of a request's sender, as a text that is another one for each
/// customer, tenant or user who chooses keys without knowing of the others.
///
/// ```
/// # use aws_event_sourcing_http::{IdempotencyScope, Settings};
/// /// Who sent the request: put into its extensions by the layer that checks tokens.
/// #[derive(Clone)]
/// struct Customer(String);
///
/// let settings = Settings {
///     idempotency_scope: Some(IdempotencyScope::of(|request| {
///         request.extensions.get::<Customer>().map(|customer| customer.0.clone())
///     })),
///     ..Settings::default()
/// };
/// ```
///
/// It is asked when a handler takes the [terms of its write](crate::WriteTerms), after all layers: what these have put into
/// the request's extensions is there. A header is worth no more than whoever sets it; take it from a gateway, not from a
/// client.
///
/// A request that has an `Idempotency-Key` and belongs to nobody is answered with 400, so that a route that was left out of
/// the layer is noticed, and shares no keys. Where keys of strangers are welcome, give them a scope that they share.
///
/// A key of a command that [decides on the state](aws_event_sourcing_core::Repository::update) is not compared with what it
/// asks for. Where clients use one key for several commands, let the scope name the command too.
#[derive(Clone)]
pub struct IdempotencyScope(Arc<Owner>);

/// Tells whose the keys of a request are.
type Owner = dyn Fn(&Parts) -> Option<String> + Send + Sync;

impl IdempotencyScope {
    /// What the function says of a request; nobody when it says nothing.
    pub fn of(scope: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(scope))
    }

    pub(crate) fn of_request(&self, request: &Parts) -> Option<String> {
        (self.0)(request)
    }
}

impl fmt::Debug for IdempotencyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyScope").finish_non_exhaustive()
    }
}
