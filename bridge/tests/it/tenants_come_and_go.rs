//! Tenants: made, changed, suspended, deleted and restored by super_admins, and what that does to their people, keys and calls.

use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_shared::ids::TenantId;
use vox_shared::model::bot::BotSettings;

use crate::harness::{TestBridge, json, refusal, result, wrong_fields};

const LIST: &str = "/api/v1/tenants";

struct Operator {
    bridge: TestBridge,
    token: String,
}

impl Operator {
    async fn new() -> Self {
        let bridge = TestBridge::start().await;
        let token = bridge.token(Role::SuperAdmin).await;
        Self { bridge, token }
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Response {
        self.bridge.send(method, path, &self.token, body).await
    }

    async fn make(&self, slug: &str) -> TenantId {
        let body = json!({"slug": slug, "name": slug.to_uppercase()});
        let made = json(self.send(Method::POST, LIST, body).await, StatusCode::CREATED).await;
        made["id"].as_str().unwrap().parse().unwrap()
    }

    /// `suspend`, `activate` or `restore`.
    async fn moved(&self, tenant: &TenantId, how: &str) -> Response {
        self.send(Method::POST, &format!("{LIST}/{tenant}/{how}"), json!({})).await
    }

    async fn delete(&self, tenant: &TenantId) -> Response {
        self.send(Method::DELETE, &format!("{LIST}/{tenant}"), json!({})).await
    }
}

#[tokio::test]
async fn a_tenant_is_made_listed_and_changed() {
    let operator = Operator::new().await;
    let one = operator.make("acme").await;
    let taken = operator.send(Method::POST, LIST, json!({"slug": "acme", "name": "Other"})).await;
    assert_eq!(refusal(taken, StatusCode::CONFLICT).await, "slug_taken");
    let bad = json!({"slug": "-Acme", "name": "", "status": "deleted"});
    let fields = wrong_fields(operator.send(Method::POST, LIST, bad).await).await;
    assert_eq!(fields, ["name", "slug", "status"]);
    let unknown = operator.send(Method::POST, LIST, json!({"slug": "x1", "name": "N", "owner": "me"})).await;
    assert_eq!(unknown.status(), StatusCode::UNPROCESSABLE_ENTITY);

    let path = format!("{LIST}/{one}");
    let change = json!({"name": " Acme Ltd "});
    let changed = json(operator.send(Method::PATCH, &path, change).await, StatusCode::OK).await;
    assert_eq!(
        (&changed["name"], &changed["plan"], &changed["slug"]),
        (&json!("Acme Ltd"), &Value::Null, &json!("acme"))
    );
    let late = operator.send(Method::PATCH, &path, json!({"name": "Late", "version": 1})).await;
    assert_eq!(refusal(late, StatusCode::CONFLICT).await, "conflict");
    let other = operator.make("beta").await;
    let taken = operator.send(Method::PATCH, &format!("{LIST}/{other}"), json!({"slug": "acme"})).await;
    assert_eq!(refusal(taken, StatusCode::CONFLICT).await, "slug_taken");

    let page =
        json(operator.send(Method::GET, &format!("{LIST}?limit=2"), json!({})).await, StatusCode::OK).await;
    let slugs = |page: &Value| {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|t| t["slug"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let next = page["next_cursor"].as_str().unwrap();
    let rest = operator.send(Method::GET, &format!("{LIST}?limit=2&cursor={next}"), json!({})).await;
    let mut all = slugs(&page);
    all.extend(slugs(&json(rest, StatusCode::OK).await));
    all.sort();
    assert_eq!(all, ["acme", "beta", "default"]);
    let none = operator.send(Method::GET, &format!("{LIST}?status=deleted"), json!({})).await;
    assert_eq!(json(none, StatusCode::OK).await["items"], json!([]));
    let missing = operator.send(Method::GET, &format!("{LIST}/ten_nobody"), json!({})).await;
    assert_eq!(refusal(missing, StatusCode::NOT_FOUND).await, "not_found");
}

#[tokio::test]
async fn of_tenants_that_race_for_a_slug_one_gets_it() {
    let operator = Operator::new().await;
    let body = json!({"slug": "wanted", "name": "W"});
    let asked = (0..8).map(|_| operator.send(Method::POST, LIST, body.clone()));
    let statuses: Vec<_> = futures_util::future::join_all(asked).await.iter().map(Response::status).collect();
    assert_eq!(statuses.iter().filter(|s| **s == StatusCode::CREATED).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|s| **s == StatusCode::CONFLICT).count(), 7, "{statuses:?}");
}

#[tokio::test]
async fn a_suspension_works_at_once_and_running_calls_end_normally() {
    let operator = Operator::new().await;
    let bridge = &operator.bridge;
    let tenant = operator.make("acme").await;
    let bot = bridge.insert_bot(&tenant, BotSettings::default()).await;
    let person = bridge.person(&tenant, "p@acme", Role::Admin).await;
    set_password(bridge, "p@acme", "long enough 1").await;
    let session = json(bridge.log_in("p@acme", "long enough 1").await, StatusCode::OK).await;
    let key = bridge.insert_key(&tenant, Scope::ALL, |_| {}).await;
    let running = [("session_id", "call_running")];
    assert_eq!(bridge.fetch_config(bot.as_str(), &running).await.status(), StatusCode::OK);

    let suspended = json(operator.moved(&tenant, "suspend").await, StatusCode::OK).await;
    assert_eq!(suspended["status"], "suspended");
    assert_eq!(operator.moved(&tenant, "suspend").await.status(), StatusCode::OK, "it is already");
    let code = |answer: Response| refusal(answer, StatusCode::PAYMENT_REQUIRED);
    let new = bridge.fetch_config(bot.as_str(), &[("session_id", "call_new")]).await;
    assert_eq!(code(new).await, "tenant_suspended");
    assert_eq!(code(bridge.log_in("p@acme", "long enough 1").await).await, "tenant_suspended");
    let wrong = bridge.log_in("p@acme", "wrong").await;
    assert_eq!(refusal(wrong, StatusCode::UNAUTHORIZED).await, "unauthorized", "told to nobody else");
    let refresh = json!({"refresh_token": session["refresh_token"]});
    let refreshed = bridge.send(Method::POST, "/api/v1/auth/refresh", "", refresh.clone()).await;
    assert_eq!(code(refreshed).await, "tenant_suspended");
    for token in [&person.token, &key.token] {
        let list = bridge.get("/api/v1/bots").bearer_auth(token).send().await.unwrap();
        assert_eq!(code(list).await, "tenant_suspended");
    }
    let mut ended = result("call_running", "customer");
    ended["bot_id"] = json!(bot.as_str());
    assert_eq!(bridge.deliver(&ended).await.status(), StatusCode::OK);
    assert_eq!(bridge.call("call_running").await["status"], "completed");

    assert_eq!(json(operator.moved(&tenant, "activate").await, StatusCode::OK).await["status"], "active");
    let new = bridge.fetch_config(bot.as_str(), &[("session_id", "call_new")]).await;
    assert_eq!(new.status(), StatusCode::OK);
    let refreshed = bridge.send(Method::POST, "/api/v1/auth/refresh", "", refresh).await;
    assert_eq!(refreshed.status(), StatusCode::OK, "the session was not used up");
}

#[tokio::test]
async fn a_deleted_tenant_can_be_restored_for_thirty_days() {
    let operator = Operator::new().await;
    let bridge = &operator.bridge;
    let tenant = operator.make("acme").await;
    let bot = bridge.insert_bot(&tenant, BotSettings::default()).await;
    let person = bridge.person(&tenant, "p@acme", Role::Admin).await;
    assert_eq!(operator.delete(&tenant).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(operator.delete(&tenant).await.status(), StatusCode::NO_CONTENT, "it is already");
    let shown = operator.send(Method::GET, &format!("{LIST}/{tenant}"), json!({})).await;
    let shown = json(shown, StatusCode::OK).await;
    assert_eq!(
        (&shown["status"], &shown["restorable_until"]),
        (&json!("deleted"), &json!("2026-12-20T10:00:00.000000Z"))
    );
    let new = bridge.fetch_config(bot.as_str(), &[]).await;
    assert_eq!(refusal(new, StatusCode::PAYMENT_REQUIRED).await, "tenant_suspended");
    let list = bridge.get("/api/v1/bots").bearer_auth(&person.token).send().await.unwrap();
    assert_eq!(refusal(list, StatusCode::FORBIDDEN).await, "tenant_deleted");
    let inside = bridge.get("/api/v1/bots").bearer_auth(&operator.token).header("x-tenant", tenant.as_str());
    assert_eq!(inside.send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let taken = operator.send(Method::POST, LIST, json!({"slug": "acme", "name": "N"})).await;
    assert_eq!(refusal(taken, StatusCode::CONFLICT).await, "slug_taken", "its slug waits for it");
    for how in ["suspend", "activate"] {
        let refused = operator.moved(&tenant, how).await;
        assert_eq!(refusal(refused, StatusCode::CONFLICT).await, "wrong_tenant_status");
    }

    let restored = json(operator.moved(&tenant, "restore").await, StatusCode::OK).await;
    assert_eq!((&restored["status"], &restored["deleted_at"]), (&json!("suspended"), &Value::Null));
    let again = operator.moved(&tenant, "restore").await;
    assert_eq!(refusal(again, StatusCode::CONFLICT).await, "wrong_tenant_status");
    operator.moved(&tenant, "activate").await;
    let list = bridge.get("/api/v1/bots").bearer_auth(&person.token).send().await.unwrap();
    assert_eq!(json(list, StatusCode::OK).await["items"].as_array().unwrap().len(), 1);

    assert_eq!(operator.delete(&tenant).await.status(), StatusCode::NO_CONTENT);
    bridge.clock.advance(SignedDuration::from_hours(24 * 30));
    let token = bridge.token(Role::SuperAdmin).await;
    let late = bridge.send(Method::POST, &format!("{LIST}/{tenant}/restore"), &token, json!({})).await;
    assert_eq!(refusal(late, StatusCode::CONFLICT).await, "restore_time_over");
}

#[tokio::test]
async fn the_tenant_of_the_operators_stays() {
    let operator = Operator::new().await;
    let own = operator.bridge.tenant();
    assert_eq!(refusal(operator.moved(&own, "suspend").await, StatusCode::CONFLICT).await, "own_tenant");
    assert_eq!(refusal(operator.delete(&own).await, StatusCode::CONFLICT).await, "own_tenant");
    // No super_admin is ever made elsewhere, so theirs is the only tenant that matters.
    let tenant = operator.make("acme").await;
    let new = json!({"email": "s@acme", "password": "long enough 1", "name": "S", "role": "super_admin"});
    let register = |tenant: &TenantId| {
        let asked =
            operator.bridge.request(Method::POST, "/api/v1/auth/register").bearer_auth(&operator.token);
        asked.header("x-tenant", tenant.as_str()).json(&new).send()
    };
    assert_eq!(register(&tenant).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(register(&own).await.unwrap().status(), StatusCode::CREATED);
}

#[tokio::test]
async fn only_super_admins_reach_into_another_tenant_and_both_logs_tell_it() {
    let operator = Operator::new().await;
    let bridge = &operator.bridge;
    let tenant = operator.make("acme").await;
    let body = json!({"name": "B", "system_prompt": "p", "opening_message": "o"});
    let in_acme = |token: String, method: Method, path: &'static str| {
        let asked = bridge.request(method, path).bearer_auth(token).header("x-tenant", tenant.as_str());
        asked.json(&body).send()
    };
    let made = in_acme(operator.token.clone(), Method::POST, "/api/v1/bots").await.unwrap();
    let made = json(made, StatusCode::CREATED).await;
    let listed = in_acme(operator.token.clone(), Method::GET, "/api/v1/bots").await.unwrap();
    assert_eq!(json(listed, StatusCode::OK).await["items"][0]["id"], made["id"]);
    let path = format!("/api/v1/bots/{}", made["id"].as_str().unwrap());
    let own = operator.send(Method::GET, &path, json!({})).await;
    assert_eq!(own.status(), StatusCode::NOT_FOUND, "without the header it is another tenant's");

    let admin = bridge.token(Role::Admin).await;
    let refused = in_acme(admin, Method::GET, "/api/v1/bots").await.unwrap();
    assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "forbidden");
    let key = bridge.key(Scope::ALL).await;
    let refused = in_acme(key.token, Method::GET, "/api/v1/bots").await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let of_acme = bridge.person(&tenant, "p@acme", Role::Admin).await;
    assert_eq!(
        in_acme(of_acme.token.clone(), Method::GET, "/api/v1/bots").await.unwrap().status(),
        StatusCode::OK
    );
    for (named, status) in [("ten_nobody", 404), ("../x", 400), ("", 400)] {
        let asked = bridge.get("/api/v1/bots").bearer_auth(&operator.token).header("x-tenant", named);
        assert_eq!(asked.send().await.unwrap().status(), status, "{named}");
    }

    json(operator.moved(&tenant, "suspend").await, StatusCode::OK).await;
    json(operator.moved(&tenant, "activate").await, StatusCode::OK).await;
    let log = |token: String| async {
        let asked = bridge.get("/api/v1/audit").bearer_auth(token).send().await.unwrap();
        json(asked, StatusCode::OK).await["items"].as_array().unwrap().clone()
    };
    let theirs = log(of_acme.token.clone()).await;
    assert_eq!(theirs.len(), 6, "a bot, a suspension, an activation: {theirs:#?}");
    for entry in &theirs {
        assert_eq!((&entry["actor"]["tenant_id"], &entry["in_tenant"]), (&json!("default"), &Value::Null));
    }
    assert_eq!((&theirs[4]["object"], &theirs[4]["status"]), (&made["id"], &json!(201)));
    assert_eq!(theirs[0]["route"], "/api/v1/tenants/{tenant_id}/activate");
    let ours = log(operator.token.clone()).await;
    let elsewhere: Vec<_> = ours.iter().filter(|e| e["in_tenant"] == json!(tenant.as_str())).collect();
    assert_eq!(elsewhere.len(), 4, "begin and end of the bot, and the ends of both moves: {ours:#?}");
    for token in [&operator.token, &of_acme.token] {
        let checked = bridge.get("/api/v1/audit/verify").bearer_auth(token).send().await.unwrap();
        let checked = json(checked, StatusCode::OK).await;
        assert_eq!(
            (&checked["intact"], &checked["unfinished_count"]),
            (&json!(true), &json!(0)),
            "{checked}"
        );
    }
}

#[tokio::test]
async fn administrators_change_their_own_tenant_only() {
    let operator = Operator::new().await;
    let bridge = &operator.bridge;
    let tenant = operator.make("acme").await;
    let (admin, agent) = (
        bridge.person(&tenant, "a@acme", Role::Admin).await,
        bridge.person(&tenant, "b@acme", Role::Agent).await,
    );
    let own = "/api/v1/tenant";
    let change = json!({"name": "Acme"});
    let changed = json(bridge.send(Method::PATCH, own, &admin.token, change).await, StatusCode::OK).await;
    assert_eq!((&changed["id"], &changed["name"]), (&json!(tenant.as_str()), &json!("Acme")));
    let plan = bridge.send(Method::PATCH, own, &admin.token, json!({"plan": "unlimited"})).await;
    assert_eq!(wrong_fields(plan).await, ["plan"]);
    let refused = bridge.send(Method::PATCH, own, &agent.token, json!({"name": "X"})).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    for path in [LIST.to_owned(), format!("{LIST}/{tenant}")] {
        let refused = bridge.get(&path).bearer_auth(&admin.token).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    }
}

async fn set_password(bridge: &TestBridge, email: &str, password: &str) {
    let mut stored = bridge.app.stores.all_users().find_by_email(email).await.unwrap().unwrap();
    stored.value.password_hash = bridge.app.passwords.hash(password.into()).await.unwrap();
    bridge.app.stores.users(&stored.value.tenant_id.clone()).replace_user(stored).await.unwrap();
}
