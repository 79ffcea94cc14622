//! From an open line to a record on disk: the one function that every transport converges on.

#[cfg(feature = "livekit")]
pub mod again;
mod answer;
mod birth;
mod conversation;
mod refusing;

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::time::timeout;
use tracing::field::{Empty, display};
use tracing::{Instrument, Span};
use vox_shared::ids::{BotId, SessionId};
use vox_shared::sealed::Sealed;
use vox_shared::trace::Place;
use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::config::{ConfigRequest, RuntimeConfig};
use vox_shared::wire::journal::{Accepted, JournalRecord};
use vox_shared::wire::proof::Proof;
use vox_shared::wire::result::{CallResult, DisconnectedBy};
use vox_shared::wire::seat::{RoomSeat, Seated};

use super::pipeline::Pipeline;
use super::record;
use crate::access::Presented;
use crate::admission::Admission;
use crate::app::App;
use crate::courier::Ask;
use crate::courier::keep::{End, Ending};
use crate::transport::line::{CallInfo, LineOut, Ready, Traits};
use crate::transport::socket::Ends;
use crate::wreck::about_config;
use answer::{Answer, handshake, wait_for_answer};
use birth::{BIRTH_DEADLINE, accepted, fault, of_order, recorded_as, ringing, watched};
use conversation::{Line, converse};
use refusing::{Unborn, miss, reject};

/// A line that wants a call.
pub struct Incoming {
    pub bot_id: BotId,
    pub ticket: Option<String>,
    pub presented: Presented,
    /// The trace that the handshake names.
    pub trace: Option<Place>,
    pub ends: Ends,
    pub traits: Traits,
    /// Held until the record is durable.
    pub admission: Admission,
    pub ordered: Option<Ordered>,
}

/// What is said of a call by whoever ordered it, and waits for its outcome: it owes a record even if it is refused.
#[derive(Clone, Debug)]
pub struct Ordered {
    /// As it was answered already.
    pub session_id: SessionId,
    /// The bridge that the call belongs to, where it is not the worker's own.
    pub bridge_url: Option<String>,
    /// Ours, of a telephone call.
    pub from_number: Option<String>,
    /// With whom it is, should the line never come to say so.
    pub info: Box<CallInfo>,
}

/// Run a call to its record.
pub async fn run(app: Arc<App>, mut line: Incoming) {
    let dropped = line.ends.dropped.clone();
    let transport = line.traits.name;
    let ready = handshake(&mut line.ends).await;
    if ready.is_some() || line.ordered.is_some() {
        begin(&app, line, ready).await;
    }
    app.metrics.messages_dropped(transport, &dropped.counts());
}

async fn begin(app: &Arc<App>, line: Incoming, ready: Option<Ready>) {
    let session_id =
        line.ordered.as_ref().map_or_else(SessionId::generate, |ordered| ordered.session_id.clone());
    line.admission.guard.name(session_id.clone());
    let span = tracing::info_span!(
        "call",
        otel.kind = "server",
        trace.parent = line.trace.map(|place| place.to_string()),
        call.id = %session_id,
        bot.id = %line.bot_id,
        transport = line.traits.name,
        tenant.id = Empty,
        disconnected_by = Empty,
        "error.type" = Empty
    );
    match ready {
        Some(ready) => start(app, line, ready, session_id).instrument(span).await,
        None => miss(app, line, session_id).instrument(span).await,
    }
}

async fn start(app: &Arc<App>, line: Incoming, ready: Ready, session_id: SessionId) {
    let Incoming { bot_id, ticket, presented, mut ends, traits, admission, ordered, .. } = line;
    let (Ready { info, rate_hz, pacing }, Admission { guard, place }) = (ready, admission);
    let mut journal = place.journal(session_id.clone());
    let owes_record = ordered.is_some();
    let accepted = of_order(accepted(app, &info, &bot_id, &session_id, traits.name), ordered);
    // A header or the address says it before a message does.
    let token = presented.token.as_ref().map(|token| token.expose_secret());
    let token = token.or(info.line_token.as_ref().map(|token| token.expose().as_str()));
    let request = ConfigRequest {
        version: WIRE_VERSION,
        session_id: Some(session_id),
        transport: Some(traits.name.to_owned()),
        caller_id: info.caller_id.clone(),
        stream_id: info.stream_id.clone(),
        connected_event: info.connected_event.clone(),
        ticket,
        line_token: token.map(str::to_owned),
        peer: presented.peer.map(|peer| peer.to_string()),
        signature: presented.signature.clone(),
        worker_id: Some(app.worker_id.clone()),
        claim: accepted.proof.claim.clone(),
        handed_from: None,
    };
    let ask = Ask { bot_id, request, rate_hz, bridge_url: accepted.proof.bridge_url.clone() };
    // The birth is on disk before anything is done about the call; the config is only asked for meanwhile.
    let record = JournalRecord::Accepted(Box::new(accepted.clone()));
    let born = timeout(BIRTH_DEADLINE, journal.begin(&record));
    let (born, begun) = tokio::join!(born, app.courier.begin(ask));
    if let Some(fault) = fault(born) {
        let is_awaited = begun.is_ok() || owes_record;
        let call = Unborn { accepted, journal: Arc::new(journal), is_awaited };
        return call.refuse(app, &ends, &fault).await;
    }
    let begun = match begun {
        Ok(begun) => begun,
        Err(error) => return reject(app, (accepted, owes_record), journal, &ends, error).await,
    };
    // The bridge may have put its own name on the call (a campaign's).
    let name = begun.config.session_id.clone();
    let call_token = begun.config.call_token.as_ref().map(|token| token.expose().to_owned());
    let proof = Proof { call_token, ..accepted.proof.clone() };
    let accepted = Accepted { proof, ..recorded_as(accepted, &name) };
    let renamed = timeout(BIRTH_DEADLINE, journal.opened(&name, &accepted)).await;
    let (accepted, journal) = (Accepted { session_id: name, ..accepted }, Arc::new(journal));
    if let Some(fault) = fault(renamed) {
        return Unborn { accepted, journal, is_awaited: true }.refuse(app, &ends, &fault).await;
    }
    guard.name(accepted.session_id.clone());
    let span = Span::current();
    span.record("call.id", display(&accepted.session_id));
    if let Some(tenant) = &begun.config.tenant_id {
        span.record("tenant.id", display(tenant));
    }
    let ready = LineOut::Accepted { session_id: accepted.session_id.to_string() };
    let _gone = ends.outgoing.try_send(ready);
    app.metrics.call_started();
    let live = app.courier.watch(watched(app, &accepted, 0));
    live.tell(ringing(&accepted));
    for event in record::unknown_names(&begun.config) {
        let session_id = accepted.session_id.clone();
        journal.note(&JournalRecord::Event { session_id, event });
    }
    let dropped = ends.dropped.clone();
    // Built while it rings: the greeting waits for the answer and for nothing else.
    let pipeline = Pipeline::build(app, begun, &info, (traits, rate_hz));
    let (mut result, recording) = match wait_for_answer(&mut ends, traits.name).await {
        Ok(Answer { seat, rang }) => {
            let tallies = seat.is_some();
            if let Some(seat) = seat {
                journal.note(&seated(app, &accepted, *seat, &pipeline.config));
            }
            let since = Duration::ZERO;
            let line = Line { ends, traits, pacing, rate_hz, live, since, rang, tallies };
            converse(app, &accepted, pipeline, line, journal.clone()).await
        }
        Err((by, error)) => (CallResult { error, ..record::skeleton(&accepted, by, app.clock.now()) }, None),
    };
    record::add_dropped(&mut result, &dropped.counts());
    app.metrics.call_ended(&result);
    span.record("disconnected_by", result.disconnected_by.as_str());
    if result.disconnected_by == DisconnectedBy::Error {
        span.record("error.type", "call_failed");
    }
    let end = End::Over { result: Box::new(result), recording };
    app.courier.keep(Ending { accepted, journal, end }).await;
    drop(guard);
}

/// Where the call sits from the answer on, and what another worker needs to go on with it.
fn seated(app: &App, accepted: &Accepted, seat: RoomSeat, config: &RuntimeConfig) -> JournalRecord {
    let at = app.clock.now().to_string();
    let text = serde_json::to_vec(config).expect("a config is plain data");
    let config = Sealed::seal(&app.config.secret, &about_config(&accepted.session_id), text);
    JournalRecord::Seated(Box::new(Seated {
        session_id: accepted.session_id.clone(),
        worker_id: app.worker_id.clone(),
        at: at.clone(),
        answered_at: at,
        seat,
        config: Some(config),
    }))
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::admission::admit;
    use crate::transport::line::LINE_DEPTH;

    /// Whoever ordered a call was told that it is taken, and waits for its outcome.
    #[tokio::test]
    async fn an_ordered_call_whose_line_never_came_leaves_a_record() {
        let dir = tempfile::tempdir().unwrap();
        let app = App::for_tests(dir.path());
        let session_id: SessionId = "call_ordered".parse().unwrap();
        let info = CallInfo { caller_id: Some("+15550100".into()), ..CallInfo::default() };
        let ordered = Ordered {
            session_id: session_id.clone(),
            bridge_url: None,
            from_number: Some("+15550199".into()),
            info: Box::new(info),
        };
        let (line, incoming) = mpsc::channel(LINE_DEPTH);
        let (outgoing, _orders) = mpsc::channel(LINE_DEPTH);
        drop(line);
        let incoming = Incoming {
            bot_id: "bot_1".parse().unwrap(),
            ticket: None,
            presented: Presented::default(),
            trace: None,
            ends: Ends { incoming, outgoing, dropped: Arc::default() },
            traits: Traits {
                name: "livekit",
                echoes_marks: true,
                buffers: false,
                transfers: None,
                presses_keys: false,
                max_message_bytes: 0,
            },
            admission: admit(&app, None).unwrap(),
            ordered: Some(ordered),
        };
        run(app.clone(), incoming).await;
        assert!(!app.slot.is_busy());
        let kept = app.outbox.pending(0, 16).await.unwrap();
        let kept: Vec<JournalRecord> =
            kept.iter().map(|record| serde_json::from_slice(&record.payload).unwrap()).collect();
        // Its beginning is forgotten as soon as the courier has seen that nothing else is owed.
        let Some(JournalRecord::Result(result)) = kept.last() else { panic!("{kept:?}") };
        assert_eq!((&result.session_id, result.caller_id.as_deref()), (&session_id, Some("+15550100")));
        assert_eq!(result.error.as_deref(), Some("no start message within 10 s"));
    }
}
