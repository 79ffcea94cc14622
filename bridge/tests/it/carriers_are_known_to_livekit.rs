//! Carriers are made known to a real LiveKit server with Redis: trunks for both directions and a rule, found again, mended, and taken away.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::{Method, Response, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::livekit::trunks::TrunkDesk;
use vox_bridge::store::carriers::CARRIERS as CARRIERS_STORED;
use vox_bridge::store::tenants::TenantStatus;
use vox_harness::{LiveKitServer, RedisServer};
use vox_livekit::service::{ANSWER_WITHIN, InboundTrunk, Needs, Service, Trunk};
use vox_shared::clock::Clock;
use vox_shared::ids::CarrierId;

use crate::harness::livekit::settings;
use crate::harness::{TestBridge, json, refusal};
use crate::s3_server::eventually;

const CARRIERS: &str = "/api/v1/carriers";

/// A bridge, a LiveKit server with Redis, and somebody who may change carriers.
struct Scene {
    bridge: TestBridge,
    token: String,
    server: LiveKitServer,
    redis: RedisServer,
}

impl Scene {
    async fn new() -> Self {
        let redis = RedisServer::start();
        let server = LiveKitServer::over(&redis);
        let bridge = TestBridge::start_with(|config| {
            config.livekit = Some(settings(&server.url, (&server.key, &server.secret)))
        })
        .await;
        // The server compares the dates of tokens with its own clock.
        bridge.clock.set(Clock::system().now());
        let token = bridge.token(Role::SuperAdmin).await;
        Self { bridge, token, server, redis }
    }

    fn service(&self) -> &Service {
        &self.bridge.app.livekit.server().unwrap().service
    }

    fn desk(&self) -> &TrunkDesk {
        &self.bridge.app.trunks
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.bridge.request(method, path).bearer_auth(&self.token).json(body).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        json(self.bridge.get(path).bearer_auth(&self.token).send().await.unwrap(), StatusCode::OK).await
    }

    /// The path of a new carrier with these numbers.
    async fn carrier(&self, change: Value, numbers: &[&str]) -> String {
        let mut body = json!({
            "name": "C", "sip_address": "sip.carrier.example:5061", "transport": "tls", "destination_country": "IN",
            "inbound_username": "in", "inbound_password": "canary-in", "outbound_username": "out", "outbound_password": "canary-out"
        });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let made = json(self.send(Method::POST, CARRIERS, &body).await, StatusCode::CREATED).await;
        let path = format!("{CARRIERS}/{}", made["id"].as_str().unwrap());
        for number in numbers {
            self.number(&path, number).await;
        }
        path
    }

    async fn number(&self, path: &str, number: &str) -> Value {
        let added = self.send(Method::POST, &format!("{path}/dids"), &json!({"number": number})).await;
        json(added, StatusCode::CREATED).await
    }

    async fn sync(&self, path: &str) -> Value {
        json(self.send(Method::POST, &format!("{path}/sync"), &Value::Null).await, StatusCode::OK).await
    }

    /// Inbound trunks, outbound trunks, rules, as the server has them.
    async fn there(&self) -> [Vec<Value>; 3] {
        let list = async |method: &str| {
            let found: Value =
                self.service().ask(method, Needs::Trunks, &json!({}), ANSWER_WITHIN).await.unwrap();
            found["items"].as_array().unwrap().clone()
        };
        [
            list("SIP/ListSIPInboundTrunk").await,
            list("SIP/ListSIPOutboundTrunk").await,
            list("SIP/ListSIPDispatchRule").await,
        ]
    }

    async fn counts(&self) -> [usize; 3] {
        self.there().await.map(|found| found.len())
    }
}

fn id_of(path: &str) -> CarrierId {
    path.rsplit('/').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_carrier_becomes_two_trunks_and_a_rule_and_goes_with_them() {
    let scene = Scene::new().await;
    let path = scene.carrier(json!({}), &["080 4567 8901", "+918045678902"]).await;
    let before = scene.get(&path).await;
    assert_eq!((&before["sync_status"], &before["synced_at"]), (&json!("pending"), &Value::Null));
    scene.desk().round().await.unwrap();
    let synced = scene.get(&path).await;
    assert_eq!((&synced["sync_status"], &synced["sync_text"]), (&json!("synced"), &Value::Null), "{synced}");
    assert!(
        synced["synced_at"].is_string() && synced["version"] == before["version"],
        "it is no change of it"
    );
    let [inbound, outbound, rules] = scene.there().await;
    let ([inbound], [outbound], [rule]) = (&inbound[..], &outbound[..], &rules[..]) else {
        panic!("one of each")
    };
    assert_eq!(synced["inbound_trunk_id"], inbound["sip_trunk_id"]);
    assert_eq!(synced["outbound_trunk_id"], outbound["sip_trunk_id"]);
    assert_eq!(inbound["numbers"], json!(["+918045678901", "+918045678902", "08045678901"]));
    assert_eq!((&inbound["auth_username"], &inbound["auth_password"]), (&json!("in"), &json!("canary-in")));
    assert_eq!(inbound["include_headers"], "SIP_X_HEADERS");
    assert_eq!(
        (&outbound["address"], &outbound["transport"], &outbound["destination_country"]),
        (&json!("sip.carrier.example:5061"), &json!("SIP_TRANSPORT_TLS"), &json!("IN"))
    );
    assert_eq!(
        (&outbound["auth_username"], &outbound["auth_password"]),
        (&json!("out"), &json!("canary-out"))
    );
    assert_eq!(rule["trunk_ids"], json!([inbound["sip_trunk_id"]]));
    assert_eq!(rule["rule"]["dispatch_rule_individual"]["room_prefix"], "call-");

    // What workers ask.
    let trunk = scene.bridge.internal(Method::GET, "/api/v1/sip/outbound-trunk?from_number=08045678901");
    let trunk = json(trunk.send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(trunk["trunk_id"], outbound["sip_trunk_id"]);
    let shown = scene.get(CARRIERS).await.to_string() + &synced.to_string() + &trunk.to_string();
    assert!(!shown.contains("canary"), "{shown}");
    assert!(scene.bridge.metrics().await.contains(r#"carriers{status="synced"} 1"#));

    // Nothing is asked of it again, and nothing is written.
    let noted = scene.get(&path).await;
    scene.bridge.clock.advance(SignedDuration::from_secs(5));
    scene.desk().round().await.unwrap();
    assert_eq!(scene.get(&path).await, noted);

    for did in scene.get(&format!("{path}/dids")).await["items"].as_array().unwrap() {
        let one = format!("{path}/dids/{}", did["id"].as_str().unwrap());
        assert_eq!(scene.send(Method::DELETE, &one, &Value::Null).await.status(), StatusCode::NO_CONTENT);
    }
    assert_eq!(scene.get(&path).await["sync_status"], "pending", "a change is still to be made known");
    let left = scene.sync(&path).await;
    assert_eq!((&left["sync_status"], &left["outbound_trunk_id"]), (&json!("synced"), &Value::Null));
    assert!(left["sync_text"].as_str().unwrap().contains("give the carrier a number"), "{left}");
    assert_eq!(scene.counts().await, [1, 0, 1]);
    assert_eq!(scene.send(Method::DELETE, &path, &Value::Null).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(scene.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn each_kind_of_change_arrives_and_passwords_with_it() {
    let scene = Scene::new().await;
    let path = scene.carrier(json!({}), &["+15550199"]).await;
    let first = scene.sync(&path).await;
    scene.bridge.clock.advance(SignedDuration::from_secs(1));
    let changed = json!({
        "name": "Renamed", "sip_address": "other.example", "transport": "udp", "inbound_auth_mode": "ip",
        "inbound_addresses": ["203.0.113.0/24"], "outbound_username": "out", "outbound_password": "second"
    });
    json(scene.send(Method::PUT, &path, &changed).await, StatusCode::OK).await;
    scene.desk().round().await.unwrap();
    let [inbound, outbound, _] = scene.there().await;
    assert_eq!((inbound.len(), outbound.len()), (1, 1), "the same trunks, changed");
    assert_eq!(inbound[0]["sip_trunk_id"], first["inbound_trunk_id"]);
    assert_eq!(
        (&inbound[0]["name"], &inbound[0]["allowed_addresses"], &inbound[0]["auth_username"]),
        (&json!("Renamed"), &json!(["203.0.113.0/24"]), &json!(""))
    );
    assert_eq!(
        (&outbound[0]["address"], &outbound[0]["auth_password"], &outbound[0]["destination_country"]),
        (&json!("other.example"), &json!("second"), &json!(""))
    );
    scene.number(&path, "+15550198").await;
    scene.desk().round().await.unwrap();
    assert_eq!(scene.there().await[1][0]["numbers"], json!(["+15550198", "+15550199"]));
}

#[tokio::test]
async fn a_bridge_that_was_killed_before_it_noted_a_trunk_leaves_no_second_one() {
    let scene = Scene::new().await;
    let path = scene.carrier(json!({}), &["+15550199"]).await;
    let made = scene.sync(&path).await;
    let (tenant, id) = (scene.bridge.tenant(), id_of(&path));
    // What it had made is there; what it would have noted is not.
    scene.bridge.app.stores.trunks(&tenant).forget(&id).await.unwrap();
    scene.desk().round().await.unwrap();
    let again = scene.get(&path).await;
    assert_eq!(
        (&again["sync_status"], &again["inbound_trunk_id"]),
        (&json!("synced"), &made["inbound_trunk_id"])
    );
    assert_eq!(scene.counts().await, [1, 1, 1]);
    // Two that were made by two: one stays.
    let metadata = json!({"vox_carrier": id}).to_string();
    let second = InboundTrunk { metadata, numbers: vec!["+15550111".into()], ..InboundTrunk::default() };
    let second: Trunk = scene.service().create_inbound_trunk(&second).await.unwrap();
    scene.desk().round().await.unwrap();
    let [inbound, ..] = scene.there().await;
    assert_eq!((inbound.len(), &inbound[0]["sip_trunk_id"]), (1, &made["inbound_trunk_id"]), "{}", second.id);
    // Of others nothing is touched.
    let foreign = InboundTrunk { numbers: vec!["+15550112".into()], ..InboundTrunk::default() };
    scene.service().create_inbound_trunk(&foreign).await.unwrap();
    scene.desk().round().await.unwrap();
    assert_eq!(scene.counts().await, [2, 1, 1]);
}

#[tokio::test]
async fn what_is_left_of_a_carrier_that_is_gone_is_taken_away_and_nothing_of_others() {
    let scene = Scene::new().await;
    let (kept, gone) =
        (scene.carrier(json!({}), &["+15550199"]).await, scene.carrier(json!({}), &["+15550198"]).await);
    scene.desk().round().await.unwrap();
    assert_eq!(scene.counts().await, [2, 2, 2]);
    let kept_trunk = scene.get(&kept).await["inbound_trunk_id"].clone();
    // Another deployment's, one from before there were marks, and the operator's own.
    let id = id_of(&gone);
    for (metadata, number) in [
        (json!({"vox_carrier": "car_theirs", "vox_deployment": "another"}).to_string(), "+15550111"),
        (json!({"vox_carrier": "car_old"}).to_string(), "+15550112"),
        (String::new(), "+15550113"),
    ] {
        let trunk = InboundTrunk { metadata, numbers: vec![number.into()], ..InboundTrunk::default() };
        scene.service().create_inbound_trunk(&trunk).await.unwrap();
    }
    // By hand, with LiveKit not asked.
    let carriers = scene.bridge.app.stores.carriers(&scene.bridge.tenant());
    carriers.delete_carrier(&carriers.get_carrier(&id).await.unwrap()).await.unwrap();
    scene.desk().round().await.unwrap();
    let [inbound, outbound, rules] = scene.there().await;
    assert_eq!((inbound.len(), outbound.len(), rules.len()), (4, 1, 1), "{inbound:?}");
    assert!(inbound.iter().any(|trunk| trunk["sip_trunk_id"] == kept_trunk), "{inbound:?}");
    assert!(!json!([inbound, outbound, rules]).to_string().contains(id.as_str()));
    // One whose document makes no sense is there all the same.
    scene.bridge.damage(&CARRIERS_STORED, id_of(&kept).as_str(), "settings", json!(7)).await;
    scene.desk().round().await.unwrap();
    assert_eq!(scene.counts().await, [4, 1, 1]);
    let metrics = scene.bridge.metrics().await;
    assert!(
        metrics.contains(r#"carriers{status="damaged"} 1"#)
            && metrics.contains(r#"carriers{status="synced"} 0"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn two_bridges_at_once_make_one_of_each() {
    let scene = Scene::new().await;
    let path = scene.carrier(json!({}), &["+15550199"]).await;
    let other = scene.bridge.second_app().await;
    let (tenant, id) = (scene.bridge.tenant(), id_of(&path));
    let tries = [scene.desk(), &other.trunks, scene.desk(), &other.trunks].map(|desk| {
        let (tenant, id) = (tenant.clone(), id.clone());
        async move {
            let synced = desk.sync(&tenant, &id).await;
            synced.is_ok()
        }
    });
    // Over two processes the lease is in Redis; where there is none each process has its own, and what is found by its metadata is kept.
    if scene.bridge.app.config.coordination.redis_url.is_some() {
        assert_eq!(futures_util::future::join_all(tries).await, [true; 4]);
    } else {
        for one in tries {
            assert!(one.await);
        }
        let both = [scene.desk().sync(&tenant, &id), scene.desk().sync(&tenant, &id)];
        assert!(futures_util::future::join_all(both).await.iter().all(Result::is_ok));
    }
    assert_eq!(scene.counts().await, [1, 1, 1]);
}

#[tokio::test]
async fn what_livekit_lost_is_made_anew_and_what_it_refuses_is_told() {
    let scene = Scene::new().await;
    let path = scene.carrier(json!({}), &["+15550199"]).await;
    let first = scene.sync(&path).await;
    // Its Redis keeps nothing over a restart.
    let client = redis::Client::open(scene.redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.unwrap();
    assert_eq!(scene.counts().await, [0, 0, 0]);
    scene.desk().round().await.unwrap();
    let anew = scene.get(&path).await;
    assert_ne!(anew["inbound_trunk_id"], first["inbound_trunk_id"]);
    assert_eq!((scene.counts().await, &anew["sync_status"]), ([1, 1, 1], &json!("synced")));

    // Somebody else has the number there.
    let foreign = InboundTrunk { numbers: vec!["+15550177".into()], ..InboundTrunk::default() };
    let foreign = scene.service().create_inbound_trunk(&foreign).await.unwrap();
    let second = scene.carrier(json!({"name": "D"}), &["+15550177"]).await;
    scene.desk().round().await.unwrap();
    let refused = scene.get(&second).await;
    assert_eq!(refused["sync_status"], "error");
    assert!(refused["sync_text"].as_str().unwrap().contains("Conflicting inbound SIP Trunks"), "{refused}");
    assert_eq!(scene.get(&path).await["sync_status"], "synced", "one that fails keeps no other");
    scene.service().delete_trunk(&foreign.id).await.unwrap();
    scene.desk().round().await.unwrap();
    assert_eq!(scene.get(&second).await["sync_status"], "synced", "it is tried again");
}

#[tokio::test]
async fn a_server_that_is_away_is_told_and_keeps_its_carriers() {
    let scene = Scene::new().await;
    let path = scene.carrier(json!({}), &[]).await;
    scene.sync(&path).await;
    scene.server.signal(Signal::KILL);
    assert!(scene.desk().round().await.is_err());
    let away = scene.get(&path).await;
    assert_eq!(
        (&away["sync_status"], away["inbound_trunk_id"].is_string()),
        (&json!("error"), true),
        "{away}"
    );
    // None, or one from before that was cut.
    assert!(away["sync_text"].as_str().unwrap().contains("connection to LiveKit"), "{away}");
    let deleted = scene.send(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(refusal(deleted, StatusCode::BAD_GATEWAY).await, "livekit_failed");
    assert_eq!(scene.get(&path).await["id"], away["id"], "or its trunks would be nobody's");
}

#[tokio::test]
async fn a_server_without_redis_says_in_words_what_it_lacks() {
    let server = LiveKitServer::start();
    let bridge = TestBridge::start_with(|config| {
        config.livekit = Some(settings(&server.url, (&server.key, &server.secret)))
    })
    .await;
    bridge.clock.set(Clock::system().now());
    let token = bridge.token(Role::SuperAdmin).await;
    let body =
        json!({"name": "C", "sip_address": "sip.example", "inbound_username": "u", "inbound_password": "p"});
    let made = json(bridge.send(Method::POST, CARRIERS, &token, body).await, StatusCode::CREATED).await;
    let path = format!("{CARRIERS}/{}/sync", made["id"].as_str().unwrap());
    let told = json(bridge.send(Method::POST, &path, &token, Value::Null).await, StatusCode::OK).await;
    assert_eq!(told["sync_status"], "error");
    assert!(told["sync_text"].as_str().unwrap().contains("without Redis"), "{told}");
    // With another secret it takes nothing.
    let wrong = settings(&server.url, (&server.key, "another secret of thirty-two chars"));
    let other = TestBridge::start_with(|config| config.livekit = Some(wrong)).await;
    other.clock.set(Clock::system().now());
    assert!(other.app.trunks.round().await.is_err());
}

#[tokio::test]
async fn the_carriers_of_a_deleted_tenant_are_taken_away_and_come_back_with_it() {
    let scene = Scene::new().await;
    let tenant = scene.bridge.insert_tenant("leaving").await;
    let token = scene.bridge.token_of(&tenant, Role::SuperAdmin).await;
    let body =
        json!({"name": "C", "sip_address": "sip.example", "inbound_username": "u", "inbound_password": "p"});
    let made = scene.bridge.send(Method::POST, CARRIERS, &token, body).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let round = async || scene.desk().round().await.unwrap();
    round().await;
    assert_eq!(scene.counts().await, [1, 0, 1]);
    let tenants = scene.bridge.app.stores.tenants();
    tenants.set_status(&tenant, TenantStatus::Deleted).await.unwrap();
    round().await;
    assert_eq!(scene.counts().await, [0, 0, 0]);
    round().await;
    tenants.set_status(&tenant, TenantStatus::Active).await.unwrap();
    round().await;
    assert_eq!(scene.counts().await, [1, 0, 1]);
}

#[tokio::test]
async fn the_job_looks_again_and_again_by_one_bridge() {
    let scene = Scene::new().await;
    let path = scene.carrier(json!({}), &[]).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let app = &scene.bridge.app;
    let job =
        tokio::spawn(vox_bridge::livekit::trunks::run(app.trunks.clone(), app.rounds.clone(), stop.clone()));
    // Asked for by the change of a carrier; the pause alone is half a minute.
    let is_there = eventually(Duration::from_secs(25), async || {
        app.trunks.changed(&scene.bridge.tenant(), &id_of(&path)).await;
        scene.counts().await == [1, 0, 1]
    });
    assert!(is_there.await);
    stop.cancel();
    job.await.unwrap();
}

/// Nobody would take away what is made of a carrier that goes.
#[tokio::test]
async fn a_carrier_that_is_being_deleted_is_made_known_no_more() {
    let bridge = TestBridge::start_with(|config| {
        config.livekit = Some(settings("ws://127.0.0.1:1", ("vox", "0123456789abcdef0123456789abcdef")));
    })
    .await;
    let token = bridge.token(Role::SuperAdmin).await;
    let body = json!({"name": "C", "sip_address": "sip.example"});
    let made = json(bridge.send(Method::POST, CARRIERS, &token, body).await, StatusCode::CREATED).await;
    let path = format!("{CARRIERS}/{}", made["id"].as_str().unwrap());
    let carriers = bridge.app.stores.carriers(&bridge.tenant());
    let mut carrier = carriers.get_carrier(&id_of(&path)).await.unwrap();
    let synced =
        async || bridge.send(Method::POST, &format!("{path}/sync"), &token, Value::Null).await.status();
    assert_eq!(synced().await, StatusCode::OK, "it says how it stands");
    carrier.value.closing = true;
    carriers.replace_carrier(carrier).await.unwrap();
    assert_eq!(synced().await, StatusCode::NOT_FOUND);
}
