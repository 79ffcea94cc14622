//! People see and change those below them, in their own tenant, and somebody always stays who runs the deployment.

use futures_util::future::join_all;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;

use crate::harness::{Person, TestBridge, json, refusal, wrong_fields};

const LIST: &str = "/api/v1/users";

async fn patch(bridge: &TestBridge, by: &Person, whom: &Person, body: Value) -> Response {
    bridge.send(Method::PATCH, &format!("{LIST}/{}", whom.id), &by.token, body).await
}

async fn delete(bridge: &TestBridge, by: &Person, whom: &Person) -> Response {
    bridge.send(Method::DELETE, &format!("{LIST}/{}", whom.id), &by.token, json!({})).await
}

async fn own(bridge: &TestBridge, email: &str, role: Role) -> Person {
    bridge.person(&bridge.tenant(), email, role).await
}

#[tokio::test]
async fn people_are_listed_by_page_and_filter_and_apart() {
    let bridge = TestBridge::start().await;
    let admin = own(&bridge, "admin@test", Role::Admin).await;
    for n in 0..5 {
        own(&bridge, &format!("agent{n}@test"), Role::Agent).await;
    }
    let other = bridge.insert_tenant("other").await;
    let stranger = bridge.person(&other, "stranger@test", Role::Admin).await;
    let list = |query: &'static str, token: String| {
        let asked = bridge.get(&format!("{LIST}?{query}")).bearer_auth(token).send();
        async { json(asked.await.unwrap(), StatusCode::OK).await }
    };
    let emails = |page: &Value| {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|user| user["email"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(emails(&list("", admin.token.clone()).await).len(), 7, "with the first administrator");
    assert_eq!(emails(&list("role=agent&limit=200", admin.token.clone()).await).len(), 5);
    assert_eq!(emails(&list("email=AGENT3%40test", admin.token.clone()).await), ["agent3@test"]);
    assert!(emails(&list("active=false", admin.token.clone()).await).is_empty());
    assert!(emails(&list("email=stranger%40test", admin.token.clone()).await).is_empty());
    assert_eq!(emails(&list("", stranger.token.clone()).await), ["stranger@test"]);
    let page = list("limit=4", admin.token.clone()).await;
    let rest = bridge.get(&format!("{LIST}?limit=4&cursor={}", page["next_cursor"].as_str().unwrap()));
    let rest = json(rest.bearer_auth(&admin.token).send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(emails(&page).len() + emails(&rest).len(), 7);
    let bad = bridge.get(&format!("{LIST}?rle=agent")).bearer_auth(&admin.token).send().await.unwrap();
    assert_eq!(wrong_fields(bad).await, ["rle"]);

    for (by, status) in [(&admin, 200), (&stranger, 404)] {
        let one = bridge.get(&format!("{LIST}/{}", admin.id)).bearer_auth(&by.token).send().await.unwrap();
        assert_eq!(one.status(), status);
    }
    let change = patch(&bridge, &stranger, &admin, json!({"name": "X"})).await;
    assert_eq!(refusal(change, StatusCode::NOT_FOUND).await, "not_found");
}

#[tokio::test]
async fn changes_keep_to_the_ranks() {
    let bridge = TestBridge::start().await;
    let (root, peer) = (
        own(&bridge, "root@test", Role::SuperAdmin).await,
        own(&bridge, "peer@test", Role::SuperAdmin).await,
    );
    let (admin, second) =
        (own(&bridge, "admin@test", Role::Admin).await, own(&bridge, "second@test", Role::Admin).await);
    let agent = own(&bridge, "agent@test", Role::Agent).await;
    let supervisor = own(&bridge, "supervisor@test", Role::Supervisor).await;
    for (by, whom, body, status) in [
        (&admin, &agent, json!({"role": "supervisor"}), 200),
        (&admin, &agent, json!({"role": "admin"}), 200),
        (&admin, &agent, json!({"role": "agent"}), 403), // An equal by now.
        (&admin, &second, json!({"name": "X"}), 403),
        (&admin, &root, json!({"active": false}), 403),
        (&root, &agent, json!({"role": "agent"}), 200),
        (&admin, &agent, json!({"role": "super_admin"}), 403),
        (&root, &peer, json!({"role": "agent"}), 403),
        (&supervisor, &agent, json!({"name": "X"}), 403),
        (&root, &second, json!({"role": "super_admin"}), 200),
    ] {
        let told = format!("{body}");
        assert_eq!(patch(&bridge, by, whom, body).await.status(), status, "{told}");
    }
    let own_role = patch(&bridge, &admin, &admin, json!({"role": "agent"})).await;
    assert_eq!(refusal(own_role, StatusCode::CONFLICT).await, "own_account");
    assert_eq!(delete(&bridge, &admin, &agent).await.status(), StatusCode::FORBIDDEN);
    let bad = json!({"email": "x", "name": "", "languages": ["hi"], "primary_language": "fr"});
    assert_eq!(
        wrong_fields(patch(&bridge, &admin, &agent, bad).await).await,
        ["email", "name", "primary_language"]
    );
    let odd = patch(&bridge, &admin, &agent, json!({"password": "x"})).await;
    assert_eq!(wrong_fields(odd).await, ["password"]);
    let languages = json!({"languages": ["hi", "en"], "primary_language": "hi"});
    let told = json(patch(&bridge, &admin, &agent, languages).await, StatusCode::OK).await;
    assert_eq!(told["primary_language"], "hi");
    let told =
        json(patch(&bridge, &admin, &agent, json!({"primary_language": null})).await, StatusCode::OK).await;
    assert_eq!((&told["primary_language"], &told["languages"]), (&Value::Null, &json!(["hi", "en"])));
}

async fn session(bridge: &TestBridge, email: &str) -> Value {
    let mut stored = bridge.app.stores.all_users().find_by_email(email).await.unwrap().unwrap();
    stored.value.password_hash = bridge.app.passwords.hash("long enough 1".into()).await.unwrap();
    bridge.app.stores.users(&bridge.tenant()).replace_user(stored).await.unwrap();
    json(bridge.log_in(email, "long enough 1").await, StatusCode::OK).await
}

async fn is_out(bridge: &TestBridge, session: &Value) -> bool {
    let me = bridge.get("/api/v1/auth/me").bearer_auth(session["access_token"].as_str().unwrap());
    let body = json!({"refresh_token": session["refresh_token"]});
    let refresh = bridge.request(Method::POST, "/api/v1/auth/refresh").json(&body);
    let (me, refresh) = (me.send().await.unwrap().status(), refresh.send().await.unwrap().status());
    me == StatusCode::UNAUTHORIZED && refresh == StatusCode::UNAUTHORIZED
}

#[tokio::test]
async fn who_is_disabled_moved_or_deleted_is_out_at_once() {
    let bridge = TestBridge::start().await;
    let root = own(&bridge, "root@test", Role::SuperAdmin).await;
    let agent = own(&bridge, "agent@test", Role::Agent).await;
    let before = session(&bridge, "agent@test").await;
    assert_eq!(patch(&bridge, &root, &agent, json!({"active": false})).await.status(), StatusCode::OK);
    assert!(is_out(&bridge, &before).await);
    assert_eq!(bridge.log_in("agent@test", "long enough 1").await.status(), StatusCode::UNAUTHORIZED);
    bridge.clock.advance(jiff::SignedDuration::from_secs(2));
    assert_eq!(patch(&bridge, &root, &agent, json!({"active": true})).await.status(), StatusCode::OK);

    let before = session(&bridge, "agent@test").await;
    bridge.clock.advance(jiff::SignedDuration::from_secs(2));
    let taken = patch(&bridge, &root, &agent, json!({"email": "Root@test"})).await;
    assert_eq!(refusal(taken, StatusCode::CONFLICT).await, "email_taken");
    let moved = patch(&bridge, &root, &agent, json!({"email": " moved@test"})).await;
    assert_eq!(json(moved, StatusCode::OK).await["email"], "moved@test");
    assert!(is_out(&bridge, &before).await);
    // Whoever takes the address is not taken for who had it.
    own(&bridge, "agent@test", Role::Admin).await;
    assert!(is_out(&bridge, &before).await);

    let before = session(&bridge, "moved@test").await;
    assert_eq!(delete(&bridge, &root, &agent).await.status(), StatusCode::NO_CONTENT);
    assert!(is_out(&bridge, &before).await);
    assert_eq!(refusal(delete(&bridge, &root, &agent).await, StatusCode::NOT_FOUND).await, "not_found");
}

#[tokio::test]
async fn people_change_their_own_address_with_their_password() {
    let bridge = TestBridge::start().await;
    own(&bridge, "a@test", Role::Agent).await;
    own(&bridge, "b@test", Role::Agent).await;
    let before = session(&bridge, "a@test").await;
    let token = before["access_token"].as_str().unwrap();
    let put = |email: &'static str, password: &'static str| {
        bridge.send(
            Method::PUT,
            "/api/v1/auth/me/email",
            token,
            json!({"email": email, "password": password}),
        )
    };
    assert_eq!(put("c@test", "wrong").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(refusal(put("B@test", "long enough 1").await, StatusCode::CONFLICT).await, "email_taken");
    assert_eq!(wrong_fields(put("c", "long enough 1").await).await, ["email"]);
    let after = json(put("c@test", "long enough 1").await, StatusCode::OK).await;
    assert!(is_out(&bridge, &before).await);
    assert!(!is_out(&bridge, &after).await);
    assert_eq!(bridge.log_in("c@test", "long enough 1").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_last_super_admin_stays() {
    let bridge = TestBridge::start().await;
    let first = bridge.app.stores.all_users().find_by_email("admin@vox.local").await.unwrap().unwrap();
    let root = own(&bridge, "root@test", Role::SuperAdmin).await;
    let first = Person { id: first.id.parse().unwrap(), token: root.token.clone() };
    assert_eq!(delete(&bridge, &root, &first).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(refusal(delete(&bridge, &root, &root).await, StatusCode::CONFLICT).await, "last_super_admin");
    // Nobody who is inactive counts as one who stays.
    own(&bridge, "gone@test", Role::SuperAdmin).await;
    let mut gone = bridge.app.stores.all_users().find_by_email("gone@test").await.unwrap().unwrap();
    gone.value.active = false;
    bridge.app.stores.users(&bridge.tenant()).replace_user(gone).await.unwrap();
    assert_eq!(refusal(delete(&bridge, &root, &root).await, StatusCode::CONFLICT).await, "last_super_admin");
    let next = own(&bridge, "next@test", Role::SuperAdmin).await;
    assert_eq!(delete(&bridge, &root, &root).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(refusal(delete(&bridge, &next, &next).await, StatusCode::CONFLICT).await, "last_super_admin");
}

/// Each deletes another one, all at the same moment, again and again.
#[tokio::test]
async fn super_admins_who_delete_each_other_never_all_go() {
    let bridge = TestBridge::start().await;
    let first = bridge.app.stores.all_users().find_by_email("admin@vox.local").await.unwrap().unwrap();
    bridge.app.stores.users(&bridge.tenant()).delete_user(&first).await.unwrap();
    for round in 0..20 {
        let mut all = Vec::new();
        for n in 0..3 {
            all.push(own(&bridge, &format!("s{n}-{round}@test"), Role::SuperAdmin).await);
        }
        let next = |n: usize| &all[(n + 1) % all.len()];
        join_all(all.iter().enumerate().map(|(n, by)| delete(&bridge, by, next(n)))).await;
        let left = bridge.app.stores.all_users().list_active(Role::SuperAdmin, 100).await.unwrap();
        assert!(!left.is_empty(), "round {round}: nobody is left");
        for user in &left {
            assert_eq!(user.value.leaving_since, None, "a mark is taken away again");
            bridge.app.stores.users(&bridge.tenant()).delete_user(user).await.unwrap();
        }
    }
}
