//! Whatever a person or a key of the API may change leaves a begin and an end in the audit log of their tenant, and nothing of what they sent.

mod person;

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use vox_bridge::audit::trail::Audited;
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_bridge::routes::{Route, table};
use vox_bridge::store::audit::{AUDIT, Entry};
use vox_bridge::store::engine::{Kept, Which};

use crate::harness::keys::TestKey;
use crate::harness::{TestBridge, json, refusal, wrong_fields};
use crate::s3_server::eventually;
use person::Person;

/// In every text that a person sends and the log must not keep.
const CANARY: &str = "canary-51c9";
const SOON: Duration = Duration::from_secs(10);

/// All entries, the oldest first, as an administrator sees them.
async fn entries(bridge: &TestBridge, query: &str) -> Vec<Value> {
    newer(bridge, query, 0).await
}

/// Those after a number.
async fn newer(bridge: &TestBridge, query: &str, seq: i64) -> Vec<Value> {
    let token = bridge.token(Role::Admin).await;
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/audit?limit=7{query}{cursor}");
        let page = json(bridge.get(&path).bearer_auth(&token).send().await.unwrap(), StatusCode::OK).await;
        let items = page["items"].as_array().unwrap();
        found.extend(items.iter().take_while(|entry| number(entry) > seq).cloned());
        match page["next_cursor"].as_str() {
            Some(next) if items.last().is_some_and(|entry| number(entry) > seq) => {
                cursor = format!("&cursor={next}");
            }
            _ => break,
        }
    }
    found.reverse();
    found
}

fn number(entry: &Value) -> i64 {
    entry["seq"].as_i64().unwrap()
}

fn audited_routes() -> Vec<Route> {
    table().into_iter().filter(|route| route.audited() != Audited::No).collect()
}

#[tokio::test]
async fn every_writing_route_leaves_a_begin_and_an_end() {
    let bridge = TestBridge::start().await;
    let routes = audited_routes();
    assert!(routes.len() >= 14, "{}", routes.len());
    let mut before = 0;
    for (n, route) in routes.iter().enumerate() {
        if ["/api/v1/auth/login/second-factor", "/api/v1/auth/oidc/session"].contains(&route.path) {
            // Nobody here has one; see `second_factors_are_asked_for`.
            continue;
        }
        let person = Person::new(&bridge, &format!("p{n}@test")).await;
        before = newer(&bridge, "", before).await.last().map_or(before, number);
        let body = person.body(route);
        let is_known = body.is_some();
        let status = person.send(&bridge, route, body.unwrap_or_default()).await.status();
        let left = newer(&bridge, "", before).await;
        let told = format!("{} {}: {status} {left:#?}", route.method, route.path);
        if route.path == "/api/v1/auth/refresh" {
            // It continues what a login began; see the handler.
            assert!(status.is_success() && left.is_empty(), "{told}");
            continue;
        }
        assert!(status.is_success() || !is_known, "{told}");
        let [begin, end] = &left[..] else { panic!("{told}") };
        let invited = format!("invited-{}", person.email);
        assert_eq!((&begin["kind"], &end["kind"]), (&json!("begin"), &json!("end")), "{told}");
        assert_eq!((&begin["end"], &end["begin"]), (&end["seq"], &begin["seq"]), "{told}");
        assert_eq!(
            (&end["status"], end["code"].is_null()),
            (&json!(status.as_u16()), status.is_success()),
            "{told}"
        );
        for entry in [begin, end] {
            let is_link = route.path == "/api/v1/invitations/accept";
            let email = if is_link { &invited } else { &person.email };
            assert_eq!(entry["actor"]["email"], json!(email), "{told}");
            assert_eq!(entry["method"], json!(route.method.as_str()), "{told}");
            assert_eq!(
                (&entry["route"], &entry["client"]),
                (&json!(route.path), &json!("127.0.0.1")),
                "{told}"
            );
            assert_eq!(entry["request_id"], "asked-1", "{told}");
            let ids = [
                ("bot_id", &person.bot),
                ("key_id", &person.key),
                ("tenant_id", &person.tenant),
                ("user_id", &person.user),
                ("invitation_id", &person.invitation.0),
            ];
            for (name, id) in ids {
                let has_id = route.path.contains(name);
                assert!(!has_id || entry["parameters"][name] == *id, "{told}");
                assert!(!has_id || entry["object"] == *id, "{told}");
            }
            // The object is what is in it, or what was made of it, where there is such a thing.
            let of_campaign = route.path.contains("campaign_id");
            assert!(!of_campaign || entry["parameters"]["campaign_id"] == person.campaign, "{told}");
        }
        let making = [
            "/api/v1/bots",
            "/api/v1/campaigns",
            "/api/v1/sounds",
            "/api/v1/auth/register",
            "/api/v1/talk/tickets",
            "/api/v1/api-keys",
            "/api/v1/tenants",
            "/api/v1/invitations",
        ];
        let makes = making.contains(&route.path);
        assert!(!makes || end["object"].is_string(), "what was made is known: {told}");
    }
    let (sound, known) = (verified(&bridge, "").await, entries(&bridge, "").await.len());
    assert_eq!((&sound["intact"], &sound["entries"]), (&json!(true), &json!(known)), "{sound}");
    assert_eq!(sound["unfinished"], json!([]));
    nothing_of(&bridge, CANARY).await;
}

/// A body that makes no sense is not looked at.
fn takes_no_body(route: &Route) -> bool {
    let moves = [
        "suspend",
        "activate",
        "restore",
        "password-reset",
        "resend",
        "keys/rotation",
        "retry",
        "remake",
        "archive",
        "dry-run",
    ];
    route.method == Method::DELETE.as_str() || moves.iter().any(|word| route.path.ends_with(word))
}

#[tokio::test]
async fn a_refused_write_leaves_them_too() {
    let bridge = TestBridge::start().await;
    let person = Person::new(&bridge, "p@test").await;
    let mut before = entries(&bridge, "").await.last().map_or(0, number);
    for route in audited_routes() {
        let answer = person.send(&bridge, &route, json!(CANARY)).await;
        let status = answer.status();
        assert!(status.is_client_error() || takes_no_body(&route), "{} {status}", route.path);
        let left = newer(&bridge, "", before).await;
        before = left.last().map_or(before, number);
        if route.audited() == Audited::ByTheHandler {
            assert!(left.is_empty(), "nobody is known yet: {left:#?}");
            continue;
        }
        let [begin, end] = &left[..] else { panic!("{} {}: {left:#?}", route.method, route.path) };
        assert_eq!((&end["begin"], &end["status"]), (&begin["seq"], &json!(status.as_u16())));
        assert_eq!(end["code"].is_string(), status.is_client_error(), "{end}");
    }
    // Refused by rank, before anything began.
    let token = bridge.token(Role::Agent).await;
    let path = format!("/api/v1/bots/{}", person.bot);
    let refused = bridge.request(Method::DELETE, &path).bearer_auth(&token).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let left = entries(&bridge, "").await;
    let [.., begin, end] = &left[..] else { panic!("{left:?}") };
    assert_eq!((&begin["kind"], &begin["actor"]["role"]), (&json!("begin"), &json!("agent")));
    assert_eq!((&end["status"], &end["code"]), (&json!(403), &json!("forbidden")));
    // Nobody is known, or workers and tools: not in the log.
    let known = left.len();
    bridge.request(Method::DELETE, &path).send().await.unwrap();
    bridge
        .tools(Method::POST, "/api/v1/internal/talk-tickets")
        .json(&json!({"bot_id": "faq"}))
        .send()
        .await
        .unwrap();
    assert_eq!(entries(&bridge, "").await.len(), known);
    nothing_of(&bridge, CANARY).await;
}

#[tokio::test]
async fn what_a_key_does_is_written_down_under_its_id() {
    let bridge = TestBridge::start().await;
    let person = Person::new(&bridge, "p@test").await;
    let asked = bridge.request(Method::POST, "/api/v1/api-keys").bearer_auth(person.token());
    let body = json!({"name": CANARY, "scopes": ["bots:read", "talk:write"]});
    let made = json(asked.json(&body).send().await.unwrap(), StatusCode::CREATED).await;
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let key = TestKey { id: text("id").parse().unwrap(), token: text("token") };
    assert_eq!(entries(&bridge, "").await.pop().unwrap()["object"], made["id"]);

    let bot = format!("/api/v1/bots/{}", person.bot);
    for (method, path, status, code) in [
        (Method::POST, "/api/v1/talk/tickets", 201, Value::Null),
        (Method::DELETE, &bot, 403, json!("scope_missing")),
        (Method::PUT, "/api/v1/auth/me", 403, json!("people_only")),
    ] {
        let asked = key.sign(bridge.request(method, path)).json(&json!({"bot_id": person.bot}));
        assert_eq!(asked.send().await.unwrap().status(), status);
        let left = entries(&bridge, &format!("&actor={}", key.id)).await;
        let [.., begin, end] = &left[..] else { panic!("{left:?}") };
        let actor = json!({"id": key.id.as_str(), "email": null, "role": null});
        assert_eq!((&begin["kind"], &begin["actor"], &end["actor"]), (&json!("begin"), &actor, &actor));
        assert_eq!((&begin["end"], &end["status"], &end["code"]), (&end["seq"], &json!(status), &code));
    }
    assert_eq!(entries(&bridge, &format!("&actor={}", key.id)).await.len(), 6);

    // A key that was revoked proves nothing.
    let path = format!("/api/v1/api-keys/{}", key.id);
    let revoked = bridge.request(Method::DELETE, &path).bearer_auth(person.token()).send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    let known = entries(&bridge, "").await.len();
    let refused = key.sign(bridge.request(Method::DELETE, &bot)).send().await.unwrap();
    assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "api_key_revoked");
    assert_eq!(entries(&bridge, "").await.len(), known);
    assert_eq!(verified(&bridge, "").await["intact"], true);
    nothing_of(&bridge, CANARY).await;
}

#[tokio::test]
async fn a_secret_that_is_sent_as_an_id_is_not_kept() {
    let bridge = TestBridge::start().await;
    let person = Person::new(&bridge, "p@test").await;
    let key = bridge.key(&[Scope::BotsRead]).await;
    let path = format!("/api/v1/api-keys/{}", key.token);
    let mistaken = bridge.request(Method::DELETE, &path).bearer_auth(person.token()).send().await.unwrap();
    assert!(mistaken.status().is_client_error(), "{}", mistaken.status());
    let left = entries(&bridge, "").await;
    let [.., begin, end] = &left[..] else { panic!("{left:?}") };
    for entry in [begin, end] {
        assert_eq!((&entry["parameters"], &entry["object"]), (&json!({"key_id": ""}), &Value::Null));
    }
    nothing_of(&bridge, CANARY).await;
}

/// Nothing of any document of the collection, however it is kept.
async fn nothing_of(bridge: &TestBridge, canary: &str) {
    let kept = kept(bridge).await;
    assert!(!kept.is_empty());
    for mut document in kept {
        // Made at random, it may hold anything.
        document.document.body.remove("request_id");
        let text = serde_json::to_string(&document.document.body).unwrap();
        assert!(!text.contains(canary) && !text.contains("eyJ") && !text.contains("vx_"), "{text}");
    }
}

async fn kept(bridge: &TestBridge) -> Vec<Kept> {
    bridge.engine.list_by_id(&AUDIT, Which::All, None).await.unwrap()
}

async fn verified(bridge: &TestBridge, query: &str) -> Value {
    let token = bridge.token(Role::Admin).await;
    let path = format!("/api/v1/audit/verify{query}");
    json(bridge.get(&path).bearer_auth(token).send().await.unwrap(), StatusCode::OK).await
}

#[tokio::test]
async fn refused_logins_are_counted_and_cannot_fill_the_log() {
    let trusted = |config: &mut vox_bridge::config::Config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    };
    let bridge = TestBridge::start_with(trusted).await;
    let person = Person::new(&bridge, "victim@test").await;
    let log_in = |from: String, email: &'static str| {
        let body = json!({"email": email, "password": format!("{CANARY} wrong")});
        bridge.request(Method::POST, "/api/v1/auth/login").header("x-forwarded-for", from).json(&body).send()
    };
    for n in 0..23 {
        let from = format!("203.0.113.{n}");
        assert_eq!(log_in(from.clone(), "victim@test").await.unwrap().status(), StatusCode::UNAUTHORIZED);
        assert_eq!(log_in(from, "nobody@test").await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    let bridge = &bridge;
    let refused = || async move { entries(bridge, "&kind=refused").await };
    // They are written while the answer goes out.
    assert!(eventually(SOON, || async move { refused().await.len() == 6 }).await, "{:#?}", refused().await);
    let mut counts: Vec<Value> = refused().await.iter().map(|e| e["count"].clone()).collect();
    counts.sort_by_key(Value::as_u64);
    assert_eq!(counts, [1, 2, 3, 4, 5, 10]);
    for entry in refused().await {
        assert_eq!((&entry["actor"]["email"], &entry["status"]), (&json!(person.email), &json!(401)));
        assert!(entry["client"].as_str().unwrap().starts_with("203.0.113."), "{entry}");
    }
    assert_eq!(verified(bridge, "").await["intact"], true);
    nothing_of(bridge, CANARY).await;
}

#[tokio::test]
async fn a_reused_refresh_token_is_told() {
    let bridge = TestBridge::start().await;
    let person = Person::new(&bridge, "p@test").await;
    let before = entries(&bridge, "").await.len();
    let body = json!({"refresh_token": person.session["refresh_token"]});
    let refresh = || bridge.request(Method::POST, "/api/v1/auth/refresh").json(&body).send();
    assert_eq!(refresh().await.unwrap().status(), StatusCode::OK);
    for _ in 0..3 {
        assert_eq!(refresh().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    let left = entries(&bridge, "").await.split_off(before);
    let [begin, end] = &left[..] else { panic!("{left:#?}") };
    assert_eq!(
        (&begin["route"], &begin["actor"]["email"]),
        (&json!("/api/v1/auth/refresh"), &json!("p@test"))
    );
    assert_eq!((&end["status"], &end["code"]), (&json!(401), &json!("unauthorized")));
}

#[tokio::test]
async fn entries_are_filtered_and_seen_by_their_tenants_administrators_only() {
    let bridge = TestBridge::start().await;
    let (one, two) = (Person::new(&bridge, "one@test").await, Person::new(&bridge, "two@test").await);
    bridge.clock.advance(jiff::SignedDuration::from_secs(60));
    for person in [&one, &two, &two] {
        let path = format!("/api/v1/bots/{}", person.bot);
        let changed = bridge.request(Method::PATCH, &path).bearer_auth(person.token());
        assert_eq!(changed.json(&json!({"name": "N"})).send().await.unwrap().status(), StatusCode::OK);
    }
    let all = entries(&bridge, "").await;
    assert_eq!(all.len(), 10, "two logins and three changes");
    let actor = all.last().unwrap()["actor"]["id"].as_str().unwrap().to_owned();
    let bridge = &bridge;
    let many = |query: String| async move { entries(bridge, &query).await.len() };
    assert_eq!(many(format!("&actor={actor}")).await, 6);
    assert_eq!(many(format!("&actor={actor}&method=PATCH")).await, 4);
    assert_eq!(many(format!("&object={}", one.bot)).await, 2);
    assert_eq!(many(format!("&object={}&actor={actor}", one.bot)).await, 0);
    assert_eq!(many("&route=/api/v1/auth/login&kind=end".into()).await, 2);
    assert_eq!(many("&from=2026-11-20T10:00:30Z".into()).await, 6);
    assert_eq!(many("&to=2026-11-20T10:00:30Z".into()).await, 4);
    assert_eq!(many(format!("&actor={actor}&from=2026-11-20T10:00:30Z&kind=begin")).await, 2);
    assert_eq!(many("&actor=usr_nobody".into()).await, 0);

    let admin = bridge.token(Role::Admin).await;
    for (query, field) in
        [("actr=x", "actr"), ("kind=nope", "kind"), ("actor=", "actor"), ("limit=0", "limit")]
    {
        let asked = bridge.get(&format!("/api/v1/audit?{query}")).bearer_auth(&admin).send().await.unwrap();
        assert_eq!(wrong_fields(asked).await, [field]);
    }
    for (query, field) in [("seq=1", "hash"), ("hash=x", "seq"), ("from=0", "from"), ("seq=0&hash=x", "seq")]
    {
        let asked =
            bridge.get(&format!("/api/v1/audit/verify?{query}")).bearer_auth(&admin).send().await.unwrap();
        assert_eq!(wrong_fields(asked).await, [field]);
    }
    let supervisor = bridge.token(Role::Supervisor).await;
    let other = bridge.insert_tenant("other").await;
    let stranger = bridge.token_of(&other, Role::SuperAdmin).await;
    for path in ["/api/v1/audit", "/api/v1/audit/verify"] {
        let refused = bridge.get(path).bearer_auth(&supervisor).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        let text = json(bridge.get(path).bearer_auth(&stranger).send().await.unwrap(), StatusCode::OK)
            .await
            .to_string();
        assert!(!text.contains("one@test") && text.contains("[]"), "{text}");
    }
}

/// Somebody else's document stands where the next entry belongs, so that none can be stored.
#[tokio::test]
async fn nothing_is_done_that_cannot_be_audited() {
    let bridge = TestBridge::start().await;
    let person = Person::new(&bridge, "p@test").await;
    let next = entries(&bridge, "").await.len() as i64 + 1;
    let mut squatter = kept(&bridge).await.pop().unwrap();
    let mut entry: Entry = serde_json::from_value(Value::Object(squatter.document.body)).unwrap();
    (entry.seq, entry.tenant_id) = (next, bridge.tenant());
    squatter.document.id = entry.id();
    entry.tenant_id = "elsewhere".parse().unwrap();
    squatter.document.body = serde_json::to_value(&entry).unwrap().as_object().unwrap().clone();
    bridge.engine.restore(&AUDIT, vec![squatter]).await.unwrap();

    let bots = |token: String| async {
        bridge.get("/api/v1/bots").bearer_auth(token).send().await.unwrap().text().await.unwrap()
    };
    let before = bots(person.token().to_owned()).await;
    for (method, path) in
        [(Method::POST, "/api/v1/bots".to_owned()), (Method::DELETE, format!("/api/v1/bots/{}", person.bot))]
    {
        let bot = json!({"name": "N", "system_prompt": "p", "opening_message": "o"});
        let refused =
            bridge.request(method, &path).bearer_auth(person.token()).json(&bot).send().await.unwrap();
        assert_eq!(refusal(refused, StatusCode::SERVICE_UNAVAILABLE).await, "store_unavailable");
    }
    assert_eq!(bots(person.token().to_owned()).await, before);
    assert_eq!(
        bridge.log_in(&person.email, &person.password).await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    let me = json!({"name": "Other"});
    let refused = bridge
        .request(Method::PUT, "/api/v1/auth/me")
        .bearer_auth(person.token())
        .json(&me)
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    // Reading goes on.
    assert_eq!(entries(&bridge, "").await.len() as i64, next - 1);
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_an_end() {
    let bridge = TestBridge::start().await;
    let person = Person::new(&bridge, "p@test").await;
    let address = bridge.url.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "PATCH /api/v1/bots/{} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 50\r\n\r\n{{\"name\"",
        person.bot,
        person.token()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let bridge = &bridge;
    let changes = || async move { entries(bridge, "&method=PATCH").await };
    assert!(
        eventually(SOON, || async move { changes().await.len() == 1 }).await,
        "the begin is there before the body"
    );
    assert_eq!(changes().await[0]["end"], Value::Null);
    drop(socket);
    assert!(eventually(SOON, || async move { changes().await.len() == 2 }).await, "{:#?}", changes().await);
    let [begin, end] = &changes().await[..] else { unreachable!("it has two") };
    assert_eq!((&begin["end"], &end["begin"]), (&end["seq"], &begin["seq"]));
    assert!(["cut_off", "abandoned"].contains(&end["code"].as_str().unwrap()), "{end}");
}
