//! Every route of the table: documented, closed to whom it should be, and unmoved by hostile input.

mod keys;

use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::routes::{Access, Route, table};
use vox_shared::ids::{ApiKeyId, BotId, InvitationId, JobId, SessionId, TenantId, UserId, WebhookId};
use vox_shared::model::bot::BotSettings;
use vox_shared::wire::SECRET_HEADER;
use vox_shared::wire::proof::CALL_TOKEN_HEADER;

use crate::harness::{TestBridge, json, refusal, result};
use keys::KeyActors;

/// In what the first tenant owns; nobody else may ever see it.
const CANARY: &str = "canary-7f3a";

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
    Token(&'static str, String, Option<Role>),
    OtherTenant(String),
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
            Self::Token(name, ..) => name,
            Self::OtherTenant(_) => "another tenant",
            Self::Worker => "a worker",
            Self::Tools => "the tools",
            Self::OtherCall(_) => "another call",
            Self::WrongSecret => "a wrong secret",
        }
    }
}

#[tokio::test]
async fn every_route_is_closed_to_whom_it_should_be() {
    let bridge = TestBridge::start().await;
    bridge.insert_large_worker().await;
    let other = bridge.insert_tenant("other").await;
    let actors = actors(&bridge, &other).await;
    let mut of = objects(&bridge).await;
    for route in table() {
        for actor in &actors {
            let answer = dressed(&bridge, actor, request(&bridge, &route, &of)).send().await.unwrap();
            of.renew(&bridge, (&route, answer.status())).await;
            let (status, body) = (answer.status(), body_of(answer).await);
            let told = format!("{} {} as {}: {status} {body}", route.method, route.path, actor.name());
            check_access(&route, actor, status, &told);
            let insider = matches!(actor, Actor::Token(_, _, Some(_)) | Actor::Worker | Actor::Tools);
            assert!(insider || !body.contains(CANARY), "a leak: {told}");
        }
    }
}

#[tokio::test]
async fn every_route_is_open_to_the_keys_that_its_row_names() {
    let bridge = TestBridge::start().await;
    let actors = KeyActors::new(&bridge).await;
    let mut of = objects(&bridge).await;
    for route in table() {
        for actor in actors.of(&route) {
            let answer = actor.key.sign(request(&bridge, &route, &of)).send().await.unwrap();
            of.renew(&bridge, (&route, answer.status())).await;
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
        return answer.text().await.unwrap();
    }
    String::from_utf8(answer.chunk().await.unwrap().unwrap_or_default().to_vec()).unwrap()
}

async fn actors(bridge: &TestBridge, other: &TenantId) -> Vec<Actor> {
    let good = bridge.token(Role::Agent).await;
    let (head, signature) = good.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    vec![
        Actor::Nobody,
        Actor::Token("garbage", "not-a-token".into(), None),
        Actor::Token("forged", forged, None),
        Actor::Token("disabled", disabled_token(bridge).await, None),
        Actor::Token("agent", good, Some(Role::Agent)),
        Actor::Token("admin", bridge.token(Role::Admin).await, Some(Role::Admin)),
        Actor::Token("super_admin", bridge.token(Role::SuperAdmin).await, Some(Role::SuperAdmin)),
        Actor::OtherTenant(bridge.token_of(other, Role::SuperAdmin).await),
        Actor::Worker,
        Actor::Tools,
        Actor::Token("a call's token", call_token(bridge).await, None),
        Actor::OtherCall(call_token(bridge).await),
        Actor::WrongSecret,
    ]
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

/// What the paths name.
struct Objects {
    bot: BotId,
    call: SessionId,
    key: ApiKeyId,
    webhook: WebhookId,
    delivery: String,
    tenant: TenantId,
    user: UserId,
    invitation: InvitationId,
    job: JobId,
}

impl Objects {
    /// Others after a request that may have changed or taken these.
    async fn renew(&mut self, bridge: &TestBridge, (route, status): (&Route, StatusCode)) {
        if method(route) != Method::GET && status.is_success() {
            *self = objects(bridge).await;
        }
    }
}

async fn objects(bridge: &TestBridge) -> Objects {
    let settings = BotSettings { name: CANARY.into(), ..BotSettings::default() };
    let bot = bridge.insert_bot(&bridge.tenant(), settings).await;
    let call = SessionId::generate();
    let query = [("session_id", call.as_str()), ("caller_id", CANARY)];
    assert_eq!(bridge.fetch_config(bot.as_str(), &query).await.status(), StatusCode::OK);
    let key = bridge.insert_key(&bridge.tenant(), Scope::ALL, |key| key.name = CANARY.into()).await.id;
    let (webhook, delivery) = bridge.insert_webhook(CANARY).await;
    let job = bridge.insert_failed_job(CANARY).await;
    let tenant = bridge.insert_tenant(TenantId::generate().as_str()).await;
    let user = bridge.insert_user(&bridge.tenant(), &format!("{CANARY}-{tenant}@test"), Role::Agent).await;
    let user = bridge.app.stores.all_users().find_by_email(&user.email).await.unwrap().unwrap().id;
    let invitation = bridge.insert_invitation(&bridge.tenant(), &format!("{CANARY}@test")).await.0;
    Objects { bot, call, key, webhook, delivery, job, tenant, user: user.parse().unwrap(), invitation }
}

fn request(bridge: &TestBridge, route: &Route, of: &Objects) -> RequestBuilder {
    let path = route
        .path
        .replace("{bot_id}", of.bot.as_str())
        .replace("/versions/{number}", "/versions/1")
        .replace("{session_id}", of.call.as_str())
        .replace("{key_id}", of.key.as_str())
        .replace("{webhook_id}", of.webhook.as_str())
        .replace("{job_id}", of.job.as_str())
        .replace("{delivery_id}", &of.delivery)
        .replace("{carrier_id}", "car_none")
        .replace("{did_id}", "did_none")
        .replace("{voice_id}", "voice_none")
        .replace("{phone}", "+15550100")
        .replace("{work}", "poll_fleet")
        .replace("{host}", "no-such-host")
        .replace("{reservation_id}", "rsv_none")
        .replace("{tenant_id}", of.tenant.as_str())
        .replace("{user_id}", of.user.as_str())
        .replace("{invitation_id}", of.invitation.as_str())
        .replace("{token}", "no-such-token")
        .replace("{erasure_id}", "job_none")
        .replace("{day}", "2026-11-19")
        .replace("{period}", "2026-10")
        .replace("{key}", "canary.wav");
    let request = bridge.request(method(route), &path);
    if method(route) == Method::GET { request } else { request.json(&json!({})) }
}

/// The client's HTTP types are not the server's.
fn method(route: &Route) -> Method {
    route.method.as_str().parse().unwrap()
}

fn dressed(bridge: &TestBridge, actor: &Actor, request: RequestBuilder) -> RequestBuilder {
    match actor {
        Actor::Nobody => request,
        Actor::Token(_, token, _) | Actor::OtherTenant(token) => request.bearer_auth(token),
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

fn check_access(route: &Route, actor: &Actor, status: StatusCode, told: &str) {
    assert!(!status.is_server_error(), "{told}");
    let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    match (route.access, actor) {
        (Access::Public, _) => {}
        (Access::Internal | Access::OfCall, Actor::Worker | Actor::Tools) => assert!(!refused, "{told}"),
        // What names no call is refused for that.
        (Access::OfCall, Actor::OtherCall(_)) => {
            assert!(status == StatusCode::FORBIDDEN || status == StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        }
        (Access::Tools, Actor::Tools) => assert!(!refused, "{told}"),
        (Access::Internal | Access::OfCall | Access::Tools, _) => {
            assert_eq!(status, StatusCode::FORBIDDEN, "{told}")
        }
        (Access::Person(role, _), Actor::Token(_, _, Some(own))) if *own >= role => {
            assert!(!refused, "{told}");
        }
        (Access::Person(..), Actor::Token(_, _, Some(_))) => {
            assert_eq!(status, StatusCode::FORBIDDEN, "{told}")
        }
        // Every super_admin manages all tenants.
        (Access::Person(..), Actor::OtherTenant(_)) if route.path.starts_with("/api/v1/tenants") => {
            assert!(!refused, "{told}");
        }
        (Access::Person(..), Actor::OtherTenant(_)) if route.path.contains('{') => {
            assert_eq!(status, StatusCode::NOT_FOUND, "{told}");
        }
        (Access::Person(..), Actor::OtherTenant(_)) => assert!(!refused, "{told}"),
        (Access::Person(..), _) => assert_eq!(status, StatusCode::UNAUTHORIZED, "{told}"),
    }
}

#[tokio::test]
async fn no_body_makes_a_route_fail() {
    let bridge = TestBridge::start().await;
    bridge.insert_large_worker().await;
    let token = bridge.token(Role::SuperAdmin).await;
    let mut of = objects(&bridge).await;
    for route in table().into_iter().filter(|r| method(r) != Method::GET) {
        for (name, body) in hostile_bodies() {
            let request = request(&bridge, &route, &of).bearer_auth(&token).body(body);
            let request = dressed(&bridge, &Actor::Tools, request);
            match request.send().await {
                Ok(answer) => {
                    let status = answer.status();
                    of.renew(&bridge, (&route, status)).await;
                    assert!(!status.is_server_error(), "{} {} {name}: {status}", route.method, route.path);
                }
                Err(error) => panic!("{} {name}: {error}", route.path),
            }
        }
    }
    assert_eq!(bridge.get("/health").send().await.unwrap().status(), StatusCode::OK);
}

fn hostile_bodies() -> Vec<(&'static str, Vec<u8>)> {
    let deep =
        |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000)).into_bytes();
    let every_field = |value: Value| {
        let names = [
            "email",
            "password",
            "name",
            "role",
            "refresh_token",
            "current_password",
            "new_password",
            "bot_id",
            "llm",
            "session_id",
            "disconnected_by",
            "transcript",
            "worker_id",
            "address",
            "slots",
            "languages",
            "version",
            "scopes",
            "bots",
            "expires_at",
            "url",
            "description",
            "events",
            "enabled",
            "from",
            "which",
            "push",
            "prefetch",
            "ttl_seconds",
            "sip_address",
            "inbound_addresses",
            "outbound_cps",
            "outbound_password",
            "to_number",
            "from_number",
            "variables",
            "connected_event",
            "agent_id",
            "to",
            "context",
            "number",
            "numbers",
            "reason",
            "url",
            "slug",
            "token",
            "code",
            "challenge",
            "require_second_factor",
            "plan",
            "settings",
            "status",
            "active",
            "primary_language",
        ];
        let mut body = result("call_x", "bot").as_object().unwrap().clone();
        body.extend(names.map(|n| (n.to_owned(), value.clone())));
        Value::Object(body).to_string().into_bytes()
    };
    vec![
        ("empty", Vec::new()),
        ("null", b"null".to_vec()),
        ("list", b"[]".to_vec()),
        ("text", b"\"x\"".to_vec()),
        ("number", b"1e999".to_vec()),
        ("cut off", b"{\"a\":".to_vec()),
        ("trailing", b"{} {}".to_vec()),
        ("bad utf-8", b"{\"name\":\"\xff\xfe\"}".to_vec()),
        ("lone surrogate", br#"{"name":"\ud800"}"#.to_vec()),
        ("nul", b"{\"name\":\"\\u0000\"}".to_vec()),
        ("deep list", deep("[", "]")),
        ("deep object", deep("{\"a\":", "}")),
        ("operator", br#"{"$gt":""}"#.to_vec()),
        ("operators", every_field(json!({"$gt": ""}))),
        ("nulls", every_field(Value::Null)),
        ("numbers", every_field(json!(-1.5e300))),
        ("texts", every_field(json!("\u{0}\u{202e}' OR 1=1 --"))),
        ("lists", every_field(json!([[], {}, null]))),
        ("oversized", format!("{{\"name\":\"{}\"}}", "x".repeat(10_000_000)).into_bytes()),
    ]
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
    for route in table() {
        let names = values.iter().map(|value| filled(route.path, value));
        let asked = queries.iter().map(|query| format!("{}?{query}", filled(route.path, "faq")));
        for path in names.chain(asked) {
            let request = bridge.request(method(&route), &path).bearer_auth(&token).body("{}");
            let status = dressed(&bridge, &Actor::Tools, request).send().await.unwrap().status();
            assert!(!status.is_server_error(), "{} {path}: {status}", route.method);
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
