//! People sign in by the word of a provider, which is taken for no more than it is worth.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{LOCATION, SET_COOKIE};
use reqwest::redirect::Policy as Redirects;
use reqwest::{Client as HttpClient, Method, Response, StatusCode, Url};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;
use vox_bridge::auth::oidc::discovery::{Discovery, ProviderError};
use vox_bridge::auth::role::Role;
use vox_bridge::store::engine::Which;
use vox_bridge::store::sign_in::{IDENTITIES, PROVIDERS};
use vox_egress::Egress;
use vox_shared::clock::Clock;
use vox_shared::egress::{AllowList, Policy};
use vox_testkit::provider::keys::Signer;
use vox_testkit::provider::{Client, Lie, ScriptedProvider, Subject};

use crate::harness::{TestBridge, json, refusal, with_query, wrong_fields};

const SECRET: &str = "client-secret-canary-1";
const SETTINGS: &str = "/api/v1/settings/sign-in?of=deployment";

struct Stage {
    bridge: TestBridge,
    provider: ScriptedProvider,
    operator: String,
    /// A browser that follows nothing by itself.
    browser: HttpClient,
}

fn asha() -> Subject {
    Subject { sub: "sub-1".into(), email: "Asha@Example.com".into(), name: "Asha".into() }
}

/// What a browser has after the redirects.
struct Came {
    cookie: String,
    answer: Response,
}

impl Stage {
    async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let redirect_uri = format!("{}/api/v1/auth/oidc/callback", bridge.url);
        let client = Client { id: "vox".into(), secret: SECRET.into(), redirect_uri };
        let provider = ScriptedProvider::start(client, asha(), bridge.now().as_second()).await.unwrap();
        let operator = bridge.token(Role::SuperAdmin).await;
        let browser = HttpClient::builder().no_proxy().redirect(Redirects::none()).build().unwrap();
        let stage = Self { bridge, provider, operator, browser };
        stage.set(json!({})).await;
        stage
    }

    fn settings(&self, more: &Value) -> Value {
        let mut settings = json!({
            "name": "Example", "issuer": self.provider.issuer(), "client_id": "vox", "client_secret": SECRET
        });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        settings
    }

    async fn set(&self, more: Value) -> Value {
        let set = self.bridge.send(Method::PUT, SETTINGS, &self.operator, self.settings(&more)).await;
        json(set, StatusCode::OK).await
    }

    /// The browser is sent to the provider; answers the cookie and where to.
    async fn begin(&self, query: &str) -> (String, String) {
        let begun = self.browser.get(format!("{}/api/v1/auth/oidc/login{query}", self.bridge.url));
        let begun = begun.send().await.unwrap();
        assert_eq!(begun.status(), StatusCode::FOUND, "{}", begun.text().await.unwrap());
        let cookie = begun.headers()[SET_COOKIE].to_str().unwrap().to_owned();
        assert!(cookie.contains("; HttpOnly; SameSite=Lax") && cookie.contains("Path=/api/v1/auth/oidc"));
        let cookie = cookie.split(';').next().unwrap().to_owned();
        (cookie, begun.headers()[LOCATION].to_str().unwrap().to_owned())
    }

    /// The person says yes at the provider; answers where it sends the browser.
    async fn agree(&self, at: &str) -> String {
        let agreed = self.browser.get(at).send().await.unwrap();
        assert_eq!(agreed.status(), StatusCode::FOUND, "{}", agreed.text().await.unwrap());
        agreed.headers()[LOCATION].to_str().unwrap().to_owned()
    }

    async fn come_back(&self, to: &str, cookie: &str) -> Response {
        self.browser.get(to).header("cookie", format!("other=1; {cookie}")).send().await.unwrap()
    }

    async fn sign_in(&self, query: &str) -> Came {
        let (cookie, to) = self.begin(query).await;
        let back = self.agree(&to).await;
        let answer = self.come_back(&back, &cookie).await;
        Came { cookie, answer }
    }

    async fn redeem(&self, code: &str, cookie: &str) -> Response {
        let url = format!("{}/api/v1/auth/oidc/session", self.bridge.url);
        self.browser.post(url).header("cookie", cookie).json(&json!({"sign_in": code})).send().await.unwrap()
    }

    /// From the button to the session.
    async fn session(&self) -> Value {
        let Came { cookie, answer } = self.sign_in("").await;
        let code = json(answer, StatusCode::OK).await["sign_in"].as_str().unwrap().to_owned();
        json(self.redeem(&code, &cookie).await, StatusCode::OK).await
    }

    async fn refused(&self) -> (StatusCode, String) {
        let answer = self.sign_in("").await.answer;
        let status = answer.status();
        (status, refusal(answer, status).await)
    }

    fn pass(&self, seconds: i64) {
        self.bridge.clock.advance(SignedDuration::from_secs(seconds));
        self.provider.set_now(self.bridge.now().as_second());
    }

    async fn whoami(&self, session: &Value) -> Value {
        let me = self.bridge.get("/api/v1/auth/me").bearer_auth(session["access_token"].as_str().unwrap());
        json(me.send().await.unwrap(), StatusCode::OK).await
    }
}

#[tokio::test]
async fn a_known_person_signs_in_and_is_known_by_the_providers_name_from_then_on() {
    let stage = Stage::start().await;
    let known = stage.bridge.person(&stage.bridge.tenant(), "asha@example.com", Role::Supervisor).await;
    let me = stage.whoami(&stage.session().await).await;
    assert_eq!((&me["id"], &me["role"]), (&json!(known.id.as_str()), &json!("supervisor")));
    // Another address: it is the same person.
    stage.provider.log_in(Subject { email: "new@elsewhere.test".into(), ..asha() });
    assert_eq!(stage.whoami(&stage.session().await).await["id"], me["id"]);
    // Somebody else who has the address now is not.
    stage.provider.log_in(Subject { sub: "sub-2".into(), ..asha() });
    assert_eq!(stage.refused().await, (StatusCode::FORBIDDEN, "linked_elsewhere".into()));
    assert_eq!(stage.provider.faults(), Vec::<String>::new());

    let log = stage.bridge.get("/api/v1/audit?route=/api/v1/auth/oidc/session").bearer_auth(&stage.operator);
    let log = json(log.send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(log["items"].as_array().unwrap().len(), 4, "begin and end of each session: {log}");
    assert_eq!(log["items"][0]["actor"]["email"], "asha@example.com");

    // Somebody above them has the provider's word forgotten: the address counts again, and whoever was signed in is out.
    let session = {
        stage.provider.log_in(asha());
        stage.session().await
    };
    let issuer = stage.provider.issuer();
    let identity_at =
        |issuer: &str| with_query(&format!("/api/v1/users/{}/identity", known.id), &[("issuer", issuer)]);
    let path = identity_at(&issuer);
    stage.bridge.clock.advance(jiff::SignedDuration::from_secs(1));
    // A provider that knows nobody as them: nothing is forgotten, and nobody is out for it.
    let of_nobody = identity_at("https://nobody.example.com");
    let nothing = stage.bridge.send(Method::DELETE, &of_nobody, &stage.operator, Value::Null).await;
    assert_eq!(nothing.status(), StatusCode::NOT_FOUND);
    assert_eq!(stage.whoami(&session).await["id"], me["id"], "still in");
    let forgotten = stage.bridge.send(Method::DELETE, &path, &stage.operator, Value::Null).await;
    assert_eq!(forgotten.status(), StatusCode::NO_CONTENT);
    let out = stage.bridge.get("/api/v1/auth/me").bearer_auth(session["access_token"].as_str().unwrap());
    assert_eq!(out.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let again = stage.bridge.send(Method::DELETE, &path, &stage.operator, Value::Null).await;
    assert_eq!(again.status(), StatusCode::NOT_FOUND, "nothing is left to forget");
    stage.provider.log_in(Subject { sub: "sub-2".into(), ..asha() });
    assert_eq!(
        stage.whoami(&stage.session().await).await["id"],
        me["id"],
        "the new name there is theirs now"
    );
    let path = format!("/api/v1/users/{}", known.id);
    let gone = stage.bridge.send(Method::DELETE, &path, &stage.operator, Value::Null).await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let left = stage.bridge.engine.list_by_id(&IDENTITIES, Which::All, None).await.unwrap();
    assert!(left.is_empty(), "who is deleted is known to no provider: {left:?}");
}

#[tokio::test]
async fn keys_that_are_new_are_fetched_once_and_unknown_ones_not_again_and_again() {
    let stage = Stage::start().await;
    stage.bridge.person(&stage.bridge.tenant(), "asha@example.com", Role::Agent).await;
    stage.provider.rotate(Signer::Es256);
    stage.session().await;
    assert_eq!(stage.provider.keys_asked(), 1, "ES256, with the first keys that were fetched");
    stage.provider.rotate(Signer::Rs256);
    // A moment after the keys were fetched they are not fetched again, whoever brings what token.
    for _ in 0..3 {
        assert_eq!(stage.refused().await.1, "sign_in_untrusted");
    }
    assert_eq!(stage.provider.keys_asked(), 1);
    stage.pass(60);
    stage.session().await;
    assert_eq!(stage.provider.keys_asked(), 2);

    // Keys that could not be fetched are not a minute old.
    stage.pass(60);
    stage.provider.rotate(Signer::Es256);
    stage.provider.fail_at("/jwks", StatusCode::BAD_GATEWAY);
    assert_eq!(stage.refused().await.1, "provider_unavailable");
    stage.provider.recover();
    stage.pass(10);
    stage.session().await;
    assert_eq!(stage.provider.keys_asked(), 3);
}

#[tokio::test]
async fn a_provider_that_is_away_is_told_from_one_that_refuses_and_is_known_for_an_hour() {
    let stage = Stage::start().await;
    stage.bridge.person(&stage.bridge.tenant(), "asha@example.com", Role::Agent).await;
    for (status, told) in [
        (StatusCode::SERVICE_UNAVAILABLE, "provider_unavailable"),
        (StatusCode::TOO_MANY_REQUESTS, "provider_unavailable"),
        (StatusCode::FORBIDDEN, "sign_in_untrusted"),
    ] {
        stage.provider.fail_at("/token", status);
        assert_eq!(stage.refused().await.1, told, "{status}");
    }
    stage.provider.fail_at("/.well-known/openid-configuration", StatusCode::BAD_GATEWAY);
    stage.pass(3_599);
    stage.session().await;
    stage.pass(1);
    let away = stage.bridge.get("/api/v1/auth/oidc/login").send().await.unwrap();
    assert_eq!(refusal(away, StatusCode::SERVICE_UNAVAILABLE).await, "provider_unavailable");
    stage.provider.recover();
    let left_alone = stage.bridge.get("/api/v1/auth/oidc/login").send().await.unwrap();
    assert_eq!(left_alone.status(), StatusCode::SERVICE_UNAVAILABLE);
    stage.pass(10);
    stage.session().await;
}

#[tokio::test]
async fn a_lie_in_any_point_signs_nobody_in() {
    let stage = Stage::start().await;
    stage.bridge.person(&stage.bridge.tenant(), "asha@example.com", Role::Agent).await;
    for lie in [
        Lie::Issuer,
        Lie::Audience,
        Lie::ManyAudiences,
        Lie::Nonce,
        Lie::NoNonce,
        Lie::Expired,
        Lie::FromTheFuture,
        Lie::Unsigned,
        Lie::PublicKeyAsSecret,
        Lie::OtherKey,
        Lie::UnknownKey,
        Lie::NoSubject,
    ] {
        stage.provider.lie(Some(lie));
        assert_eq!(stage.refused().await, (StatusCode::UNAUTHORIZED, "sign_in_untrusted".into()), "{lie:?}");
    }
    for lie in [Lie::EmailUnverified, Lie::NoEmail] {
        stage.provider.lie(Some(lie));
        assert_eq!(stage.refused().await, (StatusCode::FORBIDDEN, "email_unverified".into()), "{lie:?}");
    }
    stage.provider.lie(None);
    stage.session().await;
    assert_eq!(stage.provider.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn only_the_browser_that_began_comes_back_once() {
    let stage = Stage::start().await;
    stage.bridge.person(&stage.bridge.tenant(), "asha@example.com", Role::Agent).await;
    let (cookie, to) = stage.begin("").await;
    let back = stage.agree(&to).await;
    let (other, _) = stage.begin("").await;
    for stranger in [other.as_str(), "vox_sign_in=garbage", "x=1"] {
        let refused = stage.come_back(&back, stranger).await;
        assert_eq!(refusal(refused, StatusCode::UNAUTHORIZED).await, "sign_in_not_begun");
    }
    let mut forged: Url = back.parse().unwrap();
    forged.query_pairs_mut().append_pair("iss", "https://elsewhere.test");
    let refused = stage.come_back(forged.as_str(), &cookie).await;
    assert_eq!(refusal(refused, StatusCode::UNAUTHORIZED).await, "sign_in_untrusted");
    let vouched = json(stage.come_back(&back, &cookie).await, StatusCode::OK).await;
    let again = stage.come_back(&back, &cookie).await;
    assert_eq!(refusal(again, StatusCode::UNAUTHORIZED).await, "sign_in_untrusted", "the code was used");
    let code = vouched["sign_in"].as_str().unwrap();
    let stolen = stage.redeem(code, &other).await;
    assert_eq!(refusal(stolen, StatusCode::UNAUTHORIZED).await, "sign_in_not_begun");
    let late = stage.redeem(code, &cookie).await;
    assert_eq!(
        refusal(late, StatusCode::UNAUTHORIZED).await,
        "sign_in_not_begun",
        "it was tried, and is spent"
    );

    // On to a page, and too late.
    let came = stage.sign_in("?return_to=/console/").await;
    assert_eq!(came.answer.status(), StatusCode::FOUND);
    let to = came.answer.headers()[LOCATION].to_str().unwrap();
    let code = to.strip_prefix("/console/#sign_in=").unwrap().to_owned();
    stage.bridge.clock.advance(jiff::SignedDuration::from_secs(60));
    assert_eq!(stage.redeem(&code, &came.cookie).await.status(), StatusCode::UNAUTHORIZED);
    let away = stage.bridge.get("/api/v1/auth/oidc/login?return_to=//evil.test").send().await.unwrap();
    assert_eq!(wrong_fields(away).await, ["return_to"]);
    let denied = back.split('?').next().unwrap().to_owned();
    let (cookie, to) = stage.begin("").await;
    let state =
        Url::parse(&to).unwrap().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let denied = stage.come_back(&format!("{denied}?error=access_denied&state={state}"), &cookie).await;
    assert_eq!(refusal(denied, StatusCode::UNAUTHORIZED).await, "sign_in_denied");
}

#[tokio::test]
async fn nobody_is_let_in_beyond_what_is_set() {
    let stage = Stage::start().await;
    assert_eq!(stage.refused().await, (StatusCode::FORBIDDEN, "nobody_known".into()));
    let tenant = stage.bridge.insert_tenant("acme").await;
    stage
        .set(json!({"newcomers": {"tenant_id": "acme", "role": "agent"}, "email_domains": ["other.test"]}))
        .await;
    assert_eq!(stage.refused().await.1, "sign_in_not_allowed", "of another domain");
    stage
        .set(json!({"newcomers": {"tenant_id": "acme", "role": "agent"}, "email_domains": ["example.com"]}))
        .await;
    let me = stage.whoami(&stage.session().await).await;
    assert_eq!(
        (&me["role"], &me["tenant_id"], &me["name"]),
        (&json!("agent"), &json!("acme"), &json!("Asha"))
    );
    stage.set(json!({})).await;
    assert_eq!(stage.whoami(&stage.session().await).await["id"], me["id"], "who is known stays known");

    stage.provider.log_in(Subject { sub: "sub-root".into(), email: "root@test".into(), name: "R".into() });
    stage.bridge.person(&tenant, "root@test", Role::SuperAdmin).await;
    assert_eq!(stage.refused().await.1, "sign_in_not_allowed", "above max_role");
    stage.set(json!({"max_role": "super_admin"})).await;
    stage.session().await;
    let mut off = stage.bridge.app.stores.all_users().find_by_email("root@test").await.unwrap().unwrap();
    off.value.active = false;
    stage.bridge.app.stores.users(&tenant).replace_user(off).await.unwrap();
    assert_eq!(stage.refused().await.1, "sign_in_not_allowed", "switched off");

    let wrong = json!({
        "issuer": "http://accounts.example.com", "max_role": "agent", "email_domains": ["x y"],
        "newcomers": {"tenant_id": "nobody", "role": "super_admin"}
    });
    let wrong = stage.bridge.send(Method::PUT, SETTINGS, &stage.operator, stage.settings(&wrong)).await;
    assert_eq!(
        wrong_fields(wrong).await,
        ["issuer", "email_domains.0", "newcomers.role", "newcomers.role", "newcomers.tenant_id"]
    );
    let mut moved = stage.settings(&json!({"issuer": "https://elsewhere.test"}));
    moved.as_object_mut().unwrap().remove("client_secret");
    let moved = stage.bridge.send(Method::PUT, SETTINGS, &stage.operator, moved).await;
    assert_eq!(wrong_fields(moved).await, ["client_secret"], "a secret goes to no other issuer");
}

/// It takes connections and says nothing.
#[tokio::test(start_paused = true)]
async fn those_who_wait_for_a_provider_that_hangs_wait_no_longer_than_one() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", silent.local_addr().unwrap());
    let clock = Clock::manual(Timestamp::UNIX_EPOCH);
    let policy = Policy::new(AllowList::parse("127.0.0.1/32").unwrap());
    let discovery = Discovery::new(Arc::new(Egress::new(policy)), clock.clone());
    let began = Instant::now();
    let told = join_all((0..50).map(|_| discovery.metadata(&issuer))).await;
    assert!(told.iter().all(|told| matches!(told, Err(ProviderError::Unreachable(_)))), "{told:?}");
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    let began = Instant::now();
    assert!(discovery.metadata(&issuer).await.is_err());
    assert_eq!(began.elapsed(), Duration::ZERO, "it is left alone");
    clock.advance(SignedDuration::from_secs(10));
    assert!(discovery.metadata(&issuer).await.is_err());
    assert!(began.elapsed() > Duration::ZERO, "and then asked again");
}

#[tokio::test]
async fn a_tenants_provider_signs_in_its_own_people_only() {
    let stage = Stage::start().await;
    let (acme, default) = (stage.bridge.insert_tenant("acme").await, stage.bridge.tenant());
    let mut stored = stage.bridge.app.stores.tenants().get_tenant(&acme).await.unwrap();
    stored.value.slug = Some("acme".into());
    stage.bridge.app.stores.tenants().replace_tenant(stored).await.unwrap();
    let own = stage.bridge.request(Method::PUT, "/api/v1/settings/sign-in").bearer_auth(&stage.operator);
    let own = own.header("x-tenant", "acme").json(&stage.settings(&json!({"name": "Acme"})));
    assert_eq!(json(own.send().await.unwrap(), StatusCode::OK).await["name"], "Acme");
    let gone = stage.bridge.send(Method::DELETE, SETTINGS, &stage.operator, Value::Null).await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let none = stage.bridge.get("/api/v1/auth/oidc/login").send().await.unwrap();
    assert_eq!(refusal(none, StatusCode::NOT_FOUND).await, "no_sign_in_provider");
    let option = stage.bridge.get("/api/v1/auth/oidc?tenant=acme").send().await.unwrap();
    let login_url = format!("{}/api/v1/auth/oidc/login?tenant=acme", stage.bridge.url);
    assert_eq!(json(option, StatusCode::OK).await, json!({"name": "Acme", "login_url": login_url}));

    stage.bridge.person(&default, "asha@example.com", Role::Agent).await;
    let answer = stage.sign_in("?tenant=acme").await.answer;
    assert_eq!(refusal(answer, StatusCode::FORBIDDEN).await, "sign_in_not_allowed", "of another tenant");
    stage.provider.log_in(Subject {
        sub: "sub-3".into(),
        email: "ben@example.com".into(),
        name: "Ben".into(),
    });
    stage.bridge.person(&acme, "ben@example.com", Role::Agent).await;
    let came = stage.sign_in("?tenant=acme").await;
    assert_eq!(came.answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn who_has_a_second_factor_is_asked_for_it_unless_the_provider_is_trusted_with_it() {
    let stage = Stage::start().await;
    let person = stage.bridge.person(&stage.bridge.tenant(), "asha@example.com", Role::Agent).await;
    let users = stage.bridge.app.stores.users(&stage.bridge.tenant());
    let mut stored = users.get_user(&person.id).await.unwrap();
    let factor = json!({"secret": "JBSWY3DPEHPK3PXP", "confirmed_at": stage.bridge.now(), "last_step": 0, "recovery_hashes": []});
    stored.value.second_factor = Some(serde_json::from_value(factor).unwrap());
    users.replace_user(stored).await.unwrap();
    let Came { cookie, answer } = stage.sign_in("").await;
    let code = json(answer, StatusCode::OK).await["sign_in"].as_str().unwrap().to_owned();
    let challenge = json(stage.redeem(&code, &cookie).await, StatusCode::ACCEPTED).await;
    assert!(challenge["challenge"].is_string() && challenge.get("access_token").is_none());
    stage.set(json!({"trusts_second_factor": true})).await;
    stage.session().await;
}

#[tokio::test]
async fn a_provider_that_is_gone_or_calls_itself_otherwise_signs_nobody_in_and_its_secret_is_nowhere_in_clear()
 {
    let stage = Stage::start().await;
    let shown = stage.set(json!({})).await;
    assert!(shown["has_client_secret"] == true && !shown.to_string().contains(SECRET), "{shown}");
    assert_eq!(shown["redirect_uri"], format!("{}/api/v1/auth/oidc/callback", stage.bridge.url));
    let kept = stage.bridge.engine.list_by_id(&PROVIDERS, Which::All, None).await.unwrap();
    assert!(kept.len() == 1 && !format!("{kept:?}").contains(SECRET), "it is sealed");

    stage.provider.call_itself("https://elsewhere.test");
    let other = stage.bridge.get("/api/v1/auth/oidc/login").send().await.unwrap();
    assert_eq!(refusal(other, StatusCode::SERVICE_UNAVAILABLE).await, "provider_unavailable");
    let nobody = json!({"issuer": "http://127.0.0.1:9"});
    stage.set(nobody).await;
    let gone = stage.bridge.get("/api/v1/auth/oidc/login").send().await.unwrap();
    assert_eq!(refusal(gone, StatusCode::SERVICE_UNAVAILABLE).await, "provider_unavailable");
}
