//! Bots are copied, moved as files, deleted and taken back.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vox_bridge::auth::scope::Scope;
use vox_bridge::campaign::health::Health;
use vox_bridge::jobs::deleted_bots::{BATCH, KEPT};
use vox_bridge::jobs::janitor::sweep;
use vox_bridge::store::Stamp;
use vox_bridge::store::bot_versions::BOT_VERSIONS;
use vox_bridge::store::bots::BOTS;
use vox_bridge::store::crm::CRM_INTEGRATIONS;
use vox_bridge::store::dids::Did;
use vox_bridge::store::engine::Which;
use vox_shared::ids::{CarrierId, DidId};
use vox_shared::model::bot::BotSettings;

use crate::harness::bots::{Bots, KEY};
use crate::harness::{json, refusal, wrong_fields};

#[tokio::test]
async fn a_copy_has_the_secrets_and_begins_anew() {
    let bots = Bots::start().await;
    let path = bots.made().await;
    bots.ok(Method::PATCH, &path, json!({"system_prompt": "two"})).await;
    bots.ok(Method::PATCH, &format!("{path}/draft"), json!({"system_prompt": "three"})).await;
    bots.ok(Method::POST, &format!("{path}/widget-key"), json!({})).await;
    let copy =
        json(bots.send(Method::POST, &format!("{path}/clone"), &json!({})).await, StatusCode::CREATED).await;
    assert_eq!((&copy["name"], &copy["system_prompt"]), (&json!("a (copy)"), &json!("two")));
    assert_eq!(
        (&copy["bot_version"], &copy["has_draft"], &copy["widget_key"]),
        (&json!(1), &json!(false), &Value::Null)
    );
    let copied = format!("/{}", copy["id"].as_str().unwrap());
    assert_ne!(copied, path);
    assert_eq!(bots.config(&copied).await["llm"]["api_key"], KEY);
    let list = bots.get(&format!("{copied}/versions")).await;
    assert_eq!(list["items"][0]["note"], format!("a copy of {}, version 2", &path[1..]));
    let named = bots.send(Method::POST, &format!("{path}/clone"), &json!({"name": "Ben"})).await;
    assert_eq!(json(named, StatusCode::CREATED).await["name"], "Ben");
    for wrong in [json!({"name": ""}), json!({"name": 1})] {
        assert_eq!(
            wrong_fields(bots.send(Method::POST, &format!("{path}/clone"), &wrong).await).await,
            ["name"]
        );
    }
    let own = path[1..].parse().unwrap();
    let limited =
        bots.bridge.insert_key(&bots.bridge.tenant(), Scope::ALL, |key| key.bots = Some(vec![own])).await;
    let asked = limited.sign(bots.bridge.request(Method::POST, &format!("/api/v1/bots{path}/clone")));
    assert_eq!(refusal(asked.send().await.unwrap(), StatusCode::FORBIDDEN).await, "key_limited_to_bots");
}

#[tokio::test]
async fn a_bot_goes_into_a_file_without_its_secrets_and_comes_back_with_them() {
    let bots = Bots::start().await;
    let path = bots.made().await;
    bots.ok(
        Method::PATCH,
        &path,
        json!({"line_access": {"token": "lt-0123456789abcdef"}, "system_prompt": "two"}),
    )
    .await;
    let mut file = bots.get(&format!("{path}/export")).await;
    assert!(!file.to_string().contains("0123456789"), "{file}");
    assert_eq!((&file["format"], &file["format_version"]), (&json!("vox-bot"), &json!(1)));
    assert_eq!(
        (&file["origin"]["bot_version"], &file["settings"]["system_prompt"]),
        (&json!(2), &json!("two"))
    );
    assert_eq!(bots.get(&format!("{path}/export?version=1")).await["settings"]["system_prompt"], "one");

    let asked = wrong_fields(bots.send(Method::POST, "/import", &file).await).await;
    assert_eq!(asked, ["secrets.llm.api_key", "secrets.line_access.token", "settings.llm.api_key"]);
    file["secrets"] = json!({"llm.api_key": "sk-new-0123456789ab", "line_access.token": null});
    file["name"] = json!("moved");
    let made = json(bots.send(Method::POST, "/import", &file).await, StatusCode::CREATED).await;
    let moved = format!("/{}", made["id"].as_str().unwrap());
    let config = bots.config(&moved).await;
    assert_eq!(
        (&config["llm"]["api_key"], &config["system_prompt"]),
        (&json!("sk-new-0123456789ab"), &json!("two"))
    );
    assert_eq!((&made["name"], &made["line_access"]["token"]), (&json!("moved"), &json!("")));

    file["settings"]["timezone"] = json!("Mars/Base");
    file["format_version"] = json!(2);
    let wrong = wrong_fields(bots.send(Method::POST, "/import", &file).await).await;
    assert_eq!(wrong, ["format_version", "settings.timezone"]);
    assert_eq!(
        wrong_fields(bots.send(Method::POST, "/import", &json!({"surprise": 1})).await).await,
        ["surprise"]
    );
}

#[tokio::test]
async fn a_deleted_bot_answers_no_call_until_it_is_restored() {
    let bots = Bots::start().await;
    let path = bots.made().await;
    bots.ok(Method::PATCH, &path, json!({"system_prompt": "two"})).await;
    let restore = format!("{path}/restore");
    let not_yet = bots.send(Method::POST, &restore, &json!({})).await;
    assert_eq!(refusal(not_yet, StatusCode::CONFLICT).await, "bot_not_deleted");
    let running = bots.config(&path).await["session_id"].as_str().unwrap().to_owned();
    assert_eq!(bots.send(Method::DELETE, &path, &Value::Null).await.status(), StatusCode::NO_CONTENT);

    let id = &path[1..];
    assert_eq!(refusal(bots.bridge.fetch_config(id, &[]).await, StatusCode::NOT_FOUND).await, "unknown_bot");
    let below = ["", "/draft", "/versions", "/versions/1", "/compare", "/export"];
    for below in below {
        let asked = bots.send(Method::GET, &format!("{path}{below}"), &Value::Null).await;
        assert_eq!(asked.status(), StatusCode::NOT_FOUND, "{below}");
    }
    assert_eq!(bots.send(Method::PATCH, &path, &json!({"name": "b"})).await.status(), StatusCode::NOT_FOUND);
    let lists = |listed: Value| listed["items"].as_array().unwrap().iter().any(|bot| bot["id"] == id);
    assert!(!lists(bots.get("").await) && lists(bots.get("?deleted=true").await));
    let internal = bots.bridge.tools(Method::GET, "/api/v1/internal/bots").send().await.unwrap();
    assert!(!lists(json(internal, StatusCode::OK).await));
    // A call that ran then still brings its result.
    let delivered = bots.bridge.deliver(&crate::harness::result(&running, "customer")).await;
    assert_eq!(delivered.status(), StatusCode::OK);

    let restored = bots.ok(Method::POST, &restore, json!({})).await;
    assert_eq!((&restored["system_prompt"], &restored["bot_version"]), (&json!("two"), &json!(2)));
    assert!(restored.get("deleted_at").is_none());
    assert_eq!(bots.config(&path).await["llm"]["api_key"], KEY);
    assert!(lists(bots.get("").await) && !lists(bots.get("?deleted=true").await));
    assert_eq!(bots.numbers(&path, 50).await, [2, 1]);
}

#[tokio::test]
async fn a_bot_is_removed_with_its_versions_thirty_days_after_its_deletion() {
    let bots = Bots::start().await;
    let (path, other) = (bots.made().await, bots.made().await);
    for round in 0..3 {
        for path in [&path, &other] {
            bots.ok(Method::PATCH, path, json!({"system_prompt": format!("round {round}")})).await;
        }
    }
    assert_eq!(bots.send(Method::DELETE, &path, &Value::Null).await.status(), StatusCode::NO_CONTENT);
    let (stores, clock) = (&bots.bridge.app.stores, &bots.bridge.app.clock);
    let restore = format!("{path}/restore");
    bots.bridge.clock.advance(KEPT.checked_sub(SignedDuration::from_secs(1)).unwrap());
    sweep(stores, clock).await.unwrap();
    let deleted =
        bots.bridge.app.stores.all_bots().find_with_deleted(&path[1..].parse().unwrap()).await.unwrap();
    assert!(deleted.is_some(), "a second too early");
    bots.bridge.clock.advance(SignedDuration::from_secs(2));
    assert!(sweep(stores, clock).await.unwrap().gone >= 1);
    let gone =
        bots.bridge.app.stores.all_bots().find_with_deleted(&path[1..].parse().unwrap()).await.unwrap();
    assert!(gone.is_none());
    let left = bots.bridge.engine.list_by_id(&BOT_VERSIONS, Which::All, None).await.unwrap();
    assert_eq!(left.len(), 3, "the other bot's");
    assert!(left.iter().all(|version| version.document.id.starts_with(&other[1..])));
    let token = bots.bridge.token(vox_bridge::auth::role::Role::Admin).await;
    let again = bots.bridge.request(Method::POST, &format!("/api/v1/bots{restore}")).bearer_auth(token);
    assert_eq!(again.send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

/// Twenty of them filled each round's batch.
#[tokio::test]
async fn deleted_bots_that_make_no_sense_keep_no_other_from_being_removed() {
    let bots = Bots::start().await;
    let bridge = &bots.bridge;
    for n in 0..=BATCH {
        let id = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
        assert_eq!(
            bots.send(Method::DELETE, &format!("/{id}"), &Value::Null).await.status(),
            StatusCode::NO_CONTENT
        );
        if n < BATCH {
            bridge.damage(&BOTS, id.as_str(), "settings", json!(7)).await;
        } else {
            bridge.clock.advance(KEPT.checked_add(SignedDuration::from_secs(1)).unwrap());
            sweep(&bridge.app.stores, &bridge.app.clock).await.unwrap();
            assert!(bridge.app.stores.all_bots().find_with_deleted(&id).await.unwrap().is_none());
        }
        bridge.clock.advance(SignedDuration::from_secs(1));
    }
}

/// One request could ask for a gigabyte.
#[tokio::test]
async fn a_page_of_large_bots_ends_early_and_the_list_is_whole() {
    let bots = Bots::start().await;
    let text = "x".repeat(1 << 20);
    for _ in 0..10 {
        let settings = BotSettings { system_prompt: text.clone(), ..BotSettings::default() };
        bots.bridge.insert_bot(&bots.bridge.tenant(), settings).await;
    }
    let (mut pages, mut large, mut cursor) = (0, 0, String::new());
    loop {
        let page = bots.get(&format!("?limit=200{cursor}")).await;
        let items = page["items"].as_array().unwrap();
        let found = items.iter().filter(|bot| bot["system_prompt"].as_str().unwrap().len() == text.len());
        (pages, large) = (pages + 1, large + found.count());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((pages, large), (2, 10));
}

#[tokio::test]
async fn the_repeat_of_a_request_whose_bot_was_deleted_is_told_so() {
    let bots = Bots::start().await;
    let token = bots.bridge.token(vox_bridge::auth::role::Role::Admin).await;
    let create = || {
        let request = bots.bridge.request(Method::POST, "/api/v1/bots").bearer_auth(&token);
        request.header("idempotency-key", "order-8").json(&json!({"name": "a"})).send()
    };
    let made = json(create().await.unwrap(), StatusCode::CREATED).await;
    let path = format!("/{}", made["id"].as_str().unwrap());
    assert_eq!(bots.send(Method::DELETE, &path, &Value::Null).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(refusal(create().await.unwrap(), StatusCode::CONFLICT).await, "bot_deleted");
    bots.ok(Method::POST, &format!("{path}/restore"), json!({})).await;
    assert_eq!(json(create().await.unwrap(), StatusCode::CREATED).await["id"], made["id"]);
}

#[tokio::test]
async fn a_removed_bot_leaves_no_crm_and_no_number_behind_whatever_stands_before_it() {
    let bots = Bots::start().await;
    let (bridge, tenant) = (&bots.bridge, bots.bridge.tenant());
    let stores = &bridge.app.stores;
    // More than one batch that makes no sense, deleted earlier.
    for _ in 0..BATCH + 2 {
        let path = bots.made().await;
        assert_eq!(bots.send(Method::DELETE, &path, &Value::Null).await.status(), StatusCode::NO_CONTENT);
        bridge.damage(&BOTS, &path[1..], "settings", 7.into()).await;
    }
    bridge.clock.advance(SignedDuration::from_secs(1));
    let (path, other) = (bots.made().await, bots.made().await);
    for path in [&path, &other] {
        let crm = json!({"prefetch": {"url": "https://crm.example.com/x"}});
        bots.ok(Method::PUT, &format!("{path}/crm"), crm).await;
    }
    let did = |bot: &str, number: &str| Did {
        tenant_id: tenant.clone(),
        carrier_id: CarrierId::generate(),
        number: number.parse().unwrap(),
        comparable: number.parse().unwrap(),
        bot_id: Some(bot[1..].parse().unwrap()),
        label: None,
        flow_url: None,
        blamed_at: Vec::new(),
        rests_until: None,
        health: Health::default(),
        created_at: Stamp(bridge.now()),
    };
    for (bot, number) in [(&path, "+15550001"), (&other, "+15550002")] {
        stores.dids(&tenant).insert_did(&DidId::generate(), &did(bot, number)).await.unwrap();
    }
    assert_eq!(bots.send(Method::DELETE, &path, &Value::Null).await.status(), StatusCode::NO_CONTENT);
    bridge.clock.advance(KEPT + SignedDuration::from_secs(1));
    sweep(stores, &bridge.clock).await.unwrap();
    let left = bridge.engine.list_by_id(&CRM_INTEGRATIONS, Which::All, None).await.unwrap();
    assert_eq!(left.iter().map(|kept| kept.document.id.as_str()).collect::<Vec<_>>(), [&other[1..]]);
    let dids = stores.dids(&tenant).list_dids(10, None).await.unwrap().items;
    let bot_of = |number: &str| {
        dids.iter().find(|did| did.value.number.as_str() == number).unwrap().value.bot_id.clone()
    };
    assert_eq!(bot_of("+15550001"), None, "the number stays the tenant's");
    assert_eq!(bot_of("+15550002").unwrap().as_str(), &other[1..]);
}

#[tokio::test]
async fn a_widget_key_is_public_and_can_be_renewed_and_taken_away() {
    let bots = Bots::start().await;
    let path = bots.made().await;
    let at = format!("{path}/widget-key");
    assert_eq!(bots.get(&path).await["widget_key"], Value::Null);
    let one = bots.ok(Method::POST, &at, json!({})).await["widget_key"].clone();
    let two = bots.ok(Method::POST, &at, json!({})).await["widget_key"].clone();
    assert!(one.as_str().unwrap().starts_with("wk_") && one != two, "{one} {two}");
    // It is no setting: neither a change nor a roll-back brings an old one back.
    bots.ok(Method::PATCH, &path, json!({"system_prompt": "two"})).await;
    bots.ok(Method::POST, &format!("{path}/versions/1/restore"), json!({})).await;
    assert_eq!(bots.get(&path).await["widget_key"], two);
    assert_eq!(bots.send(Method::DELETE, &at, &Value::Null).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(bots.get(&path).await["widget_key"], Value::Null);
    assert_eq!(bots.send(Method::DELETE, &at, &Value::Null).await.status(), StatusCode::NOT_FOUND);
}
