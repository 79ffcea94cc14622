//! Somebody is asked to take the call: the caller waits with music in their own room, the telephone is rung into a room of its own, and
//! when it has taken the call, the sound of each is carried to the other. What is said to whom the conversation decides; here is done what
//! it orders ([`ConsultOrder`]), and told what becomes of it ([`ConsultEvent`]).

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;
use vox_audio::music::hold_music;
use vox_livekit::Rate;
use vox_livekit::hearing::{Place, Role, Stage};
use vox_shared::dial::Destination;
use vox_shared::wire::result::DisconnectedBy;

use super::dialling;
use super::seat::{End, Seat};
use super::third::{BACK_PATIENCE, Consult, QUIET, State};
use crate::session::event::{ConsultEvent, ConsultOrder};
use crate::transport::line::LineIn;
use crate::transport::livekit::caller::Caller;
use crate::transport::livekit::order::{Begins, Whom};
use crate::transport::livekit::rooms::Happened;
use crate::transport::livekit::server::{DialError, RING_LIMIT, Wanted};

/// Frames of the bot's own words that wait to be mixed into what is carried.
const OWN_FRAMES: usize = 8;

/// The music of this process, made when first needed.
fn music(rate: Rate) -> Arc<[i16]> {
    static OF_TELEPHONES: OnceLock<Arc<[i16]>> = OnceLock::new();
    static OF_VISITORS: OnceLock<Arc<[i16]>> = OnceLock::new();
    let kept = if rate == Rate::Hz8000 { &OF_TELEPHONES } else { &OF_VISITORS };
    kept.get_or_init(|| hold_music(rate.hz()).into()).clone()
}

impl Seat {
    /// How far the call is with somebody who is asked.
    pub(super) fn stage(&self) -> Stage {
        if self.consult.is_some() { self.rooms.stage() } else { Stage::Talk }
    }

    pub(super) async fn on_consult_order(
        &mut self,
        order: ConsultOrder,
        music: Option<Arc<[i16]>>,
    ) -> Option<End> {
        match order {
            ConsultOrder::Begin { to, ring_secs } => self.begin_consult(&to, ring_secs, music).await,
            ConsultOrder::Join => {
                if self.consult.is_some() {
                    self.rooms.go(Stage::Conference);
                }
                None
            }
            ConsultOrder::End => self.end_consult().await,
        }
    }

    async fn begin_consult(&mut self, to: &str, ring_secs: u32, music: Option<Arc<[i16]>>) -> Option<End> {
        let number = match dialled(to) {
            Ok(number) => number,
            Err(why) => return self.tell_consult(ConsultEvent::Over { why }).await,
        };
        if self.consult.is_some() {
            let why = "somebody else is being asked".to_owned();
            return self.tell_consult(ConsultEvent::Over { why }).await;
        }
        // A name of its own for each try: who was rung before may come late, and is somebody else.
        self.thirds += 1;
        let identity = format!("third-{}", self.thirds);
        let from = match &self.line.order.begins {
            Begins::Dialled { from, .. } => from.clone(),
            _ => self.line.order.info.did.clone(),
        };
        let ringing = Duration::from_secs(ring_secs.into()).min(RING_LIMIT);
        let wanted = Wanted {
            to: number,
            from,
            room: self.rooms.room(Place::Consult),
            identity: identity.clone(),
            ringing,
        };
        let begins = Begins::Dialled { to: wanted.to.clone(), from: wanted.from.clone() };
        self.consult = Some(Consult {
            identity: identity.clone(),
            third: Caller::new(Whom::Phone(identity.clone()), begins, Instant::now()),
            wanted,
            is_seated: false,
            has_room: false,
            is_rung: false,
            dialling: None,
            state: State::Asked,
            own: VecDeque::new(),
            music,
        });
        self.rooms.enter(&identity, Role::Third);
        self.rooms.go(Stage::Consult);
        None
    }

    async fn end_consult(&mut self) -> Option<End> {
        let consult = self.consult.as_mut()?;
        if consult.is_ending() {
            return None;
        }
        consult.state = State::Ending { since: Instant::now() };
        let identity = consult.identity.clone();
        if consult.is_rung {
            consult.dialling = None;
            self.rooms.turn_away(&identity, Place::Consult);
        }
        self.rooms.leave(&identity);
        self.rooms.go(Stage::Talk);
        self.come_back().await
    }

    /// The caller is spoken to again, as soon as nothing of what was said to the third could reach them.
    async fn come_back(&mut self) -> Option<End> {
        let Some(Consult { state: State::Ending { since }, .. }) = &self.consult else { return None };
        let waited = since.elapsed();
        let is_in_force = self.rooms.stage() == Stage::Talk && waited >= QUIET;
        if !is_in_force && waited < BACK_PATIENCE {
            return None;
        }
        if !is_in_force {
            tracing::warn!(
                "the server has not put out who was asked to take the call; the caller comes back all the same"
            );
        }
        self.consult = None;
        if let Some(voice) = &mut self.voice {
            voice.talk().await;
        }
        self.tell_consult(ConsultEvent::Back).await
    }

    pub(super) async fn on_rooms(&mut self, happened: Happened) -> Option<End> {
        match happened {
            Happened::Settled(stage) => return self.on_stage(stage).await,
            Happened::Seated { identity, role: Role::Third, place: Place::Consult } => {
                if let Some(consult) = self.consult.as_mut().filter(|consult| consult.identity == identity) {
                    consult.is_seated = true;
                }
                self.ring();
            }
            Happened::Joined(Place::Consult) => {
                let consult = self.consult.as_mut()?;
                consult.has_room = true;
                let told = consult.third.can_hear(Instant::now());
                self.ring();
                return self.on_third(told).await;
            }
            Happened::Event(Place::Consult, event) => {
                let told = self.consult.as_mut()?.third.on(&event, Instant::now());
                return self.on_third(told).await;
            }
            Happened::Heard(Place::Consult, heard) => self.on_heard_there(heard.mix),
            Happened::Lost(Place::Consult, why) => {
                return self.third_is_over(format!("the room for the talk with them was lost: {why}")).await;
            }
            Happened::Stuck(why) => {
                let is_rung = self.consult.as_ref().is_some_and(|consult| consult.is_rung);
                if !is_rung {
                    return self.third_is_over(format!("the caller could not be put on hold: {why}")).await;
                }
            }
            Happened::Taken
            | Happened::Seated { .. }
            | Happened::Joined(_)
            | Happened::Event(..)
            | Happened::Heard(..) => {}
            Happened::Lost(place, why) => tracing::warn!(?place, why, "a room beside a call's own was lost"),
        }
        None
    }

    async fn on_stage(&mut self, stage: Stage) -> Option<End> {
        self.consult.as_ref()?;
        match stage {
            Stage::Consult => {
                let asked_for = self.consult.as_ref().and_then(|consult| consult.music.clone());
                let music = asked_for.unwrap_or_else(|| music(self.line.order.rate()));
                if let Some(voice) = &mut self.voice {
                    voice.play(music).await;
                }
                None
            }
            Stage::Conference => {
                if let Some(voice) = &mut self.voice {
                    voice.talk().await;
                }
                if let Some(voice) = self.third_voice() {
                    voice.clear().await;
                }
                self.tell_consult(ConsultEvent::Joined).await
            }
            Stage::Talk => self.come_back().await,
        }
    }

    /// Nobody is rung before the caller is on hold, and before the bot is there to talk with them.
    fn ring(&mut self) {
        let Some(consult) = &mut self.consult else { return };
        let is_ready = consult.is_seated && consult.has_room && !consult.is_ending();
        if !is_ready || std::mem::replace(&mut consult.is_rung, true) {
            return;
        }
        let (livekit, bridge) = (self.line.livekit.clone(), self.line.bridge.clone());
        consult.dialling = Some(Box::pin(dialling::dial_third(livekit, bridge, consult.wanted.clone())));
    }

    pub(super) async fn on_third_dialled(&mut self, done: Result<(), DialError>) -> Option<End> {
        let consult = self.consult.as_mut()?;
        consult.dialling = None;
        let told = consult.third.dialled(done, Instant::now());
        self.on_third(told).await
    }

    pub(super) async fn on_consult_time(&mut self) -> Option<End> {
        let consult = self.consult.as_mut()?;
        if consult.is_ending() {
            return self.come_back().await;
        }
        let told = consult.third.on_time(Instant::now());
        self.on_third(told).await
    }

    /// What a line would tell of its caller is told of the third.
    async fn on_third(&mut self, told: Option<LineIn>) -> Option<End> {
        match told? {
            LineIn::Answered => self.tell_consult(ConsultEvent::Answered).await,
            LineIn::Dtmf(digit) => self.tell_consult(ConsultEvent::Digit(digit)).await,
            LineIn::HungUp { by } => self.third_is_over(why_over(by).to_owned()).await,
            LineIn::Broken(reason) => self.third_is_over(reason.to_string()).await,
            _ => None,
        }
    }

    async fn third_is_over(&mut self, why: String) -> Option<End> {
        let consult = self.consult.as_mut()?;
        if !matches!(consult.state, State::Asked) {
            return None;
        }
        consult.state = State::Over;
        consult.third.finish();
        self.tell_consult(ConsultEvent::Over { why }).await
    }

    async fn tell_consult(&mut self, event: ConsultEvent) -> Option<End> {
        self.tell(Some(LineIn::Consult(event))).await
    }

    /// The caller is heard by the bot, by nobody on hold, or by the third too.
    pub(super) fn on_heard_here(&mut self, mix: Vec<i16>) {
        match self.stage() {
            Stage::Talk if self.consult.as_ref().is_some_and(Consult::is_ending) => {}
            Stage::Talk => self.hand_to_call(LineIn::Audio(mix)),
            Stage::Consult => {}
            Stage::Conference => {
                if self.rooms.is_carrying() {
                    let own = self.consult.as_ref().and_then(|consult| consult.own.front().cloned());
                    let mixed = mix_own(&mix, own.as_deref());
                    if let Some(voice) = self.third_voice() {
                        voice.say(mixed);
                    }
                }
                self.hand_to_call(LineIn::Audio(mix));
            }
        }
    }

    /// The third is heard by the bot, and then by the caller too.
    fn on_heard_there(&mut self, mix: Vec<i16>) {
        let Some(consult) = &mut self.consult else { return };
        if !consult.third.is_answered() || !matches!(consult.state, State::Asked) {
            return;
        }
        match self.rooms.stage() {
            Stage::Talk => {}
            Stage::Consult => self.hand_to_call(LineIn::Audio(mix)),
            Stage::Conference => {
                if self.rooms.is_carrying() {
                    let own = consult.own.pop_front();
                    let mixed = mix_own(&mix, own.as_deref());
                    if let Some(voice) = &mut self.voice {
                        voice.say(mixed);
                    }
                }
                self.hand_to_call(LineIn::Third(mix));
            }
        }
    }

    /// Say what the conversation says to whom it talks with.
    pub(super) fn say(&mut self, pcm: Vec<i16>) {
        if self.consult.as_ref().is_some_and(Consult::is_ending) {
            return;
        }
        match self.stage() {
            Stage::Talk => {
                if let Some(voice) = &mut self.voice {
                    voice.say(pcm);
                }
            }
            Stage::Consult => {
                if let Some(voice) = self.third_voice() {
                    voice.say(pcm);
                }
            }
            Stage::Conference => {
                let is_carrying = self.rooms.is_carrying();
                if let Some(consult) =
                    self.consult.as_mut().filter(|c| is_carrying && c.own.len() < OWN_FRAMES)
                {
                    consult.own.push_back(pcm);
                }
            }
        }
    }

    pub(super) fn mark(&mut self, name: String) {
        let voice = match self.stage() {
            Stage::Consult => self.third_voice(),
            _ => self.voice.as_mut(),
        };
        if let Some(voice) = voice {
            voice.mark(name);
        }
    }

    pub(super) async fn clear_voices(&mut self) {
        if let Some(consult) = &mut self.consult {
            consult.own.clear();
        }
        // Music is nothing that was said.
        if self.stage() != Stage::Consult
            && let Some(voice) = &mut self.voice
        {
            voice.clear().await;
        }
        if let Some(voice) = self.third_voice() {
            voice.clear().await;
        }
    }

    pub(super) fn third_voice(&mut self) -> Option<&mut crate::transport::livekit::voice::Voice> {
        self.rooms.side(Place::Consult)?.voice.as_mut()
    }

    /// Whoever was asked hears the last words, should the call end while they are on the line.
    pub(super) async fn finish_consult(&mut self) {
        let talks =
            self.consult.as_ref().is_some_and(|c| c.third.is_answered() && matches!(c.state, State::Asked));
        if talks
            && self.stage() == Stage::Consult
            && let Some(voice) = self.third_voice()
        {
            voice.finish().await;
        }
    }
}

/// What a trunk is asked to call: a number, or the extension that a carrier knows.
fn dialled(to: &str) -> Result<String, String> {
    if !to.is_empty() && to.len() <= LONGEST_EXTENSION && to.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(to.to_owned());
    }
    match to.parse::<Destination>() {
        Ok(Destination::Number(number)) => Ok(number.to_string()),
        Ok(Destination::Sip(_)) => {
            Err("somebody can be asked first only at a telephone number: a trunk calls no SIP addresses"
                .to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Longest extension, digits; what is longer is a number.
const LONGEST_EXTENSION: usize = 6;

/// Why they do not take the call, for whoever goes on talking with the caller.
fn why_over(by: DisconnectedBy) -> &'static str {
    match by {
        DisconnectedBy::Busy => "busy",
        DisconnectedBy::Rejected => "refused",
        DisconnectedBy::NoAnswer => "nobody answered in time",
        _ => "they hung up",
    }
}

/// The bot's own words beside what is carried.
fn mix_own(carried: &[i16], own: Option<&[i16]>) -> Vec<i16> {
    match own {
        Some(own) if own.len() == carried.len() => {
            carried.iter().zip(own).map(|(one, other)| one.saturating_add(*other)).collect()
        }
        _ => carried.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_extensions_are_called_and_nothing_else() {
        for (to, expected) in [
            ("204", Some("204")),
            ("+1 555 0111", Some("+15550111")),
            ("tel:+15550111", Some("+15550111")),
            ("sip:desk@pbx.example", None),
            ("sales", None),
            ("", None),
        ] {
            assert_eq!(dialled(to).ok().as_deref(), expected, "{to}");
        }
        assert!(dialled("sip:desk@pbx.example").unwrap_err().contains("telephone number"));
    }

    #[test]
    fn own_words_are_heard_beside_what_is_carried() {
        assert_eq!(mix_own(&[1, i16::MAX], Some(&[2, 5])), [3, i16::MAX]);
        assert_eq!(mix_own(&[1, 2], None), [1, 2]);
        assert_eq!(mix_own(&[1, 2], Some(&[9])), [1, 2]);
    }
}
