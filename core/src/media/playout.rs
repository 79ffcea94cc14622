//! The bot's side of the line: audio waiting to be sent, and a model of what the carrier has played of it.

use std::collections::VecDeque;

use crate::provider::tts::UtteranceId;

/// How a line wants its audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pacing {
    /// Samples in a message; the last one of an utterance is padded with silence to it.
    pub chunk: usize,
    /// The next message goes out when the carrier has less than this left to play, samples. At least a tick of the
    /// media clock, or the line runs dry between two ticks.
    pub lead: usize,
}

/// Audio taken for the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub utterance: UtteranceId,
    pub pcm: Vec<i16>,
    /// Of these the utterance's own; the rest is padding.
    pub samples: usize,
    /// The utterance has nothing after this.
    pub last: bool,
}

#[derive(Debug)]
struct Waiting {
    utterance: UtteranceId,
    pcm: VecDeque<i16>,
    /// The voice has given everything.
    complete: bool,
    /// Cut off: what is left is the fade, and nothing of it counts as heard.
    stopped: bool,
}

/// Audio that waits to be sent.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: VecDeque<Waiting>,
}

impl Queue {
    /// More audio of an utterance. Audio of an utterance that was stopped is dropped by the caller.
    pub fn push(&mut self, utterance: UtteranceId, pcm: &[i16]) {
        match self.waiting.iter_mut().find(|w| w.utterance == utterance && !w.stopped) {
            Some(waiting) => waiting.pcm.extend(pcm),
            None => {
                let pcm = pcm.iter().copied().collect();
                self.waiting.push_back(Waiting { utterance, pcm, complete: false, stopped: false });
            }
        }
    }

    /// Sound that belongs to no utterance, played before all that waits; nothing of it counts as heard.
    pub fn interject(&mut self, pcm: Vec<i16>) {
        let utterance = UtteranceId::default();
        self.waiting.push_front(Waiting { utterance, pcm: pcm.into(), complete: true, stopped: true });
    }

    /// No more audio of this utterance comes.
    pub fn complete(&mut self, utterance: UtteranceId) {
        if let Some(waiting) = self.waiting.iter_mut().find(|w| w.utterance == utterance) {
            waiting.complete = true;
        }
    }

    /// No more audio comes of anything: the voice is gone.
    pub fn complete_all(&mut self) {
        self.waiting.iter_mut().for_each(|waiting| waiting.complete = true);
    }

    /// Fade the utterance out over `fade` samples and drop the rest.
    pub fn stop(&mut self, utterance: UtteranceId, fade: usize) {
        let Some(waiting) = self.waiting.iter_mut().find(|w| w.utterance == utterance) else { return };
        waiting.pcm.truncate(fade);
        let length = waiting.pcm.len();
        for (i, sample) in waiting.pcm.iter_mut().enumerate() {
            *sample = (i64::from(*sample) * (length - i) as i64 / length as i64) as i16;
        }
        waiting.complete = true;
        waiting.stopped = true;
        self.waiting.retain(|w| !w.pcm.is_empty() || !w.complete);
    }

    /// Whether sound of this utterance waits.
    pub fn holds(&self, utterance: UtteranceId) -> bool {
        self.waiting.iter().any(|w| w.utterance == utterance && !w.pcm.is_empty())
    }

    /// Whether the end of something that was stopped is next.
    pub fn fades(&self) -> bool {
        self.waiting.iter().find(|w| !w.pcm.is_empty()).is_some_and(|w| w.stopped)
    }

    /// Samples at hand.
    pub fn samples(&self) -> usize {
        self.waiting.iter().map(|w| w.pcm.len()).sum()
    }

    /// The next chunk, if there is a whole one, or the padded end of a complete utterance. With `dry` also the padded
    /// beginning of a chunk: its voice gives no more for now, and what is not sent can never be heard.
    pub fn take(&mut self, chunk: usize, dry: bool) -> Option<Chunk> {
        while self.waiting.front().is_some_and(|w| w.complete && w.pcm.is_empty()) {
            self.waiting.pop_front();
        }
        let front = self.waiting.front_mut()?;
        if front.pcm.len() < chunk && !front.complete && (!dry || front.pcm.is_empty()) {
            return None;
        }
        let samples = front.pcm.len().min(chunk);
        let mut pcm: Vec<i16> = front.pcm.drain(..samples).collect();
        pcm.resize(chunk, 0);
        let last = front.complete && front.pcm.is_empty();
        let (utterance, stopped) = (front.utterance, front.stopped);
        Some(Chunk { utterance, pcm, samples: if stopped { 0 } else { samples }, last })
    }
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    utterance: UtteranceId,
    /// Media clock of its first sample.
    from: u64,
    samples: usize,
    /// Samples of the utterance before this chunk.
    before: u64,
}

/// What the carrier plays: it begins a chunk when it arrives or when the one before it ends.
#[derive(Debug, Default)]
pub struct Carrier {
    sent: VecDeque<Sent>,
    plays_until: u64,
    counted: (UtteranceId, u64),
}

impl Carrier {
    /// A chunk left at media time `now` (samples). Returns where on the media clock it is heard.
    pub fn send(&mut self, chunk: &Chunk, now: u64) -> u64 {
        let from = self.plays_until.max(now);
        self.plays_until = from + chunk.pcm.len() as u64;
        if chunk.samples > 0 {
            if self.counted.0 != chunk.utterance {
                self.counted = (chunk.utterance, 0);
            }
            self.sent.push_back(Sent {
                utterance: chunk.utterance,
                from,
                samples: chunk.samples,
                before: self.counted.1,
            });
            self.counted.1 += chunk.samples as u64;
        }
        from
    }

    /// How far the carrier's queue reaches beyond `now`, samples.
    pub fn ahead(&self, now: u64) -> usize {
        usize::try_from(self.plays_until.saturating_sub(now)).unwrap_or(usize::MAX)
    }

    /// Media time at which the carrier falls silent, samples.
    pub fn plays_until(&self) -> u64 {
        self.plays_until
    }

    /// The carrier dropped what it had not played.
    pub fn clear(&mut self, now: u64) {
        self.plays_until = self.plays_until.min(now);
        self.sent.clear();
    }

    /// Forget about chunks of an utterance: it was stopped, nothing more of it counts.
    pub fn forget(&mut self, utterance: UtteranceId) {
        self.sent.retain(|s| s.utterance != utterance);
    }

    /// What was played by media time `now`: (utterance, its samples heard so far) for each that moved, oldest first.
    pub fn played(&mut self, now: u64) -> Vec<(UtteranceId, u64)> {
        let mut moved: Vec<(UtteranceId, u64)> = Vec::new();
        while let Some(front) = self.sent.front().copied() {
            if now <= front.from {
                break;
            }
            let inside = (now - front.from).min(front.samples as u64);
            match moved.last_mut() {
                Some(last) if last.0 == front.utterance => last.1 = front.before + inside,
                _ => moved.push((front.utterance, front.before + inside)),
            }
            if inside < front.samples as u64 {
                break;
            }
            self.sent.pop_front();
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_cut_into_chunks_and_its_end_is_padded() {
        let mut queue = Queue::default();
        queue.push(1, &[7; 250]);
        assert_eq!(queue.take(160, false).map(|c| (c.samples, c.last)), Some((160, false)));
        assert_eq!(queue.take(160, false), None, "an unfinished utterance waits for a whole chunk");
        queue.complete(1);
        let end = queue.take(160, false).unwrap();
        assert_eq!((end.samples, end.last, end.pcm.len(), end.pcm[90]), (90, true, 160, 0));
        assert_eq!(queue.take(160, false), None);
    }

    #[test]
    fn the_tail_of_a_voice_that_stalls_is_played_and_counts() {
        let (mut queue, mut carrier) = (Queue::default(), Carrier::default());
        queue.push(1, &[7; 200]);
        carrier.send(&queue.take(160, true).unwrap(), 0);
        assert_eq!(queue.take(160, false), None);
        let tail = queue.take(160, true).unwrap();
        assert_eq!((tail.samples, tail.last, tail.pcm[39], tail.pcm[40]), (40, false, 7, 0));
        carrier.send(&tail, 160);
        assert_eq!(carrier.played(400), [(1, 200)]);
        assert_eq!(queue.take(160, true), None, "nothing is left that could be sent");
        queue.push(1, &[7; 160]);
        carrier.send(&queue.take(160, false).unwrap(), 480);
        assert_eq!(carrier.played(640), [(1, 360)]);
    }

    #[test]
    fn a_stopped_utterance_fades_and_counts_no_more() {
        let mut queue = Queue::default();
        queue.push(1, &[1000; 1000]);
        queue.stop(1, 320);
        let (a, b) = (queue.take(160, false).unwrap(), queue.take(160, false).unwrap());
        assert_eq!((a.samples, b.samples, b.last), (0, 0, true));
        assert!(a.pcm[0] == 1000 && a.pcm[159] > b.pcm[0] && b.pcm[159] < 10);
        assert_eq!(queue.samples(), 0);
    }

    #[test]
    fn an_interjection_breaks_into_an_utterance_and_changes_nothing_of_what_was_heard() {
        let (mut queue, mut carrier) = (Queue::default(), Carrier::default());
        queue.push(1, &[7; 200]);
        let mut now = 0;
        let mut send = |queue: &mut Queue, now: &mut u64| {
            let chunk = queue.take(160, false)?;
            carrier.send(&chunk, *now);
            *now += 160;
            Some((chunk.pcm[0], carrier.played(*now)))
        };
        assert_eq!(send(&mut queue, &mut now), Some((7, vec![(1, 160)])));
        assert_eq!(send(&mut queue, &mut now), None, "the voice stalls");
        queue.interject(vec![3; 100]);
        assert_eq!(send(&mut queue, &mut now), Some((3, Vec::new())));
        queue.push(1, &[7; 120]);
        assert_eq!(send(&mut queue, &mut now), Some((7, vec![(1, 320)])));
    }

    #[test]
    fn the_carrier_plays_in_real_time_whatever_was_sent_ahead() {
        let mut carrier = Carrier::default();
        let chunk = |samples| Chunk { utterance: 5, pcm: vec![1; 1600], samples, last: false };
        assert_eq!(carrier.send(&chunk(1600), 100), 100);
        assert_eq!(carrier.send(&chunk(900), 100), 1700);
        assert_eq!(carrier.ahead(100), 3200);
        assert_eq!(carrier.played(100), []);
        assert_eq!(carrier.played(260), [(5, 160)]);
        assert_eq!(carrier.played(2000), [(5, 1900)]);
        assert_eq!(carrier.played(9000), [(5, 2500)]);
        assert_eq!(carrier.played(9100), []);
    }

    #[test]
    fn what_was_cleared_is_never_played() {
        let mut carrier = Carrier::default();
        carrier.send(&Chunk { utterance: 5, pcm: vec![1; 1600], samples: 1600, last: true }, 0);
        assert_eq!(carrier.played(800), [(5, 800)]);
        carrier.clear(800);
        assert_eq!(carrier.played(9000), []);
        assert_eq!(carrier.ahead(800), 0);
    }
}
