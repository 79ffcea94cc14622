//! Carriers, the numbers beneath them, and what workers ask about those.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::auth::scope::Scope;
use vox_shared::model::bot::BotSettings;

use crate::harness::{TestBridge, json, refusal, wrong_fields};

const CARRIERS: &str = "/api/v1/carriers";

/// A bridge, and somebody who may change carriers.
struct Scene {
    bridge: TestBridge,
    token: String,
}

impl Scene {
    async fn new() -> Self {
        let bridge = TestBridge::start().await;
        let token = bridge.token(Role::SuperAdmin).await;
        Self { bridge, token }
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.bridge.request(method, path).bearer_auth(&self.token).json(body).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.bridge.get(path).bearer_auth(&self.token).send().await.unwrap();
        json(answer, StatusCode::OK).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        json(self.send(Method::POST, path, &body).await, StatusCode::CREATED).await
    }

    /// The path of a new carrier.
    async fn carrier(&self) -> String {
        let made = self.post(CARRIERS, json!({"name": "C", "sip_address": "sip.example"})).await;
        format!("{CARRIERS}/{}", made["id"].as_str().unwrap())
    }

    async fn asked_by_a_worker(&self, path: &str) -> Response {
        self.bridge.internal(Method::GET, path).send().await.unwrap()
    }
}

#[tokio::test]
async fn a_carrier_is_kept_and_its_passwords_are_never_shown() {
    let scene = Scene::new().await;
    let body = json!({
        "name": "Carrier", "sip_address": "sip.carrier.example:5061", "transport": "tls", "destination_country": "IN",
        "inbound_auth_mode": "ip", "inbound_addresses": ["203.0.113.0/24"], "outbound_username": "u",
        "outbound_password": "canary-99", "outbound_cps": 2.5, "outbound_burst": 20, "outbound_channels": 30
    });
    let made = scene.post(CARRIERS, body.clone()).await;
    assert_eq!(
        (&made["outbound_password_set"], &made["inbound_password_set"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        (&made["sync_status"], &made["outbound_cps"], &made["version"]),
        (&json!("pending"), &json!(2.5), &json!(1))
    );
    let path = format!("{CARRIERS}/{}", made["id"].as_str().unwrap());
    assert_eq!(scene.get(&path).await, made);
    let listed = scene.get(CARRIERS).await;
    assert_eq!(listed["items"], json!([made]));
    assert!(!listed.to_string().contains("canary-99") && !made.to_string().contains("canary-99"));

    let mut other = body.clone();
    other.as_object_mut().unwrap().remove("outbound_password");
    other["name"] = json!("Renamed");
    let renamed = json(scene.send(Method::PUT, &path, &other).await, StatusCode::OK).await;
    assert_eq!((&renamed["name"], &renamed["outbound_password_set"]), (&json!("Renamed"), &json!(true)));
    other["sip_address"] = json!("thief.example");
    assert_eq!(wrong_fields(scene.send(Method::PUT, &path, &other).await).await, ["outbound_password"]);
    let stale =
        scene.bridge.request(Method::PUT, &path).bearer_auth(&scene.token).header("if-match", "\"1\"");
    assert_eq!(refusal(stale.json(&body).send().await.unwrap(), StatusCode::CONFLICT).await, "conflict");

    let sync = scene.send(Method::POST, &format!("{path}/sync"), &Value::Null).await;
    assert_eq!(refusal(sync, StatusCode::SERVICE_UNAVAILABLE).await, "livekit_not_configured");
    assert_eq!(scene.get(&path).await["sync_status"], "pending");
    assert_eq!(scene.send(Method::DELETE, &path, &Value::Null).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(scene.get(CARRIERS).await["items"], json!([]));
}

#[tokio::test]
async fn admins_read_carriers_and_only_super_admins_change_them() {
    let scene = Scene::new().await;
    let path = scene.carrier().await;
    let bridge = &scene.bridge;
    let (admin, agent) = (bridge.token(Role::Admin).await, bridge.token(Role::Supervisor).await);
    let read = |token: String| bridge.get(CARRIERS).bearer_auth(token).send();
    assert_eq!(read(admin.clone()).await.unwrap().status(), StatusCode::OK);
    assert_eq!(read(agent).await.unwrap().status(), StatusCode::FORBIDDEN);
    let refused = bridge.request(Method::DELETE, &path).bearer_auth(&admin).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let other = bridge.insert_tenant("other").await;
    let stranger = bridge.token_of(&other, Role::SuperAdmin).await;
    let strange = bridge.get(&path).bearer_auth(&stranger).send().await.unwrap();
    assert_eq!(strange.status(), StatusCode::NOT_FOUND);
    let strange = bridge.get(&format!("{path}/dids")).bearer_auth(&stranger).send().await.unwrap();
    assert_eq!(strange.status(), StatusCode::NOT_FOUND);
}

/// The gateway stands in the operator's network, and would be made to look around in it.
#[tokio::test]
async fn carriers_are_not_in_the_network_of_the_deployment() {
    let scene = Scene::new().await;
    let path = scene.carrier().await;
    for address in [
        "10.0.0.5",
        "192.168.1.1:5060",
        "127.0.0.2:5038",
        "169.254.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "2130706434",
        "0x7f000002",
        "999.1.1.1",
    ] {
        let body = json!({"name": "C", "sip_address": address});
        for (method, path) in [(Method::POST, CARRIERS), (Method::PUT, path.as_str())] {
            assert_eq!(
                wrong_fields(scene.send(method, path, &body).await).await,
                ["sip_address"],
                "{address}"
            );
        }
    }
    for allowed in ["127.0.0.1:5070", "203.0.114.7", "sip.example"] {
        scene.post(CARRIERS, json!({"name": "C", "sip_address": allowed})).await;
    }
    // The tenant's own rules hold for carriers too.
    let mut tenant = scene.bridge.app.stores.tenants().get_tenant(&scene.bridge.tenant()).await.unwrap();
    tenant.value.egress.deny = vec!["sip.example".into()];
    scene.bridge.app.stores.tenants().replace_tenant(tenant).await.unwrap();
    let denied =
        scene.send(Method::POST, CARRIERS, &json!({"name": "C", "sip_address": "sip.example"})).await;
    assert_eq!(wrong_fields(denied).await, ["sip_address"]);
}

#[tokio::test]
async fn a_number_is_one_bots_in_the_whole_deployment() {
    let scene = Scene::new().await;
    let bridge = &scene.bridge;
    let bot = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
    let other = bridge.insert_tenant("other").await;
    let strange = bridge.insert_bot(&other, BotSettings::default()).await;
    let (path, second) = (scene.carrier().await, scene.carrier().await);
    let dids = format!("{path}/dids");
    let did = scene.post(&dids, json!({"number": "080 4567 8901", "bot_id": bot, "label": "Sales"})).await;
    assert_eq!(
        (&did["number"], &did["bot_id"], &did["label"]),
        (&json!("08045678901"), &json!(bot), &json!("Sales"))
    );
    let again = json!({"number": "+918045678901"});
    for taken in [&dids, &format!("{second}/dids")] {
        assert_eq!(
            refusal(scene.send(Method::POST, taken, &again).await, StatusCode::CONFLICT).await,
            "number_taken"
        );
    }
    let stranger = bridge.token_of(&other, Role::SuperAdmin).await;
    let theirs = bridge.request(Method::POST, CARRIERS).bearer_auth(&stranger);
    let theirs = json(
        theirs.json(&json!({"name": "T", "sip_address": "t"})).send().await.unwrap(),
        StatusCode::CREATED,
    )
    .await;
    let theirs = format!("{CARRIERS}/{}/dids", theirs["id"].as_str().unwrap());
    let taken =
        bridge.request(Method::POST, &theirs).bearer_auth(&stranger).json(&again).send().await.unwrap();
    assert_eq!(refusal(taken, StatusCode::CONFLICT).await, "number_taken");
    for (body, field) in [
        (json!({"number": "x"}), "number"),
        (json!({"number": "112", "bot_id": strange}), "bot_id"),
        (json!({"number": "112", "label": "x".repeat(101)}), "label"),
    ] {
        assert_eq!(wrong_fields(scene.send(Method::POST, &dids, &body).await).await, [field]);
    }

    // What workers ask.
    for number in ["+918045678901", "%2B918045678901", "08045678901", "8045678901"] {
        let found = json(
            scene.asked_by_a_worker(&format!("/api/v1/sip/lookup?number={number}")).await,
            StatusCode::OK,
        )
        .await;
        let carrier = path.rsplit('/').next().unwrap();
        assert_eq!(found, json!({"bot_id": bot, "carrier_id": carrier, "did_id": did["id"]}));
    }
    let trunk = scene.asked_by_a_worker("/api/v1/sip/outbound-trunk?from_number=08045678901").await;
    let trunk = json(trunk, StatusCode::OK).await;
    assert_eq!(
        (&trunk["did_id"], &trunk["outbound_channels"], &trunk["trunk_id"]),
        (&did["id"], &json!(10), &Value::Null)
    );
    for unknown in ["lookup?number=08045678902", "lookup?number=x", "outbound-trunk?from_number=112"] {
        let answer = scene.asked_by_a_worker(&format!("/api/v1/sip/{unknown}")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{unknown}");
    }

    // Nobody answers it any more; then it is free.
    let one = format!("{dids}/{}", did["id"].as_str().unwrap());
    let changed = json(scene.send(Method::PUT, &one, &json!({"label": "Old"})).await, StatusCode::OK).await;
    assert_eq!((&changed["bot_id"], &changed["label"]), (&Value::Null, &json!("Old")));
    let nobody = scene.asked_by_a_worker("/api/v1/sip/lookup?number=08045678901").await;
    assert_eq!(nobody.status(), StatusCode::NOT_FOUND);
    let elsewhere = format!("{second}/dids/{}", did["id"].as_str().unwrap());
    assert_eq!(scene.send(Method::DELETE, &elsewhere, &Value::Null).await.status(), StatusCode::NOT_FOUND);
    let refused = scene.send(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(refusal(refused, StatusCode::CONFLICT).await, "carrier_has_numbers");
    assert_eq!(scene.send(Method::DELETE, &one, &Value::Null).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(scene.send(Method::DELETE, &path, &Value::Null).await.status(), StatusCode::NO_CONTENT);
    scene.post(&format!("{second}/dids"), again).await;
}

#[tokio::test]
async fn programs_see_numbers_and_voices() {
    let scene = Scene::new().await;
    let bridge = &scene.bridge;
    let (one, two) = (
        bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await,
        bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await,
    );
    let dids = format!("{}/dids", scene.carrier().await);
    for (number, bot) in
        [("+918045678901", Some(&one)), ("+918045678902", Some(&two)), ("+918045678903", None)]
    {
        scene.post(&dids, json!({"number": number, "bot_id": bot})).await;
    }
    let numbers = |page: Value| -> Vec<Value> {
        let mut numbers: Vec<Value> =
            page["items"].as_array().unwrap().iter().map(|did| did["number"].clone()).collect();
        numbers.sort_by_key(Value::to_string);
        numbers
    };
    let key = bridge.key(&[Scope::NumbersRead, Scope::BotsRead]).await;
    assert_eq!(
        numbers(key.reads(bridge, "/v1/numbers").await),
        ["+918045678901", "+918045678902", "+918045678903"]
    );
    let limited = bridge.insert_key(&bridge.tenant(), Scope::ALL, |key| key.bots = Some(vec![two])).await;
    assert_eq!(numbers(limited.reads(bridge, "/v1/numbers").await), ["+918045678902"]);
    let voices = key.reads(bridge, "/api/v1/voices").await;
    let of = |name: &str| {
        voices["items"].as_array().unwrap().iter().find(|v| v["provider"] == name).cloned().unwrap()
    };
    assert_eq!(
        (of("flite")["voices"].clone(), of("elevenlabs")["voices"].clone()),
        (json!(["slt", "kal"]), Value::Null)
    );
    assert_eq!(of("elevenlabs")["models"][0], "eleven_flash_v2_5");
}
