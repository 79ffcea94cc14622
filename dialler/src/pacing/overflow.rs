//! The overflow model of predictive dialling: how many answers of the next seconds find no slot.

use super::laws::normal_below;

/// Above so many lines the answers are taken as normal.
const EXACT: usize = 200;

/// Answers of the ringing lines within the horizon, as a law, to which lines are added one by one.
#[derive(Clone, Debug)]
pub struct Overflow {
    /// Probability of each number of answers; empty once there are too many lines.
    answers: Vec<f64>,
    lines: usize,
    mean: f64,
    variance: f64,
    /// Probability of each number of slots above the free ones.
    freed: Vec<f64>,
    free: u32,
    freed_mean: f64,
    freed_variance: f64,
}

impl Overflow {
    /// `free` slots now, and `busy` ones of which each falls free within the horizon with the chance `falls_free`.
    pub fn new(free: u32, busy: u32, falls_free: f64) -> Self {
        let mut freed = vec![1.0];
        for _ in 0..busy.min(EXACT as u32) {
            add(&mut freed, falls_free);
        }
        let busy = f64::from(busy);
        Self {
            answers: vec![1.0],
            lines: 0,
            mean: 0.0,
            variance: 0.0,
            freed,
            free,
            freed_mean: busy * falls_free,
            freed_variance: busy * falls_free * (1.0 - falls_free),
        }
    }

    /// A line that is answered within the horizon with this chance.
    pub fn line(&mut self, chance: f64) {
        self.lines += 1;
        self.mean += chance;
        self.variance += chance * (1.0 - chance);
        if self.lines <= EXACT {
            add(&mut self.answers, chance);
        }
    }

    /// Answers to be expected.
    pub fn answers(&self) -> f64 {
        self.mean
    }

    /// Of them: those that find no slot.
    pub fn without_slot(&self) -> f64 {
        if self.lines > EXACT { self.nearly() } else { self.exactly() }
    }

    /// Σ P(K = k)·E[(A − free − k)⁺]
    fn exactly(&self) -> f64 {
        // E[(A − k)⁺] = Σ_{j ≥ k} P(A > j), from the right.
        let most = self.answers.len();
        let (mut above, mut over) = (0.0, vec![0.0; most + 1]);
        for answers in (0..most).rev() {
            over[answers] = over[answers + 1] + above;
            above += self.answers[answers];
        }
        let free = self.free as usize;
        let of = |(freed, chance): (usize, &f64)| chance * over.get(free + freed).copied().unwrap_or(0.0);
        self.freed.iter().enumerate().map(of).sum()
    }

    /// The same where answers and slots are normal.
    fn nearly(&self) -> f64 {
        let sigma = (self.variance + self.freed_variance).sqrt().max(1e-9);
        let z = (f64::from(self.free) + self.freed_mean - self.mean) / sigma;
        let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        sigma * (density - z * (1.0 - normal_below(z)))
    }
}

/// One more that happens with this chance.
fn add(law: &mut Vec<f64>, chance: f64) {
    law.push(0.0);
    for count in (0..law.len()).rev() {
        let from_below = if count == 0 { 0.0 } else { law[count - 1] * chance };
        law[count] = law[count] * (1.0 - chance) + from_below;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lines_and_one_slot_overflow_when_both_are_answered() {
        let mut overflow = Overflow::new(1, 0, 0.0);
        overflow.line(0.5);
        assert!(overflow.without_slot().abs() < 1e-12);
        overflow.line(0.5);
        assert!((overflow.without_slot() - 0.25).abs() < 1e-12);
        overflow.line(0.5);
        // 3 of 8: two of three answered, one over; 1 of 8: all three, two over.
        assert!((overflow.without_slot() - 0.625).abs() < 1e-12, "{}", overflow.without_slot());
    }

    #[test]
    fn slots_that_fall_free_take_answers() {
        let mut overflow = Overflow::new(0, 1, 0.4);
        overflow.line(1.0);
        assert!((overflow.without_slot() - 0.6).abs() < 1e-12);
    }

    #[test]
    fn many_lines_are_nearly_normal() {
        let mut exact = Overflow::new(30, 20, 0.1);
        (0..EXACT).for_each(|_| exact.line(0.17));
        let (exactly, nearly) = (exact.exactly(), exact.nearly());
        assert!((exactly - nearly).abs() < 0.05, "{exactly} {nearly}");
        exact.line(0.17);
        assert!((exact.without_slot() - exact.nearly()).abs() < 1e-12);
    }
}
