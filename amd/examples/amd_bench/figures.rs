//! Shares with their intervals, and places in a sorted list.

/// So many of so many, with Wilson's interval (95 %).
#[derive(Clone, Copy, Debug)]
pub struct Share {
    pub count: usize,
    pub all: usize,
}

impl Share {
    pub fn of<T>(items: &[T], is_one: impl Fn(&T) -> bool) -> Self {
        Self { count: items.iter().filter(|item| is_one(item)).count(), all: items.len() }
    }

    pub fn percent(self) -> f64 {
        100.0 * self.count as f64 / self.all.max(1) as f64
    }

    /// Per cent.
    pub fn interval(self) -> (f64, f64) {
        let (n, z) = (self.all.max(1) as f64, 1.959_964);
        let p = self.count as f64 / n;
        let middle = p + z * z / (2.0 * n);
        let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        let scale = 100.0 / (1.0 + z * z / n);
        (((middle - half) * scale).max(0.0), ((middle + half) * scale).min(100.0))
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (low, high) = self.interval();
        write!(to, "{:.1} % ({:.1}–{:.1}; {} of {})", self.percent(), low, high, self.count, self.all)
    }
}

/// The value below which so many per cent lie.
pub fn percentile(values: &mut [u32], percent: usize) -> Option<u32> {
    values.sort_unstable();
    let last = values.len().checked_sub(1)?;
    values.get((last * percent + 50) / 100).copied()
}
