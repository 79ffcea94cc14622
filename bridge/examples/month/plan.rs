//! A month of six campaigns of one tenant, drawn from a seed: whom they call, from which numbers, by what they go, and what goes wrong. The
//! same is said twice: as the bridge takes it, and as the judge knows it.

use anyhow::{Context, anyhow};
use jiff::civil::Weekday::{self, Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use vox_bridge::campaign::calendar::{Calendar, Holiday, QuietHours};
use vox_bridge::campaign::calls::Line;
use vox_bridge::campaign::figures::Expectation;
use vox_bridge::campaign::import::row::{Draft, Maker};
use vox_bridge::campaign::rehearsal::stage::{Cast, Outage, Person, Played, Stage, Troubles};
use vox_bridge::campaign::settings::Settings;
use vox_bridge::store::Stamp;
use vox_bridge::store::contacts::Contact;
use vox_dialler::pacing::dice::Dice;
use vox_testkit::campaign::journal as known;

/// As many people as the figure has; with fewer there are fewer numbers to call from.
pub const ALL: usize = 100_000;
/// A Monday. In the month the clocks of America and of Europe change.
const FROM: &str = "2027-03-01T00:00:00Z";
const DAYS: i64 = 30;
/// On so many first days as many people come as on every other of them.
const COMING_DAYS: usize = 12;
const TENANT: &str = "ten_month";
/// Calls at once of the tenant.
const TENANT_LINES: u32 = 110;
/// For how long the tenant has a caller: a new one, and the others.
const NEW: SignedDuration = SignedDuration::from_hours(24);
const OLD: SignedDuration = SignedDuration::from_hours(60 * 24);
/// Second numbers of people are so far behind their first ones.
const SECOND_NUMBER: u64 = 50_000;
/// How people and machines answer, and for how long they talk, as far as the pacing is told before it begins.
const EXPECTED: Expectation = Expectation { human: 0.27, machine: 0.26, talk_secs: 70.0 };

const DAILY: &[Weekday] = &[Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday];
const BUT_SUNDAYS: &[Weekday] = &[Monday, Tuesday, Wednesday, Thursday, Friday, Saturday];

/// Numbers one after the other, from the first on.
const INDIA: u64 = 919_876_500_000;
const NEW_YORK: u64 = 12_122_000_000;
const MIAMI: u64 = 13_052_000_000;
const CHICAGO: u64 = 13_122_000_000;
const SAN_FRANCISCO: u64 = 14_152_000_000;
const LONDON: u64 = 442_079_400_000;
const GERMANY: u64 = 4_915_112_300_000;
const PARIS: u64 = 33_142_760_000;
const SYDNEY: u64 = 61_281_230_000;
const AUSTRALIA: u64 = 61_412_300_000;

/// Callers of a place: their first digits, how many there are for all people, and their trunks, which take turns.
struct Pool {
    first: &'static str,
    most: usize,
    trunks: &'static [usize],
}

const POOLS: [Pool; 5] = [
    Pool { first: "+91223333", most: 24, trunks: &[0] },
    Pool { first: "+1646333", most: 22, trunks: &[1, 2] },
    Pool { first: "+4930333", most: 14, trunks: &[3] },
    Pool { first: "+44203333", most: 20, trunks: &[3] },
    Pool { first: "+61283333", most: 12, trunks: &[4] },
];

/// Name, lines and calls a second of each trunk.
const TRUNKS: [(&str, u32, u32); 5] =
    [("ST_IN", 40, 10), ("ST_US_1", 24, 5), ("ST_US_2", 24, 5), ("ST_EU", 60, 10), ("ST_AU", 18, 3)];

/// A campaign in outline.
struct Sketch {
    id: &'static str,
    /// Of a hundred people.
    share: usize,
    blocks: &'static [u64],
    pools: &'static [usize],
    days: &'static [Weekday],
    /// Minutes after midnight.
    open: (u32, u32),
    max_lines: u32,
    number_day: u32,
    gap_min: u32,
    attempts: u32,
    abandon_percent: f64,
    consents: bool,
}

const SKETCHES: [Sketch; 6] = [
    Sketch { id: "cmp_india", share: 26, max_lines: 30, ..COMMON },
    Sketch {
        id: "cmp_america",
        share: 24,
        blocks: &[NEW_YORK, CHICAGO, SAN_FRANCISCO, MIAMI],
        pools: &[1],
        days: BUT_SUNDAYS,
        ..COMMON
    },
    Sketch { id: "cmp_germany", share: 14, blocks: &[GERMANY], pools: &[2], max_lines: 40, ..COMMON },
    Sketch {
        id: "cmp_west",
        share: 14,
        blocks: &[LONDON, PARIS],
        pools: &[3],
        gap_min: 240,
        open: (9 * 60 + 30, 19 * 60),
        ..COMMON
    },
    Sketch {
        id: "cmp_australia",
        share: 10,
        blocks: &[SYDNEY, AUSTRALIA],
        pools: &[4],
        max_lines: 16,
        abandon_percent: 0.0,
        consents: true,
        ..COMMON
    },
    // The same people as those of the first two, and the same callers.
    Sketch {
        id: "cmp_both",
        share: 12,
        blocks: &[INDIA, NEW_YORK],
        pools: &[0, 1],
        max_lines: 20,
        number_day: 2,
        attempts: 4,
        abandon_percent: 0.0,
        ..COMMON
    },
];

const COMMON: Sketch = Sketch {
    id: "",
    share: 0,
    blocks: &[INDIA],
    pools: &[0],
    days: DAILY,
    open: (9 * 60, 20 * 60),
    max_lines: 24,
    number_day: 3,
    gap_min: 120,
    attempts: 6,
    abandon_percent: 3.0,
    consents: false,
};

/// A holiday of the tenant's.
struct Off {
    written: &'static str,
    day: (i16, i8, i8),
    regions: &'static [&'static str],
    zones: &'static [&'static str],
}

const OFF: [Off; 4] = [
    Off { written: "2027-03-22", day: (2027, 3, 22), regions: &["IN"], zones: &[] },
    Off { written: "03-26", day: (2027, 3, 26), regions: &["DE", "GB", "AU"], zones: &[] },
    Off { written: "2027-03-08", day: (2027, 3, 8), regions: &[], zones: &["Europe/Berlin"] },
    Off { written: "03-10", day: (2027, 3, 10), regions: &[], zones: &[] },
];

/// Calls of one caller in an hour and in a day.
const PER_HOUR: u32 = 45;
const PER_DAY: u32 = 400;

/// A month that is to be played and judged.
pub struct Month {
    pub stage: Stage,
    pub cast: Cast,
    pub terms: known::Terms,
}

/// A month of so many people.
pub fn month(people: usize, seed: u64) -> anyhow::Result<Month> {
    let from: Timestamp = FROM.parse()?;
    let until = from + SignedDuration::from_hours(24 * DAYS);
    let (callers, lines) = callers(people, from)?;
    let mut terms = known::Terms {
        trunks: TRUNKS.iter().map(|(_, lines, per_second)| trunk(*lines, *per_second)).collect(),
        campaigns: SKETCHES.iter().map(|sketch| sketch.known(&callers)).collect(),
        callers,
        tenant_lines: TENANT_LINES as usize,
        from,
        until,
        ..known::Terms::default()
    };
    let calendar = calendar(&mut terms);
    let campaigns = SKETCHES.iter().enumerate().map(|(at, sketch)| sketch.played((at, &terms)));
    let campaigns: Vec<Played> = campaigns.collect::<anyhow::Result<_>>()?;
    let mut dice = Dice::new(seed);
    let mut troubles = troubles(&mut terms, from, &mut dice)?;
    let cast = cast((people, from), &campaigns, &mut dice)?;
    for person in &cast.people {
        terms.people.push(person_of(person));
        if dice.share() < 0.01 {
            let at = from + SignedDuration::try_from_secs_f64(dice.share() * 20.0 * 86_400.0)?;
            troubles.listings.push((at, person.contact.numbers[0].number.clone()));
        }
    }
    let stage = Stage {
        tenant: TENANT.parse()?,
        calendar,
        campaigns,
        lines,
        tenant_lines: TENANT_LINES,
        slots: TENANT_LINES,
        from,
        until,
        troubles,
    };
    Ok(Month { stage, cast, terms })
}

fn trunk(lines: u32, per_second: u32) -> known::Trunk {
    known::Trunk { lines: lines as usize, per_second: per_second as usize, outages: Vec::new() }
}

fn callers(people: usize, from: Timestamp) -> anyhow::Result<(Vec<known::Caller>, Vec<Line>)> {
    let (mut callers, mut lines) = (Vec::new(), Vec::new());
    for pool in &POOLS {
        for place in 0..(pool.most * people / ALL).max(2) {
            let trunk = pool.trunks[place % pool.trunks.len()];
            let (name, at_once, per_second) = TRUNKS[trunk];
            let number = format!("{}{place:04}", pool.first);
            let since = from - if place % 10 == 1 { NEW } else { OLD };
            lines.push(Line {
                number: number.parse()?,
                carrier_id: format!("car_{trunk}").parse()?,
                trunk: name.to_owned(),
                per_second: f64::from(per_second),
                lines: at_once,
                since: Stamp(since),
                rests_until: None,
                spared_until: None,
            });
            callers.push(known::Caller { number, trunk, since });
        }
    }
    Ok((callers, lines))
}

/// Quiet hours and holidays of the tenant.
fn calendar(terms: &mut known::Terms) -> Calendar {
    let windows = [(DAILY, 13 * 60, 13 * 60 + 30), (&[Friday][..], 18 * 60, 9 * 60)];
    let quiet = windows.map(|(days, start, end)| QuietHours {
        days: names(days),
        start: time(start),
        end: time(end),
    });
    terms.quiet =
        windows.map(|(days, start, end)| known::Window { days: days.to_vec(), start, end }).to_vec();
    let strings = |of: &[&str]| of.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    let holidays = OFF.each_ref().map(|off| Holiday {
        date: off.written.to_owned(),
        name: None,
        countries: strings(off.regions),
        time_zones: strings(off.zones),
    });
    let known =
        |off: &Off| known::Holiday { day: off.day, regions: strings(off.regions), zones: strings(off.zones) };
    terms.holidays = OFF.iter().map(known).collect();
    Calendar::of(&quiet, &holidays)
}

fn names(days: &[Weekday]) -> Vec<String> {
    let name = |day: &Weekday| match day {
        Monday => "mon",
        Tuesday => "tue",
        Wednesday => "wed",
        Thursday => "thu",
        Friday => "fri",
        Saturday => "sat",
        Sunday => "sun",
    };
    days.iter().map(|day| name(day).to_owned()).collect()
}

fn time(minutes: u32) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

impl Sketch {
    /// As the judge knows it.
    fn known(&self, callers: &[known::Caller]) -> known::Campaign {
        let is_shown = |caller: &known::Caller| {
            self.pools.iter().any(|pool| caller.number.starts_with(POOLS[*pool].first))
        };
        let window = known::Window { days: self.days.to_vec(), start: self.open.0, end: self.open.1 };
        known::Campaign {
            name: self.id.to_owned(),
            open: vec![window],
            closed: if self.is_west() { vec![(2027, 3, 17)] } else { Vec::new() },
            max_lines: self.max_lines as usize,
            pool: callers.iter().enumerate().filter(|(_, one)| is_shown(one)).map(|(at, _)| at).collect(),
            per_hour: PER_HOUR as usize,
            per_day: PER_DAY as usize,
            number_day: self.number_day as usize,
            number_gap_min: i64::from(self.gap_min),
            attempts: self.attempts as usize,
            needs_consent: self.consents,
            abandon_percent: self.abandon_percent,
        }
    }

    fn is_west(&self) -> bool {
        self.id == "cmp_west"
    }

    /// Where some of its people are, beside the place of their numbers.
    fn elsewhere(&self) -> Option<&'static str> {
        match self.id {
            "cmp_india" => Some("Asia/Dubai"),
            "cmp_germany" | "cmp_west" => Some("Europe/Lisbon"),
            _ => None,
        }
    }

    /// As the bridge takes it.
    fn played(&self, (at, terms): (usize, &known::Terms)) -> anyhow::Result<Played> {
        let from: Vec<&str> =
            terms.campaigns[at].pool.iter().map(|caller| terms.callers[*caller].number.as_str()).collect();
        let settings = json!({
            "purpose": if self.consents { "sales" } else { "service" },
            "pacing": self.pacing(),
            "hours": {
                "open": [{"days": names(self.days), "start": time(self.open.0), "end": time(self.open.1)}],
                "closed": if self.is_west() { vec!["2027-03-17"] } else { Vec::new() },
            },
            "caps": {
                "contact_attempts": self.attempts, "number_day": self.number_day, "number_gap_min": self.gap_min,
            },
            "numbers": {"from": from, "per_hour": PER_HOUR, "per_day": PER_DAY},
        });
        let settings: Settings = serde_json::from_value(settings).context("read a campaign's settings")?;
        let faults = settings.faults(self.id);
        anyhow::ensure!(faults.is_empty(), "{faults:?}");
        Ok(Played { id: self.id.parse()?, settings, expectation: EXPECTED })
    }

    /// Each of the modes that need no person.
    fn pacing(&self) -> Value {
        let lines = self.max_lines;
        match self.id {
            "cmp_germany" => json!({"mode": "predictive", "max_lines": lines, "slots": lines / 2}),
            "cmp_west" => json!({"mode": "power", "ratio": 1.2, "max_lines": lines, "slots": 16}),
            "cmp_australia" => json!({"mode": "reserve_first", "max_lines": lines}),
            "cmp_both" => json!({"mode": "rate", "per_minute": 8.0, "max_lines": lines, "weight": 2}),
            _ => json!({"mode": "four_sigma", "max_lines": lines, "slots": lines * 2 / 3}),
        }
    }

    /// The number of its person of that place.
    fn number(&self, place: usize) -> u64 {
        let block = self.blocks[place % self.blocks.len()];
        block + (place / self.blocks.len()) as u64
    }
}

/// Carriers that are away, and a dialler that dies.
fn troubles(terms: &mut known::Terms, from: Timestamp, dice: &mut Dice) -> anyhow::Result<Troubles> {
    let at = |day: i64, minute: i64| from + SignedDuration::from_mins(day * 24 * 60 + minute);
    // While people are called there; the second one and the last one when the day begins.
    let away = [(0, 0, 6 * 60, 20), (0, 4, 3 * 60 + 20, 30), (1, 2, 15 * 60, 40), (3, 8, 7 * 60 + 50, 90)];
    let mut troubles = Troubles::default();
    for (trunk, day, minute, minutes) in away {
        let (from, until) = (at(day, minute), at(day, minute + minutes));
        terms.trunks[trunk].outages.push((from, until));
        troubles.outages.push(Outage { trunk: TRUNKS[trunk].0.to_owned(), from, until });
    }
    for day in [0, 1, 2, 4, 7, 11] {
        for hour in [5, 10, 16] {
            let seconds = SignedDuration::try_from_secs_f64(dice.share() * 3_600.0)?;
            troubles.crashes.push(at(day, hour * 60) + seconds);
        }
    }
    // Nine o'clock in Germany: the first calls of the day ring. Not on the first day: a campaign of which all first calls are lost is paused.
    let rings = SignedDuration::from_secs(12);
    troubles.crashes.extend([1, 2, 3, 4].map(|day| at(day, 8 * 60) + rings));
    Ok(troubles)
}

fn cast((people, from): (usize, Timestamp), campaigns: &[Played], dice: &mut Dice) -> anyhow::Result<Cast> {
    let tenant = TENANT.parse()?;
    let mut cast = Cast { people: Vec::with_capacity(people), ..Cast::default() };
    for (campaign, (sketch, played)) in SKETCHES.iter().zip(campaigns).enumerate() {
        let maker = Maker {
            tenant: &tenant,
            campaign: &played.id,
            settings: &played.settings,
            partitions: 16,
            now: from,
            import: None,
        };
        let count = people * sketch.share / 100;
        for place in 0..count {
            let made = maker.make(draft(sketch, (place, from), dice));
            let (_, mut contact) =
                made.map_err(|fault| anyhow!("{} {place}: {}", sketch.id, fault.detail))?;
            let day = i64::try_from(place * COMING_DAYS / count)?;
            contact.next_at = Stamp(from + SignedDuration::from_hours(24 * day));
            if dice.share() < 0.005 {
                cast.listed.insert(contact.numbers[0].number.comparable());
            }
            cast.people.push(Person { campaign, contact });
        }
    }
    Ok(cast)
}

/// What a list says of somebody.
fn draft(sketch: &Sketch, (place, from): (usize, Timestamp), dice: &mut Dice) -> Draft {
    let day = |days: i64| Some((from + SignedDuration::from_hours(24 * days)).to_string());
    // Now and then somebody is on the list twice.
    let is_twice = place % 100 == 7;
    let number = sketch.number(if is_twice { place - sketch.blocks.len().min(place) } else { place });
    let mut draft = Draft { phones: vec![format!("+{number}")], ..Draft::default() };
    draft.key = is_twice.then(|| format!("twice {place}"));
    if dice.share() < 0.08 {
        draft.phones.push(format!("+{}", number + SECOND_NUMBER));
    }
    if dice.share() < 0.03 {
        draft.time_zone = sketch.elsewhere().map(str::to_owned);
    }
    if dice.share() < 0.02 {
        draft.expires_at = day(10);
    }
    if dice.share() < 0.05 {
        draft.priority = Some("500".into());
    }
    if dice.share() < 0.92 {
        draft.consent_source = Some("form".into());
        draft.consent_until = if dice.share() < 0.1 { day(8) } else { None };
    }
    draft
}

/// As the judge knows somebody.
fn person_of(person: &Person) -> known::Person {
    let Contact { numbers, zones, expires_at, consent, .. } = &person.contact;
    known::Person {
        campaign: person.campaign,
        numbers: numbers.iter().map(|one| one.number.to_string()).collect(),
        zones: zones.clone(),
        expires_at: expires_at.map(|at| at.0),
        consent: consent.as_ref().map(|one| known::Consent { until: one.expires_at.map(|at| at.0) }),
    }
}
