//! A campaign from its contacts to its report: telephones that answer, are busy, refuse, ring in vain, and a machine, each SIPp behind a
//! carrier of its own; the dialler, the workers and the server are real.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::harness::{Exchange, Handset, eventually_within, spoken};

const MESSAGE: &str = "This is a message from the clinic.";
const GREETING: &str = "please leave a message after the tone";
const HELLO: &str = "hello";
/// The longest of them rings for fifteen seconds, and two calls run at a time.
const ALL_OF_IT_SECS: u64 = 110;

/// Numbers of a place where people may be called now: India, Hawaii, or the east of the United States.
fn number(n: u32) -> String {
    // The same ones when an hour strikes in midst of a test.
    static PREFIX: OnceLock<&str> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "the law looks at the real hour")]
    let prefix = PREFIX.get_or_init(|| match Timestamp::now().as_second().div_euclid(3_600).rem_euclid(24) {
        4..14 => "+91981055",
        0..4 => "+1808555",
        _ => "+1212555",
    });
    format!("{prefix}{:04}", 2_000 + n)
}

/// By what each came to, how many.
fn results(attempts: &Value) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for attempt in attempts["items"].as_array().expect("a page has items") {
        let result = attempt["result"].as_str().unwrap_or("none yet").to_owned();
        *found.entry(result).or_default() += 1;
    }
    found
}

#[tokio::test]
async fn and_its_report_says_what_came_of_each() {
    let exchange = Exchange::with_dialler(2).await;
    exchange
        .changes_bot(json!({
            "stt": {"provider": "pocketsphinx", "language": "en", "extra": {"expected": [GREETING, HELLO]}}
        }))
        .await;
    // Whom of them a contact reaches, the number decides that the bridge chooses for it; each may be shown once an hour.
    let (mut person, machine) = (Handset::answers().await, Handset::answers().await);
    let (busy, refuses, rings) = (
        Handset::refuses("486 Busy Here").await,
        Handset::refuses("603 Decline").await,
        Handset::rings().await,
    );
    let mut from = Vec::new();
    for (n, phone) in [&person, &machine, &busy, &refuses, &rings].into_iter().enumerate() {
        let own = number(7_000 + n as u32);
        exchange.carrier(&phone.address.to_string(), &own).await;
        from.push(own);
    }
    let all_day = json!([{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": "00:00", "end": "24:00"}]);
    let made = exchange
        .posts(
            "/campaigns",
            json!({"name": "Reminders", "bot_id": "appointment-reminder", "settings": {
                "hours": {"open": all_day}, "ring_secs": 15, "canary": 0, "numbers": {"from": from, "local": false, "per_hour": 1},
                "machines": {"on_voicemail": "leave_message", "message": MESSAGE},
                "pacing": {"mode": "reserve_first", "max_lines": 2}
            }}),
        )
        .await;
    assert_eq!(made.0, 201, "{}", made.1);
    let campaign = format!("/campaigns/{}", made.1["id"].as_str().unwrap());
    let text = (0..5).map(number).collect::<Vec<_>>().join("\n");
    let (status, added) = exchange.posts(&format!("{campaign}/contacts"), json!({"text": text})).await;
    assert_eq!((status, &added["counts"]["created"]), (200, &json!(5)), "{added}");
    let (status, started) = exchange.posts(&format!("{campaign}/start"), Value::Null).await;
    assert_eq!(status, 200, "{started}");

    let greets = async {
        person.line.says(&spoken(HELLO).await).await;
        let session = eventually_within(ALL_OF_IT_SECS, "the person is called", async || {
            let attempts = exchange.gets(&format!("{campaign}/attempts")).await;
            let mut all = attempts["items"].as_array()?.iter();
            let theirs = all.find(|attempt| attempt["from_number"] == from[0].as_str())?;
            (theirs["stage"] == "live").then(|| theirs["session_id"].as_str().map(str::to_owned))?
        })
        .await;
        person.line.hears_reply().await;
        exchange.orders(&session, "end", json!({})).await;
        person.ended_content().await;
    };
    let records = async {
        let pause = vec![0; 8_000 * 4 / 10];
        let mut tone = vox_harness::tone(8_000, 1_000.0);
        let beep: Vec<i16> = (0..25).flat_map(|_| tone()).collect();
        machine.line.says(&[spoken(GREETING).await, pause, beep].concat()).await;
        machine.ended_content().await;
    };
    tokio::join!(greets, records, busy.ended_content(), refuses.ended_content(), rings.ended_content());
    let attempts = eventually_within(ALL_OF_IT_SECS, "every attempt has a result", async || {
        let attempts = exchange.gets(&format!("{campaign}/attempts")).await;
        let is_over = |attempt: &Value| attempt["result"].is_string();
        let items = attempts["items"].as_array()?;
        (items.len() == 5 && items.iter().all(is_over)).then_some(attempts)
    })
    .await;
    let expected = [("busy", 1), ("declined", 1), ("done", 1), ("no_answer", 1), ("voicemail_left", 1)];
    let expected: BTreeMap<_, _> = expected.map(|(word, times)| (word.to_owned(), times)).into();
    assert_eq!(results(&attempts), expected, "{attempts}");
    for attempt in attempts["items"].as_array().unwrap() {
        assert!(attempt["dial_at"].is_string() && attempt["proof"].is_object(), "{attempt}");
    }
    let table = exchange.gets_text(&format!("{campaign}/attempts.csv")).await;
    assert_eq!(table.lines().count(), 6, "a header and a line for each: {table}");
}
