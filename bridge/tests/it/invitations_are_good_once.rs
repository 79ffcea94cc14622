//! Invitations and links that set a password: made by rank, shown once, good once, and silent about everybody else.

use futures_util::future::join_all;
use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::jobs::janitor;
use vox_bridge::store::engine::Which;
use vox_bridge::store::invitations::INVITATIONS;

use crate::harness::{Person, TestBridge, json, refusal, wrong_fields};

const LIST: &str = "/api/v1/invitations";
const ACCEPT: &str = "/api/v1/invitations/accept";
const PASSWORD: &str = "long enough 1";

async fn invite(bridge: &TestBridge, by: &Person, email: &str, role: &str) -> Response {
    bridge.send(Method::POST, LIST, &by.token, json!({"email": email, "role": role})).await
}

async fn invited(bridge: &TestBridge, by: &Person, email: &str) -> Value {
    json(invite(bridge, by, email, "agent").await, StatusCode::CREATED).await
}

async fn accept(bridge: &TestBridge, link: &Value, password: &str) -> Response {
    let body = json!({"token": link["token"], "password": password, "name": "Asha"});
    bridge.request(Method::POST, ACCEPT).json(&body).send().await.unwrap()
}

async fn admin(bridge: &TestBridge) -> Person {
    bridge.person(&bridge.tenant(), "admin@test", Role::Admin).await
}

async fn is_over(answer: Response) {
    assert_eq!(refusal(answer, StatusCode::NOT_FOUND).await, "unknown_invitation");
}

#[tokio::test]
async fn an_invitation_makes_a_person_once() {
    let bridge = TestBridge::start().await;
    let admin = admin(&bridge).await;
    let link = invited(&bridge, &admin, " New@test").await;
    assert_eq!((&link["status"], &link["purpose"]), (&json!("open"), &json!("invitation")));
    assert_eq!(link["expires_at"], "2026-11-27T10:00:00.000000Z");
    let secret = link["token"].as_str().unwrap();
    assert_eq!(secret.len(), 32);
    for kept in bridge.engine.list_by_id(&INVITATIONS, Which::All, None).await.unwrap() {
        assert!(
            !serde_json::to_string(&kept.document.body).unwrap().contains(secret),
            "only its hash is kept"
        );
    }
    assert_eq!(wrong_fields(accept(&bridge, &link, "short").await).await, ["password"]);
    let made = json(accept(&bridge, &link, PASSWORD).await, StatusCode::OK).await;
    assert_eq!(
        (&made["email"], &made["role"], &made["name"], &made["tenant_id"]),
        (&json!("New@test"), &json!("agent"), &json!("Asha"), &json!("default"))
    );
    assert_eq!(bridge.log_in("new@test", PASSWORD).await.status(), StatusCode::OK);
    is_over(accept(&bridge, &link, "another password").await).await;
    let listed = bridge.get(LIST).bearer_auth(&admin.token).send().await.unwrap();
    let listed = json(listed, StatusCode::OK).await;
    assert_eq!((&listed["items"][0]["status"], &listed["items"][0]["token"]), (&json!("used"), &Value::Null));
    let path = format!("{LIST}/{}", link["id"].as_str().unwrap());
    let revoked = bridge.send(Method::DELETE, &path, &admin.token, json!({})).await;
    assert_eq!(refusal(revoked, StatusCode::CONFLICT).await, "invitation_closed");
    let taken = invite(&bridge, &admin, "NEW@test", "agent").await;
    assert_eq!(refusal(taken, StatusCode::CONFLICT).await, "email_taken");
}

/// Twenty times, eight with a password each: one of them is the person's.
#[tokio::test]
async fn of_those_who_race_for_an_invitation_one_gets_it() {
    let bridge = TestBridge::start().await;
    let admin = admin(&bridge).await;
    for round in 0..20 {
        let email = format!("new{round}@test");
        let link = invited(&bridge, &admin, &email).await;
        let passwords: Vec<String> = (0..8).map(|n| format!("the password {n}")).collect();
        let answers = join_all(passwords.iter().map(|password| accept(&bridge, &link, password))).await;
        let won: Vec<usize> = (0..8).filter(|n| answers[*n].status() == StatusCode::OK).collect();
        let [winner] = won[..] else { panic!("{answers:?}") };
        let login = bridge.log_in(&email, &passwords[winner]).await;
        assert_eq!(login.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_link_ends_by_time_by_hand_and_by_another_one() {
    let bridge = TestBridge::start().await;
    let admin = admin(&bridge).await;
    let one = invited(&bridge, &admin, "one@test").await;
    let path = |link: &Value, end: &str| format!("{LIST}/{}{end}", link["id"].as_str().unwrap());
    let again = bridge.send(Method::POST, &path(&one, "/resend"), &admin.token, json!({})).await;
    let again = json(again, StatusCode::OK).await;
    assert!(again["id"] == one["id"] && again["token"] != one["token"]);
    is_over(accept(&bridge, &one, PASSWORD).await).await;
    for _ in 0..2 {
        let revoked = bridge.send(Method::DELETE, &path(&one, ""), &admin.token, json!({})).await;
        assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    }
    is_over(accept(&bridge, &again, PASSWORD).await).await;
    let late = bridge.send(Method::POST, &path(&one, "/resend"), &admin.token, json!({})).await;
    assert_eq!(refusal(late, StatusCode::CONFLICT).await, "invitation_closed");

    let two = invited(&bridge, &admin, "two@test").await;
    bridge.clock.advance(SignedDuration::from_hours(24 * 7));
    is_over(accept(&bridge, &two, PASSWORD).await).await;
    let admin = Person { token: bridge.token(Role::Admin).await, ..admin };
    let again = bridge.send(Method::POST, &path(&two, "/resend"), &admin.token, json!({})).await;
    let again = json(again, StatusCode::OK).await;
    assert_eq!(accept(&bridge, &again, PASSWORD).await.status(), StatusCode::OK);

    bridge.clock.advance(SignedDuration::from_hours(24 * 38));
    janitor::sweep(&bridge.app.stores, &bridge.clock).await.unwrap();
    assert!(bridge.engine.list_by_id(&INVITATIONS, Which::All, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn nobody_is_invited_above_ones_own_role_or_by_another_tenant() {
    let bridge = TestBridge::start().await;
    let admin = admin(&bridge).await;
    let root = bridge.person(&bridge.tenant(), "root@test", Role::SuperAdmin).await;
    let supervisor = bridge.person(&bridge.tenant(), "s@test", Role::Supervisor).await;
    assert_eq!(invite(&bridge, &admin, "a@test", "super_admin").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(invite(&bridge, &supervisor, "a@test", "agent").await.status(), StatusCode::FORBIDDEN);
    let above = json(invite(&bridge, &root, "a@test", "super_admin").await, StatusCode::CREATED).await;
    let other = bridge.insert_tenant("other").await;
    let stranger = bridge.person(&other, "stranger@test", Role::Admin).await;
    for (by, status) in [(&admin, 403), (&stranger, 404)] {
        for (method, end) in [(Method::POST, "/resend"), (Method::DELETE, "")] {
            let path = format!("{LIST}/{}{end}", above["id"].as_str().unwrap());
            assert_eq!(bridge.send(method, &path, &by.token, json!({})).await.status(), status);
        }
    }
    assert_eq!(accept(&bridge, &above, PASSWORD).await.status(), StatusCode::OK);

    // The first administrator of a new tenant. That another tenant has an address is not told to who invites.
    let into_other = bridge.request(Method::POST, LIST).bearer_auth(&root.token).header("x-tenant", "other");
    let first = into_other.json(&json!({"email": "first@other", "role": "admin"})).send().await.unwrap();
    let first = json(first, StatusCode::CREATED).await;
    let made = json(accept(&bridge, &first, PASSWORD).await, StatusCode::OK).await;
    assert_eq!((&made["tenant_id"], &made["role"]), (&json!("other"), &json!("admin")));
    let link = invited(&bridge, &stranger, "admin@test").await;
    let taken = accept(&bridge, &link, PASSWORD).await;
    assert_eq!(refusal(taken, StatusCode::CONFLICT).await, "email_taken");
    let root_there = bridge.request(Method::POST, LIST).bearer_auth(&root.token).header("x-tenant", "other");
    let refused = root_there.json(&json!({"email": "r@other", "role": "super_admin"})).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn guesses_are_limited_and_learn_nothing() {
    let trusted = |config: &mut vox_bridge::config::Config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    };
    let bridge = TestBridge::start_with(trusted).await;
    let admin = admin(&bridge).await;
    let link = invited(&bridge, &admin, "new@test").await;
    let guess = |from: &'static str, token: Value| {
        let body = json!({"token": token, "password": PASSWORD});
        bridge.request(Method::POST, ACCEPT).header("x-forwarded-for", from).json(&body).send()
    };
    for n in 0..5 {
        is_over(guess("203.0.113.9", json!(format!("guess {n}"))).await.unwrap()).await;
    }
    let stopped = guess("203.0.113.9", link["token"].clone()).await.unwrap();
    assert_eq!(refusal(stopped, StatusCode::TOO_MANY_REQUESTS).await, "too_many_attempts");
    assert_eq!(guess("198.51.100.7", link["token"].clone()).await.unwrap().status(), StatusCode::OK);
    is_over(guess("198.51.100.7", json!("x".repeat(5_000))).await.unwrap()).await;
}

/// An administrator who leaves with a link in the pocket would come back as one.
#[tokio::test]
async fn a_link_is_good_while_its_maker_may_make_it() {
    let bridge = TestBridge::start().await;
    let (root, admin) =
        (bridge.person(&bridge.tenant(), "root@test", Role::SuperAdmin).await, admin(&bridge).await);
    let agent = bridge.person(&bridge.tenant(), "agent@test", Role::Agent).await;
    let reset = format!("/api/v1/users/{}/password-reset", agent.id);
    let reset =
        json(bridge.send(Method::POST, &reset, &admin.token, json!({})).await, StatusCode::CREATED).await;
    let as_admin = json(invite(&bridge, &admin, "a@test", "admin").await, StatusCode::CREATED).await;
    let (one, two) = (invited(&bridge, &admin, "b@test").await, invited(&bridge, &admin, "c@test").await);
    let whom = format!("/api/v1/users/{}", admin.id);
    let change = async |body: Value| {
        assert_eq!(bridge.send(Method::PATCH, &whom, &root.token, body).await.status(), StatusCode::OK);
    };
    change(json!({"role": "supervisor"})).await;
    is_over(accept(&bridge, &as_admin, PASSWORD).await).await;
    assert_eq!(
        accept(&bridge, &one, PASSWORD).await.status(),
        StatusCode::NOT_FOUND,
        "supervisors invite nobody"
    );
    change(json!({"role": "admin", "active": false})).await;
    for link in [&as_admin, &one, &reset] {
        is_over(accept(&bridge, link, PASSWORD).await).await;
    }
    // Whoever sends it again answers for it.
    let again = format!("{LIST}/{}/resend", two["id"].as_str().unwrap());
    let again = json(bridge.send(Method::POST, &again, &root.token, json!({})).await, StatusCode::OK).await;
    assert_eq!(
        bridge.send(Method::DELETE, &whom, &root.token, json!({})).await.status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(accept(&bridge, &again, PASSWORD).await.status(), StatusCode::OK);
    is_over(accept(&bridge, &one, PASSWORD).await).await;
}

#[tokio::test]
async fn a_link_into_a_suspended_tenant_waits() {
    let bridge = TestBridge::start().await;
    let other = bridge.insert_tenant("other").await;
    let (_, token) = bridge.insert_invitation(&other, "new@other").await;
    let link = json!({"token": token});
    let root = bridge.token(Role::SuperAdmin).await;
    bridge.send(Method::POST, "/api/v1/tenants/other/suspend", &root, json!({})).await;
    let refused = accept(&bridge, &link, PASSWORD).await;
    assert_eq!(refusal(refused, StatusCode::PAYMENT_REQUIRED).await, "tenant_suspended");
    bridge.send(Method::POST, "/api/v1/tenants/other/activate", &root, json!({})).await;
    assert_eq!(accept(&bridge, &link, PASSWORD).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_lost_password_is_set_anew_by_a_link_from_above() {
    let bridge = TestBridge::start().await;
    let admin = admin(&bridge).await;
    let second = bridge.person(&bridge.tenant(), "second@test", Role::Admin).await;
    let agent = bridge.person(&bridge.tenant(), "agent@test", Role::Agent).await;
    let reset = |by: &Person, whom: &Person| {
        let (path, token) = (format!("/api/v1/users/{}/password-reset", whom.id), by.token.clone());
        let bridge = &bridge;
        async move { bridge.send(Method::POST, &path, &token, json!({})).await }
    };
    assert_eq!(reset(&admin, &second).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(refusal(reset(&admin, &admin).await, StatusCode::CONFLICT).await, "own_account");
    let one = json(reset(&admin, &agent).await, StatusCode::CREATED).await;
    let two = json(reset(&admin, &agent).await, StatusCode::CREATED).await;
    assert_eq!((&one["purpose"], &one["email"]), (&json!("password_reset"), &json!("agent@test")));
    assert_eq!(accept(&bridge, &one, PASSWORD).await.status(), StatusCode::OK);
    let session = json(bridge.log_in("agent@test", PASSWORD).await, StatusCode::OK).await;
    is_over(accept(&bridge, &two, "somebody else's password").await).await;
    is_over(accept(&bridge, &one, "somebody else's password").await).await;
    let again = format!("{LIST}/{}/resend", two["id"].as_str().unwrap());
    let refused = bridge.send(Method::POST, &again, &admin.token, json!({})).await;
    assert_eq!(refusal(refused, StatusCode::CONFLICT).await, "not_an_invitation");

    // Every session ends with it.
    bridge.clock.advance(SignedDuration::from_secs(2));
    let three = json(reset(&admin, &agent).await, StatusCode::CREATED).await;
    assert_eq!(accept(&bridge, &three, "yet another one").await.status(), StatusCode::OK);
    let me = bridge.get("/api/v1/auth/me").bearer_auth(session["access_token"].as_str().unwrap());
    assert_eq!(me.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(bridge.log_in("agent@test", PASSWORD).await.status(), StatusCode::UNAUTHORIZED);

    // Nobody who was disabled gets in by a link from before.
    let four = json(reset(&admin, &agent).await, StatusCode::CREATED).await;
    let path = format!("/api/v1/users/{}", agent.id);
    assert_eq!(
        bridge.send(Method::PATCH, &path, &admin.token, json!({"active": false})).await.status(),
        StatusCode::OK
    );
    is_over(accept(&bridge, &four, PASSWORD).await).await;
}
