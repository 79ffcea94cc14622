//! What spreadsheets, exports and people make of lists (figure 27 of the dialler): each file of `odd_files/` comes into a campaign of its
//! own by the API, and ends as `odd_files/expected.json` says, row by row.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use futures_util::{StreamExt, stream};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use vox_bridge::auth::scope::Scope;
use vox_bridge::campaign::import::csv;
use vox_bridge::store::campaign_imports::ImportState;
use vox_shared::ids::{CampaignId, ImportId};
use vox_shared::model::bot::BotSettings;

use crate::harness::keys::TestKey;
use crate::harness::{TestBridge, json, wrong_fields};
use crate::s3_server::eventually;
use crate::voices_are_made_from_clips::SOON;

/// Files that the figure asks for.
const WANTED: usize = 60;
/// Files on their way at once.
const AT_ONCE: usize = 8;
/// Numbers that the tenant does not call.
const BARRED: [&str; 2] = ["+919876500000", "+919876500001"];

/// What must come of a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    file: String,
    /// What is odd about it, and why it ends so.
    note: String,
    /// Another file that came into the campaign before.
    #[serde(default)]
    after: Option<String>,
    /// Instead of all that follows: the fields for which it is not taken.
    #[serde(default)]
    wrong: Vec<String>,
    #[serde(default)]
    encoding: String,
    #[serde(default)]
    separator: String,
    /// Rows that were read, and of them created, updated, unchanged, duplicate.
    #[serde(default)]
    counts: [u64; 5],
    /// Line, reason and column of what was not taken, duplicates too.
    #[serde(default)]
    refused: Vec<(u64, String, String)>,
    /// Everybody in the campaign by the first number, with their variables.
    #[serde(default)]
    people: BTreeMap<String, Map<String, Value>>,
    /// All numbers of some of them.
    #[serde(default)]
    numbers: BTreeMap<String, Vec<String>>,
    /// And whatever else is to be seen of some.
    #[serde(default)]
    views: BTreeMap<String, Map<String, Value>>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/odd_files")
}

fn bytes(file: &str) -> Vec<u8> {
    std::fs::read(folder().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A bridge that does its jobs.
struct Scene {
    bridge: TestBridge,
    key: TestKey,
    settings: Value,
}

impl Scene {
    async fn start() -> Self {
        let bridge = TestBridge::start().await;
        let key = bridge.key(&[Scope::CampaignsRead, Scope::CampaignsWrite, Scope::DncWrite]).await;
        let settings = BotSettings { name: "Asha".into(), ..BotSettings::default() };
        let bot = bridge.insert_bot(&bridge.tenant(), settings).await;
        tokio::spawn(bridge.app.runner.clone().run(CancellationToken::new()));
        let settings = json!({"name": "Odd", "bot_id": bot, "settings": {
            "region": "IN", "languages": ["hi", "en"], "choices": [{"prompt": "soft", "bot_id": bot}],
        }});
        let scene = Self { bridge, key, settings };
        for number in BARRED {
            let barred = scene.post("/api/v1/dnc", json!({ "number": number })).await;
            assert_eq!(barred.status(), StatusCode::CREATED);
        }
        scene
    }

    async fn post(&self, path: &str, body: Value) -> reqwest::Response {
        self.key.sign(self.bridge.request(Method::POST, path)).json(&body).send().await.unwrap()
    }

    async fn reads(&self, path: &str) -> Value {
        self.key.reads(&self.bridge, path).await
    }

    /// A campaign, as a path.
    async fn campaign(&self) -> String {
        let made =
            json(self.post("/api/v1/campaigns", self.settings.clone()).await, StatusCode::CREATED).await;
        format!("/api/v1/campaigns/{}", made["id"].as_str().unwrap())
    }

    async fn send(&self, campaign: &str, file: &str) -> reqwest::Response {
        let request = self.bridge.request(Method::POST, &format!("{campaign}/imports"));
        self.key.sign(request).header("content-type", "text/csv").body(bytes(file)).send().await.unwrap()
    }

    /// Have a file read to its end.
    async fn imports(&self, campaign: &str, file: &str) -> Value {
        let answer = self.send(campaign, file).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED, "{file}: {}", answer.text().await.unwrap());
        let import: Value = answer.json().await.unwrap();
        let import: ImportId = import["id"].as_str().unwrap().parse().unwrap();
        let id: CampaignId = campaign.rsplit('/').next().unwrap().parse().unwrap();
        let stored = || self.bridge.app.stores.campaign_imports(&self.bridge.tenant());
        let is_over =
            || async { stored().get_import(&id, &import).await.unwrap().value.state != ImportState::Reading };
        assert!(eventually(SOON, is_over).await, "{file}: the import has no end");
        self.reads(&format!("{campaign}/imports/{import}")).await
    }

    /// Line, reason and column of what was not taken.
    async fn refused(&self, campaign: &str, import: &Value) -> Vec<(u64, String, String)> {
        let path = format!("{campaign}/imports/{}/errors", import["id"].as_str().unwrap());
        let text = self.key.sign(self.bridge.get(&path)).send().await.unwrap().text().await.unwrap();
        let rows = csv::rows(&text, ',').into_iter().skip(1);
        rows.map(|row| (row.cells[0].parse().unwrap(), row.cells[1].clone(), row.cells[3].clone())).collect()
    }

    /// Everybody in a campaign, by the first number.
    async fn people(&self, campaign: &str) -> BTreeMap<String, Value> {
        let page = self.reads(&format!("{campaign}/contacts?limit=200")).await;
        let contacts = page["items"].as_array().unwrap().clone();
        let number = |contact: &Value| contact["numbers"][0]["number"].as_str().unwrap().to_owned();
        contacts.into_iter().map(|contact| (number(&contact), contact)).collect()
    }
}

/// The five counts of an import, after a look at whether they add up.
fn counts(import: &Value) -> [u64; 5] {
    let counts = &import["counts"];
    let numbers =
        ["rows", "created", "updated", "unchanged", "duplicate"].map(|name| counts[name].as_u64().unwrap());
    let refused: u64 = counts["refused"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(numbers[0], numbers[1..].iter().sum::<u64>() + refused, "{counts}");
    numbers
}

/// What differs from what was expected, in words.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn look<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, seen: T, expected: T) {
        if seen != expected {
            self.0.push(format!("{what}: {seen:?}, and not {expected:?}"));
        }
    }
}

async fn check(scene: &Scene, expected: &Expected) -> Vec<String> {
    let (mut differs, campaign) = (Differences::default(), scene.campaign().await);
    if !expected.wrong.is_empty() {
        let answer = scene.send(&campaign, &expected.file).await;
        match answer.status() {
            StatusCode::UNPROCESSABLE_ENTITY => {
                differs.look("wrong", wrong_fields(answer).await, expected.wrong.clone());
            }
            status => differs.0.push(format!("it is answered with {status}")),
        }
        return differs.0;
    }
    if let Some(before) = &expected.after {
        scene.imports(&campaign, before).await;
    }
    let import = scene.imports(&campaign, &expected.file).await;
    differs.look("state", &import["state"], &json!("done"));
    differs.look("encoding", import["encoding"].as_str(), Some(expected.encoding.as_str()));
    differs.look("separator", import["separator"].as_str(), Some(expected.separator.as_str()));
    differs.look("counts", counts(&import), expected.counts);
    let mut reasons = BTreeMap::<String, u64>::new();
    for (_, reason, _) in expected.refused.iter().filter(|(_, reason, _)| reason != "duplicate") {
        *reasons.entry(reason.clone()).or_default() += 1;
    }
    differs.look("reasons", &import["counts"]["refused"], &json!(reasons));
    differs.look("refused", scene.refused(&campaign, &import).await, expected.refused.clone());
    let people = scene.people(&campaign).await;
    let seen: BTreeMap<String, Map<String, Value>> = people
        .iter()
        .map(|(number, person)| (number.clone(), person["variables"].as_object().unwrap().clone()))
        .collect();
    differs.look("people", &seen, &expected.people);
    for (first, numbers) in &expected.numbers {
        let of = people.get(first).and_then(|person| person["numbers"].as_array()).into_iter().flatten();
        let seen: Vec<&str> = of.map(|number| number["number"].as_str().unwrap()).collect();
        differs.look(first, seen, numbers.iter().map(String::as_str).collect());
    }
    for (first, view) in &expected.views {
        let person = people.get(first).cloned().unwrap_or_default();
        view.iter().for_each(|(field, value)| differs.look(field, &person[field], value));
    }
    // The same again changes nothing.
    let [rows, created, updated, unchanged, duplicate] = expected.counts;
    let again = scene.imports(&campaign, &expected.file).await;
    differs.look("again", counts(&again), [rows, 0, 0, created + updated + unchanged, duplicate]);
    differs.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_odd_file_ends_as_it_must() {
    let table: Vec<Expected> = serde_json::from_slice(&bytes("expected.json")).unwrap();
    let rows: BTreeSet<&str> = table.iter().map(|row| row.file.as_str()).collect();
    let names =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = names.filter(|name| name.ends_with(".csv")).collect();
    let files: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(rows, files, "each file has one row, and each row a file");
    assert!(table.len() == rows.len() && rows.len() >= WANTED, "{} files", rows.len());

    let scene = Scene::start().await;
    let at = &scene;
    let checked = stream::iter(&table)
        .map(|row| async move { (row, check(at, row).await) })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    let told = |(row, differs): (&Expected, Vec<String>)| {
        (!differs.is_empty()).then(|| format!("{} ({}): {}", row.file, row.note, differs.join("; ")))
    };
    let told: Vec<String> = checked.into_iter().filter_map(told).collect();
    assert!(told.is_empty(), "{} of {}:\n{}", told.len(), table.len(), told.join("\n"));
    let is_gone = || async { scene.bridge.objects_in("imports").await.is_empty() };
    assert!(eventually(SOON, is_gone).await, "no file is kept longer than it is read");
}
