//! [`Role`]: what a function may do to DynamoDB. It stands between the two, as IAM does on AWS.

mod call;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Request, Response},
};
use deployment::{Function, Permission};
use hyper::body::Incoming;
use serde_json::json;

use crate::{DynamoDb, Error, server::Server};

/// The most bytes of a request that DynamoDB takes.
const LARGEST: usize = 16 << 20;

/// Hands on to DynamoDB what is permitted, and answers everything else as IAM does: with an `AccessDeniedException`. And
/// notes what each call takes. Dropping it cuts off whoever has the role.
#[derive(Debug)]
pub struct Role {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    /// The logical id of the function.
    function: String,
    dynamodb: DynamoDb,
    permitted: BTreeSet<Permission>,
    /// What Lambda itself needs.
    by_lambda: BTreeSet<Permission>,
    /// Logical id and name of each.
    tables: Vec<(String, String)>,
    used: Mutex<BTreeSet<Permission>>,
}

impl Role {
    /// The role of a template's function, for tables that have logical ids and names.
    ///
    /// # Errors
    ///
    /// When the template says something that is not understood, and when there is no free port.
    pub async fn start(
        function: &Function<'_>,
        tables: &[(String, String)],
        dynamodb: &DynamoDb,
    ) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            function: function.id().to_owned(),
            dynamodb: dynamodb.clone(),
            permitted: function.permissions()?,
            by_lambda: function.needed_by_lambda()?,
            tables: tables.to_vec(),
            used: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let server = Server::start(0, move |request, _| Arc::clone(&serving).serve(request)).await?;
        Ok(Self { server, shared })
    }

    /// DynamoDB for whoever has the role.
    #[must_use]
    pub fn dynamodb(&self) -> DynamoDb {
        self.shared.dynamodb.at(self.server.url())
    }

    /// What was asked for so far and is not permitted.
    #[must_use]
    pub fn denied(&self) -> BTreeSet<Permission> {
        self.shared.used().iter().filter(|call| !self.shared.permits(call)).cloned().collect()
    }

    /// What is permitted, and neither was used so far nor is needed by Lambda itself.
    #[must_use]
    pub fn unused(&self) -> BTreeSet<Permission> {
        let Shared { permitted, by_lambda, .. } = &*self.shared;
        let used = self.shared.used();
        let is_used = |permission: &&Permission| used.iter().any(|call| permission.allows(call));
        permitted.difference(by_lambda).filter(|permission| !is_used(permission)).cloned().collect()
    }
}

impl Shared {
    fn used(&self) -> MutexGuard<'_, BTreeSet<Permission>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn permits(&self, call: &Permission) -> bool {
        self.permitted.iter().any(|permission| permission.allows(call))
    }

    async fn serve(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let Ok(body) = axum::body::to_bytes(Body::new(body), LARGEST).await else {
            return answer(413, "RequestEntityTooLarge", "a request has 16 MB at most");
        };
        let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        let taken = call::takes(target.unwrap_or_default(), &body);
        let taken: BTreeSet<_> = taken.into_iter().map(|permission| self.by_logical_id(permission)).collect();
        let denied = taken.iter().find(|call| !self.permits(call));
        let denied = denied.map(|Permission { action, on }| {
            let why = format!("because no identity-based policy allows the {action} action");
            let function = &self.function;
            format!("User: {function} is not authorized to perform: {action} on resource: {on} {why}")
        });
        self.used().extend(taken);
        match denied {
            Some(message) => answer(400, "AccessDeniedException", &message),
            None => self.hand_on(head.headers, body).await,
        }
    }

    /// The same about what the template calls that table.
    fn by_logical_id(&self, permission: Permission) -> Permission {
        let Permission { action, on } = permission;
        let (table, behind) = on.find('/').map_or((&*on, ""), |at| on.split_at(at));
        let found = self.tables.iter().find(|(_, name)| name == table);
        let on = found.map(|(id, _)| format!("{id}{behind}")).unwrap_or(on);
        Permission { action, on }
    }

    async fn hand_on(&self, headers: HeaderMap, body: Bytes) -> Response<Body> {
        match self.dynamodb.hand_on(headers, body).await {
            Ok(answer) => answer,
            Err(error) => answer(503, "ServiceUnavailable", &error.to_string()),
        }
    }
}

/// An error as AWS answers with it.
fn answer(status: u16, error: &str, message: &str) -> Response<Body> {
    let body = json!({ "__type": format!("com.amazon.coral.service#{error}"), "Message": message });
    let answer = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    answer.body(body.to_string().into()).expect("a status and a header that are valid")
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("function", &self.function).finish_non_exhaustive()
    }
}
