//! Supervisors: their seats are the line's to give, and their sound goes to the ears beside the caller's.

use vox_shared::wire::order::Order;
use vox_shared::wire::permit::Beside;
use vox_shared::wire::supervision::SeatGiven;

use super::Actor;
use crate::session::event::{AgentCommand, Event, OrderId};
use crate::transport::line::{Aside, LineOut};

impl Actor {
    /// Sound of people of ours. Who talks with the caller in the bot's place is recorded where the bot was; one sound at a time can be
    /// written down and recorded there.
    pub(super) fn on_aside(&mut self, from: Aside, pcm: &[i16]) {
        let now = self.elapsed_samples();
        if from == Aside::Aloud {
            if now < self.third_until {
                return;
            }
            if let Some(recorder) = self.parts.recorder.as_mut().filter(|_| self.parts.session.is_recorded())
            {
                recorder.bot(now, pcm);
            }
        }
        self.events.extend(self.parts.ears.hear(from, pcm, now));
    }

    pub(super) fn tell_ear(&mut self, whose: Aside, command: &AgentCommand) {
        let ear = match whose {
            Aside::Aloud => Beside::Aloud,
            Aside::Whispered => Beside::Whispered,
        };
        let vendors = &mut self.parts.vendors;
        let failed = self.parts.ears.carry_out(whose, command, |index| vendors.open_beside(ear, index));
        self.events.extend(failed);
        if matches!(command, AgentCommand::CloseStt) {
            self.parts.vendors.shut_beside(ear);
        }
    }

    /// Not as sound is sent: whoever asked waits for an answer.
    pub(super) fn ask_for_seat(&mut self, id: OrderId, order: Order) {
        let asked = LineOut::Supervise { id, order: Box::new(order) };
        if self.parts.ends.outgoing.try_send(asked).is_err() {
            let refused = Some("the line takes nothing more just now".to_owned());
            self.events.push_back(Event::Seated { id, refused });
        }
    }

    pub(super) fn on_seated(&mut self, id: OrderId, seat: Result<Option<Box<SeatGiven>>, String>) {
        let (seat, refused) = match seat {
            Ok(seat) => (seat, None),
            Err(why) => (None, Some(why)),
        };
        self.given_seat = seat.map(|seat| (id, seat));
        self.events.push_back(Event::Seated { id, refused });
    }
}
