//! Telephones that call a room.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use vox_livekit::{Event as RoomEvent, Leaving};
use vox_sip::message::{NameAddr, Request, Uri};
use vox_sip::{Call, Credentials, Event, Events, Incoming, Proved};

use super::attributes::{self, of_headers};
use super::pin;
use super::seat::{Guest, Seat};
use super::sound::{Ends, Pipes, Until};
use super::talk::{Talk, Transfers};
use super::{RINGING, Shared};
use crate::rpc::{
    AuthenticationRequest, AuthenticationResponse, DispatchRequest, DispatchResponse, DispatchResult,
    RpcError, SipCall, SipUri, Span,
};

/// How often a caller is told that it rings.
const RING_AGAIN: Duration = Duration::from_secs(1);
/// `active` waits for the caller's first sound, but no longer.
const FIRST_SOUND: Duration = Duration::from_secs(1);
/// A caller whom nothing fits is told nothing. So long it is remembered that it is not.
const FORGOTTEN: Duration = Duration::from_secs(180);

pub(super) async fn serve(shared: Arc<Shared>, mut incoming: Incoming) {
    let call = sip_call(&incoming);
    let Some(trunk) = authenticate(&shared, &incoming, &call).await else {
        return ignore(incoming).await;
    };
    let credentials = Credentials { username: trunk.username.clone(), password: trunk.password.clone() };
    if !trunk.username.is_empty() {
        match incoming.call.proves(credentials).await {
            Ok(Proved::Yes) => {}
            Ok(Proved::NotTried | Proved::Stale) => return drop(incoming.call.challenge().await),
            // Refused is refused: nobody sits in a room for it.
            _ => return drop(incoming.call.refuse(403, "Forbidden").await),
        }
    }
    let _over = incoming.call.ring().await;
    let asked = DispatchRequest {
        calling_number: user(&call.from),
        calling_host: host(&call.from),
        called_number: user(&call.to),
        called_host: host(&call.to),
        src_address: call.source_ip.clone(),
        sip_call_id: call.lk_call_id.clone(),
        sip_trunk_id: trunk.sip_trunk_id,
        call: Some(call),
        ..DispatchRequest::default()
    };
    let mut rule = match evaluate(&shared, &asked).await {
        Ok(rule) => rule,
        Err(_) => return ignore(incoming).await,
    };
    let mut is_answered = false;
    if rule.result() == DispatchResult::RequestPin {
        is_answered = true;
        match pin::ask(&mut incoming).await {
            Some(pin) => {
                let with = DispatchRequest { pin, ..asked };
                match evaluate(&shared, &with).await {
                    Ok(found) => rule = found,
                    Err(_) => return drop(incoming.call.hang_up().await),
                }
            }
            None => return drop(incoming.call.hang_up().await),
        }
    }
    if rule.result() != DispatchResult::Accept {
        return if is_answered { drop(incoming.call.hang_up().await) } else { ignore(incoming).await };
    }
    Box::pin(join(shared, incoming, rule, is_answered)).await;
}

/// The caller sits in a room from now on.
async fn join(shared: Arc<Shared>, incoming: Incoming, rule: DispatchResponse, is_answered: bool) {
    let Incoming { call, mut events, invite, .. } = incoming;
    let mut told = rule.participant_attributes.clone();
    told.extend(attributes::ids(call.call_id(), invite.headers.get("From")));
    told.extend(of_headers(&invite.headers, rule.include_headers(), &rule.headers_to_attributes));
    told.extend(attributes::status(if is_answered { "active" } else { "ringing" }));
    let guest = Guest {
        room: rule.room_name.clone(),
        identity: rule.participant_identity.clone(),
        name: rule.participant_name.clone(),
        metadata: rule.participant_metadata.clone(),
        attributes: told,
        token: rule.token.clone(),
    };
    let (mut seat, microphone, room) = match Box::pin(Seat::take(&shared, guest)).await {
        Ok(taken) => taken,
        Err(error) => {
            tracing::warn!(error = %error.text, "a caller cannot be let into its room");
            let _over = call.refuse(503, "Service Unavailable").await;
            return;
        }
    };
    let Some(phone) = events.sound() else { return };
    let pipes = Pipes::lay(Ends { call: call.clone(), phone, microphone, room }, Until::Silence);
    let Ok(transfers) = Transfers::listen(&shared, call.tag()).await else {
        return seat.leave(Leaving::SipTrunkFailure).await;
    };
    if !is_answered {
        let ringing = Span::positive(rule.ringing_timeout).unwrap_or(RINGING);
        match heard(&call, &mut events, &mut seat, ringing).await {
            Rang::Answer => {}
            Rang::TooLong => {
                let _over = call.refuse(486, "Rejected").await;
                return seat.leave(Leaving::UserUnavailable).await;
            }
            Rang::GivenUp => return seat.leave(Leaving::ClientInitiated).await,
        }
        let headers = rule.headers.clone().into_iter().collect();
        if let Err(error) = call.answer(headers).await {
            tracing::debug!(%error, "a call cannot be answered");
            // What the vendor's gateway says to a caller without a codec of ours.
            let _over = call.refuse(400, "").await;
            return seat.leave(Leaving::SipTrunkFailure).await;
        }
    }
    let talk = Talk {
        call,
        events,
        seat,
        pipes,
        transfers,
        to_headers: rule.attributes_to_headers.clone(),
        active_at: (!is_answered).then(|| Instant::now() + FIRST_SOUND),
        longest: Span::positive(rule.max_call_duration),
    };
    Box::pin(talk.on()).await;
}

/// How ringing ended.
enum Rang {
    Answer,
    TooLong,
    GivenUp,
}

/// Ring until somebody else's voice is in the room: then there is somebody to talk to.
async fn heard(call: &Call, events: &mut Events, seat: &mut Seat, ringing: Duration) -> Rang {
    let too_long = sleep(ringing);
    tokio::pin!(too_long);
    let mut again = interval(RING_AGAIN);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    again.reset();
    loop {
        tokio::select! {
            event = seat.events.next() => match event {
                Some(RoomEvent::Subscribed { .. }) => return Rang::Answer,
                Some(RoomEvent::Disconnected(_)) | None => {
                    let _over = call.refuse(480, "Temporarily Unavailable").await;
                    return Rang::GivenUp;
                }
                Some(_) => {}
            },
            event = events.next() => if matches!(event, Some(Event::Ended(_)) | None) {
                return Rang::GivenUp;
            },
            _ = again.tick() => {
                let _over = call.ring().await;
            }
            () = &mut too_long => return Rang::TooLong,
        }
    }
}

/// A caller whom no trunk or rule fits hears that it rings, and nothing else, until it gives up.
async fn ignore(mut incoming: Incoming) {
    let _over = incoming.call.ring().await;
    let given_up = async { while incoming.events.next().await.is_some() {} };
    tokio::select! {
        () = given_up => {}
        () = sleep(FORGOTTEN) => {}
    }
}

async fn authenticate(
    shared: &Shared,
    incoming: &Incoming,
    call: &SipCall,
) -> Option<AuthenticationResponse> {
    let asked = AuthenticationRequest {
        from: user(&call.from),
        from_host: host(&call.from),
        to: user(&call.to),
        to_host: host(&call.to),
        src_address: incoming.from.ip().to_string(),
        sip_call_id: call.lk_call_id.clone(),
        call: Some(call.clone()),
    };
    let answer: Result<AuthenticationResponse, _> = shared.io.ask("GetSIPTrunkAuthentication", &asked).await;
    match answer {
        Ok(trunk) if !trunk.drop && trunk.error_code == 0 => Some(trunk),
        Ok(_) => None,
        Err(error) => {
            tracing::info!(error = %error.text, "no trunk for a caller");
            None
        }
    }
}

async fn evaluate(shared: &Shared, asked: &DispatchRequest) -> Result<DispatchResponse, RpcError> {
    let rule: Result<DispatchResponse, _> = shared.io.ask("EvaluateSIPDispatchRules", asked).await;
    rule.inspect_err(|error| tracing::info!(error = %error.text, "no rule for a caller"))
}

fn sip_call(incoming: &Incoming) -> SipCall {
    let Request { uri, headers, .. } = &incoming.invite;
    let named =
        |name| headers.get(name).and_then(|value| value.parse::<NameAddr>().ok()).map(|value| value.uri);
    let told = |uri: Uri| SipUri { user: uri.user.unwrap_or_default(), host: uri.host };
    SipCall {
        lk_call_id: incoming.call.tag().to_owned(),
        source_ip: incoming.from.ip().to_string(),
        address: uri.parse().ok().map(told),
        from: named("From").map(told),
        to: named("To").map(told),
        sip_call_id: incoming.call.call_id().to_owned(),
    }
}

fn user(uri: &Option<SipUri>) -> String {
    uri.as_ref().map(|uri| uri.user.clone()).unwrap_or_default()
}

fn host(uri: &Option<SipUri>) -> String {
    uri.as_ref().map(|uri| uri.host.clone()).unwrap_or_default()
}
