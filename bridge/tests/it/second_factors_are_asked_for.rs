//! A second factor: enrolled with the password, asked for at the log-in, each code good once, and nobody locked out by others.

use futures_util::future::join_all;
use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::totp;
use vox_bridge::store::engine::Which;
use vox_bridge::store::users::USERS;

use crate::harness::{TestBridge, json, refusal, wrong_fields};

const EMAIL: &str = "a@test";
const PASSWORD: &str = "long enough 1";
const OWN: &str = "/api/v1/auth/me/second-factor";

/// Somebody with an app.
struct Enrolled {
    bridge: TestBridge,
    token: String,
    secret: String,
    recovery: Vec<String>,
}

impl Enrolled {
    async fn new() -> Self {
        let trusted = |config: &mut vox_bridge::config::Config| {
            config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        };
        let bridge = TestBridge::start_with(trusted).await;
        bridge.insert_user(&bridge.tenant(), EMAIL, Role::Agent).await;
        let mut stored = bridge.app.stores.all_users().find_by_email(EMAIL).await.unwrap().unwrap();
        stored.value.password_hash = bridge.app.passwords.hash(PASSWORD.into()).await.unwrap();
        bridge.app.stores.users(&bridge.tenant()).replace_user(stored).await.unwrap();
        let session = json(bridge.log_in(EMAIL, PASSWORD).await, StatusCode::OK).await;
        let token = session["access_token"].as_str().unwrap().to_owned();
        let made = bridge.send(Method::POST, OWN, &token, json!({"password": PASSWORD})).await;
        let made = json(made, StatusCode::CREATED).await;
        let secret = made["secret"].as_str().unwrap().to_owned();
        assert_eq!(made["otpauth_url"], format!("otpauth://totp/Vox:{EMAIL}?secret={secret}&issuer=Vox"));
        let mut enrolled = Self { bridge, token, secret, recovery: Vec::new() };
        let confirmed = enrolled.own("/confirm", json!({"code": enrolled.code(0)})).await;
        let codes = json(confirmed, StatusCode::OK).await;
        let codes = codes["recovery_codes"].as_array().unwrap();
        enrolled.recovery = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
        enrolled.bridge.clock.advance(SignedDuration::from_secs(60));
        enrolled
    }

    /// The code of so many steps from now.
    fn code(&self, later: i64) -> String {
        totp::code(&self.secret, self.bridge.now().as_second() / 30 + later).unwrap()
    }

    async fn own(&self, end: &str, body: Value) -> Response {
        self.bridge.send(Method::POST, &format!("{OWN}{end}"), &self.token, body).await
    }

    async fn challenge(&self) -> String {
        let asked = json(self.bridge.log_in(EMAIL, PASSWORD).await, StatusCode::ACCEPTED).await;
        assert!(asked["access_token"].is_null() && asked["expires_in"] == 300, "{asked}");
        asked["challenge"].as_str().unwrap().to_owned()
    }

    async fn log_in_from(&self, client: &str, challenge: &str, code: &str) -> Response {
        let body = json!({"challenge": challenge, "code": code});
        let asked = self.bridge.request(Method::POST, "/api/v1/auth/login/second-factor").json(&body);
        asked.header("x-forwarded-for", client).send().await.unwrap()
    }

    async fn log_in(&self, challenge: &str, code: &str) -> Response {
        self.log_in_from("203.0.113.1", challenge, code).await
    }
}

async fn is_wrong(answer: Response) {
    assert_eq!(refusal(answer, StatusCode::UNAUTHORIZED).await, "wrong_code");
}

#[tokio::test]
async fn a_password_alone_begins_nothing() {
    let person = Enrolled::new().await;
    let challenge = person.challenge().await;
    let me = person.bridge.get("/api/v1/auth/me").bearer_auth(&challenge).send().await.unwrap();
    assert_eq!(me.status(), StatusCode::UNAUTHORIZED, "a challenge is no access token");
    let session = json(person.log_in(&challenge, &person.code(0)).await, StatusCode::OK).await;
    let me = person.bridge.get("/api/v1/auth/me").bearer_auth(session["access_token"].as_str().unwrap());
    assert_eq!(json(me.send().await.unwrap(), StatusCode::OK).await["second_factor"], true);
    let admin = person.bridge.token(Role::Admin).await;
    let log = person.bridge.get("/api/v1/audit?route=/api/v1/auth/login/second-factor").bearer_auth(&admin);
    let log = json(log.send().await.unwrap(), StatusCode::OK).await;
    let [end, begin] = &log["items"].as_array().unwrap()[..] else { panic!("{log}") };
    assert_eq!(
        (&begin["kind"], &end["status"], &end["actor"]["email"]),
        (&json!("begin"), &json!(200), &json!(EMAIL))
    );
    let access = session["access_token"].as_str().unwrap();
    let answer = person.log_in(access, &person.code(1)).await;
    assert_eq!(refusal(answer, StatusCode::UNAUTHORIZED).await, "unauthorized", "nor the other way round");
}

#[tokio::test]
async fn a_code_is_good_once_and_near_its_time() {
    let person = Enrolled::new().await;
    let challenge = person.challenge().await;
    is_wrong(person.log_in(&challenge, &person.code(2)).await).await;
    is_wrong(person.log_in(&challenge, &person.code(-2)).await).await;
    let code = person.code(0);
    let raced = join_all((0..8).map(|n| {
        let (person, challenge, code) = (&person, &challenge, &code);
        async move { person.log_in_from(&format!("198.51.100.{n}"), challenge, code).await.status() }
    }));
    let raced = raced.await;
    assert_eq!(raced.iter().filter(|status| **status == StatusCode::OK).count(), 1, "{raced:?}");
    is_wrong(person.log_in(&challenge, &code).await).await;
    is_wrong(person.log_in(&challenge, &person.code(-1)).await).await;
    assert_eq!(person.log_in(&challenge, &person.code(1)).await.status(), StatusCode::OK);
    person.bridge.clock.advance(SignedDuration::from_secs(300));
    let late = person.log_in(&challenge, &person.code(0)).await;
    assert_eq!(refusal(late, StatusCode::UNAUTHORIZED).await, "unauthorized");
}

#[tokio::test]
async fn a_recovery_code_is_good_once() {
    let person = Enrolled::new().await;
    assert_eq!(person.recovery.len(), 10);
    let challenge = person.challenge().await;
    let typed = person.recovery[3].to_uppercase().replace('-', " ");
    assert_eq!(person.log_in(&challenge, &typed).await.status(), StatusCode::OK);
    is_wrong(person.log_in(&challenge, &person.recovery[3]).await).await;
    assert_eq!(person.log_in(&challenge, &person.recovery[4]).await.status(), StatusCode::OK);
    let stored = person.bridge.app.stores.all_users().find_by_email(EMAIL).await.unwrap().unwrap();
    let text = serde_json::to_string(&stored.value).unwrap();
    assert!(person.recovery.iter().all(|code| !text.contains(code.as_str())), "only their hashes are kept");
    let (mut kept, engine) = (String::new(), &person.bridge.engine);
    for user in engine.list_by_id(&USERS, Which::All, None).await.unwrap() {
        kept.push_str(&serde_json::to_string(&user.document.body).unwrap());
    }
    assert!(text.contains(&person.secret) && !kept.contains(&person.secret), "the app's secret is sealed");
}

#[tokio::test]
async fn guessing_codes_stops_the_guesser_and_nobody_else() {
    let person = Enrolled::new().await;
    let challenge = person.challenge().await;
    for _ in 0..5 {
        is_wrong(person.log_in_from("203.0.113.9", &challenge, "000000").await).await;
    }
    let stopped = person.log_in_from("203.0.113.9", &challenge, &person.code(0)).await;
    assert_eq!(refusal(stopped, StatusCode::TOO_MANY_REQUESTS).await, "too_many_attempts");
    assert_eq!(person.log_in(&challenge, &person.code(0)).await.status(), StatusCode::OK);

    // With a network of its own for each guess it stops too, and the owner's log-in forgave nothing.
    for n in 0..25 {
        is_wrong(person.log_in_from(&format!("2001:db8:0:{n:x}::1"), &challenge, "000000").await).await;
    }
    let stopped = person.log_in_from("2001:db8:0:ffff::1", &challenge, &person.code(1)).await;
    assert_eq!(refusal(stopped, StatusCode::TOO_MANY_REQUESTS).await, "too_many_attempts");
}

#[tokio::test]
async fn a_new_password_ends_a_challenge() {
    let person = Enrolled::new().await;
    let challenge = person.challenge().await;
    let body = json!({"current_password": PASSWORD, "new_password": "another long one"});
    let path = "/api/v1/auth/me/password";
    assert_eq!(person.bridge.send(Method::PUT, path, &person.token, body).await.status(), StatusCode::OK);
    let late = person.log_in(&challenge, &person.code(0)).await;
    assert_eq!(refusal(late, StatusCode::UNAUTHORIZED).await, "unauthorized");
}

#[tokio::test]
async fn it_is_enrolled_and_disabled_with_proofs_only() {
    let person = Enrolled::new().await;
    let again = person.own("", json!({"password": PASSWORD})).await;
    assert_eq!(refusal(again, StatusCode::CONFLICT).await, "second_factor_active");
    let wrong = person.own("/disable", json!({"password": "wrong", "code": person.code(0)})).await;
    assert_eq!(refusal(wrong, StatusCode::FORBIDDEN).await, "forbidden");
    is_wrong(person.own("/disable", json!({"password": PASSWORD, "code": "000000"})).await).await;
    assert_eq!(
        wrong_fields(person.own("/disable", json!({"password": PASSWORD, "code": 1})).await).await,
        ["code"]
    );
    let disabled = person.own("/disable", json!({"password": PASSWORD, "code": person.code(0)})).await;
    assert_eq!(disabled.status(), StatusCode::NO_CONTENT);
    assert_eq!(person.bridge.log_in(EMAIL, PASSWORD).await.status(), StatusCode::OK);
    let none = person.own("/disable", json!({"password": PASSWORD, "code": person.code(1)})).await;
    assert_eq!(refusal(none, StatusCode::CONFLICT).await, "no_second_factor");
    let none = person.own("/confirm", json!({"code": person.code(0)})).await;
    assert_eq!(refusal(none, StatusCode::CONFLICT).await, "no_second_factor");

    // What is not confirmed asks nobody for a code.
    let wrong = person.own("", json!({"password": "wrong"})).await;
    assert_eq!(refusal(wrong, StatusCode::FORBIDDEN).await, "forbidden");
    json(person.own("", json!({"password": PASSWORD})).await, StatusCode::CREATED).await;
    is_wrong(person.own("/confirm", json!({"code": "000000"})).await).await;
    assert_eq!(person.bridge.log_in(EMAIL, PASSWORD).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_super_admin_takes_a_lost_one_away() {
    let person = Enrolled::new().await;
    let bridge = &person.bridge;
    let id = bridge.app.stores.all_users().find_by_email(EMAIL).await.unwrap().unwrap().id;
    let path = format!("/api/v1/users/{id}/second-factor");
    let (admin, root) = (
        bridge.token(Role::Admin).await,
        bridge.person(&bridge.tenant(), "root@test", Role::SuperAdmin).await,
    );
    assert_eq!(bridge.send(Method::DELETE, &path, &admin, json!({})).await.status(), StatusCode::FORBIDDEN);
    bridge.clock.advance(SignedDuration::from_secs(2));
    let own = format!("/api/v1/users/{}/second-factor", root.id);
    let refused = bridge.send(Method::DELETE, &own, &root.token, json!({})).await;
    assert_eq!(refusal(refused, StatusCode::CONFLICT).await, "own_account");
    assert_eq!(
        bridge.send(Method::DELETE, &path, &root.token, json!({})).await.status(),
        StatusCode::NO_CONTENT
    );
    let me = bridge.get("/api/v1/auth/me").bearer_auth(&person.token).send().await.unwrap();
    assert_eq!(me.status(), StatusCode::UNAUTHORIZED, "their sessions are over");
    assert_eq!(bridge.log_in(EMAIL, PASSWORD).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_tenant_may_demand_it() {
    let person = Enrolled::new().await;
    let bridge = &person.bridge;
    let (admin, without) = (bridge.token(Role::Admin).await, bridge.token(Role::Agent).await);
    let demand = json!({"require_second_factor": true});
    let changed =
        json(bridge.send(Method::PATCH, "/api/v1/tenant", &admin, demand).await, StatusCode::OK).await;
    assert_eq!(changed["require_second_factor"], true);
    for token in [&admin, &without] {
        let refused = bridge.get("/api/v1/bots").bearer_auth(token).send().await.unwrap();
        assert_eq!(refusal(refused, StatusCode::FORBIDDEN).await, "second_factor_required");
        let me = bridge.get("/api/v1/auth/me").bearer_auth(token).send().await.unwrap();
        assert_eq!(me.status(), StatusCode::OK, "they may enrol");
    }
    let bots = bridge.get("/api/v1/bots").bearer_auth(&person.token).send().await.unwrap();
    assert_eq!(bots.status(), StatusCode::OK);
    let key = bridge.key(vox_bridge::auth::scope::Scope::ALL).await;
    assert_eq!(key.status(bridge, "/api/v1/bots").await, StatusCode::OK, "keys have none");
}
