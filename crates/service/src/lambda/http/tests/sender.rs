//! Who has sent a request, as far as what calls the function knows.

use aws_event_sourcing_core::{MemoryStore, Repository};
use aws_event_sourcing_http::{IdempotencyScope, Problem, Settings, WithTerms as _, WriteTerms, harden};
use axum::{Json, Router, extract::Request, routing::any};
use serde_json::{Value, json};

use crate::{
    RequestContext,
    lambda::fixture::{Fixture, Ledger, LedgerEvent::LedgerOpened, event},
};

const SUB: &str = "7ac1d5a2-4f0e-4c57-9b0e-2c1f0a0d0ada";

/// The context that a handler finds, by the extractor and in the extensions.
async fn found(event: &Value) -> Option<RequestContext> {
    async fn tell(context: Option<RequestContext>, request: Request) -> Json<Value> {
        assert_eq!(request.extensions().get(), context.as_ref());
        Json(context.map_or(Value::Null, |context| context.get("").cloned().unwrap()))
    }
    let answer = Fixture::of_api(Router::new().fallback(any(tell))).answer(event).await.unwrap();
    let context = serde_json::from_str::<Value>(answer["body"].as_str().unwrap()).unwrap();
    (!context.is_null()).then(|| context.into())
}

#[tokio::test]
async fn a_handler_finds_who_has_sent_a_request_where_it_is_documented() {
    for (name, pointer, sender) in [
        ("rest-api-cognito", "/authorizer/claims/sub", SUB),
        ("rest-api-authorizer", "/authorizer/principalId", "ada"),
        ("rest-api-authorizer", "/authorizer/tenant", "acme"),
        ("rest-api-iam", "/identity/userArn", "arn:aws:iam::111122223333:user/ada"),
        ("http-api-jwt", "/authorizer/jwt/claims/sub", SUB),
        ("http-api-1.0-jwt", "/authorizer/claims/sub", SUB),
        ("http-api-authorizer", "/authorizer/lambda/user", "ada"),
        ("function-url-iam", "/authorizer/iam/userArn", "arn:aws:iam::111122223333:user/ada"),
        ("vpc-lattice-iam", "/identity/principal", "arn:aws:sts::111122223333:assumed-role/shop/ada"),
    ] {
        let context = found(&event(name)).await.unwrap();
        assert_eq!(context.get(pointer), Some(&json!(sender)), "{name}");
        assert_eq!(context, event(name)["requestContext"].clone().into(), "{name}: as it is there");
        let is_a_token = pointer.ends_with("/claims/sub");
        assert_eq!(context.claim("sub"), is_a_token.then_some(SUB), "{name}");
        assert_eq!(context.claim("nickname"), None);
        assert_eq!(format!("{context:?}"), "RequestContext { .. }");
    }
}

#[tokio::test]
async fn where_nobody_asks_for_a_sender_there_is_none() {
    for name in
        ["rest-api", "rest-api-domain", "http-api", "http-api-1.0", "function-url", "alb", "vpc-lattice-2"]
    {
        let context = found(&event(name)).await.unwrap();
        for pointer in ["/authorizer", "/identity/userArn", "/identity/principal"] {
            assert_eq!(context.get(pointer), None, "{name}");
        }
        assert_eq!(context.claim("sub"), None);
    }
    assert_eq!(found(&event("vpc-lattice-1")).await, None);
    // What a client sends says nothing.
    let mut forged = event("http-api");
    forged["headers"]["x-amzn-request-context"] = json!(event("http-api-jwt")["requestContext"].to_string());
    assert_eq!(found(&forged).await.unwrap().claim("sub"), None);
}

#[tokio::test]
async fn keys_of_two_users_of_an_api_are_two_keys() {
    let ledgers: Repository<Ledger> = Repository::new(MemoryStore::new());
    let create = async move |terms: WriteTerms| -> Result<String, Problem> {
        let ledger = ledgers.create(LedgerOpened).terms(terms)?.await?;
        Ok(ledger.id().to_string())
    };
    let user = IdempotencyScope::of(|request| {
        request.extensions.get::<RequestContext>()?.claim("sub").map(str::to_owned)
    });
    let settings = Settings { idempotency_scope: Some(user), ..Settings::default() };
    let function = Fixture::of_api(harden(Router::new().fallback(any(create)), &settings));
    let created = async |event: &Value| {
        let answer = function.answer(event).await.unwrap();
        (answer["statusCode"].as_u64().unwrap(), answer["body"].as_str().unwrap().to_owned())
    };
    let ada = event("http-api-jwt");
    let mut bob = ada.clone();
    bob["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = "bob".into();
    let (of_ada, of_bob) = (created(&ada).await, created(&bob).await);
    assert_eq!((of_ada.0, of_bob.0), (200, 200));
    assert_ne!(of_ada.1, of_bob.1);
    assert_eq!(created(&ada).await, of_ada);
    // The same user, of whichever API.
    let mut rest = event("rest-api-cognito");
    rest["multiValueHeaders"]["Idempotency-Key"] = json!(["k-1"]);
    assert_eq!(created(&rest).await, of_ada);
    assert_eq!(created(&event("http-api")).await.0, 400, "a key of nobody");
}
