//! Audio in messages that are neither too short nor too long for a vendor.

use std::collections::VecDeque;

/// Samples that wait until there are enough for a message.
#[derive(Debug)]
pub(super) struct Pieces {
    held: VecDeque<i16>,
    least: usize,
    most: usize,
}

impl Pieces {
    /// Messages of `least_ms` to `most_ms`, at `rate_hz`.
    pub fn new(rate_hz: u32, (least_ms, most_ms): (u32, u32)) -> Self {
        let samples = |ms: u32| (u64::from(rate_hz) * u64::from(ms) / 1000) as usize;
        Self { held: VecDeque::new(), least: samples(least_ms).max(1), most: samples(most_ms).max(1) }
    }

    pub fn push(&mut self, samples: &[i16]) {
        self.held.extend(samples);
    }

    /// The next message, if there is enough for one.
    pub fn next(&mut self) -> Option<Vec<i16>> {
        (self.held.len() >= self.least).then(|| {
            let count = self.held.len().min(self.most);
            self.held.drain(..count).collect()
        })
    }

    /// What is left, however short.
    pub fn rest(&mut self) -> Option<Vec<i16>> {
        (!self.held.is_empty()).then(|| self.held.drain(..).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_their_bounds() {
        let mut pieces = Pieces::new(1000, (50, 100));
        pieces.push(&[1; 40]);
        assert_eq!(pieces.next(), None);
        pieces.push(&[2; 100]);
        let lengths: Vec<usize> = std::iter::from_fn(|| pieces.next()).map(|piece| piece.len()).collect();
        assert_eq!(lengths, [100]);
        assert_eq!((pieces.rest().map(|rest| rest.len()), pieces.rest()), (Some(40), None));
    }
}
