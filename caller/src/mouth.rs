//! The caller's speech on its way to the line: clips in a queue, cut into frames.

use std::{collections::VecDeque, sync::Arc};

use tokio::sync::oneshot;

use crate::ear::Span;

/// Clips that may wait to be said. A microphone that runs faster than the line is cut off here.
const QUEUE_MAX: usize = 64;

/// Something to say.
#[derive(Debug)]
pub(crate) struct Speech {
    pub(crate) samples: Arc<[i16]>,
    /// For one turn of the caller: where in the samples it is audible. `None` for recordings and microphones, whose
    /// turns are found by their silence.
    pub(crate) turn: Option<Span>,
    /// Told when the last sample is on the wire, with where it was audible; dropped when it could not be said.
    pub(crate) done: oneshot::Sender<Span>,
}

#[derive(Debug, Default)]
pub(crate) struct Mouth {
    queue: VecDeque<Speech>,
    /// Samples of the first clip that are said.
    said: usize,
    /// Clips whose last sample is in the frame that is about to be sent.
    finished: Vec<(oneshot::Sender<Span>, Span)>,
}

impl Mouth {
    /// Queue a clip; when there is no room it is dropped, and with it its `done`.
    pub(crate) fn say(&mut self, speech: Speech) {
        if self.queue.len() < QUEUE_MAX {
            self.queue.push_back(speech);
        }
    }

    /// Fill the frame that begins at `position` of the line's clock; what nothing is said in is silence.
    pub(crate) fn fill(&mut self, position: u64, frame: &mut [i16], mut turn_said: impl FnMut(Span)) {
        let mut filled = 0;
        while let Some(speech) = self.queue.front().filter(|_| filled < frame.len()) {
            let rest = &speech.samples[self.said..];
            let count = rest.len().min(frame.len() - filled);
            frame[filled..filled + count].copy_from_slice(&rest[..count]);
            filled += count;
            self.said += count;
            if self.said < speech.samples.len() {
                continue;
            }
            let start = (position + filled as u64).saturating_sub(self.said as u64);
            self.said = 0;
            let Some(speech) = self.queue.pop_front() else { break };
            let length = speech.samples.len() as u64;
            let audible = speech.turn.unwrap_or(Span { start: 0, end: length });
            let span = Span { start: start + audible.start, end: start + audible.end };
            if speech.turn.is_some() {
                turn_said(span);
            }
            self.finished.push((speech.done, span));
        }
        frame[filled..].fill(0);
    }

    /// The frame is on the wire: tell who waits for it.
    pub(crate) fn sent(&mut self) {
        for (done, span) in self.finished.drain(..) {
            // Whoever said it may not wait for the end.
            let _ = done.send(span);
        }
    }

    /// The call ends at `position`: the turn that was cut off, as far as it was audible.
    pub(crate) fn cut_off(&self, position: u64) -> Option<Span> {
        let turn = self.queue.front()?.turn?;
        let said = self.said as u64;
        let start = position.saturating_sub(said);
        (said > turn.start).then(|| Span { start: start + turn.start, end: start + turn.end.min(said) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech(samples: Vec<i16>, turn: Option<Span>) -> (Speech, oneshot::Receiver<Span>) {
        let (done, spoken) = oneshot::channel();
        (Speech { samples: samples.into(), turn, done }, spoken)
    }

    #[test]
    fn clips_follow_each_other_without_a_hole_and_report_their_place() {
        let mut mouth = Mouth::default();
        let (first, mut first_said) = speech(vec![1; 6], Some(Span { start: 1, end: 5 }));
        let (second, mut second_said) = speech(vec![2; 3], None);
        mouth.say(first);
        mouth.say(second);
        let (mut out, mut turns) = (Vec::new(), Vec::new());
        for frame in 0..3u64 {
            let mut samples = [9; 4];
            mouth.fill(100 + frame * 4, &mut samples, |span| turns.push(span));
            if frame == 1 {
                assert!(first_said.try_recv().is_err(), "not before it is sent");
            }
            mouth.sent();
            out.extend(samples);
        }
        assert_eq!(out, [1, 1, 1, 1, 1, 1, 2, 2, 2, 0, 0, 0]);
        assert_eq!(turns, [Span { start: 101, end: 105 }]);
        assert_eq!(first_said.try_recv().unwrap(), Span { start: 101, end: 105 });
        assert_eq!(second_said.try_recv().unwrap(), Span { start: 106, end: 109 });
    }

    #[test]
    fn a_turn_that_is_cut_off_counts_as_far_as_it_was_heard() {
        let mut mouth = Mouth::default();
        mouth.say(speech(vec![1; 100], Some(Span { start: 3, end: 90 })).0);
        mouth.fill(40, &mut [0; 2], |_| ());
        assert_eq!(mouth.cut_off(42), None);
        mouth.fill(42, &mut [0; 8], |_| ());
        assert_eq!(mouth.cut_off(50), Some(Span { start: 43, end: 50 }));
    }

    #[test]
    fn a_full_queue_refuses() {
        let mut mouth = Mouth::default();
        (0..QUEUE_MAX).for_each(|_| mouth.say(speech(vec![1], None).0));
        let (late, mut said) = speech(vec![1], None);
        mouth.say(late);
        assert!(matches!(said.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
    }
}
