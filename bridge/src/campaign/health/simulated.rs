//! How soon a number that falls is found, and how often one that has not is taken for fallen: ten numbers of one campaign, ten hours a day
//! with calls in bursts, 100 calls a number and day, each number judged after each of its bursts. Whether anybody answers goes up and down
//! over the day for all of them alike; in the lumpy world the answers of an hour of a number are alike as well (beta-binomial), in the other
//! one each is thrown for itself. The same throws every time.

use std::f64::consts::TAU;

use super::{FALLEN, Hour, SUSPECT, add, evidence, pairs};

const NUMBERS: usize = 10;
/// Of which so many are judged while nothing is wrong with them.
const JUDGED: usize = 4;
const RUNS: u32 = 400;
const WEEK: u32 = 7 * 24;
const SHARE: f64 = 0.2;
const FALLS_TO: f64 = 0.6;

struct Dice(u64);

impl Dice {
    /// From 0 to below 1 (SplitMix64).
    fn throw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (length, turn) = (self.throw(), self.throw());
        (-2.0 * (1.0 - length).ln()).sqrt() * (TAU * turn).cos()
    }

    /// Marsaglia and Tsang.
    fn gamma(&mut self, shape: f64) -> f64 {
        let (shape, less) =
            if shape < 1.0 { (shape + 1.0, (1.0 - self.throw()).powf(1.0 / shape)) } else { (shape, 1.0) };
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && (1.0 - self.throw()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return less * d * v;
            }
        }
    }

    fn beta(&mut self, mean: f64, alike: f64) -> f64 {
        let both = 1.0 / alike - 1.0;
        let (one, other) = (self.gamma(mean * both), self.gamma((1.0 - mean) * both));
        one / (one + other)
    }
}

struct World {
    dice: Dice,
    /// How alike the answers of an hour are; 0: not at all.
    alike: f64,
    all: Vec<Hour>,
    own: Vec<Vec<Hour>>,
}

impl World {
    fn new(run: u32, alike: f64) -> Self {
        Self { dice: Dice(u64::from(run) << 32), alike, all: Vec::new(), own: vec![Vec::new(); NUMBERS] }
    }

    /// An hour of calls; whoever `looks` is told of each number that called, once for each burst of it.
    fn hour(&mut self, at: u32, falls: f64, mut looks: impl FnMut(&Self, usize, u32)) {
        if !(9..19).contains(&(at % 24)) {
            return;
        }
        let turn = f64::from(at % 24 - 9) / 10.0;
        let share = SHARE * (1.0 + 0.3 * (TAU * turn).sin()) * (0.85 + 0.3 * self.dice.throw());
        let mut shares = [share; NUMBERS];
        shares[0] *= falls;
        if self.alike > 0.0 {
            for share in &mut shares {
                *share = self.dice.beta(*share, self.alike);
            }
        }
        for _quarter in 0..4 {
            let mut called = [0; NUMBERS];
            for (number, calls) in called.iter_mut().enumerate() {
                if self.dice.throw() < 0.3125 {
                    *calls = 4 + (9.0 * self.dice.throw()) as u32;
                    let mut answers = 0;
                    for _call in 0..*calls {
                        answers += u32::from(self.dice.throw() < shares[number]);
                    }
                    let burst = [Hour { at, kind: 1, calls: *calls, answers, short: 0 }];
                    add(&mut self.own[number], &burst);
                    add(&mut self.all, &burst);
                }
            }
            for (number, calls) in called.into_iter().enumerate().filter(|(_, calls)| *calls > 0) {
                looks(self, number, calls);
            }
        }
    }

    fn evidence(&self, number: usize, at: u32) -> f64 {
        evidence(&pairs(&self.own[number], &self.all, (at + 1).saturating_sub(WEEK)))
    }
}

/// Shares of numbers, and of runs.
#[derive(Debug)]
struct Counted {
    /// Of weeks of numbers that are as the others: taken out, and shown last.
    false_cools: f64,
    false_spares: f64,
    /// Of numbers that fell: shown last within 250 calls, and taken out within 250, 350 and 600.
    spared_250: f64,
    cooled_250: f64,
    cooled_350: f64,
    cooled_600: f64,
}

fn simulate(alike: f64) -> Counted {
    let (mut cools, mut spares) = (0, 0);
    // The most evidence of each run after so many calls.
    let mut found = [(250, Vec::new()), (350, Vec::new()), (600, Vec::new())];
    for run in 0..RUNS {
        let mut world = World::new(run, alike);
        let mut most = [0.0_f64; NUMBERS];
        for at in 0..2 * WEEK {
            world.hour(at, 1.0, |world, number, _| {
                if at >= WEEK && number < JUDGED {
                    most[number] = most[number].max(world.evidence(number, at));
                }
            });
        }
        cools += most.iter().filter(|most| **most >= FALLEN).count();
        spares += most.iter().filter(|most| **most >= SUSPECT).count();
        let (mut calls, mut most, mut at) = (0, 0.0_f64, 2 * WEEK);
        let mut done = [false; 3];
        while !done[2] {
            world.hour(at, FALLS_TO, |world, number, more| {
                if number > 0 {
                    return;
                }
                calls += more;
                for ((within, found), done) in found.iter_mut().zip(&mut done) {
                    if calls > *within && !*done {
                        found.push(most);
                        *done = true;
                    }
                }
                most = most.max(world.evidence(0, at));
            });
            at += 1;
        }
    }
    let weeks = f64::from(RUNS) * JUDGED as f64;
    let share = |at: usize, enough: f64| {
        found[at].1.iter().filter(|most| **most >= enough).count() as f64 / f64::from(RUNS)
    };
    Counted {
        false_cools: cools as f64 / weeks,
        false_spares: spares as f64 / weeks,
        spared_250: share(0, SUSPECT),
        cooled_250: share(0, FALLEN),
        cooled_350: share(1, FALLEN),
        cooled_600: share(2, FALLEN),
    }
}

/// Decision 0088 has the figures, and why no rule cools nine of ten within 250 calls with as few false cools.
fn check(alike: f64) {
    let counted = simulate(alike);
    assert!(counted.false_cools <= 0.02, "{counted:?}");
    assert!(counted.spared_250 >= 0.9, "{counted:?}");
    assert!(counted.cooled_350 >= 0.5, "{counted:?}");
    // 0.92 of ten times as many runs; these are within two hundredths of it.
    assert!(counted.cooled_600 >= 0.88, "{counted:?}");
    // Else it would find nothing out that is not there.
    assert!(counted.false_spares < 0.55 && counted.cooled_250 < counted.cooled_350, "{counted:?}");
}

#[test]
fn a_number_that_falls_is_found_and_others_are_let_alone_where_answers_come_in_lumps() {
    check(0.02);
}

#[test]
fn a_number_that_falls_is_found_and_others_are_let_alone_where_each_answer_is_thrown_for_itself() {
    check(0.0);
}
