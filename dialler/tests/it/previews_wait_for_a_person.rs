//! In a campaign of the mode `preview` nobody's telephone rings before a person has let the call through, and then it rings once.

use serde_json::{Value, json};
use vox_testkit::exchange::callees::{Class, Fate, Side};

use crate::harness::{World, number, text};

#[tokio::test]
async fn only_whom_a_person_let_through_is_rung() {
    let answers =
        Fate::Answered { after_ms: 3_000, class: Class::Human, talk_ms: 60_000, hangs_up: Side::Callee };
    let world = World::start(&[answers.clone(), answers], false).await;
    let dialler = world.dialler();
    let campaign = world.campaign_set(2, json!({"pacing": {"mode": "preview", "max_lines": 8}})).await;
    world.looks_twice(&dialler, &campaign).await;
    let cards = format!("/api/v1/campaigns/{campaign}/cards");
    let card: Value = world.post(&format!("{cards}/next"), &json!({})).await["card"].take();
    let (contact, called) = (text(&card["contact"], "id"), text(&card["contact"]["numbers"][0], "number"));
    assert!(called == number(0) || called == number(1), "{card}");
    assert!(world.invited().is_empty(), "nobody said anything yet");

    world.post(&format!("{cards}/{contact}/accept"), &json!({})).await;
    let attempts = world
        .eventually("a result", async || {
            let attempts = world.attempts(&campaign).await;
            attempts.values().any(|attempt| attempt["result"].is_string()).then_some(attempts)
        })
        .await;
    assert_eq!(text(&attempts[&called], "result"), "done");
    world.looks_twice(&dialler, &campaign).await;
    assert_eq!(world.invited(), [called], "the other one waits for somebody to look at it");
    let status = world.get(&format!("/api/v1/campaigns/{campaign}/status")).await;
    assert_eq!((&status["limiting"]["factor"], &status["due"]), (&json!("cards"), &json!(1)), "{status}");
    dialler.end().await;
    world.end().await;
}
