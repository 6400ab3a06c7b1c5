//! Every error is a problem: what each becomes, and what nobody is told.

use aws_event_sourcing_core::StoreErrorKind::{self, Denied, Full, Internal, Misconfigured, Unavailable};
use reqwest::Method;
use serde_json::json;

use crate::{
    log::Log,
    server::{header, problem, shop, shop_on},
    stores::{Faulty, SECRET},
};

const URN: &str = "urn:aws-event-sourcing:problem:";

#[tokio::test]
async fn a_rejection_is_409_in_the_words_of_the_domain() {
    let (server, _) = shop().await;
    let product = server.product(1).await;
    server.post(&format!("{product}/buy")).send().await.unwrap().error_for_status().unwrap();
    let rejected = problem(server.post(&format!("{product}/buy")).send().await.unwrap(), 409).await;
    assert_eq!(rejected["type"], format!("{URN}rejected"));
    assert_eq!(rejected["title"], "The resource does not permit this now");
    assert_eq!(rejected["detail"], "the product is sold out");
    assert_eq!(rejected.as_object().unwrap().len(), 5);
}

#[tokio::test]
async fn what_does_not_exist_is_404() {
    let (server, _) = shop().await;
    let beyond = "/products/7?version=18446744073709551616";
    let times = ["/products/7?at=2026-01-01T00:00:00Z", "/products/7?at=9999-12-31T23:59:59.999Z"];
    for path in times.into_iter().chain([
        beyond,
        "/products/7",
        "/products/7?version=1",
        "/products/7/events",
        "/products/7/events?after=3",
    ]) {
        let missing = problem(server.get(path).send().await.unwrap(), 404).await;
        assert_eq!(missing["type"], format!("{URN}not-found"), "{path}");
        assert_eq!(missing["detail"], "product 7 does not exist");
    }
    for expecting in [None, Some("*"), Some("\"1\""), Some("\"0\""), Some("W/\"1\"")] {
        for command in ["buy", "restock", "describe"] {
            let mut write =
                server.post(&format!("/products/7/{command}")).json(&json!({"amount": 1, "text": ""}));
            if let Some(tag) = expecting {
                write = write.header("if-match", tag);
            }
            let missing = problem(write.send().await.unwrap(), 404).await;
            assert_eq!(missing["type"], format!("{URN}not-found"), "{expecting:?} {command}");
        }
    }
    assert_eq!(problem(server.get("/nowhere").send().await.unwrap(), 404).await["type"], "about:blank");
}

#[tokio::test]
async fn a_request_for_no_path_at_all_is_404_too() {
    let (server, _) = shop().await;
    for target in ["OPTIONS *", "CONNECT other.example:443", "GET http://other.example"] {
        let request = format!("{target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = server.say(request.as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 404 ") && answer.contains("application/problem+json"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_version_that_was_never_reached_is_404() {
    let (server, _) = shop().await;
    let product = server.product(1).await;
    for version in ["0", "2", "18446744073709551615", "18446744073709551616", "99999999999999999999999"] {
        let response = server.get(&format!("{product}?version={version}")).send().await.unwrap();
        let missing = problem(response, 404).await;
        let told = missing["detail"].as_str().unwrap();
        assert!(told.ends_with(&format!(" has no version {version}; its version is 1")), "{told}");
        assert_eq!(
            (&missing["type"], &missing["version"]),
            (&json!(format!("{URN}no-such-version")), &json!(1))
        );
    }
}

#[tokio::test]
async fn an_id_that_is_taken_is_409() {
    let (server, _) = shop().await;
    let create = || server.post("/products").json(&json!({"id": "mine", "amount": 1})).send();
    assert_eq!(create().await.unwrap().status(), 201);
    let taken = problem(create().await.unwrap(), 409).await;
    assert_eq!((&taken["type"], &taken["version"]), (&json!(format!("{URN}already-exists")), &json!(1)));
}

#[tokio::test]
async fn a_method_that_a_route_does_not_have_is_405_and_says_which_it_has() {
    let (server, _) = shop().await;
    for (method, path, allow) in [
        (Method::DELETE, "/products", "GET,HEAD,POST"),
        (Method::POST, "/products/7", "GET,HEAD"),
        (Method::PUT, "/products/7/buy", "POST"),
        (Method::OPTIONS, "/products/7/events", "GET,HEAD"),
    ] {
        let response = server.request(method.clone(), path).send().await.unwrap();
        let mut methods: Vec<_> = header(response.headers(), "allow").split(',').collect();
        methods.sort_unstable();
        assert_eq!(methods.join(","), allow);
        let detail = problem(response, 405).await["detail"].clone();
        assert_eq!(detail, format!("{method} is not possible here"));
    }
}

#[tokio::test]
async fn json_that_is_wrong_is_400_and_says_where() {
    let (server, _) = shop().await;
    for (body, detail) in [
        ("{\"amount\": }", "the body is not JSON: amount: expected value at line 1 column 12"),
        ("{\"amount\": 1", "EOF while parsing an object at line 1 column 12"),
        ("{\"amount\": 1} {}", "trailing characters at line 1 column 15"),
        ("{\"amount\": \"many\"}", "amount: invalid type: string \"many\", expected u32 at line 1 column 17"),
        ("{\"amount\": -1}", "amount: invalid value: integer `-1`, expected u32 at line 1 column 13"),
        ("{}", "missing field `amount` at line 1 column 2"),
        ("[]", "invalid type: sequence, expected struct NewProduct at line 1 column 2"),
        ("[null, 2]", "invalid type: sequence, expected struct NewProduct"),
        ("{\"amount\": 1, \"amount\": 2}", "duplicate field `amount`"),
        ("\u{feff}{\"amount\": 1}", "expected value at line 1 column 1"),
        ("", "EOF while parsing a value at line 1 column 0"),
    ] {
        let request = server.post("/products").header("content-type", "application/json").body(body);
        let refused = problem(request.send().await.unwrap(), 400).await;
        let told = refused["detail"].as_str().unwrap();
        assert!(told.starts_with("the body") && told.contains(detail), "{body}: {told}");
    }
}

#[tokio::test]
async fn fields_that_nobody_asked_for_are_ignored() {
    let (server, _) = shop().await;
    let request = server.post("/products?x=1").json(&json!({"amount": 1, "colour": "red"}));
    assert_eq!(request.send().await.unwrap().status(), 201);
    let product = server.product(1).await;
    for path in ["/products?limit=1&x=1", &format!("{product}?x"), &format!("{product}/events?limit=1&x=1")] {
        assert_eq!(server.get(path).send().await.unwrap().status(), 200, "{path}");
    }
}

#[tokio::test]
async fn another_media_type_than_json_is_415() {
    let (server, _) = shop().await;
    for media_type in [
        "text/plain",
        "application/xml",
        "application/jsonx",
        "json",
        "text/json",
        "application/json, application/json",
    ] {
        let request = server.post("/products").header("content-type", media_type).body("{\"amount\": 1}");
        problem(request.send().await.unwrap(), 415).await;
    }
    problem(server.post("/products").body("{\"amount\": 1}").send().await.unwrap(), 415).await;
    let product = server.product(1).await;
    let purchase = server.post(&format!("{product}/buy")).header("content-type", "text/plain").body("1");
    problem(purchase.send().await.unwrap(), 415).await;
    let twice = server.post("/products").header("content-type", "application/json");
    let twice = twice.header("content-type", "text/plain").body("{\"amount\": 1}");
    problem(twice.send().await.unwrap(), 415).await;
    for media_type in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "application/json; Charset=Utf8",
        "application/json; charset=us-ascii",
        "application/json; version=2",
        "Application/vnd.shop+JSON",
        "application/vnd.shop+json; charset=utf-8",
    ] {
        let request = server.post("/products").header("content-type", media_type).body("{\"amount\": 1}");
        assert_eq!(request.send().await.unwrap().status(), 201, "{media_type}");
    }
}

#[tokio::test]
async fn json_in_another_charset_than_utf_8_is_415_and_names_what_is_taken() {
    let (server, _) = shop().await;
    let buy = format!("{}/buy", server.product(1).await);
    for charset in
        ["utf-16", "UTF-16LE", "utf-32", "iso-8859-1", "windows-1252", "\"utf-7\"", "utf-8; charset=utf-16"]
    {
        for path in ["/products", &buy] {
            let media_type = format!("application/json; charset={charset}");
            let request = server.post(path).header("content-type", media_type).body("{\"amount\": 1}");
            let detail = problem(request.send().await.unwrap(), 415).await["detail"].clone();
            assert!(detail.as_str().unwrap().contains("charset=utf-8"), "{detail}");
        }
    }
    let request = server.post(&buy).header("content-type", "application/json; charset=utf-16");
    assert_eq!(request.send().await.unwrap().status(), 200, "a body that is not there is in none");
}

#[tokio::test]
async fn a_body_that_is_not_utf_8_is_400_also_where_nobody_reads() {
    let (server, _) = shop().await;
    let buy = format!("{}/buy", server.product(9).await);
    for body in [
        &b"{\"amount\":1,\"note\":\"\xff\"}"[..],
        b"{\"amount\":1,\"note\":[{\"\xc3\x28\":1}]}",
        // Half of a character, a surrogate, and two bytes for one.
        b"{\"amount\":1,\"note\":\"\xe2\x82\"}",
        b"{\"amount\":1,\"note\":\"\xed\xa0\x80\"}",
        b"{\"amount\":1,\"note\":\"\xc0\xaf\"}",
        b"\xff\xfe{\x00}\x00",
    ] {
        for path in ["/products", &buy] {
            let request = server.post(path).header("content-type", "application/json").body(body);
            let detail = problem(request.send().await.unwrap(), 400).await["detail"].clone();
            assert!(detail.as_str().unwrap().starts_with("the body is not UTF-8 behind byte "), "{detail}");
        }
    }
    let whole = "{\"amount\":1,\"note\":\"\u{20ac}\u{10ffff}\"}";
    let request = server.post("/products").header("content-type", "application/json").body(whole);
    assert_eq!(request.send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn a_body_that_may_be_absent_may_be_empty_too() {
    let (server, _) = shop().await;
    let buy = format!("{}/buy", server.product(9).await);
    for (request, left) in [
        (server.post(&buy), 8),
        (server.post(&buy).header("content-type", "application/json"), 7),
        (server.post(&buy).header("content-type", "text/plain"), 6),
        (server.post(&buy).json(&json!({"amount": 2})), 4),
    ] {
        let product: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(product["quantity"], left);
    }
    let request = server.post(&buy).header("content-type", "application/json").body("null");
    problem(request.send().await.unwrap(), 400).await;
}

#[tokio::test]
async fn a_query_that_is_wrong_is_400_and_says_which_parameter() {
    let (server, _) = shop().await;
    let product = server.product(1).await;
    for (path, parameter) in [
        ("/products?limit=0", "limit"),
        ("/products?limit=-1", "limit"),
        ("/products?limit=", "limit"),
        ("/products?limit=1.5", "limit"),
        ("/products?limit=+1", "limit"),
        ("/products?limit=many", "limit"),
        ("/products?limit=1&limit=2", "limit"),
        ("/products?after=here", "after"),
        ("/products?after=", "after"),
        (&*format!("{product}?version=first"), "version"),
        (&format!("{product}?version=-1"), "version"),
        (&format!("{product}?version=+1"), "version"),
        (&format!("{product}?version=%2B1"), "version"),
        (&format!("{product}?version="), "version"),
        (&format!("{product}?version=1e0"), "version"),
        (&format!("{product}?version=0x1"), "version"),
        (&format!("{product}?version=%D9%A1"), "version"),
        (&format!("{product}?version=1&version=1"), "version"),
        (&format!("{product}/events?after=1&after=1"), "after"),
        (&format!("{product}/events?after=-1"), "after"),
        (&format!("{product}/events?after=x"), "after"),
        (&format!("{product}/events?limit=0"), "limit"),
        (&format!("{product}/events?limit=x"), "limit"),
        (&format!("{product}/events?limit=1&limit=1"), "limit"),
    ] {
        let detail = problem(server.get(path).send().await.unwrap(), 400).await["detail"].clone();
        let detail = detail.as_str().unwrap();
        assert!(detail.starts_with("the query: ") && detail.contains(parameter), "{path}: {detail}");
    }
}

#[tokio::test]
async fn a_path_that_does_not_decode_is_400() {
    let (server, _) = shop().await;
    for path in
        ["/products/%FF", "/products/%C3%28/events", "/products/100%", "/products/%zz", "/products/%4"]
    {
        let text = server
            .say(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
            .await;
        assert!(text.starts_with("HTTP/1.1 400 "), "{path}: {text}");
        assert!(text.contains("application/problem+json") && text.contains("the path: "), "{path}: {text}");
    }
}

#[tokio::test]
async fn a_key_used_for_something_else_is_422() {
    let (server, _) = shop().await;
    let product = server.product(1).await;
    let restock = |amount: u32| {
        let request = server.post(&format!("{product}/restock")).json(&json!({ "amount": amount }));
        request.header("idempotency-key", "k-1").send()
    };
    assert_eq!(restock(1).await.unwrap().status(), 200);
    assert_eq!(problem(restock(2).await.unwrap(), 422).await["type"], format!("{URN}key-reused"));

    let create = |amount: u32| {
        let request = server.post("/products").json(&json!({ "amount": amount }));
        request.header("idempotency-key", "k-2").send()
    };
    assert_eq!(create(1).await.unwrap().status(), 201);
    assert_eq!(problem(create(2).await.unwrap(), 422).await["type"], format!("{URN}key-reused"));
}

#[tokio::test]
async fn a_commit_above_a_limit_is_413_and_names_limit_and_size() {
    let (server, _) = shop().await;
    let product = server.product(1).await;
    let text = "x".repeat(500_000);
    let response =
        server.post(&format!("{product}/describe")).json(&json!({ "text": text })).send().await.unwrap();
    let refused = problem(response, 413).await;
    assert_eq!(refused["type"], format!("{URN}too-large"));
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("commit size of 500") && detail.ends_with("above the limit of 409600"),
        "{detail}"
    );

    let id = "i".repeat(2049);
    let response = server.post("/products").json(&json!({"id": id, "amount": 1})).send().await.unwrap();
    let detail = problem(response, 413).await["detail"].clone();
    assert_eq!(detail, "resource id of 2049 bytes is above the limit of 2048");
    let response = server.post("/products").json(&json!({"id": "", "amount": 1})).send().await.unwrap();
    assert_eq!(problem(response, 400).await["detail"], "resource id is empty");
}

#[tokio::test]
async fn a_race_that_cannot_be_won_is_503_and_says_when_to_try_again() {
    let (server, _) = shop_on(Faulty { contended: true, ..Faulty::default() }).await;
    let product = server.product(1).await;
    let response = server.post(&format!("{product}/buy")).send().await.unwrap();
    assert_eq!(header(response.headers(), "retry-after"), "1");
    assert_eq!(problem(response, 503).await["type"], format!("{URN}contended"));
}

#[tokio::test]
async fn a_store_that_is_out_of_reach_or_full_is_503_and_says_when_to_try_again() {
    for (kind, pause) in [(Unavailable, "1"), (Full, "60")] {
        let (server, _) = shop_on(Faulty::with(kind)).await;
        for request in [
            server.get("/products"),
            server.get("/products?limit=1"),
            server.get("/products/7"),
            server.get("/products/7/events"),
            server.post("/products/7/buy"),
            server.post("/products").json(&json!({"amount": 1})),
        ] {
            let response = request.send().await.unwrap();
            assert_eq!(header(response.headers(), "retry-after"), pause);
            let text = problem(response, 503).await.to_string();
            assert!(text.contains(&format!("{URN}unavailable")), "{text}");
            assert!(!text.contains(SECRET) && !text.contains("disk"), "{text}");
        }
    }
}

#[tokio::test]
async fn any_other_failure_is_500_that_tells_nothing_while_the_log_has_it_all() {
    let (log, _guard) = Log::capture();
    let kinds: [StoreErrorKind; 3] = [Internal, Denied, Misconfigured];
    for (index, kind) in kinds.into_iter().enumerate() {
        let (server, _) = shop_on(Faulty::with(kind)).await;
        for (request, name) in [
            (server.get("/products"), "all"),
            (server.get("/products?limit=1"), "page"),
            (server.get("/products/7"), "one"),
            (server.get("/products/7/events"), "events"),
            (server.get("/products/7/events?after=2"), "later"),
            (server.post("/products/7/buy"), "change"),
            (server.post("/products").json(&json!({"amount": 1})), "create"),
        ] {
            let id = format!("{name}-{index}");
            let response = request.header("x-request-id", &id).send().await.unwrap();
            let path = response.url().path().to_owned();
            let failed = problem(response, 500).await;
            assert_eq!(failed.as_object().unwrap().len(), 5);
            assert_eq!(failed["type"], "about:blank");
            assert_eq!(failed["title"], "Internal Server Error");
            let detail = "the server failed; its log has the reason under this answer's X-Request-Id";
            assert_eq!(failed["detail"], detail);

            let lines = log.lines("failed");
            let line = lines.iter().find(|line| line["fields"]["request_id"] == id).unwrap();
            assert_eq!(line["level"], "ERROR");
            let fields = &line["fields"];
            assert!(
                fields["error"].as_str().unwrap().ends_with(&format!("the disk said no: {SECRET}")),
                "{line}"
            );
            assert_eq!((&fields["path"], &fields["status"]), (&json!(path), &json!(500)));
            assert!(["GET", "POST"].contains(&fields["method"].as_str().unwrap()));
            assert_eq!(fields["trace_id"].as_str().unwrap().len(), 32);
        }
    }
}

#[tokio::test]
async fn the_log_tells_what_is_unavailable_as_a_warning_and_what_is_refused_as_information() {
    let (log, _guard) = Log::capture();
    let (server, _) = shop_on(Faulty::with(Unavailable)).await;
    server.get("/products/7").send().await.unwrap();
    let warning = log.line("unavailable");
    assert_eq!(warning["level"], "WARN");
    assert!(warning["fields"]["error"].as_str().unwrap().contains(SECRET));

    server.get("/products/%FF").send().await.unwrap();
    let refusal = log.line("refused");
    assert_eq!(refusal["level"], "INFO");
    assert_eq!(refusal["fields"]["error"], "the path: the id is not percent-encoded UTF-8");
}
