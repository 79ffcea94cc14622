//! Who is called, and what becomes of it: a law with a seed, and numbers whose calls are written down one by one. The same seed gives the
//! same answers to the same calls of the same numbers, in whatever order they are called.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::vendor::Dice;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Human,
    Voicemail,
    Screening,
    Ivr,
    Announcement,
    Fax,
}

/// Who ends a call that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Callee,
    Bot,
}

/// What becomes of one call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what", deny_unknown_fields)]
pub enum Fate {
    /// The network or the telephone says no, after it rang or at once.
    Refused {
        after_ms: u64,
        /// 180 came before.
        #[serde(default)]
        rings: bool,
        code: u16,
        phrase: String,
    },
    /// It rings for as long as the caller lets it.
    RingsOut,
    /// Nothing comes back at all.
    Dead,
    Answered {
        after_ms: u64,
        class: Class,
        talk_ms: u64,
        hangs_up: Side,
    },
}

/// Shares of all calls, and how long things take. What is left of the shares rings out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Law {
    pub human: f64,
    pub voicemail: f64,
    pub screening: f64,
    pub ivr: f64,
    pub announcement: f64,
    pub fax: f64,
    pub busy: f64,
    pub declined: f64,
    pub invalid: f64,
    /// 503 of the network, not of us.
    pub congestion: f64,
    pub dead: f64,
    /// Time to the answer of a person: log-normal, its median and sigma.
    pub human_ring_ms: f64,
    pub human_ring_sigma: f64,
    /// Of a machine.
    pub machine_ring_ms: f64,
    pub machine_ring_sigma: f64,
    /// Mean of a person's talk; exponential.
    pub talk_ms: f64,
    /// How long a machine is on the line until it hangs up.
    pub machine_talk_ms: f64,
    /// Of people: who hang up before the bot does.
    pub hang_up: f64,
    /// From the INVITE to 180.
    pub post_dial_ms: u64,
}

impl Default for Law {
    /// What the reference's simulations begin with, and a few of everything else.
    fn default() -> Self {
        Self {
            human: 0.22,
            voicemail: 0.26,
            screening: 0.02,
            ivr: 0.02,
            announcement: 0.02,
            fax: 0.01,
            busy: 0.05,
            declined: 0.03,
            invalid: 0.03,
            congestion: 0.01,
            dead: 0.01,
            human_ring_ms: 9_000.0,
            human_ring_sigma: 0.55,
            machine_ring_ms: 21_000.0,
            machine_ring_sigma: 0.18,
            talk_ms: 90_000.0,
            machine_talk_ms: 25_000.0,
            hang_up: 0.5,
            post_dial_ms: 900,
        }
    }
}

/// Everybody who can be called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Callees {
    pub seed: u64,
    pub law: Law,
    /// By number: what becomes of its calls in turn; the last one is repeated.
    pub numbers: BTreeMap<String, Vec<Fate>>,
}

impl Callees {
    /// What is wrong with them, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        let law = &self.law;
        let shares = law.shares().map(|(share, _)| share);
        if shares.iter().chain([&law.hang_up]).any(|share| !(0.0..=1.0).contains(share)) {
            return Some("each share of the law must be from 0 to 1".into());
        }
        if shares.iter().sum::<f64>() > 1.0 + 1e-9 {
            return Some("the shares of the law are more than 1 together".into());
        }
        let empty = self.numbers.iter().find(|(_, fates)| fates.is_empty());
        empty.map(|(number, _)| format!("the number {number} has no calls: leave it out"))
    }

    /// What becomes of a number's `nth` call, from 0.
    pub fn fate(&self, number: &str, nth: u32) -> Fate {
        if let Some(fates) = self.numbers.get(number) {
            let at = usize::try_from(nth).unwrap_or(usize::MAX).min(fates.len().saturating_sub(1));
            return fates.get(at).cloned().unwrap_or(Fate::RingsOut);
        }
        self.law.draw(&mut self.dice(number, nth))
    }

    /// Chance of its own for each call.
    fn dice(&self, number: &str, nth: u32) -> Dice {
        let hash = Sha256::digest(format!("{}:{number}:{nth}", self.seed));
        let seed = hash.iter().take(8).fold(0u64, |seed, byte| (seed << 8) | u64::from(*byte));
        Dice::new(seed)
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Class(Class),
    Refuses { code: u16, phrase: &'static str, rings: bool },
    Dead,
}

impl Law {
    /// Of whom everybody's telephone rings out, to set shares beside.
    pub fn nobody() -> Self {
        Self {
            human: 0.0,
            voicemail: 0.0,
            screening: 0.0,
            ivr: 0.0,
            announcement: 0.0,
            fax: 0.0,
            busy: 0.0,
            declined: 0.0,
            invalid: 0.0,
            congestion: 0.0,
            dead: 0.0,
            ..Self::default()
        }
    }

    fn shares(&self) -> [(f64, Kind); 11] {
        let refuses = |code, phrase, rings| Kind::Refuses { code, phrase, rings };
        [
            (self.human, Kind::Class(Class::Human)),
            (self.voicemail, Kind::Class(Class::Voicemail)),
            (self.screening, Kind::Class(Class::Screening)),
            (self.ivr, Kind::Class(Class::Ivr)),
            (self.announcement, Kind::Class(Class::Announcement)),
            (self.fax, Kind::Class(Class::Fax)),
            (self.busy, refuses(486, "Busy Here", false)),
            (self.declined, refuses(603, "Decline", true)),
            (self.invalid, refuses(404, "Not Found", false)),
            (self.congestion, refuses(503, "Service Unavailable", false)),
            (self.dead, Kind::Dead),
        ]
    }

    fn draw(&self, dice: &mut Dice) -> Fate {
        let mut drawn = part(dice);
        for (share, kind) in self.shares() {
            if drawn < share {
                return self.fate_of(kind, dice);
            }
            drawn -= share;
        }
        Fate::RingsOut
    }

    fn fate_of(&self, kind: Kind, dice: &mut Dice) -> Fate {
        let class = match kind {
            Kind::Dead => return Fate::Dead,
            Kind::Refuses { code, phrase, rings } => {
                let after_ms = self.post_dial_ms + if rings { dice.up_to(12_000) } else { dice.up_to(800) };
                return Fate::Refused { after_ms, rings, code, phrase: phrase.to_owned() };
            }
            Kind::Class(class) => class,
        };
        let is_human = class == Class::Human;
        let (median, sigma) = match is_human {
            true => (self.human_ring_ms, self.human_ring_sigma),
            false => (self.machine_ring_ms, self.machine_ring_sigma),
        };
        let after_ms = self.post_dial_ms + whole(median * (sigma * normal(dice)).exp());
        let talk = if is_human { -self.talk_ms * (1.0 - part(dice)).ln() } else { self.machine_talk_ms };
        let hangs_up = if !is_human || part(dice) < self.hang_up { Side::Callee } else { Side::Bot };
        Fate::Answered { after_ms, class, talk_ms: whole(talk.max(300.0)), hangs_up }
    }
}

/// From 0, and below 1.
fn part(dice: &mut Dice) -> f64 {
    (dice.roll() >> 11) as f64 / (1u64 << 53) as f64
}

/// Box and Muller's.
fn normal(dice: &mut Dice) -> f64 {
    let (a, b) = (1.0 - part(dice), part(dice));
    (-2.0 * a.ln()).sqrt() * (TAU * b).cos()
}

fn whole(ms: f64) -> u64 {
    // At most an hour, and never below nothing.
    ms.clamp(0.0, 3_600_000.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_every_call_of_every_number_by_itself() {
        let callees = Callees { seed: 7, ..Callees::default() };
        let calls = |callees: &Callees| -> Vec<Fate> {
            (0..40).map(|n| callees.fate(&format!("+1555010{n:04}"), n % 3)).collect()
        };
        assert_eq!(calls(&callees), calls(&callees.clone()));
        assert_ne!(calls(&callees), calls(&Callees { seed: 8, ..callees.clone() }));
    }

    /// Three standard deviations of 20,000 draws.
    #[test]
    fn the_shares_and_times_are_the_laws() {
        let (callees, count) = (Callees::default(), 20_000u32);
        let fates: Vec<Fate> = (0..count).map(|n| callees.fate(&format!("+1{n}"), 0)).collect();
        let share =
            |is: fn(&Fate) -> bool| fates.iter().filter(|fate| is(fate)).count() as f64 / f64::from(count);
        let close = |seen: f64, law: f64| {
            let bound = 3.0 * (law * (1.0 - law) / f64::from(count)).sqrt();
            assert!((seen - law).abs() < bound, "{seen} is not {law} ± {bound}");
        };
        close(share(|fate| matches!(fate, Fate::Answered { class: Class::Human, .. })), 0.22);
        close(share(|fate| matches!(fate, Fate::Answered { class: Class::Voicemail, .. })), 0.26);
        close(share(|fate| matches!(fate, Fate::Refused { code: 486, .. })), 0.05);
        close(share(|fate| matches!(fate, Fate::RingsOut)), 0.32);
        let mut talks: Vec<f64> = fates
            .iter()
            .filter_map(|fate| match fate {
                Fate::Answered { class: Class::Human, talk_ms, .. } => Some(*talk_ms as f64),
                _ => None,
            })
            .collect();
        talks.sort_by(f64::total_cmp);
        let (middle, expected) = (talks[talks.len() / 2], 90_000.0 * std::f64::consts::LN_2);
        assert!((middle / expected - 1.0).abs() < 0.08, "{middle} is not {expected}");
    }

    #[test]
    fn a_number_may_have_its_calls_written_down() {
        let text = r#"{"numbers": {"+15550100": [
            {"what": "refused", "after_ms": 100, "code": 486, "phrase": "Busy Here"},
            {"what": "answered", "after_ms": 500, "class": "voicemail", "talk_ms": 900, "hangs_up": "callee"}]}}"#;
        let callees: Callees = serde_json::from_str(text).unwrap();
        assert_eq!(callees.fault(), None);
        assert!(matches!(callees.fate("+15550100", 0), Fate::Refused { code: 486, rings: false, .. }));
        for nth in [1, 2, 9] {
            assert!(matches!(callees.fate("+15550100", nth), Fate::Answered { class: Class::Voicemail, .. }));
        }
        let greedy = Callees { law: Law { human: 0.9, ..Law::default() }, ..Callees::default() };
        assert!(greedy.fault().unwrap().contains("more than 1"));
        assert!(serde_json::from_str::<Callees>(r#"{"numbers": {}, "laws": {}}"#).is_err());
    }
}
