//! Figure 47 with fewer people: thirty days of six campaigns in virtual time, judged by the journal alone; and the judge finds whatever is
//! tampered with. The whole of it is `cargo run --release -p vox-bridge --example month`.

#[path = "../../examples/month/diary.rs"]
mod diary;
#[path = "../../examples/month/people.rs"]
mod people;
#[path = "../../examples/month/plan.rs"]
mod plan;

use jiff::SignedDuration;
use vox_bridge::campaign::calendar::Calendar;
use vox_testkit::campaign::journal::{Closed, Dial, Holiday, Journal};
use vox_testkit::campaign::judge::judge;

const SEED: u64 = 47;

/// What is done to a journal, and the rule that is broken by it.
type Tampering = (&'static str, fn(&mut Journal));

/// One for each rule of the judge.
const TAMPERINGS: [Tampering; 18] = [
    ("everybody has one end, with one reason, and no call after it", |journal| drop(journal.closed.pop())),
    ("everybody has one end, with one reason, and no call after it", |journal| {
        let again = Closed { reason: "again".into(), ..journal.closed[0].clone() };
        journal.closed.push(again);
    }),
    ("one INVITE an attempt at most, and every call has an end", |journal| {
        let same = Dial { at: until(&journal.dials[0]), ..journal.dials[0].clone() };
        journal.dials.push(same);
    }),
    ("one INVITE an attempt at most, and every call has an end", |journal| journal.dials[0].ended = None),
    ("no more attempts of a person than the campaign allows", |journal| {
        journal.terms.campaigns.iter_mut().for_each(|campaign| campaign.attempts = 1);
    }),
    ("nobody without the consent that is needed, or after their time", |journal| {
        journal.terms.people.iter_mut().for_each(|person| person.consent = None);
    }),
    ("nobody after they opted out, or their number was listed", |journal| {
        let listed = (journal.dials[0].number.clone(), journal.dials[0].at);
        journal.listed.push(listed);
    }),
    ("no call outside the hours of place, campaign and tenant", |journal| {
        journal.dials[0].at -= SignedDuration::from_hours(12);
    }),
    ("no call on a holiday or a closed day", |journal| {
        let days = (1..=5).map(|day| (2027, 3, day));
        let off = days.map(|day| Holiday { day, regions: vec!["DE".into()], zones: Vec::new() });
        journal.terms.holidays.extend(off);
    }),
    ("no number rings twice at once", |journal| {
        let dial = &journal.dials[0];
        let other = (dial.person + 1) % journal.terms.people.len();
        let second = Dial { person: other, att: 900, ..dial.clone() };
        journal.dials.push(second);
    }),
    ("no number rings more often in 24 hours than its campaign and its place allow", |journal| {
        journal.terms.campaigns.iter_mut().for_each(|campaign| campaign.number_day = 1);
    }),
    ("two rings of a number are apart, but for busy ones and promised calls", |journal| {
        journal.terms.campaigns.iter_mut().for_each(|campaign| campaign.number_gap_min = 100_000);
    }),
    ("no number rings that declined, was left in silence, or is of no use", |journal| {
        for dial in &mut journal.dials {
            if let Some((_, result)) = dial.ended.as_mut().filter(|(_, result)| result == "no_answer") {
                *result = "fax".into();
            }
        }
    }),
    ("no more calls at once than the trunk, the campaign and the tenant have lines", |journal| {
        journal.terms.trunks.iter_mut().for_each(|trunk| trunk.lines = 1);
    }),
    ("no second has more calls of a trunk than it takes", |journal| {
        let burst = vec![journal.dials[0].clone(); journal.terms.trunks[0].per_second + 10];
        journal.dials.extend(burst);
    }),
    ("no caller is shown more often in an hour than the campaign says", |journal| {
        journal.terms.campaigns.iter_mut().for_each(|campaign| campaign.per_hour = 3);
    }),
    ("no caller is shown more often in a day than the campaign says, less when it is new", |journal| {
        journal.terms.campaigns.iter_mut().for_each(|campaign| campaign.per_day = 3);
    }),
    ("no more abandoned calls than the campaign may have, at the end of each day", |journal| {
        for dial in &mut journal.dials {
            if let Some((_, result)) = dial.ended.as_mut().filter(|(_, result)| result == "done") {
                *result = "abandoned".into();
            }
        }
    }),
];

fn until(dial: &Dial) -> jiff::Timestamp {
    dial.ended.as_ref().map_or(dial.at, |(at, _)| *at)
}

#[test]
fn thirty_days_are_over_and_every_rule_was_kept() {
    let month = plan::month(1_000, SEED).unwrap();
    let (outcome, journal) = diary::play(month, SEED);
    let verdict = judge(&journal);
    assert!(verdict.is_clean(), "{verdict}\n{outcome:?}");
    assert!(verdict.0.iter().all(|finding| finding.looked_at > 0), "{verdict}");
    assert_eq!((outcome.unfinished, outcome.outside), (0, 0), "{outcome:?}");
    let results = ["lost", "congestion", "opt_out", "callback", "done", "no_answer"];
    let has = |result: &str| {
        journal.dials.iter().any(|dial| dial.ended.as_ref().is_some_and(|(_, told)| told == result))
    };
    assert!(results.into_iter().all(has), "something did not happen: {outcome:?}");
    for (rule, tamper) in TAMPERINGS {
        let mut tampered = journal.clone();
        tamper(&mut tampered);
        let broken = judge(&tampered).broken();
        assert!(broken.contains(&rule), "{rule}: {broken:?}");
    }
    // Somebody sleeps through a morning.
    let mut slept = journal;
    let (campaign, until) = (2, "2027-03-01T10:00:00Z".parse().unwrap());
    let (people, from) = (&slept.terms.people, slept.terms.from);
    slept.dials.retain(|dial| people[dial.person].campaign != campaign || dial.at > until);
    slept.dues.retain(|due| {
        people[due.person].campaign != campaign || due.known_at == from || due.known_at > until
    });
    let broken = judge(&slept).broken();
    assert!(
        broken.contains(&"no stretch of ten minutes without a call while somebody could be called"),
        "{broken:?}"
    );
}

/// The rules of the run are not those of the judge: what one of them lets through the other finds.
#[test]
fn a_rule_that_is_switched_off_is_found() {
    let mut month = plan::month(300, SEED).unwrap();
    month.stage.calendar = Calendar::default();
    let off = Holiday { day: (2027, 3, 2), regions: Vec::new(), zones: Vec::new() };
    month.terms.holidays.push(off);
    for played in &mut month.stage.campaigns {
        (played.settings.caps.number_day, played.settings.caps.number_gap_min) = (10, 10);
        played.settings.numbers.per_hour = 1_000;
    }
    let (_, journal) = diary::play(month, SEED);
    let broken = judge(&journal).broken();
    for rule in [
        "no call outside the hours of place, campaign and tenant",
        "no call on a holiday or a closed day",
        "two rings of a number are apart, but for busy ones and promised calls",
    ] {
        assert!(broken.contains(&rule), "{rule}: {broken:?}");
    }
}
