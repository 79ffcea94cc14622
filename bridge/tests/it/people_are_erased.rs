//! After a person's erasure their number and words are in no document, no object and no file; what must wait, waits.

use std::path::Path;

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use vox_bridge::auth::role::Role;
use vox_bridge::shelf::depot::Depot;
use vox_bridge::shelf::pack;
use vox_bridge::store::COLLECTIONS;
use vox_bridge::store::calls::tier::{Kept, Tier};
use vox_bridge::store::engine::Which;
use vox_bridge::store::erasures::ERASURES;
use vox_shared::model::bot::BotSettings;

use crate::harness::{TestBridge, json, result};
use crate::recordings_are_stored_and_served::upload;

const NUMBER: &str = "+491515550142";
/// Digits that every way to write it has in one piece.
const DIGITS: &str = "5550142";
const WORDS: &str = "canary-words-77";
const SOUND: &str = "canary-sound-78";
/// The ends of "canary" and of the number as the embedded index over words has them: hexadecimal, and without what the word before
/// begins with too.
const INDEXED: [&str; 2] = ["616e617279", "35353530313432"];

/// A call with a number at one end and its words in many places.
async fn call(bridge: &TestBridge, session: &str, numbers: &[(&str, &str)], ends: bool) {
    let bot = bridge.insert_bot(&bridge.tenant(), BotSettings::default()).await;
    let event: Map<String, Value> =
        numbers.iter().map(|(name, number)| ((*name).into(), json!(number))).collect();
    let event = json!({"note": WORDS, "ends": event, "to_number": event.get("to_number")}).to_string();
    let caller = numbers.iter().find(|(name, _)| *name == "caller_id").map_or("", |(_, number)| number);
    let query = [("session_id", session), ("caller_id", caller), ("connected_event", &event)];
    assert_eq!(bridge.fetch_config(bot.as_str(), &query).await.status(), StatusCode::OK);
    if ends {
        end(bridge, session, &said(session, WORDS)).await;
    }
}

/// So many words that the index over words has pages of them, with those of others behind them.
fn said(session: &str, word: &str) -> String {
    let mark = session.trim_start_matches("call_");
    let words: Vec<String> = (0..40).map(|n| format!("{word} {}{mark}n{n}", &word[..6])).collect();
    words.join(" ")
}

async fn end(bridge: &TestBridge, session: &str, said: &str) {
    let key = format!("{session}.wav");
    assert_eq!(upload(bridge, &key, SOUND.into(), None).await.status(), StatusCode::OK);
    let mut ended = result(session, "bot");
    ended["recording_key"] = json!(key);
    ended["transcript"][0]["text"] = json!(format!("{said} {}", "long ".repeat(3_000)));
    assert_eq!(bridge.deliver(&ended).await.status(), StatusCode::OK);
    bridge.app.relay.move_all().await.unwrap();
    bridge.app.digester.round().await.unwrap();
}

/// What of the canaries the store and all files of the bridge still hold.
async fn left(bridge: &TestBridge) -> Vec<String> {
    let mut found = Vec::new();
    for collection in COLLECTIONS {
        let mut after = None;
        loop {
            let page = bridge.engine.list_by_id(collection, Which::All, after.take()).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.document.id.clone());
            for kept in &page {
                let text = Value::Object(kept.document.body.clone()).to_string();
                found.extend(
                    [DIGITS, WORDS]
                        .iter()
                        .filter(|canary| text.contains(**canary))
                        .map(|canary| format!("{canary} in {} {}", collection.name, kept.document.id)),
                );
            }
        }
    }
    in_files(&bridge.app.config.storage.data_dir, &mut found);
    found
}

fn in_files(dir: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            in_files(&entry.path(), found);
            continue;
        }
        let Ok(bytes) = std::fs::read(entry.path()) else { continue };
        for canary in [DIGITS, WORDS, SOUND].into_iter().chain(INDEXED) {
            if bytes.windows(canary.len()).any(|part| part == canary.as_bytes()) {
                found.push(format!("{canary} in {:?}", entry.path()));
            }
        }
    }
}

async fn ask(bridge: &TestBridge, token: &str, body: Value) -> String {
    let begun = bridge.send(Method::POST, "/api/v1/erasures", token, body).await;
    json(begun, StatusCode::ACCEPTED).await["id"].as_str().unwrap().to_owned()
}

async fn proof(bridge: &TestBridge, token: &str, id: &str) -> Value {
    let asked = bridge.get(&format!("/api/v1/erasures/{id}")).bearer_auth(token);
    json(asked.send().await.unwrap(), StatusCode::OK).await
}

#[tokio::test]
async fn nothing_of_an_erased_person_is_left_but_the_proof() {
    let bridge = TestBridge::start().await;
    let admin = bridge.token(Role::Admin).await;
    call(&bridge, "call_third", &[("caller_id", "+491515550144")], false).await;
    end(&bridge, "call_third", &said("call_third", "zebras")).await;
    for n in 0..60 {
        let written = ["+49 151 5550142", "00491515550142", NUMBER][n % 3];
        let numbers = if n % 2 == 0 { [("caller_id", written)] } else { [("to_number", written)] };
        call(&bridge, &format!("call_{n}"), &numbers, true).await;
    }
    call(&bridge, "call_other", &[("caller_id", "+491515550143")], false).await;
    let before = left(&bridge).await;
    assert!(before.len() > 180, "calls and their digests: {}", before.len());
    if bridge.app.config.storage.mongodb_uri.is_none() {
        assert!(INDEXED.iter().all(|word| before.iter().any(|found| found.starts_with(word))), "{before:?}");
    }

    let id = ask(&bridge, &admin, json!({"number": "+49 (151) 5550142"})).await;
    assert!(!left(&bridge).await.iter().any(|found| found.contains("erasures")), "the number is sealed");
    assert!(bridge.app.custodian.erase_due().await.unwrap());
    let proof = proof(&bridge, &admin, &id).await;
    assert_eq!(
        (&proof["status"], &proof["calls_deleted"], &proof["calls_held"], &proof["calls_waiting"]),
        (&json!("done"), &json!(60), &json!(0), &json!(0)),
        "{proof}"
    );
    assert_eq!(proof["number_hash"].as_str().unwrap().len(), 64);
    assert!(!proof.to_string().contains(DIGITS));
    // The calls of others have the same note.
    let of_others = |f: &String| {
        f.contains("call_other") || f.contains("call_third") || f.contains(WORDS) && f.contains("vox.sqlite")
    };
    let left: Vec<_> = left(&bridge).await.into_iter().filter(|f| !of_others(f)).collect();
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(bridge.call("call_other").await["session_id"], "call_other");
    assert!(!bridge.app.custodian.erase_due().await.unwrap(), "nothing is left to do");
    bridge.stop().await;
}

#[tokio::test]
async fn an_erasure_waits_for_a_running_call_leaves_a_held_one_and_is_carried_on() {
    let bridge = TestBridge::start().await;
    let admin = bridge.token(Role::Admin).await;
    call(&bridge, "call_running", &[("caller_id", NUMBER)], false).await;
    call(&bridge, "call_held", &[("caller_id", NUMBER)], true).await;
    call(&bridge, "call_ended", &[("caller_id", NUMBER)], true).await;
    let listed = bridge.send(Method::POST, "/api/v1/dnc", &admin, json!({"number": NUMBER})).await;
    assert!(listed.status().is_success());
    let hold = bridge.request(Method::PUT, "/api/v1/calls/call_held/hold").bearer_auth(&admin);
    assert_eq!(hold.send().await.unwrap().status(), StatusCode::OK);

    let id = ask(&bridge, &admin, json!({"number": NUMBER})).await;
    // A bridge that takes it and is killed: nobody else gets it before its time is over.
    let (now, lease) = (bridge.now().into(), SignedDuration::from_mins(2));
    assert!(bridge.app.stores.all_erasures().claim(now, lease).await.unwrap().is_some());
    assert!(!bridge.app.custodian.erase_due().await.unwrap());
    bridge.clock.advance(lease);
    assert!(bridge.app.custodian.erase_due().await.unwrap());
    let first = proof(&bridge, &admin, &id).await;
    assert_eq!(
        (&first["status"], &first["calls_deleted"], &first["calls_held"], &first["calls_waiting"]),
        (&json!("running"), &json!(1), &json!(1), &json!(1)),
        "{first}"
    );
    end(&bridge, "call_running", WORDS).await;
    bridge.clock.advance(lease);
    assert!(bridge.app.custodian.erase_due().await.unwrap());
    let done = proof(&bridge, &admin, &id).await;
    assert_eq!(
        (&done["status"], &done["calls_deleted"], &done["calls_held"]),
        (&json!("done"), &json!(2), &json!(1))
    );
    assert_eq!(done["on_do_not_call_list"], true, "so that nobody calls again");

    let lift = bridge.request(Method::DELETE, "/api/v1/calls/call_held/hold").bearer_auth(&admin);
    assert_eq!(lift.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let again = ask(&bridge, &admin, json!({"number": NUMBER, "remove_from_do_not_call": true})).await;
    assert!(bridge.app.custodian.erase_due().await.unwrap());
    let second = proof(&bridge, &admin, &again).await;
    assert_eq!((&second["calls_deleted"], &second["on_do_not_call_list"]), (&json!(1), &json!(false)));
    assert_eq!(second["number_hash"], done["number_hash"]);
    assert_eq!(
        left(&bridge).await.into_iter().filter(|f| f.contains(DIGITS)).collect::<Vec<_>>(),
        Vec::<String>::new()
    );

    let other = bridge.insert_tenant("elsewhere").await;
    let stranger = bridge.token_of(&other, Role::Admin).await;
    let asked = bridge.get(&format!("/api/v1/erasures/{id}")).bearer_auth(stranger).send().await.unwrap();
    assert_eq!(asked.status(), StatusCode::NOT_FOUND);
    let bad = bridge.send(Method::POST, "/api/v1/erasures", &admin, json!({"number": "none"})).await;
    assert_eq!(bad.status(), StatusCode::UNPROCESSABLE_ENTITY);
    bridge.stop().await;
}

/// A held call whose archived part is lost kept its erasure from its end, and of others that were lost nothing was said.
#[tokio::test]
async fn an_erasure_ends_though_what_was_archived_is_lost_and_says_what() {
    let bridge = TestBridge::start().await;
    let admin = bridge.token(Role::Admin).await;
    let calls = bridge.app.stores.calls(&bridge.tenant());
    for session in ["call_lost", "call_held", "call_there"] {
        call(&bridge, session, &[("caller_id", NUMBER)], true).await;
        let name = Depot::new_name();
        let mut archived = calls.get_call(&session.parse().unwrap()).await.unwrap();
        let part = archived.value.take_heavy().unwrap();
        let (tier, object) = (Some(Tier::Archive), Some(name.clone()));
        archived.value.kept = Some(Kept { tier, object, objects: vec![name.clone()] });
        calls.shelve_call(archived).await.unwrap();
        if session == "call_there" {
            let packed = pack::pack(&part).unwrap();
            bridge.app.custodian.depot.put(&bridge.tenant(), &name, packed).await.unwrap();
        }
    }
    let hold = bridge.request(Method::PUT, "/api/v1/calls/call_held/hold").bearer_auth(&admin);
    assert_eq!(hold.send().await.unwrap().status(), StatusCode::OK);
    let id = ask(&bridge, &admin, json!({"number": NUMBER})).await;
    // A bridge had noted that it goes, and was killed; then it was held.
    bridge.damage(&ERASURES, &id, "going", json!(["call_held"])).await;
    assert!(bridge.app.custodian.erase_due().await.unwrap());
    let proof = proof(&bridge, &admin, &id).await;
    assert_eq!(
        (&proof["status"], &proof["calls_deleted"], &proof["calls_held"], &proof["calls_waiting"]),
        (&json!("done"), &json!(2), &json!(1), &json!(0)),
        "{proof}"
    );
    assert_eq!((&proof["calls_lost"], &proof["lost"]), (&json!(1), &json!(["call_lost"])), "{proof}");
    bridge.stop().await;
}
