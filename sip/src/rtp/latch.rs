//! Whose packets are the other side's. Sound is taken from where it was said to come, and, as telephones behind an address translation
//! do not know where that is, from elsewhere (symmetric RTP, RFC 4961; RFC 7362 on what that lets strangers do). Packets can be sent by
//! anybody to every port of ours, so a stranger is let in only where the description says nothing, after a while, and as long as nobody
//! nearer speaks; once somebody has spoken for a second only their silence opens the place again, and not for ever.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::transport::Reach;

/// Packets in a row that another source must send before it is taken for the stream (RFC 3550, A.1).
const PROBATION: u32 = 3;
/// The same of one that nothing speaks for but that it sends.
const PROBATION_OF_STRANGERS: u32 = 10;
/// Between two of those, on average, there must be as much time: a burst of all of them at once is no telephone.
const STRANGERS_PACE: Duration = Duration::from_millis(10);
/// Packets that may be lost between two of those.
const LOST: u16 = 3;
/// Most packets that may be lost while a stream moves to another address.
const MOVING: u16 = 250;
/// A source is only taken in another's place when that one has been silent so long.
const GONE: Duration = Duration::from_millis(500);
/// Packets after which a source is known: a second of sound.
const KNOWN: u64 = 50;
/// How long one that is known must have been silent before a stranger takes its place.
const GONE_FOR_STRANGERS: Duration = Duration::from_secs(3);
/// How often strangers may take each other's place in a call.
const MOST_CHANGES: u32 = 16;
/// Sources that are looked at at once: one that sends between another's packets does not keep it out.
const LOOKED_AT: usize = 4;

/// A packet, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Came {
    pub from: SocketAddr,
    pub ssrc: u32,
    pub sequence: u16,
}

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Of the stream that is heard.
    Same,
    /// Of that stream, which comes from elsewhere now.
    Moved,
    /// Of another, which is the stream from now on.
    Taken,
    /// Somebody else's, or not known yet.
    Ignored,
}

/// How near to what was described a source is: a nearer one wins over one that was first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    /// What was described is an address that says nothing here: of an inside network, or none.
    Stranger,
    /// Likewise, but the call's messages come from that machine.
    Signalling,
    /// Another port of the machine that was described.
    Machine,
    Described,
}

/// The source that is heard.
#[derive(Clone, Copy, Debug)]
struct Source {
    from: SocketAddr,
    ssrc: u32,
    /// Its newest.
    sequence: u16,
    heard_at: Instant,
    packets: u64,
}

/// A source that may be the stream.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    from: SocketAddr,
    ssrc: u32,
    /// Of its last packet.
    sequence: u16,
    /// Packets in a row, and since when.
    seen: u32,
    since: Instant,
}

#[derive(Debug)]
pub(super) struct Latch {
    described: SocketAddr,
    signalled: Option<IpAddr>,
    source: Option<Source>,
    /// The last that was known before silence gave its place away. It has it back when it speaks again.
    former: Option<(SocketAddr, u32)>,
    /// The oldest first.
    candidates: Vec<Candidate>,
    changes: u32,
}

impl Latch {
    /// `described` is where the other side wants its sound, `signalled` the machine that its messages come from.
    pub(super) fn new(described: SocketAddr, signalled: Option<IpAddr>) -> Self {
        let candidates = Vec::with_capacity(LOOKED_AT);
        Self { described, signalled, source: None, former: None, candidates, changes: 0 }
    }

    /// A packet came.
    pub(super) fn judge(&mut self, now: Instant, came: Came) -> Verdict {
        let Some(nearness) = self.nearness(came.from) else { return Verdict::Ignored };
        if let Some(source) = &mut self.source
            && (source.from, source.ssrc) == (came.from, came.ssrc)
        {
            source.heard(now, came.sequence);
            return Verdict::Same;
        }
        let candidate = self.look_at(now, came);
        let verdict = self.of_candidate(now, came, (nearness, candidate));
        match verdict {
            Verdict::Moved => {
                if let Some(source) = &mut self.source {
                    source.from = came.from;
                    source.heard(now, came.sequence);
                }
            }
            Verdict::Taken => {
                let Came { from, ssrc, sequence } = came;
                self.source = Some(Source { from, ssrc, sequence, heard_at: now, packets: 1 });
            }
            Verdict::Same | Verdict::Ignored => return verdict,
        }
        self.candidates.clear();
        verdict
    }

    /// From where it was said to come, the first packet is enough; from elsewhere there must be a few in a row. In another source's place
    /// one is taken that goes on with its numbers (the same behind another port), that is nearer to what was described, that had the
    /// place before, or that comes when the other has fallen silent.
    fn of_candidate(&mut self, now: Instant, came: Came, (nearness, one): (Nearness, Candidate)) -> Verdict {
        let is_in_a_row = one.seen >= PROBATION;
        let is_proved = match nearness {
            Nearness::Stranger => {
                let due = STRANGERS_PACE * one.seen.saturating_sub(1);
                one.seen >= PROBATION_OF_STRANGERS && now.duration_since(one.since) >= due
            }
            _ => is_in_a_row,
        };
        let Some(source) = self.source else {
            return if is_proved || nearness == Nearness::Described {
                Verdict::Taken
            } else {
                Verdict::Ignored
            };
        };
        let step = came.sequence.wrapping_sub(source.sequence);
        if is_in_a_row && source.ssrc == came.ssrc && (1..=MOVING).contains(&step) {
            return Verdict::Moved;
        }
        if is_in_a_row && self.former == Some((came.from, came.ssrc)) {
            self.former = None;
            return Verdict::Taken;
        }
        if !is_proved {
            return Verdict::Ignored;
        }
        // What was described may have changed, so that it is none any more.
        let current = self.nearness(source.from);
        if current.is_none_or(|current| nearness > current) {
            self.former = None;
            return Verdict::Taken;
        }
        let is_known = source.packets >= KNOWN;
        // An exchange that plays music, or puts somebody else through, begins another stream from the same place.
        let is_elsewhere = source.from != came.from;
        let is_strange = nearness == Nearness::Stranger && is_elsewhere;
        let gone = if is_strange && is_known { GONE_FOR_STRANGERS } else { GONE };
        // A stranger takes a stranger's place alone, and not for ever.
        let may_follow = !is_strange || (current == Some(Nearness::Stranger) && self.changes < MOST_CHANGES);
        if may_follow && now.duration_since(source.heard_at) > gone {
            self.changes += u32::from(is_strange);
            if is_known && is_elsewhere {
                self.former = Some((source.from, source.ssrc));
            }
            return Verdict::Taken;
        }
        Verdict::Ignored
    }

    /// Note the packet of a source that is not heard; how it stands with it.
    fn look_at(&mut self, now: Instant, came: Came) -> Candidate {
        let Came { from, ssrc, sequence } = came;
        let known = self.candidates.iter().position(|one| (one.from, one.ssrc) == (from, ssrc));
        let before = known.map(|at| self.candidates.remove(at));
        let candidate = match before {
            Some(one) if (1..=LOST + 1).contains(&sequence.wrapping_sub(one.sequence)) => {
                Candidate { sequence, seen: one.seen + 1, ..one }
            }
            _ => Candidate { from, ssrc, sequence, seen: 1, since: now },
        };
        if self.candidates.len() >= LOOKED_AT {
            self.candidates.remove(0);
        }
        self.candidates.push(candidate);
        candidate
    }

    /// How near a source is; `None` if it cannot be the other side: another machine than was described, though that one is reached from
    /// everywhere.
    fn nearness(&self, from: SocketAddr) -> Option<Nearness> {
        let is = |ip: IpAddr| from.ip().to_canonical() == ip.to_canonical();
        if from == self.described {
            return Some(Nearness::Described);
        }
        if is(self.described.ip()) {
            return Some(Nearness::Machine);
        }
        // A machine of its own sends from its own; one behind an address translation is seen from elsewhere.
        let says_nothing = Reach::of(self.described.ip()) < Reach::World;
        let near = if self.signalled.is_some_and(is) { Nearness::Signalling } else { Nearness::Stranger };
        says_nothing.then_some(near)
    }
}

impl Source {
    fn heard(&mut self, now: Instant, sequence: u16) {
        (self.heard_at, self.packets) = (now, self.packets + 1);
        // One that was overtaken is not the newest.
        if sequence.wrapping_sub(self.sequence) < u16::MAX / 2 {
            self.sequence = sequence;
        }
    }
}

#[cfg(test)]
mod tests;
