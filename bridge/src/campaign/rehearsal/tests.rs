use serde_json::json;

use super::super::calendar::Calendar;
use super::super::import::row::{Draft, Maker};
use super::stage::{Outage, Told};
use super::*;

fn stage(settings: serde_json::Value) -> Stage {
    // A Monday, half past five in the afternoon in India.
    let from: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
    let settings = serde_json::from_value(settings).unwrap();
    let expectation = Figures::default().expected();
    Stage {
        tenant: "ten_a".parse().unwrap(),
        calendar: Calendar::default(),
        campaigns: vec![Played { id: "cmp_a".parse().unwrap(), settings, expectation }],
        lines: (0..4).filter_map(any_line).collect(),
        tenant_lines: u32::MAX,
        slots: u32::MAX,
        from,
        until: from + LONGEST,
        troubles: Troubles::default(),
    }
}

fn cast_of(stage: &Stage, phones: impl Iterator<Item = String>) -> Cast {
    let played = &stage.campaigns[0];
    let maker = Maker {
        tenant: &stage.tenant,
        campaign: &played.id,
        settings: &played.settings,
        partitions: 16,
        now: stage.from,
        import: None,
    };
    let person = |phone: String| {
        let (_, contact) = maker.make(Draft { phones: vec![phone], ..Draft::default() }).unwrap();
        Person { campaign: 0, contact }
    };
    Cast { people: phones.map(person).collect(), ..Cast::default() }
}

/// Weeks of virtual time: everybody comes to an end, nobody is rung at the wrong hour, nor too often; and the same dice fall the same.
#[test]
fn a_campaign_is_over_and_kept_its_rules() {
    let stage = stage(json!({"region": "IN", "pacing": {"max_lines": 8}}));
    let cast = cast_of(&stage, (0..240).map(|n| format!("98765{n:05}")));
    let outcome = play(&stage, cast.clone(), 7);
    assert_eq!((outcome.outside, outcome.unfinished), (0, 0), "{outcome:?}");
    assert!((240..=240 * 6).contains(&outcome.attempts), "{outcome:?}");
    assert!(outcome.answers > 100 && outcome.answers <= 240, "{outcome:?}");
    assert!(outcome.busiest_hour <= 2 * 25, "a number has 25 calls in any hour: {outcome:?}");
    assert!(outcome.ended_at > stage.from, "{outcome:?}");
    assert_eq!(play(&stage, cast.clone(), 7), outcome);
    assert_ne!(play(&stage, cast, 8), outcome);
}

#[test]
fn who_cannot_be_called_is_told_and_holds_nothing_up() {
    let stage = stage(json!({"region": "IN", "purpose": "sales"}));
    let mut cast = cast_of(&stage, (0..3).map(|n| format!("98765{n:05}")));
    for person in &mut cast.people[..2] {
        let source = "form".into();
        let consent = crate::store::contacts::ConsentRecord { source, given_at: None, expires_at: None };
        person.contact.consent = Some(consent);
    }
    cast.listed.insert("+919876500001".parse().unwrap());
    let outcome = play(&stage, cast, 1);
    let skipped = [("do_not_call".to_owned(), 1), ("no_consent".to_owned(), 1)];
    assert_eq!(outcome.skipped, BTreeMap::from(skipped));
    assert!(outcome.attempts >= 1 && outcome.unfinished == 0, "{outcome:?}");
}

/// What the dialler had in flight when it died is lost or taken back, and a carrier that is away costs nobody an attempt.
#[test]
fn what_goes_wrong_is_recovered_from() {
    let mut stage = stage(json!({
        "region": "IN", "canary": 0,
        "pacing": {"max_lines": 20, "mode": "reserve_first"}, "numbers": {"per_hour": 1_000, "per_day": 5_000},
    }));
    let (half_a_minute, three) = (SignedDuration::from_secs(30), SignedDuration::from_mins(3));
    stage.troubles.crashes = vec![stage.from + half_a_minute];
    let until = stage.from + three + SignedDuration::from_mins(15);
    let away = Outage { trunk: "any".into(), from: stage.from + three, until };
    stage.troubles.outages = vec![away.clone()];
    let cast = cast_of(&stage, (0..400).map(|n| format!("98765{n:05}")));
    let mut results = BTreeMap::<&str, u32>::new();
    let mut refused_later = 0;
    let mut tell = |told: Told<'_>| {
        if let Told::Ended { result, at, .. } = told {
            *results.entry(result.as_str()).or_default() += 1;
            let is_late = result.as_str() == "congestion" && at > away.until + half_a_minute;
            refused_later += u32::from(is_late);
        }
    };
    let mut telephones = Usual::new(&stage, 3);
    let outcome = World::new(&stage, cast, &mut telephones, &mut tell, 3).play();
    assert_eq!((outcome.outside, outcome.unfinished), (0, 0), "{outcome:?}");
    let of = |result: &str| results.get(result).copied().unwrap_or_default();
    assert!((1..=20).contains(&of("lost")), "{results:?}");
    assert!((1..=200).contains(&of("congestion")), "the breaker leaves it alone: {results:?}");
    assert_eq!(refused_later, 0);
}
