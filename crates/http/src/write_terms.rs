//! [`WriteTerms`]: on what conditions a client wants something written. Every handler that commits takes one.

use aws_event_sourcing_core::{Aggregate, ById, New, Resource, Write};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, header::IF_NONE_MATCH, request::Parts},
};

use crate::{
    Problem,
    etag::{EntityTags, Malformed, if_match},
    idempotency_key::ScopedKey,
};

/// What the request's headers say about a write: `Idempotency-Key`, `If-Match` and `If-None-Match`. An extractor.
///
/// ```
/// # use aws_event_sourcing_core::{Aggregate, CommitError, Repository, Resource, ResourceId};
/// # use aws_event_sourcing_http::{Problem, WithTerms as _, WriteTerms};
/// # async fn example<A: Aggregate>(
/// #     products: Repository<A>, id: ResourceId, event: A::Event, terms: WriteTerms,
/// # ) -> Result<Resource<A>, Problem> {
/// let product = products.commit(id, event).terms(terms)?.await?;
/// # Ok(product)
/// # }
/// ```
///
/// **`Idempotency-Key`** becomes [`Write::idempotency_key`]: the request is carried out once, and its repetitions get
/// the same answer, for ever. Taken as a plain token (visible ASCII) and as the quoted string of the IETF draft; 1 to
/// [`MAX_COMMIT_ID_BYTES`](aws_event_sourcing_core::limits::MAX_COMMIT_ID_BYTES) bytes; 400 for anything else.
///
/// A key counts for one resource, or for creating those of one type, and in its
/// [scope](crate::IdempotencyScope), which the service's [`Settings`](crate::Settings) name: those of one customer by
/// themselves. 38 bytes of a key's room are the scope's. The key with another body is 422. Only what was committed is
/// remembered: a request that was answered with 404, 409, 412 or 422, or with 503, is judged anew when it is repeated.
///
/// **`If-Match`** becomes `expecting_any`: 412 unless the resource is at a version that it names. `*` asks for nothing
/// that a write to an existing resource does not ask for anyway. A weak tag never matches. When a resource is created,
/// nothing is there that could match: 412. Where the resource does not exist, a write is answered with 404 whatever it
/// expects (RFC 9110, section 13.2.1).
///
/// **`If-None-Match: *`** is what creating a resource means anyway; 412 for a write to a resource that exists. Tags
/// are refused with 400: that a resource must *not* be at some version is nothing that a store could check.
#[derive(Debug, Clone, Default)]
pub struct WriteTerms {
    if_match: Option<EntityTags>,
    only_if_absent: bool,
    idempotency_key: Option<ScopedKey>,
}

impl WriteTerms {
    /// The value of `Idempotency-Key`, without quotes.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.idempotency_key.as_ref().map(|scoped| scoped.key.as_str())
    }

    /// Whose that key is, where the service says so.
    #[must_use]
    pub fn idempotency_scope(&self) -> Option<&str> {
        self.idempotency_key.as_ref()?.scope.as_deref()
    }

    /// The versions to commit on.
    fn expecting(&self) -> Result<Option<Vec<u64>>, Problem> {
        if self.only_if_absent {
            return Err(precondition_failed("If-None-Match: * permits no change of a resource that exists"));
        }
        let Some(EntityTags::Listed(tags)) = &self.if_match else { return Ok(None) };
        let strong = tags.iter().filter(|tag| !tag.weak);
        let mut versions: Vec<_> = strong.filter_map(|tag| tag.version).collect();
        if versions.is_empty() {
            versions.push(NO_VERSION);
        }
        Ok(Some(versions))
    }
}

/// No resource comes to it: what expects it is refused, with the version that the resource has.
const NO_VERSION: u64 = u64::MAX;

fn precondition_failed(detail: &str) -> Problem {
    Problem::new(StatusCode::PRECONDITION_FAILED, detail)
}

impl<S: Send + Sync> FromRequestParts<S> for WriteTerms {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let only_if_absent = match EntityTags::of(&parts.headers, &IF_NONE_MATCH) {
            Ok(None) => false,
            Ok(Some(EntityTags::Any)) => true,
            Ok(Some(EntityTags::Listed(_))) | Err(Malformed) => {
                return Err(Problem::new(StatusCode::BAD_REQUEST, "If-None-Match of a write can only be *"));
            }
        };
        Ok(Self {
            if_match: if_match(&parts.headers)?,
            only_if_absent,
            idempotency_key: ScopedKey::of(parts)?,
        })
    }
}

/// A write that can be put on the terms of a request.
pub trait WithTerms: Sized + sealed::Sealed {
    /// Puts the write on these terms.
    ///
    /// # Errors
    ///
    /// 412 when they cannot be kept, whatever the state.
    fn terms(self, terms: WriteTerms) -> Result<Self, Problem>;
}

impl<A: Aggregate> WithTerms for Write<'_, A, New<A>> {
    fn terms(self, terms: WriteTerms) -> Result<Self, Problem> {
        if terms.if_match.is_some() {
            return Err(precondition_failed("If-Match: what is to be created has no version yet"));
        }
        Ok(with_key(self, terms))
    }
}

impl<A: Aggregate> WithTerms for Write<'_, A, ById<A>> {
    fn terms(self, terms: WriteTerms) -> Result<Self, Problem> {
        let expecting = terms.expecting()?;
        let write = with_key(self, terms);
        Ok(if let Some(versions) = expecting { write.expecting_any(versions) } else { write })
    }
}

impl<A: Aggregate> WithTerms for Write<'_, A, &mut Resource<A>> {
    fn terms(self, terms: WriteTerms) -> Result<Self, Problem> {
        let expecting = terms.expecting()?;
        let write = with_key(self, terms);
        Ok(if let Some(versions) = expecting { write.expecting_any(versions) } else { write })
    }
}

fn with_key<A: Aggregate, Target>(write: Write<'_, A, Target>, terms: WriteTerms) -> Write<'_, A, Target> {
    match terms.idempotency_key {
        Some(ScopedKey { key, scope: Some(scope) }) => write.idempotency_key(key).idempotency_scope(scope),
        Some(ScopedKey { key, scope: None }) => write.idempotency_key(key),
        None => write,
    }
}

mod sealed {
    pub trait Sealed {}

    impl<A: super::Aggregate, Target> Sealed for super::Write<'_, A, Target> {}
}
