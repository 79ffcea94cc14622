//! How many calls one address may begin: a bucket for each, which fills with time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

/// Most addresses that are watched at a time.
const MOST: usize = 4096;

pub(super) struct Limits {
    per_second: f64,
    buckets: HashMap<IpAddr, (f64, Instant)>,
}

impl Limits {
    pub(super) fn new(per_second: u32) -> Self {
        Self { per_second: f64::from(per_second.max(1)), buckets: HashMap::new() }
    }

    /// Whether one more call from there is taken.
    pub(super) fn admit(&mut self, now: Instant, from: IpAddr) -> bool {
        let (rate, most) = (self.per_second, 2.0 * self.per_second);
        let filled = |(level, at): (f64, Instant)| (level + (now - at).as_secs_f64() * rate).min(most);
        if self.buckets.len() >= MOST && !self.buckets.contains_key(&from) {
            self.buckets.retain(|_, bucket| filled(*bucket) < most);
            if self.buckets.len() >= MOST {
                return false;
            }
        }
        let bucket = self.buckets.entry(from).or_insert((most, now));
        let level = filled(*bucket);
        let is_there = level >= 1.0;
        *bucket = (if is_there { level - 1.0 } else { level }, now);
        is_there
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_address_has_its_own_measure() {
        let start = Instant::now();
        let mut limits = Limits::new(5);
        let from = |n: u32| IpAddr::V4(Ipv4Addr::from(n));
        assert_eq!((0..100).filter(|_| limits.admit(start, from(1))).count(), 10);
        assert!(limits.admit(start, from(2)));
        let later = start + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| limits.admit(later, from(1))).count(), 5);
        assert_eq!(
            (0..10_000).filter(|n| limits.admit(later, from(*n))).count(),
            MOST - 1,
            "one has none left"
        );
        assert!(limits.admit(later + Duration::from_secs(10), from(20_000)), "who is gone makes room");
    }
}
