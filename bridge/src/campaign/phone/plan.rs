//! The numbering plans, as `scripts/phone-data.py` writes them.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use regex::{Captures, Regex};

use super::Kind;

static PLANS: LazyLock<Plans> = LazyLock::new(|| Plans::read(include_str!("plans.tsv")));

/// Kinds in the order of their columns, which is the order in which they are tried.
const KINDS: [Kind; 10] = [
    Kind::Premium,
    Kind::TollFree,
    Kind::SharedCost,
    Kind::Voip,
    Kind::Personal,
    Kind::Pager,
    Kind::Company,
    Kind::Voicemail,
    Kind::Fixed,
    Kind::Mobile,
];
/// Columns before those of the kinds.
const BEFORE_KINDS: usize = 9;

struct Plans {
    all: Vec<Plan>,
    by_region: HashMap<&'static str, usize>,
    /// The main country of a code first.
    by_code: HashMap<&'static str, Vec<usize>>,
}

/// How numbers of one country look.
pub(super) struct Plan {
    pub region: &'static str,
    /// The country's code, without `+`.
    pub code: &'static str,
    /// What is dialled before a number abroad.
    pub abroad: Pattern,
    /// What is dialled before a national number, perhaps with groups for `transform`.
    pub trunk: Pattern,
    /// What a national number is after its trunk prefix, `\1` for the first group; mostly empty.
    pub transform: &'static str,
    /// First digits that belong to this country and no other of the same code.
    pub leading: Pattern,
    pub lengths: Vec<usize>,
    /// Lengths that are dialled within one place only.
    pub local: Vec<usize>,
    pub general: Pattern,
    kinds: Vec<(Kind, Pattern)>,
}

/// A pattern that is compiled when it is first used.
pub(super) struct Pattern {
    text: &'static str,
    whole: OnceLock<Option<Regex>>,
    beginning: OnceLock<Option<Regex>>,
}

impl Pattern {
    fn new(text: &'static str) -> Self {
        Self { text, whole: OnceLock::new(), beginning: OnceLock::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether it is all of these digits.
    pub fn is(&self, digits: &str) -> bool {
        let pattern = self.whole.get_or_init(|| Self::compiled(self.text, "$"));
        pattern.as_ref().is_some_and(|pattern| pattern.is_match(digits))
    }

    /// What it is at the beginning of these digits.
    pub fn begins<'a>(&self, digits: &'a str) -> Option<Captures<'a>> {
        self.beginning.get_or_init(|| Self::compiled(self.text, "")).as_ref()?.captures(digits)
    }

    /// Where it ends at the beginning of these digits.
    pub fn ends(&self, digits: &str) -> Option<usize> {
        let pattern = self.beginning.get_or_init(|| Self::compiled(self.text, ""));
        pattern.as_ref()?.find(digits).map(|found| found.end())
    }

    /// `None` for an empty pattern, which nothing fits. All of them are compiled by a test.
    fn compiled(text: &str, end: &str) -> Option<Regex> {
        if text.is_empty() { None } else { Regex::new(&format!("^(?:{text}){end}")).ok() }
    }
}

impl Plan {
    /// The kind of a national number; `None` when it is none of this country.
    pub fn kind(&self, national: &str) -> Option<Kind> {
        if !self.general.is(national) {
            return None;
        }
        let kind = self.kinds.iter().find(|(_, pattern)| pattern.is(national))?.0;
        let is_mobile =
            || self.kinds.iter().any(|(kind, pattern)| *kind == Kind::Mobile && pattern.is(national));
        Some(if kind == Kind::Fixed && is_mobile() { Kind::FixedOrMobile } else { kind })
    }
}

impl Plans {
    fn read(text: &'static str) -> Self {
        let mut plans = Self { all: Vec::new(), by_region: HashMap::new(), by_code: HashMap::new() };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let cells: Vec<&'static str> = line.split('\t').collect();
            let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
            let lengths = |at: usize| cell(at).split(',').filter_map(|n| n.parse().ok()).collect();
            let plan = Plan {
                region: cell(0),
                code: cell(1),
                abroad: Pattern::new(cell(2)),
                trunk: Pattern::new(cell(3)),
                transform: cell(4),
                leading: Pattern::new(cell(5)),
                lengths: lengths(6),
                local: lengths(7),
                general: Pattern::new(cell(8)),
                kinds: (BEFORE_KINDS..)
                    .zip(KINDS)
                    .filter(|(at, _)| !cell(*at).is_empty())
                    .map(|(at, kind)| (kind, Pattern::new(cell(at))))
                    .collect(),
            };
            let at = plans.all.len();
            plans.by_region.insert(plan.region, at);
            plans.by_code.entry(plan.code).or_default().push(at);
            plans.all.push(plan);
        }
        plans
    }
}

/// The plan of a country, by its two letters.
pub(super) fn of_region(region: &str) -> Option<&'static Plan> {
    PLANS.by_region.get(region).filter(|_| region != "001").map(|at| &PLANS.all[*at])
}

/// The plans of a country code, the main country first.
pub(super) fn of_code(code: &str) -> impl Iterator<Item = &'static Plan> {
    PLANS.by_code.get(code).into_iter().flatten().map(|at| &PLANS.all[*at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(PLANS.all.len() > 240);
        for plan in &PLANS.all {
            let patterns = [&plan.abroad, &plan.trunk, &plan.leading, &plan.general].into_iter();
            for pattern in patterns.chain(plan.kinds.iter().map(|(_, pattern)| pattern)) {
                let compiles =
                    |end| pattern.text.is_empty() || Pattern::compiled(pattern.text, end).is_some();
                assert!(compiles("$") && compiles(""), "{}: {}", plan.region, pattern.text);
            }
        }
    }
}
