//! From an open line to a record on disk: the one function that every transport converges on.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::Instrument;
use vox_shared::ids::{BotId, SessionId};
use vox_shared::outbox::Backoff;
use vox_shared::wire::config::{Refusal, RuntimeConfig};
use vox_shared::wire::journal::{Accepted, JournalRecord, RecordingFile};
use vox_shared::wire::result::{CallResult, DisconnectedBy};

use super::actor::{self, Parts};
use super::detector::Detector;
use super::record;
use super::vendors::Vendors;
use crate::access::Presented;
use crate::admission::Admission;
use crate::app::App;
use crate::bridge::{ConfigError, ConfigQuery};
use crate::journal::CallJournal;
use crate::media::playout::Pacing;
use crate::media::recorder::Recorder;
use crate::session::Session;
use crate::session::rules::Rules;
use crate::transport::line::{CallInfo, LineIn, LineOut, Ready, Traits};
use crate::transport::reason::Reason;
use crate::transport::socket::Ends;

/// The carrier must say who calls within this.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// Ringing.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);
/// How long a result that the disk refused is offered to the bridge directly.
const DIRECT_ATTEMPTS: u32 = 40;

/// A line that wants a call.
pub struct Incoming {
    pub bot_id: BotId,
    pub ticket: Option<String>,
    pub presented: Presented,
    pub ends: Ends,
    pub traits: Traits,
    /// Held until the record is durable.
    pub admission: Admission,
}

/// Run a call to its record.
pub async fn run(app: Arc<App>, mut line: Incoming) {
    let dropped = line.ends.dropped.clone();
    let transport = line.traits.name;
    if let Some(ready) = handshake(&mut line.ends).await {
        begin(&app, line, ready).await;
    }
    app.metrics.messages_dropped(transport, &dropped.counts());
}

async fn begin(app: &Arc<App>, line: Incoming, ready: Ready) {
    let session_id = SessionId::generate();
    line.admission.guard.name(session_id.clone());
    let span = tracing::info_span!("call", call.id = %session_id, bot.id = %line.bot_id, transport = line.traits.name);
    start(app, line, ready, session_id).instrument(span).await;
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
    let Incoming { bot_id, ticket, presented, mut ends, traits, admission } = line;
    let (Ready { info, rate_hz, pacing }, Admission { guard, place }) = (ready, admission);
    let journal = place.journal(session_id.clone());
    let accepted = accepted(app, &info, &bot_id, &session_id, traits.name);
    let query = ConfigQuery {
        bot_id: &bot_id,
        session_id: &session_id,
        transport: traits.name,
        ticket: ticket.as_deref(),
        presented: &presented,
        info: &info,
    };
    // The birth is on disk before anything is done about the call; the config is only asked for meanwhile.
    let record = JournalRecord::Accepted(Box::new(accepted.clone()));
    let (written, config) = tokio::join!(journal.write(&record), app.bridge.fetch_config(&query));
    if let Err(error) = written {
        tracing::error!(%error, "a call cannot be journalled; it is refused");
        return refuse(&ends, Reason::NoRecord).await;
    }
    let config = match config {
        Ok(config) => Arc::new(config),
        Err(error) => return reject(app, &journal, &accepted, &ends, error).await,
    };
    // The bridge may have put its own name on the call (a campaign's).
    let journal = match journal.renamed(&config.session_id, &accepted).await {
        Ok(journal) => journal,
        Err(error) => {
            tracing::error!(%error, "a renamed call cannot be journalled; it is refused");
            return refuse(&ends, Reason::NoRecord).await;
        }
    };
    let accepted = Accepted { session_id: config.session_id.clone(), ..accepted };
    guard.name(accepted.session_id.clone());
    let ready = LineOut::Accepted { session_id: accepted.session_id.to_string() };
    let _gone = ends.outgoing.try_send(ready);
    app.metrics.call_started();
    let journal = Arc::new(journal);
    for event in record::unknown_names(&config) {
        let session_id = accepted.session_id.clone();
        journal.note(&JournalRecord::Event { session_id, event });
    }
    let dropped = ends.dropped.clone();
    let mut result = match wait_for_answer(&mut ends).await {
        Ok(()) => {
            let line = Line { ends, traits, pacing, rate_hz };
            converse(app, &accepted, config, line, journal.clone()).await
        }
        Err((by, error)) => CallResult { error, ..record::skeleton(&accepted, by, app.clock.now()) },
    };
    record::add_dropped(&mut result, &dropped.counts());
    app.metrics.call_ended(&result);
    keep(app, &accepted, result, &journal).await;
    drop(guard);
    app.outbox_changed.notify_one();
}

struct Line {
    ends: Ends,
    traits: Traits,
    pacing: Pacing,
    rate_hz: u32,
}

fn accepted(app: &App, info: &CallInfo, bot_id: &BotId, session_id: &SessionId, transport: &str) -> Accepted {
    let now = app.clock.now();
    let key = record::recording_key(now, session_id);
    Accepted {
        version: vox_shared::wire::WIRE_VERSION,
        session_id: session_id.clone(),
        bot_id: bot_id.clone(),
        worker_id: app.worker_id.clone(),
        transport: transport.to_owned(),
        started_at: now.to_string(),
        stream_id: info.stream_id.clone(),
        caller_id: info.caller_id.clone(),
        call_direction: info.direction.clone(),
        connected_event: Some(serde_json::Value::Object(info.connected_event.clone())),
        recording_file: Some(key.clone()),
        recording_key: Some(key),
        bridge_url: app.bridge.url().to_owned(),
    }
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
    config: Arc<RuntimeConfig>,
    line: Line,
    journal: Arc<CallJournal>,
) -> CallResult {
    let Line { ends, traits, pacing, rate_hz } = line;
    let recorder = recorder(app, accepted, &config, rate_hz);
    let mut parts = Parts {
        session: Session::new(Rules::from_config(&config, Duration::ZERO)),
        ends,
        traits,
        pacing,
        rate_hz,
        detector: Detector::new(app.weights.clone(), rate_hz),
        recorder,
        vendors: Vendors::new(app.providers.clone(), config.clone(), app.clips.clone(), rate_hz),
        journal,
        drain: app.drain.clone(),
    };
    parts.vendors.warm_up();
    // A panic in one call must not take its record with it.
    let running = tokio::spawn(actor::run(parts).in_current_span());
    match running.await {
        Ok(ended) => record::result(accepted, &config, ended, app.clock.now()),
        Err(error) => {
            tracing::error!(%error, "the call broke off by a fault of ours");
            broken_off(app, accepted).await
        }
    }
}

/// The record of a call that a fault of ours ended: what its journal and the disk hold.
async fn broken_off(app: &App, accepted: &Accepted) -> CallResult {
    let journal = crate::delivery::journal_of(&app.outbox, &accepted.session_id).await;
    let mut result = record::from_journal(accepted, DisconnectedBy::Error, journal, app.clock.now());
    result.error = Some("an internal fault ended the call".into());
    let file =
        accepted.recording_file.as_ref().filter(|f| crate::delivery::has_sound(&app.recordings.join(f)));
    result.recording_key = file.and(accepted.recording_key.clone());
    result
}

/// The record and the recording go to disk; only then is the call finished.
async fn keep(app: &App, accepted: &Accepted, result: CallResult, journal: &CallJournal) {
    let has_recording = result.recording_key.is_some();
    let record = JournalRecord::Result(Box::new(result));
    if let Err(error) = journal.write(&record).await {
        tracing::error!(%error, "the disk takes no result; it goes to the bridge directly");
        let JournalRecord::Result(result) = record else { return };
        deliver_directly(app, &result).await;
    }
    let (Some(file), Some(key)) = (&accepted.recording_file, &accepted.recording_key) else { return };
    if !has_recording {
        return crate::delivery::forget_recording(app, file).await;
    }
    let record = JournalRecord::Recording(RecordingFile {
        session_id: accepted.session_id.clone(),
        key: key.clone(),
        file: file.clone(),
        bridge_url: accepted.bridge_url.clone(),
    });
    if let Err(error) = journal.write(&record).await {
        tracing::error!(%error, "the recording stays on this host: its upload cannot be journalled");
    }
}

/// The last resort of a result whose disk is full: hold it in memory until the bridge has it.
async fn deliver_directly(app: &App, result: &CallResult) {
    let mut backoff = Backoff::new();
    for _ in 0..DIRECT_ATTEMPTS {
        match app.bridge.deliver(result).await {
            Ok(()) => return,
            Err(error) => tracing::error!(%error, "a result that is not on disk could not be delivered yet"),
        }
        sleep(backoff.next_wait(rand::random())).await;
    }
    tracing::error!("a result is lost: neither the disk nor the bridge took it");
}

/// The call is not let in. What the bridge decided owes no record; a bridge that could not be asked does.
async fn reject(app: &App, journal: &CallJournal, accepted: &Accepted, ends: &Ends, error: ConfigError) {
    tracing::warn!(%error, "the call is rejected");
    app.metrics.call_refused();
    let session_id = accepted.session_id.clone();
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
    if let ConfigError::Refused { .. } = &error {
        journal.note(&JournalRecord::Refused { session_id, reason: reason.to_string() });
    } else {
        let mut result = record::skeleton(accepted, DisconnectedBy::Error, app.clock.now());
        result.error = Some(error.to_string());
        keep(app, accepted, result, journal).await;
    }
    refuse(ends, reason).await;
    app.outbox_changed.notify_one();
}

async fn refuse(ends: &Ends, reason: Reason) {
    let _gone = ends.outgoing.send(LineOut::Refuse(reason)).await;
}

/// A call goes on without a recording when the disk does not take one; the record says so.
fn recorder(app: &App, accepted: &Accepted, config: &RuntimeConfig, rate_hz: u32) -> Option<Recorder> {
    let file = accepted.recording_file.as_ref().filter(|_| config.recording.enabled)?;
    match Recorder::create(&app.recordings.join(file), rate_hz) {
        Ok(recorder) => Some(recorder),
        Err(error) => {
            tracing::error!(%error, "the call is not recorded");
            None
        }
    }
}
