//! Telephones that are called into a room.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use vox_livekit::{Event as RoomEvent, Leaving};
use vox_sip::message::{NameAddr, Uri};
use vox_sip::{Call, Credentials, Dial, Event, Events, Failure, Status, Transport};

use super::attributes::{self, of_headers};
use super::reasons::error;
use super::seat::{Guest, Seat};
use super::sound::{Ends, Pipes, Until};
use super::talk::{Talk, Transfers};
use super::{RINGING, Shared};
use crate::rpc::{Code, CreateRequest, CreateResponse, IncludeHeaders, RpcError, SipTransport, Span};

/// `w` among keys.
const PAUSE: Duration = Duration::from_millis(500);

/// `CreateSIPParticipant`.
pub(super) async fn create(shared: Arc<Shared>, request: CreateRequest) -> Result<CreateResponse, RpcError> {
    Box::pin(place(shared, request)).await
}

async fn place(shared: Arc<Shared>, request: CreateRequest) -> Result<CreateResponse, RpcError> {
    let dial = dial(&shared, &request)?;
    let mut attributes = request.participant_attributes.clone();
    attributes.extend(attributes::status("dialing"));
    let guest = Guest {
        room: request.room_name.clone(),
        identity: request.participant_identity.clone(),
        name: request.participant_name.clone(),
        metadata: request.participant_metadata.clone(),
        attributes,
        token: request.token.clone(),
    };
    let (seat, microphone, room_sound) = Box::pin(Seat::take(&shared, guest)).await?;
    let response = CreateResponse {
        participant_id: seat.room.own().sid.clone(),
        participant_identity: request.participant_identity.clone(),
        sip_call_id: request.sip_call_id.clone(),
    };
    let (call, mut events) = match shared.agent.dial(dial).await {
        Ok(begun) => begun,
        Err(error) => {
            seat.leave(Leaving::SipTrunkFailure).await;
            return Err(RpcError::new(Code::FailedPrecondition, error.to_string()));
        }
    };
    let phone = events.sound().ok_or_else(|| RpcError::new(Code::Internal, "the sound is taken"))?;
    let until = if request.play_dialtone { Until::DialTone } else { Until::Silence };
    let pipes = Pipes::lay(Ends { call: call.clone(), phone, microphone, room: room_sound }, until);
    let waits = request.wait_until_answered;
    let ringing = Box::pin(ring(shared, request, Ringing { call, events, seat, pipes }));
    if waits {
        ringing.await?;
    } else {
        tokio::spawn(ringing);
    }
    Ok(response)
}

struct Ringing {
    call: Call,
    events: Events,
    seat: Seat,
    pipes: Pipes,
}

/// Until it is answered or not; then it goes on by itself.
async fn ring(shared: Arc<Shared>, request: CreateRequest, ringing: Ringing) -> Result<(), RpcError> {
    let Ringing { call, mut events, mut seat, pipes } = ringing;
    let status = match answered(&call, &mut events, &mut seat).await {
        Ok(status) => status,
        Err(failure) => {
            // Without `hangup`: the last status stays.
            seat.leave(shared.settings.reasons.leaving(&failure)).await;
            return Err(error(&failure));
        }
    };
    let mut told = attributes::ids(call.call_id(), status.headers.get("To"));
    let include = IncludeHeaders::try_from(request.include_headers).unwrap_or(IncludeHeaders::None);
    told.extend(of_headers(&status.headers, include, &request.headers_to_attributes));
    seat.tell(told).await;
    let transfers = Transfers::listen(&shared, &request.sip_call_id)
        .await
        .map_err(|error| RpcError::new(Code::Internal, error.to_string()))?;
    if !request.dtmf.is_empty() {
        seat.tell_status("automation").await;
        press(&call, &request.dtmf).await;
    }
    seat.tell_status("active").await;
    let talk = Talk {
        call,
        events,
        seat,
        pipes,
        transfers,
        to_headers: request.attributes_to_headers,
        active_at: None,
        longest: Span::positive(request.max_call_duration),
    };
    tokio::spawn(Box::pin(talk.on()));
    Ok(())
}

async fn answered(call: &Call, events: &mut Events, seat: &mut Seat) -> Result<Status, Failure> {
    let mut rings = false;
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Event::Progress(status)) if status.code >= 180 && !rings => {
                    rings = true;
                    seat.tell_status("ringing").await;
                }
                Some(Event::Answered(status)) => return Ok(status),
                Some(Event::Failed(failure)) => return Err(failure),
                Some(Event::Ended(_)) | None => return Err(Failure::Unreachable),
                Some(_) => {}
            },
            event = seat.events.next() => {
                if matches!(event, Some(RoomEvent::Disconnected(_)) | None) {
                    let _over = call.hang_up().await;
                    return Err(Failure::Cancelled);
                }
            }
        }
    }
}

async fn press(call: &Call, keys: &str) {
    for key in keys.chars() {
        if key == 'w' {
            sleep(PAUSE).await;
        } else if let Err(error) = call.press(&key.to_string()).await {
            tracing::warn!(%error, "a key of the request was not pressed");
        }
    }
}

fn dial(shared: &Shared, request: &CreateRequest) -> Result<Dial, RpcError> {
    let invalid = |what: String| RpcError::new(Code::InvalidArgument, what);
    let to: Uri = format!("sip:{}@{}", request.call_to, request.address)
        .parse()
        .map_err(|error| invalid(format!("{}@{}: {error}", request.call_to, request.address)))?;
    let transport = match SipTransport::try_from(request.transport) {
        Ok(SipTransport::Tcp) => Transport::Tcp,
        Ok(SipTransport::Tls) => {
            return Err(invalid("TLS to telephones is not there in the stand-in gateway".to_owned()));
        }
        _ => Transport::Udp,
    };
    let own = shared.agent.address().ip().to_string();
    let host = if request.hostname.is_empty() { &own } else { &request.hostname };
    let number: Uri = format!("sip:{}@{host}", request.number)
        .parse()
        .map_err(|error| invalid(format!("{}@{host}: {error}", request.number)))?;
    let name = request.display_name.clone().unwrap_or_else(|| request.number.clone());
    let credentials = Credentials { username: request.username.clone(), password: request.password.clone() };
    Ok(Dial {
        to,
        from: NameAddr { name: (!name.is_empty()).then_some(name), ..NameAddr::new(number) },
        transport,
        headers: request.headers.clone().into_iter().collect(),
        credentials: (!request.username.is_empty()).then_some(credentials),
        ring_for: Span::positive(request.ringing_timeout).unwrap_or(RINGING),
        tag: Some(request.sip_call_id.clone()),
    })
}
