//! Every route of the table: documented, closed to whom it should be, and unmoved by hostile input.

mod expected;
mod hostile;
mod keys;
mod objects;

use jiff::SignedDuration;
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::ExposeSecret;
use serde_json::Value;
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::routes::{Access, Route, table};
use vox_bridge::store::Stamp;
use vox_shared::wire::SECRET_HEADER;
use vox_shared::wire::proof::CALL_TOKEN_HEADER;

use crate::harness::servers::over_servers;
use crate::harness::{TestBridge, json, refusal};
use expected::Expected;
use hostile::Hostile;
use keys::KeyActors;
use objects::{CANARY, Objects, method};

#[tokio::test]
async fn every_route_is_in_the_document_and_every_documented_route_exists() {
    let bridge = TestBridge::start().await;
    let document = json(bridge.get("/openapi.json").send().await.unwrap(), StatusCode::OK).await;
    let mut documented: Vec<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys().map(|m| (path.clone(), m.to_uppercase()));
            methods.collect::<Vec<_>>()
        })
        .collect();
    let mut routed: Vec<(String, String)> =
        table().iter().map(|r| (r.path.to_owned(), r.method.to_string())).collect();
    documented.sort();
    routed.sort();
    assert_eq!(documented, routed);

    let text = document.to_string();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is referred to but not defined");
    }
}

#[tokio::test]
async fn the_page_of_the_document_needs_nothing_from_elsewhere() {
    let bridge = TestBridge::start().await;
    let page = bridge.get("/docs").send().await.unwrap();
    assert_eq!(page.url().path(), "/docs/index.html", "the files that it names are beside it");
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(!policy.contains("http") && policy.contains("connect-src 'self'"), "{policy}");
    let page = page.text().await.unwrap();
    let named =
        page.split("href=\"").chain(page.split("src=\"")).skip(1).map(|rest| rest.split('"').next().unwrap());
    let mut files = Vec::new();
    for file in named.filter(|name| !name.starts_with('<')) {
        let file = file.trim_start_matches("./");
        let got = bridge.get(&format!("/docs/{file}")).send().await.unwrap();
        assert_eq!(got.status(), StatusCode::OK, "{file}");
        files.push(file.to_owned());
    }
    assert!(
        files.iter().any(|file| file.ends_with(".js")) && files.iter().any(|file| file.ends_with(".css")),
        "{files:?}"
    );
    let start = bridge.get("/docs/swagger-initializer.js").send().await.unwrap().text().await.unwrap();
    assert!(start.contains("\"/openapi.json\"") && !start.contains("petstore"), "{start}");
    let none = bridge.get("/docs/nothing.js").send().await.unwrap();
    assert_eq!(refusal(none, StatusCode::NOT_FOUND).await, "not_found");
}

/// Who knocks.
enum Actor {
    Nobody,
    /// A token or a key of the column that is named.
    Bearer(&'static str, String),
    /// What opens nothing, as an expired token.
    Junk(&'static str, String),
    Worker,
    Tools,
    /// The token of a call that no route is asked about.
    OtherCall(String),
    WrongSecret,
}

impl Actor {
    fn name(&self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Bearer(name, _) | Self::Junk(name, _) => name,
            Self::Worker => "a worker",
            Self::Tools => "the tools",
            Self::OtherCall(_) => "another call",
            Self::WrongSecret => "a wrong secret",
        }
    }

    /// The column of `expected.txt` that says how they are answered; none for those whom the kind of door alone decides about.
    fn column(&self) -> Option<&'static str> {
        match self {
            Self::Bearer(name, _) => Some(name),
            Self::Nobody => Some("nobody"),
            Self::Junk(..) => Some("expired"),
            Self::Worker | Self::Tools | Self::OtherCall(_) | Self::WrongSecret => None,
        }
    }

    /// Whether what the first tenant owns may be in the answer.
    fn is_insider(&self) -> bool {
        match self {
            Self::Bearer(name, _) => !["expired", "revoked", "stranger"].contains(name),
            Self::Worker | Self::Tools => true,
            Self::Nobody | Self::Junk(..) | Self::OtherCall(_) | Self::WrongSecret => false,
        }
    }
}

#[tokio::test]
async fn every_route_answers_each_who_knocks_as_the_table_of_answers_says() {
    let bridge = TestBridge::start().await;
    bridge.insert_large_worker().await;
    let (actors, expected) = (actors(&bridge).await, Expected::read());
    expected.are_those_of(&table());
    let (mut of, mut otherwise) = (Objects::new(&bridge), Vec::new());
    for route in table() {
        let row = expected.of(&route);
        assert!(row.has_door(route.access), "{} {}: {:?}", route.method, route.path, route.access);
        for actor in &actors {
            let answer = dressed(&bridge, actor, of.request(&route).await).send().await.unwrap();
            of.used(&route, answer.status());
            let (status, body) = (answer.status(), body_of(answer).await);
            let beginning: String = body.chars().take(200).collect();
            let told = format!("{} {} as {}: {status} {beginning}", route.method, route.path, actor.name());
            match actor.column() {
                Some(column) if row.allows(column, status) => {}
                Some(_) => otherwise.push(told.clone()),
                None => check_door(&route, actor, status, &told),
            }
            assert!(actor.is_insider() || !body.contains(CANARY), "a leak: {told}");
        }
    }
    assert!(otherwise.is_empty(), "not as expected.txt says:\n{}", otherwise.join("\n"));
}

#[tokio::test]
async fn every_route_is_open_to_the_keys_that_its_row_names() {
    let bridge = TestBridge::start().await;
    let actors = KeyActors::new(&bridge).await;
    let mut of = Objects::new(&bridge);
    for route in table() {
        for actor in actors.of(&route) {
            let answer = actor.key.sign(of.request(&route).await).send().await.unwrap();
            of.used(&route, answer.status());
            let (status, body) = (answer.status(), body_of(answer).await);
            let told = format!("{} {} with {}: {status} {body}", route.method, route.path, actor.name);
            actor.check(&route, (status, &body), &told);
            assert!(actor.sees_all() || !body.contains(CANARY), "a leak: {told}");
        }
    }
}

/// Of a stream, which has no end, only what it begins with.
async fn body_of(mut answer: reqwest::Response) -> String {
    let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    if kind != Some("text/event-stream") {
        return String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned();
    }
    String::from_utf8(answer.chunk().await.unwrap().unwrap_or_default().to_vec()).unwrap()
}

async fn actors(bridge: &TestBridge) -> Vec<Actor> {
    let (own, other) = (bridge.tenant(), bridge.insert_tenant("other").await);
    let good = bridge.token(Role::Agent).await;
    let (head, signature) = good.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let now = Stamp(bridge.now());
    let revoked = bridge.insert_key(&own, Scope::ALL, |key| key.revoked_at = Some(now)).await;
    vec![
        Actor::Nobody,
        Actor::Bearer("expired", expired_token(bridge).await),
        Actor::Bearer("revoked", revoked.token),
        Actor::Bearer("stranger", bridge.token_of(&other, Role::SuperAdmin).await),
        Actor::Bearer("agent", good),
        Actor::Bearer("supervisor", bridge.token(Role::Supervisor).await),
        Actor::Bearer("admin", bridge.token(Role::Admin).await),
        Actor::Bearer("super_admin", bridge.token(Role::SuperAdmin).await),
        Actor::Junk("forged", forged),
        Actor::Junk("disabled", disabled_token(bridge).await),
        Actor::Junk("a call's token", call_token(bridge).await),
        Actor::Worker,
        Actor::Tools,
        Actor::OtherCall(call_token(bridge).await),
        Actor::WrongSecret,
    ]
}

/// Of somebody who may do everything, a day later.
async fn expired_token(bridge: &TestBridge) -> String {
    let user = bridge.insert_user(&bridge.tenant(), "expired@test", Role::SuperAdmin).await;
    bridge.app.tokens.issue(&user, bridge.now() - SignedDuration::from_hours(24)).unwrap()
}

/// What a worker is given for a call of its own.
async fn call_token(bridge: &TestBridge) -> String {
    let config = json(bridge.fetch_config("faq", &[]).await, StatusCode::OK).await;
    config["call_token"].as_str().unwrap().to_owned()
}

async fn disabled_token(bridge: &TestBridge) -> String {
    let user = bridge.insert_user(&bridge.tenant(), "disabled@test", Role::SuperAdmin).await;
    let token = bridge.app.tokens.issue(&user, bridge.now()).unwrap();
    let mut stored = bridge.app.stores.all_users().find_by_email("disabled@test").await.unwrap().unwrap();
    stored.value.active = false;
    bridge.app.stores.users(&bridge.tenant()).replace_user(stored).await.unwrap();
    token
}

fn dressed(bridge: &TestBridge, actor: &Actor, request: RequestBuilder) -> RequestBuilder {
    match actor {
        Actor::Nobody => request,
        Actor::Bearer(_, token) | Actor::Junk(_, token) => request.bearer_auth(token),
        Actor::Worker => {
            request.header(SECRET_HEADER, bridge.app.config.auth.internal_secret.expose_secret())
        }
        Actor::Tools => {
            let secret = bridge.app.config.auth.tools_secret.as_ref().unwrap();
            request.header(SECRET_HEADER, secret.expose_secret())
        }
        Actor::OtherCall(token) => request.header(CALL_TOKEN_HEADER, token),
        Actor::WrongSecret => request.header(SECRET_HEADER, "wrong"),
    }
}

/// How those are answered who are no people.
fn check_door(route: &Route, actor: &Actor, status: StatusCode, told: &str) {
    assert!(!status.is_server_error(), "{told}");
    let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    match (route.access, actor) {
        (Access::Public | Access::Page, _) => {}
        (Access::LiveKit, _) => assert_eq!(status, StatusCode::UNAUTHORIZED, "{told}"),
        (Access::Internal | Access::OfCall, Actor::Worker | Actor::Tools) | (Access::Tools, Actor::Tools) => {
            assert!(!refused, "{told}");
        }
        // What names no call is refused for that.
        (Access::OfCall, Actor::OtherCall(_)) => {
            assert!(status == StatusCode::FORBIDDEN || status == StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        }
        (Access::Internal | Access::OfCall | Access::Tools, _) => {
            assert_eq!(status, StatusCode::FORBIDDEN, "{told}")
        }
        (Access::Person(..), _) => assert_eq!(status, StatusCode::UNAUTHORIZED, "{told}"),
    }
}

/// Every one of what is tried, or one in a few where the run is over servers. What a route does with a body or a path is the same over
/// any engine, and all of it is tried over the embedded one; what an engine does with a value is asked by enough of the routes.
fn one_in<T>(few: usize, route: usize, all: Vec<T>) -> Vec<T> {
    let few = if over_servers() { few } else { 1 };
    all.into_iter().enumerate().filter(|(at, _)| at % few == route % few).map(|(_, one)| one).collect()
}

#[tokio::test]
async fn no_body_makes_a_route_fail() {
    let bridge = TestBridge::start().await;
    bridge.insert_large_worker().await;
    let token = bridge.token(Role::SuperAdmin).await;
    let (mut of, mut unnamed, hostile) = (Objects::new(&bridge), Vec::new(), Hostile::of(&bridge).await);
    let mut tried = 0;
    for (at, route) in table().into_iter().filter(|r| method(r) != Method::GET).enumerate() {
        for (name, body) in one_in(5, at, hostile.bodies(&route)) {
            let request = of.request(&route).await.bearer_auth(&token).body(body.clone());
            let request = dressed(&bridge, &Actor::Tools, request);
            let told = format!("{} {} {name}", route.method, route.path);
            let answer = request.send().await.unwrap_or_else(|error| panic!("{told}: {error}"));
            let status = answer.status();
            of.used(&route, status);
            tried += 1;
            if status.is_success() || status.is_redirection() {
                continue;
            }
            let refusal = answer.text().await.unwrap();
            assert!(!status.is_server_error() || refusal.contains(NOT_BUILT), "{told}: {status} {refusal}");
            if !says_what_is_wrong(status, &refusal, &body) {
                unnamed.push(format!("{told}: {status} {refusal}"));
            }
        }
    }
    assert!(unnamed.is_empty(), "refusals that do not say what is wrong:\n{}", unnamed.join("\n"));
    assert_eq!(bridge.get("/health").send().await.unwrap().status(), StatusCode::OK);
    // Nothing of it has shut the door that all of it went through.
    let known = bridge.get("/api/v1/tenants").bearer_auth(&token).send().await.unwrap();
    assert_eq!(known.status(), StatusCode::OK);
    assert!(tried > if over_servers() { 600 } else { 3_000 }, "{tried}: the document names few fields");
}

/// What there is not yet is answered so, whatever is sent.
const NOT_BUILT: &str = "\"livekit_not_configured\"";

/// A refusal of a body names the fields, each with what is wrong, or says by its code that the body is none.
fn says_what_is_wrong(status: StatusCode, refusal: &str, sent: &[u8]) -> bool {
    let told: Value = serde_json::from_str(refusal).expect("a refusal is JSON");
    // `.` is the whole: of an object that says nothing.
    let is_object = sent.starts_with(b"{");
    let named = |field: &Value| {
        let path = field["path"].as_str().unwrap_or_default();
        !path.is_empty()
            && (path != "." || !is_object)
            && field["message"].as_str().is_some_and(|m| !m.is_empty())
    };
    match (status, told["error"]["code"].as_str()) {
        (StatusCode::UNPROCESSABLE_ENTITY, _) => {
            let fields = told["error"]["fields"].as_array();
            fields.is_some_and(|fields| !fields.is_empty() && fields.iter().all(named))
        }
        (StatusCode::BAD_REQUEST, code) => matches!(code, Some("malformed_json" | "cut_off")),
        (_, code) => code.is_some_and(|code| !code.is_empty()),
    }
}

#[tokio::test]
async fn no_path_or_query_makes_a_route_fail() {
    let bridge = TestBridge::start().await;
    bridge.insert_large_worker().await;
    let token = bridge.token(Role::SuperAdmin).await;
    let long = "x".repeat(5_000);
    let values =
        ["%00", "..%2f..%2fetc%2fpasswd", "%ff%fe", "%7B%22$gt%22:%22%22%7D", "'%20OR%201=1", &long, "."];
    let queries = [
        "limit=-1",
        "limit=99999999999999999999",
        "limit=abc&cursor=!!",
        "cursor=bnVsbA",
        "cursor=eyJpIjoiYnlfdGltZSIsIm8iOiJEZXNjZW5kaW5nIiwiayI6W10sImQiOiIifQ",
        "from=yesterday&to=%00&status=nope",
        "session_id=..%2f&connected_event=%5B%5B&caller_id=%ff&transport=talk&ticket=",
        "bot_id[$ne]=x&limit=1&limit=2",
    ];
    for (at, route) in table().into_iter().enumerate() {
        let names = values.iter().map(|value| filled(route.path, value));
        let asked = queries.iter().map(|query| format!("{}?{query}", filled(route.path, "faq")));
        for path in one_in(4, at, names.chain(asked).collect()) {
            let request = bridge.request(method(&route), &path).bearer_auth(&token).body("{}");
            let answer = dressed(&bridge, &Actor::Tools, request).send().await.unwrap();
            let status = answer.status();
            // Streams have no end; a fault has.
            let is_fault = status.is_server_error() && !answer.text().await.unwrap().contains(NOT_BUILT);
            assert!(!is_fault, "{} {path}: {status}", route.method);
        }
    }
}

fn filled(path: &str, value: &str) -> String {
    let mut parts = path.split('{');
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        out.push_str(value);
        out.push_str(part.split_once('}').unwrap().1);
    }
    out
}

#[tokio::test]
async fn every_answer_carries_its_request_id_and_the_security_headers() {
    let bridge = TestBridge::start().await;
    let answer = bridge.get("/health").header("x-request-id", "abc-1").send().await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], "abc-1");
    let answer = bridge.get("/nowhere").header("x-request-id", "not ok!").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert!(answer.headers()["x-request-id"].to_str().unwrap().starts_with("req_"));
    for (name, value) in
        [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("cache-control", "no-store")]
    {
        assert_eq!(answer.headers()[name], value);
    }
    let wrong = bridge.request(Method::DELETE, "/health").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::METHOD_NOT_ALLOWED);
    let metrics = bridge.metrics().await;
    assert!(
        metrics.contains(r#"http_requests_total{method="GET",path="/health",status="200"} 1"#),
        "{metrics}"
    );
    assert!(metrics.contains(r#"errors_total{service="bridge",type="not_found"} 1"#), "{metrics}");
}
