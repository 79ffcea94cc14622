//! A bad network, made: packets are lost, or come later by a random time and overtake one another.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::options::Impairment;

/// A bad network's decisions, one packet after another. Clones share them: all sockets of a session, or both ways of a proxy, are one network.
#[derive(Clone, Debug)]
pub struct Impair {
    settings: Impairment,
    state: Arc<AtomicU64>,
}

impl Impair {
    /// A network that is as bad as this.
    pub fn new(settings: Impairment) -> Self {
        Self { settings, state: Arc::new(AtomicU64::new(settings.seed)) }
    }

    /// Do what passes a packet on, later, or never.
    pub fn pass(&self, pass_on: impl Future<Output = ()> + Send + 'static) {
        let Some(wait) = self.fate() else { return };
        tokio::spawn(async move {
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            pass_on.await;
        });
    }

    /// How long the next packet takes; `None` if it is lost.
    fn fate(&self) -> Option<Duration> {
        if self.next() % 100 < u64::from(self.settings.loss_percent) {
            return None;
        }
        let most = self.settings.jitter.as_micros() as u64;
        Some(Duration::from_micros(if most == 0 { 0 } else { self.next() % most }))
    }

    /// SplitMix64.
    fn next(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_lost_and_none_is_later_than_said() {
        let settings = Impairment { loss_percent: 20, jitter: Duration::from_millis(200), seed: 3 };
        let impair = Impair::new(settings);
        let fates: Vec<_> = (0..10_000).map(|_| impair.fate()).collect();
        let lost = fates.iter().filter(|fate| fate.is_none()).count();
        assert!((1800..2200).contains(&lost), "{lost}");
        assert!(fates.iter().flatten().all(|wait| *wait < Duration::from_millis(200)));
        let again = Impair::new(settings);
        assert!(fates.iter().all(|fate| *fate == again.fate()));
    }
}
