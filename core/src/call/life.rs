//! From an open line to a record on disk: the one function that every transport converges on.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tracing::field::{Empty, display};
use tracing::{Instrument, Span};
use vox_shared::ids::{BotId, SessionId};
use vox_shared::model::bot::Sink;
use vox_shared::outbox::AppendError;
use vox_shared::telemetry::spans;
use vox_shared::trace::Place;
use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::config::{ConfigRequest, Refusal, RuntimeConfig};
use vox_shared::wire::journal::{Accepted, JournalRecord};
use vox_shared::wire::proof::Proof;
use vox_shared::wire::result::{CallResult, DisconnectedBy};

use super::actor::{self, Parts};
use super::pipeline::Pipeline;
use super::record;
use crate::access::Presented;
use crate::admission::Admission;
use crate::app::App;
use crate::bridge::ConfigError;
use crate::courier::keep::{End, Ending};
use crate::courier::live::{Fact, Teller, Watched};
use crate::courier::{Ask, has_sound};
use crate::journal::CallJournal;
use crate::media::playout::Pacing;
use crate::media::recorder::{Recorder, Unfinished};
use crate::transport::line::{CallInfo, LineIn, LineOut, Ready, Traits};
use crate::transport::reason::Reason;
use crate::transport::socket::Ends;

/// The carrier must say who calls within this.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// Ringing.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);
/// The disk must take the call's birth within this: the caller hears nothing meanwhile.
const BIRTH_DEADLINE: Duration = Duration::from_secs(4);
/// For reading the journal of a call that broke off.
const JOURNAL_DEADLINE: Duration = Duration::from_secs(5);

/// Of a claim to a call: 32 characters.
const CLAIM_BYTES: usize = 24;

/// For looking at the recording of such a call.
const LOOK_DEADLINE: Duration = Duration::from_secs(1);

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

/// A call that was ordered, whose line never came: it owes its record all the same.
async fn miss(app: &Arc<App>, line: Incoming, session_id: SessionId) {
    let Incoming { bot_id, traits, admission, ordered, .. } = line;
    let Admission { guard, place } = admission;
    app.metrics.call_refused();
    Span::current().record("error.type", "refused");
    let info = ordered.as_ref().map(|ordered| ordered.info.clone()).unwrap_or_default();
    let accepted = of_order(accepted(app, &info, &bot_id, &session_id, traits.name), ordered);
    let mut journal = place.journal(session_id);
    let record = JournalRecord::Accepted(Box::new(accepted.clone()));
    if let Some(fault) = fault(timeout(BIRTH_DEADLINE, journal.begin(&record)).await) {
        tracing::error!(fault, "a call that did not begin cannot be journalled");
        app.metrics.disk_refused();
    }
    let reason = Reason::NoHandshake(HANDSHAKE_DEADLINE.as_secs());
    tracing::warn!(%reason, "a call that was ordered has not begun");
    let mut result = record::skeleton(&accepted, reason.disconnected_by(), app.clock.now());
    result.error = Some(reason.to_string());
    let end = End::Over { result: Box::new(result), recording: None };
    app.courier.keep(Ending { accepted, journal: Arc::new(journal), end }).await;
    drop(guard);
}

async fn handshake(ends: &mut Ends) -> Option<Ready> {
    match timeout(HANDSHAKE_DEADLINE, ends.incoming.recv()).await {
        Ok(Some(LineIn::Ready(ready))) => Some(*ready),
        // Hung up before it began, or the pump has closed the line already, with its reason.
        Ok(_) => None,
        Err(_) => {
            let reason = Reason::NoHandshake(HANDSHAKE_DEADLINE.as_secs());
            let _gone = ends.outgoing.try_send(LineOut::Refuse(reason));
            None
        }
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
    let live = app.courier.watch(watched(app, &accepted));
    live.tell(ringing(&accepted));
    for event in record::unknown_names(&begun.config) {
        let session_id = accepted.session_id.clone();
        journal.note(&JournalRecord::Event { session_id, event });
    }
    let dropped = ends.dropped.clone();
    // Built while it rings: the greeting waits for the answer and for nothing else.
    let pipeline = Pipeline::build(app, begun, &info, (traits, rate_hz));
    let (mut result, recording) = match wait_for_answer(&mut ends).await {
        Ok(()) => {
            let line = Line { ends, traits, pacing, rate_hz, live };
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

/// What is wrong with a write that the call waited for.
fn fault<T>(written: Result<Result<T, AppendError>, Elapsed>) -> Option<String> {
    match written {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("the disk took no record within {} s", BIRTH_DEADLINE.as_secs())),
    }
}

/// A call that the worker cannot write down.
struct Unborn {
    accepted: Accepted,
    journal: Arc<CallJournal>,
    /// The bridge has given a config for it, or it was ordered: somebody waits for its end.
    is_awaited: bool,
}

impl Unborn {
    async fn refuse(self, app: &App, ends: &Ends, fault: &str) {
        tracing::error!(fault, "a call cannot be journalled; it is refused");
        app.metrics.call_refused();
        app.metrics.disk_refused();
        refuse(ends, Reason::NoRecord).await;
        let Self { accepted, journal, is_awaited } = self;
        let end = if is_awaited {
            let mut result = record::skeleton(&accepted, DisconnectedBy::Error, app.clock.now());
            result.error = Some(format!("the worker could not write the call down: {fault}"));
            End::Over { result: Box::new(result), recording: None }
        } else {
            End::Refused { reason: Reason::NoRecord.to_string() }
        };
        app.courier.keep(Ending { accepted, journal, end }).await;
    }
}

struct Line {
    ends: Ends,
    traits: Traits,
    pacing: Pacing,
    rate_hz: u32,
    live: Teller,
}

fn watched(app: &App, accepted: &Accepted) -> Watched {
    Watched {
        session_id: accepted.session_id.clone(),
        worker_id: app.worker_id.clone(),
        clock: app.clock.clone(),
        proof: accepted.proof.clone(),
    }
}

fn ringing(accepted: &Accepted) -> Fact {
    Fact::Ringing { from: accepted.caller_id.clone(), direction: accepted.call_direction.clone() }
}

fn accepted(app: &App, info: &CallInfo, bot_id: &BotId, session_id: &SessionId, transport: &str) -> Accepted {
    let now = app.clock.now();
    let key = record::recording_key(now, session_id);
    Accepted {
        version: WIRE_VERSION,
        session_id: session_id.clone(),
        bot_id: bot_id.clone(),
        worker_id: app.worker_id.clone(),
        transport: transport.to_owned(),
        started_at: now.to_string(),
        stream_id: info.stream_id.clone(),
        caller_id: info.caller_id.clone(),
        call_direction: info.direction.clone(),
        from_number: None,
        connected_event: Some(serde_json::Value::Object(info.connected_event.clone())),
        recording_file: Some(key.clone()),
        recording_key: Some(key),
        bridge_url: app.bridge.url().to_owned(),
        traceparent: spans::current(),
        proof: Proof { claim: Some(claim()), ..Proof::default() },
    }
}

/// With what whoever ordered the call says of it.
fn of_order(accepted: Accepted, ordered: Option<Ordered>) -> Accepted {
    let Some(Ordered { bridge_url, from_number, .. }) = ordered else { return accepted };
    let proof = Proof { bridge_url: bridge_url.clone(), ..accepted.proof };
    Accepted { bridge_url: bridge_url.unwrap_or(accepted.bridge_url), from_number, proof, ..accepted }
}

/// What nobody else knows of the call: whoever asks for its config again, or delivers for it without its token, must.
fn claim() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; CLAIM_BYTES]>())
}

/// The recording goes by the call's own name: by that the bridge knows whose it is.
fn recorded_as(accepted: Accepted, name: &SessionId) -> Accepted {
    if accepted.session_id == *name {
        return accepted;
    }
    let key = accepted.started_at.parse().ok().map(|at| record::recording_key(at, name));
    Accepted { recording_file: key.clone(), recording_key: key, ..accepted }
}

/// Or how the call ended without one, and what went wrong if something did.
async fn wait_for_answer(ends: &mut Ends) -> Result<(), (DisconnectedBy, Option<String>)> {
    let wait = async {
        loop {
            match ends.incoming.recv().await {
                Some(LineIn::Answered) => return Ok(()),
                // Whoever let go of a call that was not answered: it was not answered.
                Some(LineIn::HungUp { by: DisconnectedBy::Customer }) | None => {
                    return Err((DisconnectedBy::NoAnswer, None));
                }
                Some(LineIn::HungUp { by }) => {
                    let failed = by == DisconnectedBy::Error;
                    return Err((by, failed.then(|| "the carrier could not place the call".to_owned())));
                }
                Some(LineIn::Broken(reason)) => {
                    return Err((DisconnectedBy::Error, Some(reason.to_string())));
                }
                Some(_) => {}
            }
        }
    };
    match timeout(ANSWER_DEADLINE, wait).await {
        Ok(answer) => answer,
        Err(_) => {
            let _gone = ends.outgoing.try_send(LineOut::HangUp { by: DisconnectedBy::NoAnswer });
            Err((DisconnectedBy::NoAnswer, None))
        }
    }
}

async fn converse(
    app: &Arc<App>,
    accepted: &Accepted,
    pipeline: Box<Pipeline>,
    line: Line,
    journal: Arc<CallJournal>,
) -> (CallResult, Option<Unfinished>) {
    let Line { ends, traits, pacing, rate_hz, live } = line;
    let Pipeline { config, session, switch, detector, vendors, ears, tools, veil } = *pipeline;
    let parts = Parts {
        session,
        ends,
        switch,
        traits,
        pacing,
        rate_hz,
        detector,
        recorder: recorder(app, accepted, &config, rate_hz),
        vendors,
        ears,
        tools,
        journal: journal.clone(),
        veil,
        live,
        orders: app.orders.open(accepted.session_id.clone()),
        drain: app.drain.clone(),
    };
    // A panic in one call must not take its record with it.
    let running = tokio::spawn(actor::run(parts).in_current_span());
    match running.await {
        Ok(ended) => record::result(accepted, &config, ended, app.clock.now()),
        Err(error) => {
            tracing::error!(%error, "the call broke off by a fault of ours");
            (broken_off(app, accepted, &journal).await, None)
        }
    }
}

/// The record of a call that a fault of ours ended: what its journal and the disk hold.
async fn broken_off(app: &App, accepted: &Accepted, journal: &CallJournal) -> CallResult {
    let mut lines = Vec::new();
    // What was read in time is told.
    let _late = timeout(JOURNAL_DEADLINE, journal.read(&mut lines)).await;
    let mut result = record::from_journal(accepted, DisconnectedBy::Error, lines, app.clock.now());
    result.error = Some("an internal fault ended the call".into());
    if let Some(file) = &accepted.recording_file {
        let file = app.recordings.join(file);
        // What is not known to be empty is uploaded: it would be removed otherwise.
        let is_recorded = timeout(LOOK_DEADLINE, has_sound(&file)).await.unwrap_or(true);
        result.recording_key = accepted.recording_key.clone().filter(|_| is_recorded);
    }
    result
}

/// The call is not let in. What the bridge decided owes no record, unless the call was ordered and somebody waits for its outcome; a
/// bridge that could not be asked does.
async fn reject(
    app: &App,
    (accepted, owes_record): (Accepted, bool),
    journal: CallJournal,
    ends: &Ends,
    error: ConfigError,
) {
    tracing::warn!(%error, "the call is rejected");
    app.metrics.call_refused();
    Span::current().record("error.type", "refused");
    if let ConfigError::Unreachable(_) = &error {
        app.metrics.control_plane_away();
    }
    let reason = match &error {
        ConfigError::Refused { refusal, .. } => match refusal {
            Refusal::OutsideHours => Reason::OutsideHours,
            Refusal::UnknownBot => Reason::UnknownBot,
            Refusal::QuotaSpent => Reason::QuotaExceeded,
            Refusal::BadTicket => Reason::BadTicket,
            Refusal::LineForbidden => Reason::LineForbidden,
            Refusal::Other => Reason::Refused,
        },
        ConfigError::Unreachable(_) => Reason::ControlPlaneAway,
    };
    let end = if matches!(error, ConfigError::Refused { .. }) && !owes_record {
        End::Refused { reason: reason.to_string() }
    } else {
        let mut result = record::skeleton(&accepted, reason.disconnected_by(), app.clock.now());
        result.error = Some(error.to_string());
        End::Over { result: Box::new(result), recording: None }
    };
    refuse(ends, reason).await;
    app.courier.keep(Ending { accepted, journal: Arc::new(journal), end }).await;
}

async fn refuse(ends: &Ends, reason: Reason) {
    let _gone = ends.outgoing.send(LineOut::Refuse(reason)).await;
}

/// A call goes on without a recording when there can be none.
fn recorder(app: &App, accepted: &Accepted, config: &RuntimeConfig, rate_hz: u32) -> Option<Recorder> {
    let file = accepted.recording_file.as_ref().filter(|_| config.recording.enabled)?;
    let path = app.recordings.join(file);
    let recorder = match config.redaction.covers(Sink::Recording) {
        true => Recorder::create_checked(path, rate_hz),
        false => Recorder::create(path, rate_hz),
    };
    match recorder {
        Ok(recorder) => Some(recorder),
        Err(error) => {
            tracing::error!(%error, "the call is not recorded");
            None
        }
    }
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
