//! What the line brings: the caller's sound, keys and words, and its end.

use vox_shared::wire::result::DisconnectedBy;

use super::{Actor, FLOOD_LIMIT};
use crate::media::level::is_audible;
use crate::session::event::Event;
use crate::transport::line::LineIn;

impl Actor {
    pub(super) fn on_line(&mut self, message: Option<LineIn>) {
        match message {
            Some(LineIn::Audio(pcm)) => self.on_audio(&pcm),
            Some(LineIn::Dtmf(digit)) => self.events.push_back(Event::Dtmf(digit)),
            Some(LineIn::Typed(text)) => self.events.push_back(Event::Typed(text)),
            Some(LineIn::Mark(name)) => {
                self.mouth.mark(&name, &mut self.given);
                self.take_given();
            }
            Some(LineIn::Stands) => self.mouth.hold(self.elapsed_samples()),
            Some(LineIn::Flows) => self.mouth.go_on(self.elapsed_samples()),
            Some(LineIn::HungUp { by }) => self.line_ended(Event::HungUp { by }),
            Some(LineIn::KeyFailed { why }) => self.events.push_back(Event::KeyFailed { why }),
            Some(LineIn::Consult(event)) => self.events.push_back(Event::Consult(event)),
            Some(LineIn::Third(pcm)) => self.on_third(&pcm),
            Some(LineIn::Transferred) => self.events.push_back(Event::Transferred),
            Some(LineIn::TransferFailed { why }) => self.events.push_back(Event::TransferFailed { why }),
            Some(LineIn::TransferUnclear { why }) => self.events.push_back(Event::TransferUnclear { why }),
            Some(LineIn::Broken(reason)) => {
                self.line_ended(Event::LineFailed { why: reason.to_string() });
            }
            Some(LineIn::Aside { from, pcm }) => self.on_aside(from, &pcm),
            Some(LineIn::Supervised(event)) => self.events.push_back(Event::Supervisor(event)),
            Some(LineIn::Seated { id, seat }) => self.on_seated(id, seat),
            Some(LineIn::Ready(_) | LineIn::Sits(_) | LineIn::Rang(_) | LineIn::Answered) => {}
            None => self.line_ended(Event::HungUp { by: DisconnectedBy::Customer }),
        }
    }

    fn line_ended(&mut self, event: Event) {
        let now = self.parts.switch.line_ended(event);
        self.events.extend(now);
    }

    fn on_audio(&mut self, pcm: &[i16]) {
        let now = self.elapsed_samples();
        self.received += pcm.len() as u64;
        if self.received > now + self.samples(FLOOD_LIMIT) as u64 {
            return self
                .events
                .push_back(Event::LineFailed { why: "audio comes faster than real time".into() });
        }
        // In a burst, which comes faster than time, speech is not known as such before time goes on.
        let is_burst = now < self.arrived + pcm.len() as u64 / 2;
        self.arrived = now;
        let is_noise = !is_burst && !self.parts.session.hears_speech();
        let is_quiet = is_noise || !is_audible(pcm);
        let at = self.track.place(now, pcm.len() as u64, is_quiet, self.parts.rate_hz);
        if let (Some(recorder), Some(at)) = (&mut self.parts.recorder, at)
            && self.parts.session.is_recorded()
        {
            recorder.caller(at, pcm);
        }
        // A burst is placed behind what came before it, and may reach ahead of the clock: words are told where their sound is
        // recorded. Turns are taken by the clock, ahead of which nobody can speak.
        let ends_at = self.at(now.min(at.map_or(now, |at| at + pcm.len() as u64)));
        let recorded_at = self.at(at.unwrap_or(self.track.end()));
        self.parts.vendors.feed.hear(pcm, recorded_at);
        let mut windows = Vec::new();
        let speaking = self.parts.session.hears_speech();
        self.parts.detector.push(pcm, ends_at, speaking, &mut windows);
        self.events.extend(windows.into_iter().map(Event::Window));
        if let Some(screener) = &mut self.screener {
            screener.hear(pcm);
        }
        if let Some(beeps) = &mut self.beeps
            && let Some(beep) = beeps.push(pcm)
        {
            self.events.push_back(Event::Beep { ago: beeps.since(&beep) });
        }
    }
}
