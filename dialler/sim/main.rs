//! The pacing against telephones of a law: a discrete-event simulation of campaigns of hours, with figures 14 to 18 of the dialler's
//! reference. `just bench pacing` prints them over ten seeds; the tests of every day look at one.

#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

mod floor;

use std::time::Duration;

use floor::{Floor, Report, Weather, run};
use vox_dialler::pacing::share::{Share, Wants};
use vox_shared::env::Env;
use vox_shared::wire::dialler::Mode;

const TARGET: f64 = 0.02;

/// How much is simulated.
#[derive(Clone, Copy)]
struct Scale {
    seeds: u64,
    hours: u64,
}

/// `VOX_TEST_PACING_SEEDS`: so many seeds of eight hours; one when unset.
fn scale() -> Scale {
    Scale { seeds: Env::of_process().parsed("VOX_TEST_PACING_SEEDS").unwrap_or(1), hours: 8 }
}

/// All seeds of a floor.
struct Runs(Vec<Report>);

impl Runs {
    fn of(mode: Mode, slots: u32, weather: Weather) -> Self {
        Self::at((mode, 0.0), slots, weather)
    }

    /// With a rate for [`Mode::Rate`].
    fn at((mode, per_minute): (Mode, f64), slots: u32, weather: Weather) -> Self {
        let Scale { seeds, hours } = scale();
        let floor = |seed| Floor { mode, slots, weather, hours, seed, target: TARGET, per_minute };
        Self((1..=seeds).map(|seed| run(floor(seed))).collect())
    }

    fn answered(&self) -> u64 {
        self.0.iter().map(|report| report.answered).sum()
    }

    fn abandoned(&self) -> u64 {
        self.0.iter().map(|report| report.abandoned).sum()
    }

    /// Share of abandoned calls.
    fn share(&self) -> f64 {
        self.abandoned() as f64 / self.answered().max(1) as f64
    }

    fn worst(&self) -> f64 {
        self.0.iter().map(Report::share).fold(0.0, f64::max)
    }

    /// Highest share at any time after a hundred answers.
    fn peak(&self) -> f64 {
        self.0.iter().map(|report| report.peak).fold(0.0, f64::max)
    }

    fn mean(&self, of: impl Fn(&Report) -> f64) -> f64 {
        self.0.iter().map(of).sum::<f64>() / self.0.len() as f64
    }

    fn print(&self, what: &str) {
        println!(
            "| {what} | {:.2} % | {:.2} % | {:.2} % | {:.3} | {:.1} | {:.2} | {:+.2} |",
            100.0 * self.share(),
            100.0 * self.worst(),
            100.0 * self.peak(),
            self.mean(|report| report.utilisation),
            self.mean(|report| report.connects_per_slot_hour),
            self.mean(|report| report.spread),
            self.mean(|report| report.echo),
        );
    }
}

fn head() {
    println!(
        "| | abandoned | worst run | peak | utilisation | connects per slot and hour | lines' σ/mean | echo |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
}

/// Figure 14: one slot for each line abandons nobody; the reserve hardly anybody, and reaches more people.
#[test]
fn the_reserve_reaches_more_people_and_abandons_hardly_any() {
    head();
    for (slots, gain) in [(10, 1.15), (20, 1.28), (50, 1.42)] {
        let strict = Runs::of(Mode::Progressive, slots, Weather::Steady);
        strict.print(&format!("reserve-first, {slots} slots"));
        assert_eq!(strict.abandoned(), 0);
        let steady = Runs::of(Mode::Reserve, slots, Weather::Steady);
        steady.print(&format!("4σ, {slots} slots"));
        let jumping = Runs::of(Mode::Reserve, slots, Weather::Jumping);
        jumping.print(&format!("4σ, {slots} slots, 12 ↔ 40 % hourly"));
        // One abandoned call of a short run is more than the figure allows of a long one.
        let few = |runs: &Runs| runs.0.len() as f64 * 1.5 / runs.answered() as f64;
        assert!(steady.share() <= 0.0005_f64.max(few(&steady)), "{slots}: {}", steady.share());
        assert!(jumping.worst() <= 0.002_f64.max(few(&jumping)), "{slots}: {}", jumping.worst());
        let more = steady.mean(connects) / strict.mean(connects);
        assert!(more >= gain, "{slots} slots reach {more:.2} times as many");
    }
}

fn connects(report: &Report) -> f64 {
    report.connects_per_slot_hour
}

/// Figures 15 and 17: predictive dialling keeps its target, with few slots and with many, and does not swing.
#[test]
fn predictive_dialling_keeps_its_target() {
    head();
    // Of a single run of few slots one call is much.
    let slack = if scale().seeds > 1 { 0.002 } else { 0.01 };
    let mut faults = Vec::new();
    for (slots, utilisation) in [(3, 0.60), (5, 0.66), (10, 0.73), (20, 0.82), (50, 0.89)] {
        let runs = Runs::of(Mode::Predictive, slots, Weather::Steady);
        runs.print(&format!("predictive, {slots} slots"));
        let used = runs.mean(|report| report.utilisation);
        let is_calm = slots != 20
            || (runs.mean(|report| report.spread) <= 0.35 && runs.mean(|report| report.echo) > -0.3);
        let kept = runs.worst() <= 0.025 + slack && runs.peak() < 0.03 + slack;
        if !kept || !is_calm || used < utilisation - 0.03 {
            faults.push(slots);
        }
    }
    assert!(faults.is_empty(), "with so many slots: {faults:?}");
}

/// Figure 16: answer rates that jump, a carrier that is out, people who leave.
#[test]
fn predictive_dialling_recovers_from_bad_weather() {
    head();
    let mut faults = Vec::new();
    for (what, weather) in [
        ("12 ↔ 40 % hourly", Weather::Jumping),
        ("the carrier is out for ten minutes", Weather::Outage),
        ("half of the slots leave", Weather::HalfLeave),
    ] {
        let runs = Runs::of(Mode::Predictive, 20, weather);
        runs.print(&format!("predictive, 20 slots, {what}"));
        let recovers = runs.0.iter().map(|report| report.recovered_after).max().unwrap();
        if runs.share() > 0.027 || recovers > Duration::from_secs(600) {
            faults.push((what, recovers));
        }
    }
    assert!(faults.is_empty(), "{faults:?}");
}

/// A fixed rate is what it says, hour by hour and minute by minute, and leaves nobody in silence; with too few slots it is less.
#[test]
fn a_fixed_rate_is_kept_and_abandons_nobody() {
    head();
    let minutes = 60.0 * scale().hours as f64;
    for (per_minute, slots) in [(2.0, 20), (30.0, 100)] {
        let runs = Runs::at((Mode::Rate, per_minute), slots, Weather::Jumping);
        runs.print(&format!("{per_minute} a minute, {slots} slots, 12 ↔ 40 % hourly"));
        assert_eq!(runs.abandoned(), 0);
        for report in &runs.0 {
            assert!((report.dials as f64 - per_minute * minutes).abs() <= 2.0, "{}", report.dials);
            assert!(report.busiest_minute as f64 <= per_minute + 1.0, "{}", report.busiest_minute);
        }
    }
    let few = Runs::at((Mode::Rate, 600.0), 5, Weather::Steady);
    few.print("600 a minute, 5 slots");
    assert_eq!(few.abandoned(), 0);
    let strict = Runs::of(Mode::Progressive, 5, Weather::Steady);
    let most = strict.mean(|report| report.dials as f64) * 1.15;
    assert!(few.mean(|report| report.dials as f64) <= most, "one slot for each line, whatever the rate");
}

/// Figure 18: three campaigns of weights 1, 2 and 4 want more than there is.
#[test]
fn campaigns_share_by_weight() {
    let wants = [1_u32, 2, 4].map(|weight| Wants { campaign: weight, weight, cost: 22.0 });
    let mut share = Share::default();
    let (mut dials, mut last, mut idle) = ([0_u32; 5], [0_u64; 5], 0);
    // A slot falls free every 200 ms.
    for tick in 0..3_000_u64 {
        let now = Duration::from_millis(200 * tick);
        let next = share.next(&wants, now).expect("somebody wants to dial");
        share.dialled(&next, 22.0, now);
        let at = next as usize;
        dials[at] += 1;
        idle = idle.max(200 * tick - last[at]);
        last[at] = 200 * tick;
    }
    for weight in [1, 2, 4] {
        let got = f64::from(dials[weight]) / 3_000.0 * 7.0 / weight as f64;
        println!("weight {weight}: {got:.3} of what is due, idle for at most {idle} ms");
        assert!((got - 1.0).abs() <= 0.05);
    }
    assert!(idle <= 10_000);
}
