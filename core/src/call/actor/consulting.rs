//! Somebody who is asked to take the call, and talks with the caller: what of it goes through the actor.

use std::time::Duration;

use super::Actor;
use crate::session::event::{ConsultEvent, ConsultOrder, Event};
use crate::transport::line::{Aside, LineOut};

/// Their sound comes every 20 ms; without any for this they are gone.
const THIRD_LASTS: Duration = Duration::from_millis(500);

impl Actor {
    /// Not as sound is sent: an order that finds no room would leave the caller on hold.
    pub(super) fn consult(&mut self, order: ConsultOrder) {
        let is_end = order == ConsultOrder::End;
        let sent =
            self.parts.ends.outgoing.try_send(LineOut::Consult(order, self.hold_music.clone())).is_ok();
        match (sent, is_end) {
            (true, _) => {}
            (false, false) => {
                let why = "the line takes nothing more".to_owned();
                self.events.push_back(Event::Consult(ConsultEvent::Over { why }));
            }
            // The caller would hear music for ever.
            (false, true) => {
                self.events.push_back(Event::LineFailed { why: "the line takes nothing more".into() });
            }
        }
    }

    /// The person talks with the caller, who hears them where the bot was heard: so they are recorded.
    pub(super) fn on_third(&mut self, pcm: &[i16]) {
        let now = self.elapsed_samples();
        if let Some(recorder) = self.parts.recorder.as_mut().filter(|_| self.parts.session.is_recorded()) {
            recorder.bot(now, pcm);
        }
        self.third_until = now + self.samples(THIRD_LASTS) as u64;
        self.events.extend(self.parts.ears.hear(Aside::Aloud, pcm, now));
    }

    /// The recording goes with the time, and ends when the bot leaves.
    pub(super) fn advance_recording(&mut self, now: u64) {
        if self.parts.session.is_handed_over() {
            self.mouth.lay(None);
            self.recorded_until.get_or_insert(now);
        }
        if self.recorded_until.is_none()
            && let Some(recorder) = &mut self.parts.recorder
        {
            recorder.advance(now);
        }
    }
}
