use secrecy::SecretString;
use serde_json::json;
use vox_shared::wire::result::{CallEvent, TurnLatency, Usage};
use vox_shared::wire::seat::{RoomSeat, Steered, Tally};

use super::*;

fn id() -> SessionId {
    "call_1".parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    "2026-11-20T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

fn accepted() -> Accepted {
    let accepted = json!({
        "session_id": "call_1", "bot_id": "faq", "worker_id": "w1", "transport": "livekit",
        "started_at": "2026-11-20T09:59:58Z", "bridge_url": "",
    });
    serde_json::from_value(accepted).unwrap()
}

/// A worker sits down so many seconds after the answer.
fn seated(worker: &str, second: i64, config: Option<Sealed>) -> JournalRecord {
    let seat = RoomSeat {
        room: "r".into(),
        caller: "visitor".into(),
        is_phone: false,
        room_is_ours: true,
        did: None,
    };
    JournalRecord::Seated(Box::new(Seated {
        session_id: id(),
        worker_id: worker.parse().unwrap(),
        at: at(second).to_string(),
        answered_at: at(0).to_string(),
        seat,
        config,
    }))
}

fn first() -> JournalRecord {
    let secret = SecretString::from("x".repeat(32));
    seated("w1", 0, Some(Sealed::seal(&secret, &about_config(&id()), b"{}".to_vec())))
}

fn turn(speaker: Speaker, text: &str, started_ms: u64) -> JournalRecord {
    let entry = TranscriptEntry {
        turn: 1,
        speaker,
        text: text.into(),
        confidence: None,
        started_ms,
        ended_ms: started_ms + 900,
        interrupted: false,
        words: Vec::new(),
        bot_id: None,
    };
    JournalRecord::Turn { session_id: id(), entry }
}

fn event(kind: &str, at_ms: u64) -> JournalRecord {
    let event = CallEvent { at_ms, event: kind.into(), why: "w".into(), data: serde_json::Map::new() };
    JournalRecord::Event { session_id: id(), event }
}

fn tally(told: u64, tokens: u64) -> JournalRecord {
    let latency = TurnLatency { total_ms: tokens as f64, ..TurnLatency::default() };
    JournalRecord::Tally(Box::new(Tally {
        session_id: id(),
        at_ms: 5_000,
        told,
        tokens,
        usage: vec![Usage { kind: "llm".into(), tokens_out: tokens, ..Usage::default() }],
        first_audio_ms: Some(150),
        latency: vec![latency],
        barge_in_ms: vec![300],
        why: Vec::new(),
        steered: vec![Steered { at_ms: 1, text: "Be brief.".into() }],
    }))
}

fn beyond(journal: &[JournalRecord], now: i64) -> Beyond {
    Wreck::of(&accepted(), journal, (at(9), at(now))).unwrap_err()
}

#[test]
fn lines_are_as_they_were_told_last_sums_as_the_last_tally_has_them() {
    let salvaged = Salvaged::of([
        first(),
        turn(Speaker::Bot, "One moment.", 0),
        turn(Speaker::Bot, "4111 1111, go on.", 1_000),
        tally(4, 100),
        turn(Speaker::Bot, "[card], go on.", 1_000),
        turn(Speaker::Caller, "And", 2_000),
        turn(Speaker::Caller, "And then?", 2_000),
        tally(9, 250),
        event("dtmf", 7_000),
    ]);
    let texts: Vec<&str> = salvaged.past.transcript.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["One moment.", "[card], go on.", "And then?"]);
    assert_eq!((salvaged.past.tokens, salvaged.past.usage[0].tokens_out, salvaged.told), (250, 250, 10));
    assert_eq!(
        (salvaged.past.latency.len(), salvaged.past.barge_in.len(), salvaged.past.steered.len()),
        (2, 2, 2)
    );
    assert_eq!(salvaged.newest_ms, 7_000);
    assert_eq!(salvaged.past.first_audio, Some(Duration::from_millis(150)));
}

#[test]
fn a_call_is_gone_on_with_three_times_and_not_by_one_worker_after_the_other_that_dies_of_it() {
    let mut journal = vec![first(), turn(Speaker::Bot, "Hello.", 0)];
    let wreck = Wreck::of(&accepted(), &journal, (at(9), at(10))).unwrap();
    assert_eq!((wreck.salvaged.past.times, wreck.salvaged.recovered().len()), (1, 0));
    assert_eq!(wreck.media_time(at(10)), Duration::from_secs(10));
    assert_eq!(wreck.media_time(at(-60)), Duration::from_millis(900), "a clock that was set back");
    for (second, worker) in [(20, "w2"), (40, "w3"), (60, "w4")] {
        journal.push(seated(worker, second, None));
        let died_at_once = beyond(&journal, second + 2);
        let later = Wreck::of(&accepted(), &journal, (at(9), at(second + 10)));
        match worker {
            "w4" => assert_eq!((died_at_once, later.unwrap_err()), (Beyond::TooOften, Beyond::TooOften)),
            _ => assert_eq!((died_at_once, later.is_ok()), (Beyond::DiedOfIt, true)),
        }
    }
    let recovered = Salvaged::of(journal).recovered();
    let told: Vec<_> = recovered.iter().map(|by| (by.worker_id.as_str(), by.at_ms)).collect();
    assert_eq!(told, [("w2", 20_000), ("w3", 40_000), ("w4", 60_000)]);
}

#[test]
fn what_is_over_or_was_never_begun_is_left_alone() {
    assert_eq!(beyond(&[turn(Speaker::Bot, "Hello.", 0)], 10), Beyond::NoSeat);
    assert_eq!(beyond(&[seated("w1", 0, None)], 10), Beyond::NoConfig);
    assert_eq!(beyond(&[first(), event("ended", 8_000)], 10), Beyond::Ended);
    assert_eq!(beyond(&[first()], 5 * 3_600), Beyond::TooOld);
}
