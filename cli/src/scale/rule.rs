//! When a host is added and when one is taken away: of what was seen and when, nothing else.
//!
//! The measure is the share of slots that are taken or promised, over the hosts that take calls. A host that drains is on its way out
//! and counts for nothing, so that it is not mistaken for room.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

/// The longest name of a host that is taken away, characters: what DNS allows.
const LONGEST_NAME: usize = 253;

/// The numbers of the rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Share of used slots above which a host is added, 0 to 1.
    pub above: f64,
    /// Share below which one is taken away.
    pub below: f64,
    /// Hosts that stay whatever the load.
    pub least_hosts: usize,
    /// Hosts that there are at most: those that are seen, whether they take calls or not, and those that were added and are yet to
    /// come.
    pub most_hosts: usize,
    /// How long the share must be beyond a bound before anything is done.
    pub holds: Duration,
    /// Nothing is added or taken away for so long after a host was added: it has yet to come up.
    pub after_add: Duration,
    /// Nothing is taken away for so long after one was taken away. Adding does not wait for it.
    pub after_remove: Duration,
    /// Hosts that are never taken away.
    pub kept: Vec<String>,
}

/// One host as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLoad {
    pub name: String,
    pub slots: u32,
    /// Slots with a call, or promised to one.
    pub used: u32,
    /// Neither draining nor unhealthy.
    pub takes_calls: bool,
}

/// Whether a host's name is given to a command. A worker says it, so it may be anything; this is no option of a program and needs no
/// quotes.
pub fn is_host_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    name.len() <= LONGEST_NAME
        && name.bytes().all(is_plain)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// The fleet as it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    pub hosts: Vec<HostLoad>,
}

impl Load {
    fn taking(&self) -> impl Iterator<Item = &HostLoad> {
        self.hosts.iter().filter(|host| host.takes_calls)
    }

    /// The share of slots in use, 0 to 1; `None` where there are no slots.
    pub fn used_share(&self) -> Option<f64> {
        share(self.taking().map(|host| host.used).sum(), self.taking().map(|host| host.slots).sum())
    }

    /// The share that there would be without this host, its calls going to the others.
    fn used_share_without(&self, name: &str) -> Option<f64> {
        let slots = self.taking().filter(|host| host.name != name).map(|host| host.slots).sum();
        share(self.taking().map(|host| host.used).sum(), slots)
    }
}

fn share(used: u32, slots: u32) -> Option<f64> {
    (slots > 0).then(|| f64::from(used) / f64::from(slots))
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Stay,
    Add,
    /// This one, whose calls are to end first.
    Remove {
        host: String,
    },
}

/// Which way the fleet was last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Added,
    Removed,
}

/// The rule with what it remembers.
#[derive(Debug)]
pub struct Scaler {
    rule: Rule,
    above_since: Option<Instant>,
    below_since: Option<Instant>,
    last: Option<(Change, Instant)>,
    /// Hosts that have been seen; `None` before the first look.
    known: Option<BTreeSet<String>>,
    /// Hosts that were taken away and may still be seen for a while. One that comes again by that name is a new one.
    leaving: BTreeSet<String>,
    /// Hosts that were added and have not been seen yet.
    owed: usize,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Nothing came of it.
    Failed,
    /// It was broken off: a host may have come of it, or gone.
    Unknown,
}

impl Scaler {
    pub fn new(rule: Rule) -> Self {
        let (known, leaving) = (None, BTreeSet::new());
        Self { rule, above_since: None, below_since: None, last: None, known, leaving, owed: 0 }
    }

    /// The fleet could not be seen: what it did before says nothing about now.
    pub fn blind(&mut self) {
        (self.above_since, self.below_since) = (None, None);
    }

    /// What was to be done is over at this time: pauses count from here.
    pub fn acted(&mut self, now: Instant, step: &Step, outcome: Outcome) {
        if let Some((_, at)) = &mut self.last {
            *at = now;
        }
        match step {
            Step::Add if outcome == Outcome::Failed => self.owed = self.owed.saturating_sub(1),
            Step::Remove { host } if outcome == Outcome::Failed => {
                self.leaving.remove(host);
            }
            Step::Add | Step::Remove { .. } | Step::Stay => {}
        }
    }

    /// Hosts that were added, have had their time to come up, and have never been seen.
    pub fn never_came(&self, now: Instant) -> usize {
        if self.may_add(now) { self.owed } else { 0 }
    }

    /// Which hosts came since the last look. One that was known and is back, after a fault of its network, is none of those that were
    /// added.
    fn notice(&mut self, load: &Load) {
        let seen: BTreeSet<&str> = load.hosts.iter().map(|host| host.name.as_str()).collect();
        let Some(known) = &mut self.known else {
            self.known = Some(seen.into_iter().map(str::to_owned).collect());
            return;
        };
        self.leaving.retain(|name| {
            let is_still_seen = seen.contains(name.as_str());
            if !is_still_seen {
                known.remove(name);
            }
            is_still_seen
        });
        for name in seen {
            if known.insert(name.to_owned()) {
                self.owed = self.owed.saturating_sub(1);
            }
        }
    }

    /// Judge what is seen. A step is answered once, and taken as done.
    pub fn look(&mut self, now: Instant, load: &Load) -> Step {
        self.notice(load);
        let hosts = load.taking().count();
        let made = load.hosts.len() + self.owed;
        let used = load.used_share();
        // A fleet without a slot takes no call, which is as full as can be.
        let is_above = used.is_none_or(|share| share > self.rule.above);
        let is_below = used.is_some_and(|share| share < self.rule.below);
        hold(&mut self.above_since, is_above, now);
        hold(&mut self.below_since, is_below, now);
        let held = |since: Option<Instant>| since.is_some_and(|since| now - since >= self.rule.holds);
        let step = if held(self.above_since) && made < self.rule.most_hosts && self.may_add(now) {
            Step::Add
        } else if held(self.below_since) && hosts > self.rule.least_hosts && self.may_remove(now) {
            self.emptiest(load).map_or(Step::Stay, |host| Step::Remove { host })
        } else {
            Step::Stay
        };
        let change = match &step {
            Step::Stay => return step,
            Step::Add => {
                self.owed += 1;
                Change::Added
            }
            Step::Remove { host } => {
                self.leaving.insert(host.clone());
                Change::Removed
            }
        };
        self.last = Some((change, now));
        self.blind();
        step
    }

    fn may_add(&self, now: Instant) -> bool {
        self.last.is_none_or(|(change, at)| change == Change::Removed || now - at >= self.rule.after_add)
    }

    fn may_remove(&self, now: Instant) -> bool {
        self.last.is_none_or(|(change, at)| {
            let pause = if change == Change::Added { self.rule.after_add } else { self.rule.after_remove };
            now - at >= pause
        })
    }

    /// The host with the fewest calls that may go, without the others being too full then; of equal ones the last by name, which is
    /// the one that came last where names count up.
    fn emptiest(&self, load: &Load) -> Option<String> {
        let may_go = |host: &&HostLoad| {
            !self.rule.kept.contains(&host.name)
                && is_host_name(&host.name)
                && load.used_share_without(&host.name).is_some_and(|share| share <= self.rule.above)
        };
        let by_calls = |a: &&HostLoad, b: &&HostLoad| a.used.cmp(&b.used).then_with(|| b.name.cmp(&a.name));
        load.taking().filter(may_go).min_by(by_calls).map(|host| host.name.clone())
    }
}

fn hold(since: &mut Option<Instant>, is_so: bool, now: Instant) {
    *since = is_so.then(|| since.unwrap_or(now));
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn rule() -> Rule {
        Rule {
            above: 0.8,
            below: 0.4,
            least_hosts: 1,
            most_hosts: 3,
            holds: MINUTE,
            after_add: 5 * MINUTE,
            after_remove: 15 * MINUTE,
            kept: Vec::new(),
        }
    }

    /// Hosts of ten slots: the calls of each.
    fn load(used: &[u32]) -> Load {
        let host = |(n, used): (usize, &u32)| HostLoad {
            name: format!("voice-{}", n + 1),
            slots: 10,
            used: *used,
            takes_calls: true,
        };
        Load { hosts: used.iter().enumerate().map(host).collect() }
    }

    fn remove(host: &str) -> Step {
        Step::Remove { host: host.to_owned() }
    }

    /// The steps of a scaler that looks once a minute; each look is minute, calls of the hosts, expected step.
    fn check(rule: Rule, looks: &[(u32, &[u32], Step)]) {
        let (mut scaler, start) = (Scaler::new(rule), Instant::now());
        for (minute, used, expected) in looks {
            let step = scaler.look(start + MINUTE * *minute, &load(used));
            assert_eq!(&step, expected, "minute {minute}: {used:?}");
        }
    }

    #[tokio::test]
    async fn a_host_comes_when_the_fleet_stays_full_and_not_for_a_peak() {
        check(
            rule(),
            &[
                (0, &[9], Step::Stay),
                (1, &[8], Step::Stay),
                (2, &[9], Step::Stay),
                (3, &[9], Step::Add),
                // It has yet to come up, and is waited for.
                (4, &[10], Step::Stay),
                (7, &[10], Step::Stay),
                (8, &[10], Step::Add),
            ],
        );
    }

    #[tokio::test]
    async fn a_host_goes_when_the_fleet_stays_empty_one_at_a_time() {
        check(
            rule(),
            &[
                (0, &[3, 1, 2], Step::Stay),
                (1, &[3, 1, 2], remove("voice-2")),
                (2, &[3, 1], Step::Stay),
                (15, &[3, 1], Step::Stay),
                (16, &[3, 1], remove("voice-2")),
                (40, &[0], Step::Stay),
                (41, &[0], Step::Stay),
            ],
        );
    }

    #[tokio::test]
    async fn more_calls_are_not_kept_waiting_because_a_host_just_went() {
        check(
            rule(),
            &[
                (0, &[1, 1], Step::Stay),
                (1, &[1, 1], remove("voice-2")),
                (2, &[9], Step::Stay),
                (3, &[9], Step::Add),
                // What has just come does not go at once.
                (4, &[1, 1], Step::Stay),
                (6, &[1, 1], Step::Stay),
                (8, &[1, 1], remove("voice-2")),
            ],
        );
    }

    #[tokio::test]
    async fn the_bounds_themselves_change_nothing() {
        check(rule(), &[(0, &[8], Step::Stay), (9, &[8], Step::Stay)]);
        check(rule(), &[(0, &[4, 4], Step::Stay), (9, &[4, 4], Step::Stay)]);
    }

    #[tokio::test]
    async fn there_are_never_more_nor_fewer_hosts_than_said() {
        check(rule(), &[(0, &[10, 10, 10], Step::Stay), (9, &[10, 10, 10], Step::Stay)]);
        check(Rule { least_hosts: 2, ..rule() }, &[(0, &[0, 0], Step::Stay), (9, &[0, 0], Step::Stay)]);
    }

    #[tokio::test]
    async fn a_host_that_is_kept_or_whose_calls_would_fill_the_others_stays() {
        let kept = Rule { kept: vec!["voice-2".into()], ..rule() };
        check(kept, &[(0, &[2, 0], Step::Stay), (1, &[2, 0], remove("voice-1"))]);
        // Of 30 slots 11 are used; without the large host 11 of 10 would be.
        let mut uneven = load(&[5, 6]);
        uneven.hosts[1].slots = 20;
        let (mut scaler, start) = (Scaler::new(rule()), Instant::now());
        scaler.look(start, &uneven);
        assert_eq!(
            scaler.look(start + MINUTE, &uneven),
            remove("voice-1"),
            "the one that the other can stand for"
        );
        uneven.hosts[0].used = 0;
        uneven.hosts[1].used = 11;
        let mut scaler = Scaler::new(Rule { kept: vec!["voice-1".into()], ..rule() });
        scaler.look(start, &uneven);
        assert_eq!(scaler.look(start + MINUTE, &uneven), Step::Stay);
    }

    #[tokio::test]
    async fn draining_hosts_are_no_room_and_no_slots_are_no_rest() {
        let mut fleet = load(&[9, 0]);
        fleet.hosts[1].takes_calls = false;
        assert_eq!(fleet.used_share(), Some(0.9));
        let (mut scaler, start) = (Scaler::new(rule()), Instant::now());
        assert_eq!(scaler.look(start, &Load::default()), Step::Stay);
        assert_eq!(scaler.look(start + MINUTE, &Load::default()), Step::Add);
    }

    #[tokio::test]
    async fn what_was_not_seen_counts_for_nothing_and_pauses_count_from_the_end_of_a_command() {
        let (mut scaler, start) = (Scaler::new(rule()), Instant::now());
        scaler.look(start, &load(&[9]));
        scaler.blind();
        assert_eq!(scaler.look(start + MINUTE, &load(&[9])), Step::Stay);
        assert_eq!(scaler.look(start + 2 * MINUTE, &load(&[9])), Step::Add);
        scaler.acted(start + 6 * MINUTE, &Step::Add, Outcome::Done);
        assert_eq!(scaler.look(start + 8 * MINUTE, &load(&[9])), Step::Stay);
        assert_eq!(scaler.look(start + 10 * MINUTE, &load(&[9])), Step::Stay);
        assert_eq!(scaler.look(start + 11 * MINUTE, &load(&[9])), Step::Add);
    }

    /// The steps of a day with a look each minute at a fleet that stays as it is, each step ending so.
    fn day(scaler: &mut Scaler, start: Instant, load: &Load, outcome: Outcome) -> Vec<Step> {
        let mut steps = Vec::new();
        for minute in 0..24 * 60 {
            let now = start + MINUTE * minute;
            let step = scaler.look(now, load);
            if step != Step::Stay {
                scaler.acted(now, &step, outcome);
                steps.push(step);
            }
        }
        steps
    }

    #[tokio::test]
    async fn hosts_that_never_come_are_not_bought_without_end() {
        let start = Instant::now();
        for outcome in [Outcome::Done, Outcome::Unknown] {
            let mut scaler = Scaler::new(rule());
            assert_eq!(day(&mut scaler, start, &load(&[10]), outcome), [Step::Add, Step::Add]);
            assert_eq!(scaler.never_came(start + 24 * 60 * MINUTE), 2);
            // They come after all. One dies, and another is added for it; that it is back then is not the other's coming.
            let later = start + 24 * 60 * MINUTE;
            scaler.look(later, &load(&[10, 10, 10]));
            assert_eq!(scaler.never_came(later), 0);
            assert_eq!(scaler.look(later + MINUTE, &load(&[10, 10])), Step::Add);
            assert_eq!(scaler.look(later + 2 * MINUTE, &load(&[10, 10, 10])), Step::Stay);
            assert_eq!(scaler.never_came(later + 10 * MINUTE), 1);
        }
        let mut scaler = Scaler::new(rule());
        let tries = day(&mut scaler, start, &load(&[10]), Outcome::Failed).len();
        assert!(tries > 100, "a command that made nothing is tried again: {tries}");
    }

    #[tokio::test]
    async fn hosts_that_take_no_calls_are_hosts() {
        let mut fleet = load(&[10, 0, 0]);
        (fleet.hosts[1].takes_calls, fleet.hosts[2].takes_calls) = (false, false);
        assert_eq!(day(&mut Scaler::new(rule()), Instant::now(), &fleet, Outcome::Done), Vec::new());
    }

    #[tokio::test]
    async fn a_host_that_went_and_comes_again_by_its_name_has_come() {
        let (mut scaler, start) = (Scaler::new(rule()), Instant::now());
        scaler.look(start, &load(&[1, 1]));
        assert_eq!(scaler.look(start + MINUTE, &load(&[1, 1])), remove("voice-2"));
        scaler.acted(start + MINUTE, &remove("voice-2"), Outcome::Done);
        // Seen until it is forgotten.
        for (minute, used) in [(2, vec![9, 9]), (3, vec![9]), (4, vec![9])] {
            let step = scaler.look(start + MINUTE * minute, &load(&used));
            assert_eq!(step == Step::Add, minute == 3, "minute {minute}: {step:?}");
        }
        let later = start + 20 * MINUTE;
        assert_eq!(scaler.never_came(later), 1);
        scaler.look(later, &load(&[9, 0]));
        assert_eq!(scaler.never_came(later), 0);
    }

    #[tokio::test]
    async fn a_host_whose_name_is_an_option_is_never_given_to_a_command() {
        for name in ["-oProxyCommand=x", "", "a b", "a;b", "$(x)", "../a", &"a".repeat(254)] {
            assert!(!is_host_name(name), "{name}");
        }
        assert!(is_host_name("voice-2.example_1.org") && is_host_name("2"));
        let mut fleet = load(&[1, 0]);
        fleet.hosts[1].name = "-oProxyCommand=x".into();
        let (mut scaler, start) = (Scaler::new(rule()), Instant::now());
        scaler.look(start, &fleet);
        assert_eq!(scaler.look(start + MINUTE, &fleet), remove("voice-1"));
    }
}
