use serde_json::json;
use vox_shared::wire::result::Callback;

use super::*;
use crate::campaign::calendar::EMPTY;
use crate::campaign::phone::Kind;
use crate::campaign::settings::Settings;
use crate::fields::typed;

/// A Monday, 10:00 in Kolkata.
const NOON: &str = "2026-11-30T04:30:00Z";

fn now() -> Stamp {
    Stamp(NOON.parse().unwrap())
}

fn number(number: &str) -> ContactNumber {
    ContactNumber { number: number.parse().unwrap(), region: "IN".into(), kind: Kind::Mobile, stopped: None }
}

fn contact() -> Contact {
    let whose = ("ten_1".parse().unwrap(), "cmp_1".parse().unwrap(), 0);
    let mut contact = Contact::new(whose, vec![number("+919876543210"), number("+919876543211")], now());
    contact.att = 1;
    contact.hold(ContactStatus::Dialing, "con_1.1".parse().unwrap(), 3);
    contact
}

fn happened(result: AttemptResult, draw: f64) -> Happened<'static> {
    let number = "+919876543210";
    let (rung_at, now) = (Some(now()), now());
    Happened { result, number, rung_at, word: None, retry_after: None, refuses_many: false, now, draw }
}

fn settings(of: serde_json::Value) -> Settings {
    typed(of).unwrap()
}

fn by(settings: &Settings) -> Rules<'_> {
    Rules { settings, calendar: &EMPTY }
}

fn after(result: AttemptResult, change: impl FnOnce(&mut Contact)) -> Contact {
    let mut contact = contact();
    change(&mut contact);
    follow(&mut contact, by(&Settings::default()), happened(result, 0.5));
    contact
}

fn local(at: Stamp) -> jiff::civil::DateTime {
    TimeZone::get("Asia/Kolkata").unwrap().to_datetime(at.0)
}

#[test]
fn each_result_has_one_consequence() {
    for result in AttemptResult::ALL {
        let contact = after(*result, |_| {});
        assert!(contact.attempt.is_none() && contact.held_epoch.is_none(), "{result:?}");
        assert_eq!(contact.lane.is_some(), contact.status == ContactStatus::Ready, "{result:?}");
        assert_eq!(contact.counted, u32::from(result.counts()), "{result:?}");
    }
}

#[test]
fn whoever_was_spoken_with_is_done_and_whoever_opted_out_is_blocked() {
    let status = |result| after(result, |_| {}).status;
    assert_eq!(status(AttemptResult::Done), ContactStatus::Done);
    assert_eq!(status(AttemptResult::OptOut), ContactStatus::Blocked);
}

#[test]
fn a_wait_is_stretched_by_less_than_a_sixth_and_evenly() {
    let mut waits: Vec<f64> = (0..400)
        .map(|n| {
            let mut contact = contact();
            follow(
                &mut contact,
                by(&Settings::default()),
                happened(AttemptResult::Busy, f64::from(n) / 400.0),
            );
            contact.next_at.0.duration_since(now().0).as_secs_f64() / 600.0
        })
        .collect();
    waits.sort_by(f64::total_cmp);
    // Kolmogorov and Smirnov's distance to the even law between 0.85 and 1.15.
    let distance = waits
        .iter()
        .zip(1..)
        .map(|(wait, n)| (f64::from(n) / 400.0 - (wait - 0.85) / 0.3).abs())
        .fold(0.0, f64::max);
    assert!(waits[0] >= 0.849 && waits[399] <= 1.151, "{} {}", waits[0], waits[399]);
    assert!(distance < 0.01, "{distance}");
}

#[test]
fn nobody_is_tried_at_the_same_part_of_the_day_before_the_others() {
    let mut contact = contact();
    let mut parts = vec![part_of(local(now()).time())];
    let rules =
        settings(json!({"retries": {"no_answer": {"delays_min": [60, 60, 60], "other_day_part": true}}}));
    let mut rung = now();
    for n in 0..3 {
        let draw = f64::from(n) / 3.0;
        let what = Happened { rung_at: Some(rung), now: rung, ..happened(AttemptResult::NoAnswer, draw) };
        follow(&mut contact, by(&rules), what);
        assert_eq!(contact.status, ContactStatus::Ready);
        assert!(contact.next_at > rung);
        rung = contact.next_at;
        parts.push(part_of(local(rung).time()));
    }
    parts.sort_unstable();
    assert_eq!(parts, [Some(0), Some(1), Some(2), Some(3)]);
}

#[test]
fn every_time_is_one_at_which_the_place_may_be_rung() {
    for n in 0..500_i32 {
        let at = now() + SignedDuration::from_mins(i64::from(n) * 37);
        for result in
            [AttemptResult::NoAnswer, AttemptResult::Busy, AttemptResult::Lost, AttemptResult::Throttled]
        {
            let mut contact = contact();
            let draw = f64::from(n % 50) / 50.0;
            follow(&mut contact, by(&Settings::default()), Happened { now: at, ..happened(result, draw) });
            let hour = local(contact.next_at).hour();
            assert!((9..20).contains(&hour), "{result:?} at {at} gives {}", contact.next_at);
            assert!(contact.next_at > at);
        }
    }
}

#[test]
fn after_the_last_wait_comes_the_next_number_and_then_the_end() {
    let busy = |contact: &mut Contact| contact.results = vec![AttemptResult::Busy; 3];
    let next = after(AttemptResult::Busy, busy);
    assert_eq!((next.status, next.number_at), (ContactStatus::Ready, 1));
    let last = after(AttemptResult::Busy, |contact| {
        busy(contact);
        contact.numbers.reverse();
        contact.number_at = 1;
    });
    assert_eq!((last.status, last.reason.as_deref()), (ContactStatus::Done, Some("busy")));
    let capped = after(AttemptResult::Busy, |contact| contact.counted = 5);
    assert_eq!((capped.status, capped.reason.as_deref()), (ContactStatus::Done, Some("cap")));
}

#[test]
fn a_number_of_no_use_gives_way_to_the_next_one() {
    let next = after(AttemptResult::InvalidNumber, |_| {});
    assert_eq!(next.numbers[0].stopped.as_deref(), Some("invalid_number"));
    assert_eq!((next.status, next.number_at), (ContactStatus::Ready, 1));
}

#[test]
fn a_fault_of_ours_does_not_count_and_is_waited_out_longer_each_time() {
    let wait = |before: usize| {
        let contact =
            after(AttemptResult::Infra, |contact| contact.results = vec![AttemptResult::Infra; before]);
        assert_eq!(contact.counted, 0);
        contact.next_at.0.duration_since(now().0).as_secs()
    };
    assert_eq!([wait(0), wait(1), wait(2), wait(9), wait(30)], [30, 60, 120, 960, 960]);
}

#[test]
fn a_carrier_that_names_a_pause_has_it() {
    let mut contact = contact();
    let pause = Some(Duration::from_secs(600));
    follow(
        &mut contact,
        by(&Settings::default()),
        Happened { retry_after: pause, ..happened(AttemptResult::Congestion, 0.5) },
    );
    assert_eq!(contact.next_at, now() + SignedDuration::from_secs(600));
}

#[test]
fn a_promise_is_kept_on_the_number_that_was_wished() {
    let wish = |at: &str, number: &str| Word {
        callback: Some(Callback { at: at.into(), number: number.into(), note: String::new() }),
        ..Word::default()
    };
    let called = |word: &Word| {
        let mut contact = contact();
        let what = Happened { word: Some(word), ..happened(AttemptResult::Callback, 0.5) };
        follow(&mut contact, by(&Settings::default()), what);
        contact
    };
    let contact = called(&wish("2026-12-01T06:00:00Z", "+919812345678"));
    assert_eq!(
        (contact.class, contact.next_at.to_string().as_str()),
        (Class::Callback, "2026-12-01T06:00:00.000000Z")
    );
    assert_eq!(contact.numbers[contact.number_at].number.as_str(), "+919812345678");
    let at_night = called(&wish("2026-12-01T20:00:00Z", "+919876543210"));
    assert_eq!((local(at_night.next_at).hour(), at_night.number_at), (9, 0), "in the morning after");
    assert_eq!(called(&wish("soon", "+919876543210")).status, ContactStatus::Review);
}

#[test]
fn nothing_follows_what_expires_before() {
    let expires = |contact: &mut Contact| contact.expires_at = Some(now() + SignedDuration::from_mins(5));
    let contact = after(AttemptResult::Busy, expires);
    assert_eq!((contact.status, contact.reason.as_deref()), (ContactStatus::Done, Some("expired")));
}

#[test]
fn what_was_lost_waits_for_half_an_hour_or_for_a_person() {
    let lost = after(AttemptResult::Lost, |_| {});
    assert_eq!(lost.next_at, now() + SignedDuration::from_mins(30));
    let mut contact = contact();
    let rules = settings(json!({"lost_policy": "report_only"}));
    follow(&mut contact, by(&rules), happened(AttemptResult::Lost, 0.5));
    assert_eq!(contact.status, ContactStatus::Review);
}

/// The list was sent again while it rang.
#[test]
fn what_a_ring_says_is_said_of_the_number_that_rang() {
    let turned = after(AttemptResult::InvalidNumber, |contact| contact.numbers.reverse());
    let stopped: Vec<bool> = turned.numbers.iter().map(|number| number.stopped.is_some()).collect();
    assert_eq!((stopped, turned.status), (vec![false, true], ContactStatus::Done), "it was the last");
    let renewed = after(AttemptResult::InvalidNumber, |contact| {
        contact.numbers = vec![number("+919876543212"), number("+919876543211")];
    });
    assert!(renewed.numbers.iter().all(|number| number.stopped.is_none()));
    assert_eq!((renewed.number_at, renewed.status), (0, ContactStatus::Ready), "the new one is next");
}

#[test]
fn a_number_is_not_stopped_for_a_carrier_that_refuses_many() {
    let (mut theirs, mut its) = (contact(), contact());
    for (contact, refuses_many) in [(&mut theirs, true), (&mut its, false)] {
        for _ in 0..2 {
            let what = Happened { refuses_many, ..happened(AttemptResult::Forbidden, 0.5) };
            follow(contact, by(&Settings::default()), what);
        }
    }
    assert_eq!((theirs.status, theirs.number_at, theirs.counted), (ContactStatus::Ready, 0, 0));
    assert!(theirs.numbers[0].stopped.is_none());
    assert_eq!((its.number_at, its.numbers[0].stopped.as_deref()), (1, Some("forbidden")));
}
