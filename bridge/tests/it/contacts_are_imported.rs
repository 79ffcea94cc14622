//! Lists of people come into campaigns: by requests, pasted, and as files in whatever form.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vox_bridge::auth::scope::Scope;
use vox_bridge::campaign::intake::{KIND, MAX_TRIES};
use vox_bridge::store::Stamp;
use vox_bridge::store::campaign_imports::ImportState;
use vox_bridge::store::engine::Order;
use vox_bridge::store::jobs::{JobState, Queue};
use vox_shared::ids::{CampaignId, ImportId};
use vox_shared::model::bot::BotSettings;

use crate::harness::keys::TestKey;
use crate::harness::{TestBridge, json, refusal, wrong_fields};
use crate::s3_server::eventually;
use crate::voices_are_made_from_clips::SOON;

/// A bridge that does its jobs, with a campaign for India.
struct Scene {
    bridge: TestBridge,
    key: TestKey,
    campaign: String,
    stop: CancellationToken,
    runner: Option<JoinHandle<()>>,
}

impl Scene {
    async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let key = bridge.key(&[Scope::CampaignsRead, Scope::CampaignsWrite, Scope::DncWrite]).await;
        let settings = BotSettings { name: "Asha".into(), ..BotSettings::default() };
        let bot = bridge.insert_bot(&bridge.tenant(), settings).await;
        let wish = json!({"name": "Reminders", "bot_id": bot, "settings": {"region": "IN", "languages": ["hi", "en"]}});
        let made =
            key.sign(bridge.request(Method::POST, "/api/v1/campaigns")).json(&wish).send().await.unwrap();
        let campaign = json(made, StatusCode::CREATED).await["id"].as_str().unwrap().to_owned();
        let mut scene = Self { bridge, key, campaign, stop: CancellationToken::new(), runner: None };
        scene.work();
        scene
    }

    fn work(&mut self) {
        self.stop = CancellationToken::new();
        self.runner = Some(tokio::spawn(self.bridge.app.runner.clone().run(self.stop.clone())));
    }

    async fn rest(&mut self) {
        self.stop.cancel();
        if let Some(runner) = self.runner.take() {
            runner.await.unwrap();
        }
    }

    fn path(&self, of: &str) -> String {
        format!("/api/v1/campaigns/{}{of}", self.campaign)
    }

    async fn post(&self, of: &str, body: Value) -> reqwest::Response {
        self.key.sign(self.bridge.request(Method::POST, &self.path(of))).json(&body).send().await.unwrap()
    }

    async fn reads(&self, of: &str) -> Value {
        self.key.reads(&self.bridge, &self.path(of)).await
    }

    async fn send_file(&self, query: &str, file: Vec<u8>) -> reqwest::Response {
        let request = self.bridge.request(Method::POST, &self.path(&format!("/imports{query}")));
        self.key.sign(request).header("content-type", "text/csv").body(file).send().await.unwrap()
    }

    /// Have a file read to its end.
    async fn imports(&self, query: &str, file: Vec<u8>) -> Value {
        let import = json(self.send_file(query, file).await, StatusCode::ACCEPTED).await;
        self.end_of(import["id"].as_str().unwrap()).await
    }

    async fn end_of(&self, import: &str) -> Value {
        let (campaign, import): (CampaignId, ImportId) =
            (self.campaign.parse().unwrap(), import.parse().unwrap());
        let imports = || self.bridge.app.stores.campaign_imports(&self.bridge.tenant());
        let is_over = || async {
            imports().get_import(&campaign, &import).await.unwrap().value.state != ImportState::Reading
        };
        assert!(eventually(SOON, is_over).await, "the import has no end");
        self.reads(&format!("/imports/{import}")).await
    }

    async fn contacts(&self) -> BTreeMap<String, Value> {
        let (mut found, mut cursor) = (BTreeMap::new(), String::new());
        loop {
            let page = self.reads(&format!("/contacts?limit=200{cursor}")).await;
            for contact in page["items"].as_array().unwrap() {
                found.insert(contact["numbers"][0]["number"].as_str().unwrap().to_owned(), contact.clone());
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    }
}

fn adds_up(counts: &Value) {
    let number = |name: &str| counts[name].as_u64().unwrap();
    let refused: u64 = counts["refused"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    let others = number("created") + number("updated") + number("unchanged") + number("duplicate") + refused;
    assert_eq!(number("rows"), others, "{counts}");
}

const LIST: &str = "Customer;Mobile No;Alt phone 2;Language;Amount\r\n\
    Asha;98765 43210;;hi;\"1,200\"\r\n\
    Ravi;09812345678;+1 415 555 2671;en;5\r\n\
    Asha again;+919876543210;;hi;7\r\n\
    Kim;9.18E+11;;en;1\r\n\
    Lee;12;;en;1\r\n\
    Max;9123456780;;fr;1\r\n\
    =cmd();;;en;1\r\n";

#[tokio::test]
async fn a_file_is_looked_at_taken_and_accounted_for() {
    let scene = Scene::start().await;
    let look = scene.bridge.request(Method::POST, &scene.path("/imports/preview"));
    let look = scene.key.sign(look).header("content-type", "text/csv").body(LIST).send().await.unwrap();
    let look = json(look, StatusCode::OK).await;
    assert_eq!(
        (&look["separator"], &look["encoding"], &look["remembered"]),
        (&json!(";"), &json!("utf8"), &json!(false))
    );
    let guessed = json!({
        "Customer": "variable:customer", "Mobile No": "phone", "Alt phone 2": "variable:alt_phone_2",
        "Language": "language", "Amount": "variable:amount",
    });
    assert_eq!(look["mapping"], guessed);
    assert_eq!(look["rows"][0]["numbers"][0]["number"], "+919876543210");
    assert_eq!(look["rows"][3]["error"]["code"], "damaged_by_spreadsheet");
    assert!(scene.contacts().await.is_empty(), "nothing was stored");

    let mapping = json!({
        "Customer": "variable:customer", "Mobile No": "phone", "Alt phone 2": "phone", "Language": "language", "Amount": "variable:amount",
    });
    let query = format!(
        "?name=list.csv&mapping={}",
        url::form_urlencoded::byte_serialize(mapping.to_string().as_bytes()).collect::<String>()
    );
    let import = scene.imports(&query, LIST.as_bytes().to_vec()).await;
    assert_eq!((&import["state"], &import["error"]), (&json!("done"), &Value::Null));
    let counts = &import["counts"];
    adds_up(counts);
    assert_eq!(
        (&counts["rows"], &counts["created"], &counts["duplicate"]),
        (&json!(7), &json!(2), &json!(1))
    );
    let refused =
        json!({"damaged_by_spreadsheet": 1, "invalid_number": 1, "unknown_language": 1, "no_phone": 1});
    assert_eq!(counts["refused"], refused);

    let contacts = scene.contacts().await;
    assert_eq!(contacts["+919876543210"]["variables"], json!({"customer": "Asha", "amount": "1,200"}));
    assert_eq!(contacts["+919812345678"]["numbers"][1]["number"], "+14155552671");

    let id = import["id"].as_str().unwrap();
    let errors = scene.key.sign(scene.bridge.get(&scene.path(&format!("/imports/{id}/errors"))));
    let errors = errors.send().await.unwrap().text().await.unwrap();
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines[0], "line,reason,detail,column,Customer,Mobile No,Alt phone 2,Language,Amount");
    assert!(
        lines[1].starts_with("4,duplicate,the same contact as in line 2,Mobile No,Asha again,'+919876543210"),
        "{errors}"
    );
    assert!(lines[2].starts_with("5,damaged_by_spreadsheet,"), "{errors}");
    assert!(errors.contains(",'=cmd()"), "no formula in what a spreadsheet opens: {errors}");
    assert_eq!(lines.len(), 6);

    // The same again changes nothing; with its header the mapping is known; a changed cell changes the contact.
    let again = scene.imports("", LIST.as_bytes().to_vec()).await;
    assert_eq!((&again["mapping"], &again["counts"]["unchanged"]), (&mapping, &json!(2)));
    let changed = scene.imports("", LIST.replace("\"1,200\"", "900").into_bytes()).await;
    assert_eq!((&changed["counts"]["updated"], &changed["counts"]["unchanged"]), (&json!(1), &json!(1)));
    assert_eq!(scene.contacts().await["+919876543210"]["variables"]["amount"], "900");
    assert!(scene.bridge.objects_in("imports").await.is_empty(), "a file is not kept longer than it is read");
}

#[tokio::test]
async fn files_come_as_spreadsheets_write_them() {
    let scene = Scene::start().await;
    let utf16: Vec<u8> =
        "\u{feff}phone\tname\r\n9876543210\tमीरा\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin = b"phone,name\n9876543211,M\xfcller\n".to_vec();
    let quoted = "phone,name\n9876543212,\"two\nlines, and a \"\"quote\"\"\"\n".as_bytes().to_vec();
    let digits = "phone\n९८७६५४३२१३\n'+919876543214\n9876543215.0\n".as_bytes().to_vec();
    for file in [utf16, latin, quoted, digits] {
        let import = scene.imports("", file).await;
        adds_up(&import["counts"]);
        assert_eq!(import["counts"]["refused"], json!({}), "{import}");
    }
    let contacts = scene.contacts().await;
    let name = |number: &str| contacts[number]["variables"]["name"].clone();
    assert_eq!(name("+919876543210"), "मीरा");
    assert_eq!(name("+919876543211"), "Müller");
    assert_eq!(name("+919876543212"), "two\nlines, and a \"quote\"");
    assert_eq!(contacts.len(), 6);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_before_it_is_kept() {
    let scene = Scene::start().await;
    let twice = scene.send_file("", b"phone,name,name\n9876543210,a,b\n".to_vec()).await;
    assert_eq!(wrong_fields(twice).await, ["file"]);
    let none = scene.send_file("", b"name\nAsha\n".to_vec()).await;
    assert_eq!(wrong_fields(none).await, ["mapping"]);
    let bad =
        scene.send_file("?mapping=%7B%22a%22%3A%22colour%22%7D&separator=x", b"phone\n1\n".to_vec()).await;
    assert_eq!(wrong_fields(bad).await, ["separator", "mapping.a"]);
    assert!(scene.bridge.objects_in("imports").await.is_empty());
    let both =
        scene.post("/contacts", json!({"rows": [{"phones": ["9876543210"]}], "text": "9876543210"})).await;
    assert_eq!(wrong_fields(both).await, ["text"]);
}

/// Every chunk is stored with what it came to: whoever goes on after a death ends with the same contacts, and counts that add up.
#[tokio::test]
async fn an_import_that_is_broken_off_is_gone_on_with() {
    let mut scene = Scene::start().await;
    scene.rest().await;
    let rows: String = (0..1_700).map(|n| format!("98765{n:05},N{n}\n")).collect();
    let file = format!("phone,name\n{rows}9876500001,again\nx,bad\n").into_bytes();
    let import = json(scene.send_file("", file.clone()).await, StatusCode::ACCEPTED).await;
    let id: ImportId = import["id"].as_str().unwrap().parse().unwrap();
    // As a bridge leaves it that died with two chunks told, and the third stored but not told.
    let imports = scene.bridge.app.stores.campaign_imports(&scene.bridge.tenant());
    let rows: Vec<Value> = (0..1_500)
        .map(|n| json!({"phones": [format!("98765{n:05}")], "variables": {"name": format!("N{n}")}}))
        .collect();
    for part in rows.chunks(1_000) {
        json(scene.post("/contacts", json!({ "rows": part })).await, StatusCode::OK).await;
    }
    let mut kept = imports.find_import(&id).await.unwrap().unwrap();
    (kept.value.counts.rows, kept.value.counts.created) = (1_000, 1_000);
    imports.replace_import(kept).await.unwrap();
    scene.work();
    let import = scene.end_of(id.as_str()).await;
    adds_up(&import["counts"]);
    assert_eq!(import["counts"]["rows"], 1_702);
    assert_eq!(import["counts"]["created"], 1_200, "the third chunk was there already");
    assert_eq!((&import["counts"]["unchanged"], &import["counts"]["duplicate"]), (&json!(500), &json!(1)));
    assert_eq!(scene.contacts().await.len(), 1_700);
    let again = scene.imports("", file).await;
    adds_up(&again["counts"]);
    assert_eq!(again["counts"]["unchanged"], 1_700);
}

/// Whoever ended it died before the file was deleted and the end was told of.
#[tokio::test]
async fn a_file_does_not_outlive_its_import() {
    let mut scene = Scene::start().await;
    scene.rest().await;
    let import = json(scene.send_file("", b"phone\n9876543210\n".to_vec()).await, StatusCode::ACCEPTED).await;
    let id: ImportId = import["id"].as_str().unwrap().parse().unwrap();
    let imports = scene.bridge.app.stores.campaign_imports(&scene.bridge.tenant());
    let mut done = imports.find_import(&id).await.unwrap().unwrap();
    done.value.state = ImportState::Done;
    imports.replace_import(done).await.unwrap();
    assert_eq!(scene.bridge.objects_in("imports").await.len(), 1);
    scene.work();
    let is_gone = || async { scene.bridge.objects_in("imports").await.is_empty() };
    assert!(eventually(SOON, is_gone).await);
    let events = scene.bridge.app.stores.events(&scene.bridge.tenant());
    let is_told = || async {
        let told = events.list_events(Order::Ascending, 50, None).await.unwrap().items;
        told.into_iter().any(|event| event.value.event == "campaign.imported")
    };
    assert!(eventually(SOON, is_told).await);
}

/// Ten bridges died over it: it has an end all the same, and until then its campaign is not deleted.
#[tokio::test]
async fn an_import_that_nobody_could_read_has_an_end() {
    let mut scene = Scene::start().await;
    scene.rest().await;
    let import = json(scene.send_file("", b"phone\n9876543210\n".to_vec()).await, StatusCode::ACCEPTED).await;
    assert_eq!(scene.post("/archive", Value::Null).await.status(), StatusCode::OK);
    async fn delete(scene: &Scene) -> reqwest::Response {
        let request = scene.bridge.request(Method::DELETE, &scene.path(""));
        scene.key.sign(request).send().await.unwrap()
    }
    assert_eq!(refusal(delete(&scene).await, StatusCode::CONFLICT).await, "campaign_under_way");
    let now = Stamp(scene.bridge.now());
    let jobs = scene.bridge.app.stores.all_jobs();
    loop {
        let job = jobs.claim(Queue::Default, "dead", (now, now)).await.unwrap().unwrap().value;
        if job.kind == KIND && job.tries == MAX_TRIES {
            break;
        }
    }
    scene.work();
    let import = scene.end_of(import["id"].as_str().unwrap()).await;
    assert_eq!((&import["state"], &import["counts"]["rows"]), (&json!("failed"), &json!(0)));
    let is_gone = || async { scene.bridge.objects_in("imports").await.is_empty() };
    assert!(eventually(SOON, is_gone).await);
    assert_eq!(delete(&scene).await.status(), StatusCode::NO_CONTENT);
}

/// Its job is there before the file is, so that no break leaves the file to nobody.
#[tokio::test]
async fn a_file_that_is_not_taken_has_a_job_that_clears_it_away() {
    let scene = Scene::start().await;
    let none = scene.send_file("", b"name\nAsha\n".to_vec()).await;
    assert_eq!(wrong_fields(none).await, ["mapping"]);
    let jobs = scene.bridge.app.stores.jobs(&scene.bridge.tenant());
    let is_done = || async {
        let laid = jobs.list_jobs((Some(Queue::Default), None), 50, None).await.unwrap().items;
        laid.into_iter().any(|job| job.value.kind == KIND && job.value.state == JobState::Done)
    };
    assert!(eventually(SOON, is_done).await);
    assert!(scene.bridge.objects_in("imports").await.is_empty());
}

#[tokio::test]
async fn rows_of_a_request_and_what_is_pasted_come_in_at_once() {
    let scene = Scene::start().await;
    let bar = scene.bridge.request(Method::POST, "/api/v1/dnc");
    let bar = scene.key.sign(bar).json(&json!({"number": "+919876543219"})).send().await.unwrap();
    assert_eq!(bar.status(), StatusCode::CREATED);
    let rows = json!({"rows": [
        {"phones": ["9876543210", "+442079460958"], "variables": {"name": "Asha", "due": {"amount": 3}}, "priority": "7"},
        {"phones": ["9876543210"], "key": "second"},
        {"phones": ["9876543219"]},
        {"phones": []},
        {"phones": ["9876543211"], "variables": {"_campaign_id": "x"}},
        {"phones": ["9876543212"], "expires_at": "2026-11-01"},
    ]});
    let added = json(scene.post("/contacts", rows).await, StatusCode::OK).await;
    adds_up(&added["counts"]);
    assert_eq!(added["counts"]["created"], 2, "another key is another contact");
    let codes: Vec<(u64, &str)> = added["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["row"].as_u64().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    assert_eq!(codes, [(2, "do_not_call"), (3, "no_phone"), (4, "bad_variable"), (5, "expired")]);
    let pasted =
        json(scene.post("/contacts", json!({"text": "9876543213\n98765 43214\n"})).await, StatusCode::OK)
            .await;
    assert_eq!(pasted["counts"]["created"], 2);
    let archived = scene.post("/archive", Value::Null).await;
    assert_eq!(archived.status(), StatusCode::OK);
    let closed = scene.post("/contacts", json!({"text": "9876543215"})).await;
    assert_eq!(refusal(closed, StatusCode::CONFLICT).await, "campaign_closed");
}
