//! Sound: what comes is played, what is said is sent.

use std::time::Instant;

use str0m::media::Mid;
use str0m::rtp::RtpPacket;

use super::Session;
use crate::event::Heard;
use crate::media::player::Player;
use crate::wire::signal::Target;

impl Session {
    pub(super) fn sound(
        &mut self,
        now: Instant,
        section: (Target, Mid),
        packet: &RtpPacket,
        is_redundant: bool,
    ) {
        let Some(sid) = self.sections.get(&section) else { return };
        let Some(voice) = self.voices.get_mut(sid) else { return };
        let ssrc = *packet.header.ssrc;
        if voice.ssrc != Some(ssrc) {
            // Another sender, whose numbers and times have nothing to do with those before.
            if voice.ssrc.is_some() {
                voice.player = Player::new(self.hear);
            }
            voice.ssrc = Some(ssrc);
        }
        let (number, time) = (*packet.seq_no, packet.time.numer());
        // The moment at which it came out of the socket.
        let came = packet.timestamp.min(now);
        if is_redundant {
            voice.player.push_redundant(came, number, time, &packet.payload);
        } else {
            voice.player.push(came, number, time, &packet.payload);
        }
    }

    /// The next 20 ms of everybody.
    pub(crate) fn heard(&mut self, now: Instant) -> Heard {
        let mut voices = Vec::new();
        for (sid, voice) in &mut self.voices {
            if let Some(frame) = voice.player.frame(now) {
                voices.push((sid.clone(), frame));
            }
        }
        let in_mix = voices.iter().filter(|(sid, _)| !self.wishes.unmixed.contains(sid));
        let mix = self.mixer.mix(self.hear.frame(), in_mix.map(|(_, frame)| &frame[..]));
        if !self.separate {
            voices.clear();
        }
        Heard { mix, voices }
    }

    /// Whether a frame that is written now would go out.
    pub(crate) fn can_speak(&self) -> bool {
        self.published.is_some() && self.publisher.can_speak()
    }

    /// The next 20 ms of us: a frame, or nothing.
    pub(crate) fn speak(&mut self, now: Instant, frame: Option<&[i16]>) {
        let Some(published) = &mut self.published else { return };
        let frame = frame.filter(|_| !published.is_muted);
        match published.microphone.frame(frame) {
            Ok(Some(packet)) => {
                self.sent += 1;
                self.publisher.speak(now, packet);
            }
            Ok(None) => {}
            Err(fault) => tracing::warn!(%fault, "a frame is left out"),
        }
        self.collect_at(now);
    }

    pub(super) fn loss(&mut self, loss: f32) {
        // Towards more at once, towards less slowly: losses come in bursts.
        self.sent_loss = loss.max(self.sent_loss * 0.8 + loss * 0.2);
        if let Some(published) = &mut self.published {
            published.microphone.expect_loss((self.sent_loss * 100.0).clamp(5.0, 30.0) as u8);
        }
    }
}
