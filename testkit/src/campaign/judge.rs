//! Whether campaigns kept their rules, by their journal alone. The rules stand here a second time, written anew and slowly from
//! `docs/campaigns.md`: what the platform decides by is not used.

mod gaps;
mod law;
mod lines;
mod numbers;
mod people;

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::journal::{Dial, Journal};

/// A call is claimed, and counted, at most so long before its INVITE.
const CLAIMED: SignedDuration = SignedDuration::from_secs(60);
/// Results of dials that rang nobody, as far as anybody knows.
const DID_NOT_RING: [&str; 9] =
    ["forbidden", "auth", "media_mismatch", "network", "congestion", "throttled", "loop", "infra", "aborted"];

/// What became of one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub rule: &'static str,
    pub looked_at: u64,
    pub broken: u64,
    /// The first time.
    pub example: Option<String>,
}

impl Finding {
    fn of(rule: &'static str) -> Self {
        Self { rule, looked_at: 0, broken: 0, example: None }
    }

    fn see(&mut self, holds: bool, what: impl FnOnce() -> String) {
        self.looked_at += 1;
        if !holds {
            self.broken += 1;
            self.example.get_or_insert_with(what);
        }
    }
}

/// What the judge says.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict(pub Vec<Finding>);

impl Verdict {
    /// Whether no rule was broken.
    pub fn is_clean(&self) -> bool {
        self.0.iter().all(|finding| finding.broken == 0)
    }

    /// Rules that were broken.
    pub fn broken(&self) -> Vec<&'static str> {
        self.0.iter().filter(|finding| finding.broken > 0).map(|finding| finding.rule).collect()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { rule, looked_at, broken, example } in &self.0 {
            writeln!(f, "{broken:>8} of {looked_at:>8}  {rule}")?;
            if let Some(example) = example {
                writeln!(f, "{:>21}{example}", "")?;
            }
        }
        Ok(())
    }
}

/// Judge a run that is over.
pub fn judge(journal: &Journal) -> Verdict {
    let mut findings = people::judge(journal);
    findings.extend(law::judge(journal));
    findings.extend(numbers::judge(journal));
    findings.extend(lines::judge(journal));
    findings.push(gaps::judge(journal));
    Verdict(findings)
}

impl Dial {
    fn result(&self) -> &str {
        self.ended.as_ref().map_or("", |(_, result)| result)
    }

    /// Whether a telephone rang, or may have.
    fn rang(&self) -> bool {
        !DID_NOT_RING.contains(&self.result())
    }

    /// Whether it is one of the attempts that a person may have.
    fn counts(&self) -> bool {
        self.rang() && self.result() != "callback"
    }

    /// Until when it has its line and its number; for ever when nobody knows.
    fn until(&self) -> Timestamp {
        self.ended.as_ref().map_or(Timestamp::MAX, |(at, _)| *at)
    }

    fn told(&self) -> String {
        format!("person {}, attempt {}, {} at {}", self.person, self.att, self.number, self.at)
    }
}

/// Places of dials, by what they have in common and then by time.
fn sorted_by<K: Ord>(dials: &[Dial], key: impl Fn(&Dial) -> K) -> Vec<&Dial> {
    let mut sorted: Vec<&Dial> = dials.iter().collect();
    sorted.sort_by_cached_key(|dial| (key(dial), dial.at));
    sorted
}
