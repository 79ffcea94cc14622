//! Telephones that are called: what the server asks of its SIP gateway, and what the gateway and the carrier behind it make of it. A call
//! goes on whatever becomes of the request that asked for it, and a second request is a second call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Inner;
use super::callees::{Fate, Side};
use super::journal::{How, What};
use super::rooms::{Answer, Joins, NotJoined, Place};
use super::settings::Trunk;
use super::twirp::{Fault, leaving};

/// How a telephone is where it is told by an attribute.
const STATUS: &str = "sip.callStatus";
/// The header and the attribute in which diallers say which attempt a call is of.
pub const ATTEMPT_HEADER: &str = "X-Vox-Attempt";
pub const ATTEMPT_ATTRIBUTE: &str = "vox.attempt";
/// How long it rings, and how long it lasts, where nothing is said.
const RINGING: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The most that the server waits for an answer.
const MAX_RINGING: Duration = Duration::from_secs(80);
/// A carrier of whom nothing comes back is given up after this: timer B of RFC 3261.
const DEAD: Duration = Duration::from_secs(32);

/// `CreateSIPParticipant`. The fields are those of `livekit_sip.proto`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    sip_trunk_id: String,
    #[serde(default)]
    sip_call_to: String,
    #[serde(default)]
    sip_number: String,
    #[serde(default)]
    room_name: String,
    #[serde(default)]
    participant_identity: String,
    #[serde(default)]
    participant_name: String,
    #[serde(default)]
    participant_metadata: String,
    #[serde(default)]
    participant_attributes: BTreeMap<String, String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    ringing_timeout: Option<String>,
    #[serde(default)]
    max_call_duration: Option<String>,
    #[serde(default)]
    wait_until_answered: bool,
    /// Taken, and without effect here: there is no sound.
    #[serde(default, rename = "dtmf")]
    _dtmf: String,
    #[serde(default, rename = "play_dialtone")]
    _play_dialtone: bool,
    #[serde(default, rename = "play_ringtone")]
    _play_ringtone: bool,
    #[serde(default, rename = "hide_phone_number")]
    _hide_phone_number: bool,
    #[serde(default, rename = "include_headers")]
    _include_headers: Value,
    #[serde(default, rename = "krisp_enabled")]
    _krisp_enabled: bool,
    #[serde(default, rename = "media_encryption")]
    _media_encryption: Value,
    #[serde(default, rename = "display_name")]
    _display_name: Option<String>,
}

/// A call that may be placed.
struct Dial {
    asked: Asked,
    trunk: Trunk,
    from: String,
    attempt: String,
    ringing: Duration,
    longest: Duration,
}

/// A call whose INVITE is out.
struct Call {
    inner: Arc<Inner>,
    id: String,
    room: String,
    identity: String,
    place: Place,
    fate: Fate,
    throttled: Option<&'static str>,
    ringing: Duration,
    longest: Duration,
    /// Ends when the carrier forgets everything.
    life: CancellationToken,
}

/// How the ringing ended.
enum Rang {
    Answered(Answer),
    Refused(u16, String),
    Throttled(&'static str),
    Out,
    Dead,
}

/// Call a phone into a room, as it was asked.
pub(super) async fn dial(inner: &Arc<Inner>, asked: Asked) -> Result<Value, Fault> {
    let waits = asked.wait_until_answered;
    let dial = check(inner, asked)?;
    let call = invite(inner, dial).await?;
    let answer = json!({
        "participant_id": call.place.sid, "participant_identity": call.identity, "room_name": call.room,
        "sip_call_id": call.id,
    });
    let (tell, told) = oneshot::channel();
    tokio::spawn(call.run(tell));
    if waits {
        // One that ends without a word was forgotten with everything else.
        told.await.unwrap_or_else(|_| Err(Fault::new("unavailable", "the server goes down")))?;
    }
    Ok(answer)
}

fn check(inner: &Inner, asked: Asked) -> Result<Dial, Fault> {
    for (name, text) in [
        ("sip_trunk_id", &asked.sip_trunk_id),
        ("sip_call_to", &asked.sip_call_to),
        ("room_name", &asked.room_name),
        ("participant_identity", &asked.participant_identity),
    ] {
        if text.is_empty() {
            return Err(Fault::invalid(format!("missing {name}")));
        }
    }
    let trunk = inner.trunk(&asked.sip_trunk_id);
    let trunk = trunk.ok_or_else(|| Fault::new("not_found", "requested sip trunk does not exist"))?;
    let ringing = asked.ringing_timeout.as_deref().map(seconds).transpose()?.unwrap_or(RINGING);
    if ringing.is_zero() || ringing > MAX_RINGING {
        return Err(Fault::invalid("ringing_timeout must be more than nothing, and at most 80s"));
    }
    let longest = asked.max_call_duration.as_deref().map(seconds).transpose()?.unwrap_or(LONGEST);
    let from = match asked.sip_number.as_str() {
        "" => trunk.numbers.first().cloned().unwrap_or_default(),
        number => number.to_owned(),
    };
    let named = |(name, _): &(&String, &String)| name.eq_ignore_ascii_case(ATTEMPT_HEADER);
    let attempt = asked.headers.iter().find(named).map(|(_, value)| value);
    let attempt = attempt.or_else(|| asked.participant_attributes.get(ATTEMPT_ATTRIBUTE));
    let attempt = attempt.unwrap_or(&asked.room_name).clone();
    Ok(Dial { asked, trunk, from, attempt, ringing, longest })
}

/// Protobuf's JSON of a duration: `45s`, `1.5s`.
fn seconds(text: &str) -> Result<Duration, Fault> {
    let seconds = text.strip_suffix('s').and_then(|number| number.parse::<f64>().ok());
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| Fault::new("malformed", format!("'{text}' is no duration")))
}

/// Join the room, and only then send the INVITE. The look whether the room is there and the join are two steps, as they are in the server:
/// a room that is deleted in between is made again.
async fn invite(inner: &Arc<Inner>, dial: Dial) -> Result<Call, Fault> {
    let life = inner.life();
    let asked = &dial.asked;
    let not_sent = |why: NotJoined| {
        inner.journal.write(
            inner.now_us(),
            What::NotSent {
                attempt: dial.attempt.clone(),
                to: asked.sip_call_to.clone(),
                room: asked.room_name.clone(),
                why: why.to_string(),
            },
        );
        Fault::of_gateway("internal", &format!("could not join the room: {why}"))
    };
    let existed = inner.lock().rooms.has(&asked.room_name);
    if !existed && !inner.settings.auto_create {
        return Err(not_sent(NotJoined::NoRoom));
    }
    sleep(Duration::from_millis(inner.settings.join_ms)).await;
    let id = inner.id("SCL_");
    let who = Joins {
        identity: asked.participant_identity.clone(),
        name: asked.participant_name.clone(),
        kind: "SIP",
        metadata: asked.participant_metadata.clone(),
        attributes: attributes(&dial, &id),
    };
    let (place, is_made) = inner.joins(&asked.room_name, who, true).map_err(not_sent)?;
    let nth = inner.nth(&asked.sip_call_to);
    let fate = match dial.trunk.numbers.is_empty() || dial.trunk.numbers.contains(&dial.from) {
        true => inner.settings.callees.fate(&asked.sip_call_to, nth),
        // A carrier lets nobody call with a number that is not theirs.
        false => {
            Fate::Refused { after_ms: 50, rings: false, code: 403, phrase: "Caller ID not allowed".into() }
        }
    };
    inner.journal.write(
        inner.now_us(),
        What::Invite {
            call: id.clone(),
            attempt: dial.attempt.clone(),
            to: asked.sip_call_to.clone(),
            from: dial.from.clone(),
            trunk: dial.trunk.id.clone(),
            room: asked.room_name.clone(),
            room_existed: existed && !is_made,
        },
    );
    Ok(Call {
        throttled: inner.take_line(&dial.trunk, &id),
        inner: inner.clone(),
        id,
        room: asked.room_name.clone(),
        identity: asked.participant_identity.clone(),
        place,
        fate,
        ringing: dial.ringing,
        longest: dial.longest,
        life,
    })
}

fn attributes(dial: &Dial, id: &str) -> BTreeMap<String, String> {
    let asked = &dial.asked;
    let mut all = asked.participant_attributes.clone();
    for (name, value) in [
        ("sip.callID", id),
        (STATUS, "dialing"),
        ("sip.phoneNumber", &asked.sip_call_to),
        ("sip.trunkID", &dial.trunk.id),
        ("sip.trunkPhoneNumber", &dial.from),
        ("sip.hostname", "127.0.0.1"),
    ] {
        all.insert(name.to_owned(), value.to_owned());
    }
    all
}

impl Call {
    async fn run(mut self, tell: oneshot::Sender<Result<(), Fault>>) {
        let life = self.life.clone();
        let mut gone = self.place.gone.clone();
        let rang = tokio::select! {
            biased;
            () = life.cancelled() => return self.ended(How::Restarted, None),
            // By whoever removed it or ended the room: CANCEL.
            _ = gone.wait_for(Option::is_some) => {
                self.ended(How::Cancelled, None);
                let said = "the room ended before the call was answered";
                let _gone = tell.send(Err(Fault::of_gateway("canceled", said)));
                return;
            }
            rang = self.ring() => rang,
        };
        let Rang::Answered(answer) = rang else { return self.not_answered(rang, tell) };
        self.inner
            .journal
            .write(self.inner.now_us(), What::Answered { call: self.id.clone(), class: answer.class });
        self.inner.change((&self.room, &self.place.sid), |person| {
            person.set(STATUS, "active");
            person.answer = Some(answer);
        });
        let _gone = tell.send(Ok(()));
        let talk = match answer.hangs_up {
            Side::Callee => self.inner.scaled(answer.talk_ms),
            Side::Bot => LONGEST,
        };
        let how = tokio::select! {
            biased;
            () = life.cancelled() => How::Restarted,
            _ = gone.wait_for(Option::is_some) => How::HungUp,
            () = sleep(self.inner.faster(self.longest)) => How::TooLong,
            () = sleep(talk) => How::CalleeHungUp,
        };
        self.ended(how, None);
        if how == How::CalleeHungUp || how == How::TooLong {
            self.inner.change((&self.room, &self.place.sid), |person| person.set(STATUS, "hangup"));
            self.leaves("CLIENT_INITIATED");
        }
    }

    /// Until the callee or the network says something, or the time to ring is over.
    async fn ring(&mut self) -> Rang {
        let inner = self.inner.clone();
        if let Some(phrase) = self.throttled {
            sleep(inner.scaled(40)).await;
            return Rang::Throttled(phrase);
        }
        let fate = self.fate.clone();
        let (after_ms, rings) = match &fate {
            Fate::Refused { after_ms, rings, .. } => (*after_ms, *rings),
            Fate::Answered { after_ms, .. } => (*after_ms, true),
            Fate::RingsOut => (u64::MAX, true),
            Fate::Dead => {
                sleep(inner.faster(self.ringing.min(DEAD))).await;
                return Rang::Dead;
            }
        };
        let post_dial = Duration::from_millis(inner.settings.callees.law.post_dial_ms.min(after_ms));
        sleep(inner.faster(post_dial)).await;
        if rings {
            inner.change((&self.room, &self.place.sid), |person| person.set(STATUS, "ringing"));
        }
        let until = Duration::from_millis(after_ms);
        if until >= self.ringing {
            sleep(inner.faster(self.ringing.saturating_sub(post_dial))).await;
            return Rang::Out;
        }
        sleep(inner.faster(until - post_dial)).await;
        match fate {
            Fate::Refused { code, phrase, .. } => Rang::Refused(code, phrase),
            Fate::Answered { class, talk_ms, hangs_up, .. } => {
                Rang::Answered(Answer { class, talk_ms, hangs_up })
            }
            Fate::RingsOut | Fate::Dead => Rang::Out,
        }
    }

    fn not_answered(&self, rang: Rang, tell: oneshot::Sender<Result<(), Fault>>) {
        let (how, code, fault, reason) = match rang {
            Rang::Refused(code, phrase) => {
                (How::Refused, Some(code), Fault::of_sip(code, &phrase), leaving(code))
            }
            Rang::Throttled(phrase) => (How::Throttled, Some(503), Fault::of_sip(503, phrase), leaving(503)),
            Rang::Dead => {
                let said = "transaction failed to complete (0 intermediate responses)";
                (How::Dead, None, Fault::of_gateway("canceled", said), "USER_UNAVAILABLE")
            }
            Rang::Out | Rang::Answered(_) => {
                let said = "sip request timed out";
                (How::RangOut, None, Fault::of_gateway("canceled", said), "USER_UNAVAILABLE")
            }
        };
        self.ended(how, code);
        self.leaves(reason);
        let _gone = tell.send(Err(fault));
    }

    fn ended(&self, how: How, code: Option<u16>) {
        self.inner.free_line(&self.id);
        self.inner.journal.write(self.inner.now_us(), What::Ended { call: self.id.clone(), how, code });
    }

    fn leaves(&self, reason: &'static str) {
        self.inner.leaves((&self.room, &self.identity, Some(&self.place.sid)), reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_protobuf() {
        assert_eq!(seconds("45s"), Ok(Duration::from_secs(45)));
        assert_eq!(seconds("1.050s"), Ok(Duration::from_millis(1_050)));
        for wrong in ["45", "s", "-1s", "1m", ""] {
            assert_eq!(seconds(wrong).unwrap_err().code, "malformed", "{wrong}");
        }
    }
}
