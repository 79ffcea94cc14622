//! One call of a scripted worker: join the room, fetch the config, say READY, wait for the answer, speak as long as the callee's script
//! has it, and tell the bridge what became of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};
use vox_shared::ids::{SessionId, WorkerId};
use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::config::ConfigRequest;
use vox_shared::wire::live::{CONNECTED, LiveEvent, LiveReport, RINGING};
use vox_shared::wire::proof::Proof;
use vox_shared::wire::result::{CallResult, DisconnectedBy, Speaker, TranscriptEntry};

use super::Worker;
use super::bridge::{Bridge, Delivered, NoConfig, fields};
use super::order::{Awaits, Body};
use crate::exchange::callees::{Class, Side};
use crate::exchange::rooms::{Answer, Joins, Place, Seen};

/// Who the telephone is in its room.
const CALLEE: &str = "callee";
/// How the bot says that it may be dialled.
const READY: &str = "vox.ready";
/// A callee is waited for so long beyond the ringing.
const BESIDE: Duration = Duration::from_secs(30);
const RING_SECS: u64 = 45;
/// For the telephone to be there, of a call that was answered before.
const APPEARS: Duration = Duration::from_secs(10);
/// From the answer to the bot's first sound, milliseconds.
const FIRST_SOUND_MS: f64 = 420.0;

/// How a call ended for its worker.
#[derive(Debug)]
enum Over {
    /// It could not begin, or was broken off.
    Failed(String),
    OutsideHours,
    NotAnswered(DisconnectedBy),
    Spoke {
        by: DisconnectedBy,
        class: Class,
        mute: bool,
        lasted: Duration,
    },
    /// The worker is dead, and tells nothing.
    Died,
}

/// A call from its beginning.
struct Call {
    worker: Arc<Worker>,
    bridge: Bridge,
    id: SessionId,
    body: Body,
    proof: Proof,
    began: Timestamp,
    told: u64,
}

pub(super) async fn run(worker: Arc<Worker>, id: SessionId, body: Body) {
    let bridge = worker.shared.bridge.at(body.config_url.as_deref());
    let claim =
        worker.shared.carrier.id("claim-") + &worker.shared.carrier.id("-") + &worker.shared.carrier.id("-");
    let proof = Proof { claim: Some(claim), ..Proof::default() };
    let began = worker.shared.carrier.clock.now();
    let mut call = Call { worker: worker.clone(), bridge, id, body, proof, began, told: 0 };
    let over = call.live().await;
    worker.slot.send_replace(None);
    if matches!(over, Over::Died) {
        return;
    }
    let result = call.result(over);
    let results = worker.shared.results.clone();
    results.spawn(async move { call.deliver(result).await });
}

impl Call {
    async fn live(&mut self) -> Over {
        let (carrier, room) = (self.worker.shared.carrier.clone(), self.body.room_name.clone());
        let who = Joins {
            identity: format!("bot-{}", self.id),
            name: String::new(),
            kind: "AGENT",
            metadata: String::new(),
            attributes: BTreeMap::new(),
        };
        // With a token that allows to join a room, and not to make one.
        let place = match carrier.joins(&room, who, carrier.settings.auto_create) {
            Ok((place, _)) => place,
            Err(error) => return Over::Failed(format!("the room could not be joined: {error}")),
        };
        let over = self.in_room(&place).await;
        let identity = format!("bot-{}", self.id);
        carrier.leaves((&room, &identity, Some(&place.sid)), "CLIENT_INITIATED");
        over
    }

    async fn in_room(&mut self, place: &Place) -> Over {
        if let Err(over) = self.configured().await {
            return over;
        }
        let shared = self.worker.shared.clone();
        let mut gone = place.gone.clone();
        let is_awaited = self.body.answer == Awaits::Awaited;
        let wait = if is_awaited {
            self.report(RINGING).await;
            sleep(shared.up_to(shared.orders.ready_ms)).await;
            if !shared.happens(shared.orders.never_ready) {
                let sid = place.sid.as_str();
                shared.carrier.change((&self.body.room_name, sid), |person| person.set(READY, "1"));
                shared.counts().ready += 1;
            }
            Duration::from_secs(self.body.ring_secs.unwrap_or(RING_SECS)) + BESIDE
        } else {
            APPEARS
        };
        let until = Instant::now() + wait;
        let answered = tokio::select! {
            biased;
            _ = gone.wait_for(Option::is_some) => Err(removed()),
            answered = timeout_at(until, self.answered(place)) => {
                answered.unwrap_or(Err(Over::NotAnswered(DisconnectedBy::NoAnswer)))
            }
        };
        match answered {
            Ok((answer, callee)) => self.speak(place, answer, callee).await,
            Err(over) => over,
        }
    }

    /// The config, in whose name results are delivered.
    async fn configured(&mut self) -> Result<(), Over> {
        let ask = ConfigRequest {
            version: WIRE_VERSION,
            session_id: Some(self.id.clone()),
            transport: Some("livekit".into()),
            caller_id: self.body.to_number.clone(),
            stream_id: Some(self.body.room_name.clone()),
            connected_event: self.event(),
            worker_id: Some(self.worker.id.clone()),
            claim: self.proof.claim.clone(),
            ..ConfigRequest::default()
        };
        match self.bridge.config(&self.body.bot_id, &ask).await {
            Ok(config) => {
                self.id = config.session_id;
                self.proof.call_token = config.call_token;
                Ok(())
            }
            Err(NoConfig::Refused(503, _)) => Err(Over::OutsideHours),
            Err(NoConfig::Refused(status, why)) => Err(Over::Failed(format!("no config: {status}: {why}"))),
            Err(NoConfig::Away(why)) => Err(Over::Failed(format!("the bridge does not answer: {why}"))),
        }
    }

    fn event(&self) -> serde_json::Map<String, Value> {
        let mut event = self.body.connected_event.clone().unwrap_or_default();
        if let Some(id) = &self.body.campaign_call_id {
            event.entry("_campaign_call_id").or_insert_with(|| id.clone().into());
        }
        for (name, value) in [
            ("to_number", json!(self.body.to_number)),
            ("from_number", json!(self.body.from_number)),
            ("callDirection", json!("outgoing")),
            ("room_name", json!(self.body.room_name)),
        ] {
            if !value.is_null() {
                event.entry(name).or_insert(value);
            }
        }
        event
    }

    /// Until the telephone is there and has answered, or is gone.
    async fn answered(&self, place: &Place) -> Result<(Answer, Seen), Over> {
        let carrier = &self.worker.shared.carrier;
        let mut changed = place.changed.clone();
        let mut callee: Option<Seen> = None;
        loop {
            changed.mark_unchanged();
            let seen = carrier.lock().rooms.seen(&self.body.room_name, CALLEE);
            match (seen, callee.take()) {
                (Some(seen), _) => match seen.answer {
                    Some(answer) => return Ok((answer, seen)),
                    None => callee = Some(seen),
                },
                (None, Some(left)) => return Err(Over::NotAnswered(unanswered(*left.gone.borrow()))),
                (None, None) => {}
            }
            if changed.changed().await.is_err() {
                return Err(removed());
            }
        }
    }

    /// The conversation, as the callee's script has it.
    async fn speak(&mut self, place: &Place, answer: Answer, callee: Seen) -> Over {
        let (shared, began) = (self.worker.shared.clone(), Instant::now());
        let (mute, dies) = (shared.happens(shared.orders.mute), shared.happens(shared.orders.dies));
        shared.counts().spoke += 1;
        self.report(CONNECTED).await;
        let is_human = answer.class == Class::Human;
        let ours = match (is_human, answer.hangs_up) {
            // A machine is hung up when it is known to be one.
            (false, _) => answer.talk_ms.min(shared.orders.verdict_ms),
            (true, Side::Bot) => answer.talk_ms,
            (true, Side::Callee) => u64::MAX / 1_000_000,
        };
        let (mut they_go, mut we_go) = (callee.gone, place.gone.clone());
        let patience = if dies { shared.carrier.scaled(answer.talk_ms / 2) } else { Duration::MAX };
        let by = tokio::select! {
            biased;
            _ = they_go.wait_for(Option::is_some) => DisconnectedBy::Customer,
            _ = we_go.wait_for(Option::is_some) => return removed(),
            () = sleep(patience), if dies => return Over::Died,
            () = sleep(shared.carrier.scaled(ours)) => {
                shared.carrier.leaves((&self.body.room_name, CALLEE, None), "PARTICIPANT_REMOVED");
                if is_human { DisconnectedBy::Bot } else { DisconnectedBy::Voicemail }
            }
        };
        let by = if is_human { by } else { DisconnectedBy::Voicemail };
        Over::Spoke { by, class: answer.class, mute, lasted: began.elapsed() }
    }

    async fn report(&mut self, event: &str) {
        self.told += 1;
        let told = LiveEvent {
            seq: self.told,
            timestamp: self.worker.shared.carrier.clock.now().to_string(),
            event: event.to_owned(),
            data: fields(json!({"from": self.body.to_number, "direction": "outgoing"})),
        };
        let worker_id: WorkerId = self.worker.id.clone();
        let report = LiveReport { version: WIRE_VERSION, worker_id, dropped: 0, events: vec![told] };
        self.bridge.report(&self.id, &report, &self.proof).await;
    }

    fn result(&self, over: Over) -> Value {
        let (by, lasted) = match &over {
            Over::Failed(_) | Over::Died => (DisconnectedBy::Error, Duration::ZERO),
            Over::OutsideHours => (DisconnectedBy::OutsideHours, Duration::ZERO),
            Over::NotAnswered(by) => (*by, Duration::ZERO),
            Over::Spoke { by, lasted, .. } => (*by, *lasted),
        };
        let mut result = CallResult::bare(self.id.clone(), by);
        result.seq = 1;
        result.bot_id = Some(self.body.bot_id.clone());
        result.worker_id = Some(self.worker.id.clone());
        result.stream_id = Some(self.body.room_name.clone());
        result.caller_id = self.body.to_number.clone();
        result.from_number = self.body.from_number.clone();
        result.call_duration_seconds = lasted.as_secs_f64();
        result.call_direction = Some("outgoing".into());
        result.transport = Some("livekit".into());
        result.started_at = Some(self.began.to_string());
        result.ended_at = Some(self.worker.shared.carrier.clock.now().to_string());
        result.connected_event = Some(Value::Object(self.event()));
        let mut answered_by = Value::Null;
        match over {
            Over::Failed(why) => result.error = Some(why),
            Over::Spoke { class, mute, lasted, .. } => {
                said(&mut result, class, mute, lasted);
                // What the detector of a worker says; this one knows it from the script.
                answered_by = json!({"class": class});
            }
            Over::OutsideHours | Over::NotAnswered(_) | Over::Died => {}
        }
        let mut result = serde_json::to_value(result).unwrap_or_default();
        if !answered_by.is_null() {
            result["answered_by"] = answered_by;
        }
        result
    }

    async fn deliver(self, result: Value) {
        let delivered = self.bridge.deliver(&result, &self.proof).await;
        let mut counts = self.worker.shared.counts();
        match delivered {
            Delivered::Yes => counts.delivered += 1,
            Delivered::Rejected(why) => {
                counts.rejected += 1;
                counts.first_rejection.get_or_insert(why);
            }
        }
    }
}

fn removed() -> Over {
    Over::Failed("the bot was removed from the room".into())
}

/// Why a telephone left that had not answered, by the reason of its leaving.
fn unanswered(reason: Option<&str>) -> DisconnectedBy {
    match reason {
        Some("USER_REJECTED") => DisconnectedBy::Rejected,
        Some("SIP_TRUNK_FAILURE" | "MEDIA_FAILURE") => DisconnectedBy::Error,
        _ => DisconnectedBy::NoAnswer,
    }
}

/// What was said: a bot that is mute said nothing, and whoever hears nothing says nothing.
fn said(result: &mut CallResult, class: Class, mute: bool, lasted: Duration) {
    let ended_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
    let line = |turn, speaker, text: &str, started_ms: u64| TranscriptEntry {
        turn,
        speaker,
        text: text.to_owned(),
        confidence: None,
        started_ms: started_ms.min(ended_ms),
        ended_ms,
        interrupted: false,
        words: Vec::new(),
        bot_id: None,
    };
    let theirs = match class {
        Class::Human => "Hello?",
        Class::Voicemail => "You have reached my voicemail. Please leave a message after the tone.",
        Class::Screening => "Please state your name and the reason of your call.",
        Class::Ivr => "For sales, press one. For support, press two.",
        Class::Announcement => "The number that you have dialled is not in service.",
        Class::Fax => "",
    };
    if !theirs.is_empty() {
        result.transcript.push(line(0, Speaker::Caller, theirs, 0));
    }
    if !mute {
        result.latency.answer_to_first_audio_ms = Some(FIRST_SOUND_MS);
        if class == Class::Human {
            result.transcript.push(line(1, Speaker::Bot, "Good day, this is the simulated bot.", 420));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telephone_that_leaves_before_the_answer_says_why() {
        for (reason, by) in [
            (Some("USER_REJECTED"), DisconnectedBy::Rejected),
            (Some("USER_UNAVAILABLE"), DisconnectedBy::NoAnswer),
            (Some("SIP_TRUNK_FAILURE"), DisconnectedBy::Error),
            (None, DisconnectedBy::NoAnswer),
        ] {
            assert_eq!(unanswered(reason), by, "{reason:?}");
        }
    }
}
