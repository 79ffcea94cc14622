//! The ears beside the caller's: for a person who leads the call, and for whoever instructs the bot. Each has a recogniser of its own
//! from the bot's list, and no place in the recording.

use std::sync::Arc;
use std::time::Duration;

use super::detector::Detector;
use super::feed::{Feed, Recognised};
use crate::media::level::is_audible;
use crate::media::recorder::CallerTrack;
use crate::media::silero::Weights;
use crate::provider::stt::{SttEvent, SttStream};
use crate::provider::{Failure, FailureClass};
use crate::session::event::{AgentCommand, AgentEvent, Event, SupervisorEvent, Window};
use crate::transport::line::Aside;

/// One of them.
struct Ear {
    feed: Feed,
    detector: Detector,
    track: CallerTrack,
    /// Newest opinion of the detector: it goes by what it said last.
    is_speech: bool,
}

/// Speech for the detector's own gate; the session has its own.
const LIKELY: f32 = 0.5;

/// Those of one call. An ear that nobody ever spoke into costs nothing.
pub struct Ears {
    weights: Arc<Weights>,
    rate_hz: u32,
    agent: Option<Box<Ear>>,
    bot: Option<Box<Ear>>,
}

/// A recogniser of the bot's that was opened for an ear.
pub struct Opened {
    /// Its place among those of the call.
    pub place: usize,
    pub stream: SttStream,
    /// The most that it takes at once of what was heard before.
    pub replay_most: Duration,
}

impl Ears {
    pub fn new(weights: Arc<Weights>, rate_hz: u32) -> Self {
        Self { weights, rate_hz, agent: None, bot: None }
    }

    fn ear(&mut self, whose: Aside) -> &mut Ear {
        let (weights, rate_hz) = (self.weights.clone(), self.rate_hz);
        let place = match whose {
            Aside::Aloud => &mut self.agent,
            Aside::Whispered => &mut self.bot,
        };
        place.get_or_insert_with(|| {
            let (feed, detector) = (Feed::new(rate_hz), Detector::new(weights, rate_hz));
            Box::new(Ear { feed, detector, track: CallerTrack::default(), is_speech: false })
        })
    }

    /// What the session wants of an ear. `open` opens the recogniser with an index.
    pub fn carry_out(
        &mut self,
        whose: Aside,
        command: &AgentCommand,
        open: impl FnOnce(usize) -> Result<Opened, Failure>,
    ) -> Option<Event> {
        let feed = &mut self.ear(whose).feed;
        match command {
            AgentCommand::OpenStt { provider, replay } => match open(*provider) {
                Ok(Opened { place, stream, replay_most }) => {
                    feed.open(place, stream, replay_most.min(*replay));
                }
                Err(failure) => return Some(told(whose, SttEvent::Failed(failure))),
            },
            AgentCommand::FinalizeStt => feed.finalize(),
            AgentCommand::CloseStt => feed.shut(),
        }
        None
    }

    /// Sound for an ear at media time `now`, samples. What its detector makes of it. Nothing while nobody listens.
    pub fn hear(&mut self, whose: Aside, pcm: &[i16], now: u64) -> Vec<Event> {
        let rate_hz = self.rate_hz;
        let at = |samples: u64| Duration::from_secs_f64(samples as f64 / f64::from(rate_hz));
        let ear = self.ear(whose);
        if !ear.feed.is_open() {
            return Vec::new();
        }
        let length = pcm.len() as u64;
        let place = ear.track.place(now, length, !is_audible(pcm), rate_hz).unwrap_or(ear.track.end());
        ear.feed.hear(pcm, at(place));
        let mut windows: Vec<Window> = Vec::new();
        ear.detector.push(pcm, at(now.min(place + length)), ear.is_speech, &mut windows);
        if let Some(newest) = windows.last() {
            ear.is_speech = newest.probability > LIKELY;
        }
        let event = |window| match whose {
            Aside::Aloud => Event::Agent(AgentEvent::Window(window)),
            Aside::Whispered => Event::Supervisor(SupervisorEvent::Window(window)),
        };
        windows.into_iter().map(event).collect()
    }

    /// What a recogniser of an ear says next. Waits for ever while none is open; cancel-safe.
    pub async fn next(&mut self) -> Event {
        let (agent, bot) = (&mut self.agent, &mut self.bot);
        let (whose, event) = tokio::select! {
            event = says(agent.as_deref_mut()) => (Aside::Aloud, event),
            event = says(bot.as_deref_mut()) => (Aside::Whispered, event),
        };
        let gone = || Failure::new(FailureClass::Unavailable, "the recogniser ended without a word");
        let event = event.unwrap_or_else(|| SttEvent::Failed(gone()));
        if matches!(event, SttEvent::Failed(_)) {
            self.ear(whose).feed.shut();
        }
        told(whose, event)
    }

    /// Another bot has the call: an ear that is wanted still is given a recogniser of its own.
    pub fn go_over(&mut self) {
        for ear in [&mut self.agent, &mut self.bot].into_iter().flatten() {
            ear.feed.shut();
        }
    }

    /// What their recognisers heard until now.
    pub fn heard_so_far(&self) -> Vec<Recognised> {
        let ears = [&self.agent, &self.bot].into_iter().flatten();
        ears.flat_map(|ear| ear.feed.heard_so_far()).collect()
    }

    /// Close them; what each recogniser heard.
    pub async fn close(self) -> Vec<Recognised> {
        let mut heard = Vec::new();
        for ear in [self.agent, self.bot].into_iter().flatten() {
            heard.extend(ear.feed.close().await);
        }
        heard
    }
}

async fn says(ear: Option<&mut Ear>) -> Option<SttEvent> {
    match ear {
        Some(ear) => ear.feed.next().await,
        None => std::future::pending().await,
    }
}

fn told(whose: Aside, event: SttEvent) -> Event {
    match whose {
        Aside::Aloud => Event::Agent(AgentEvent::Stt(event)),
        Aside::Whispered => Event::Supervisor(SupervisorEvent::Stt(event)),
    }
}

/// The same recogniser in several ears is one entry of the bill.
pub fn together(mut heard: Vec<Recognised>, beside: Vec<Recognised>) -> Vec<Recognised> {
    for one in beside {
        match heard.iter_mut().find(|known| known.index == one.index) {
            Some(known) => {
                known.seconds += one.seconds;
                known.streams += one.streams;
            }
            None => heard.push(one),
        }
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_ears_heard_by_one_recogniser_is_one_entry() {
        let of = |index, seconds| Recognised { index, seconds, streams: 1 };
        let all = together(vec![of(0, 10.0)], vec![of(0, 2.0), of(1, 3.0)]);
        let expected = [Recognised { index: 0, seconds: 12.0, streams: 2 }, of(1, 3.0)];
        assert_eq!(all, expected);
        assert_eq!(together(Vec::new(), vec![of(1, 3.0)]), [of(1, 3.0)]);
    }
}
