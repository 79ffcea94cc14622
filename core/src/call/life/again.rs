//! Going on with the call of a worker that died in a room: the same room, caller, journal and record.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};
use tracing::field::{Empty, display};
use tracing::{Instrument, Span};
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::journal::{Accepted, JournalRecord};
use vox_shared::wire::result::{CallResult, DisconnectedBy};
use vox_shared::wire::seat::{RoomSeat, Seated};

use super::answer::{handshake, wait_for_answer};
use super::birth::{BIRTH_DEADLINE, fault, watched};
use super::conversation::{Line, converse};
use crate::admission::Admission;
use crate::app::App;
use crate::call::pipeline::Pipeline;
use crate::call::record;
use crate::courier::keep::{End, Ending};
use crate::courier::{Begun, has_sound};
use crate::journal::CallJournal;
use crate::media::recorder::Unfinished;
use crate::session::kind::EventKind;
use crate::slot::SlotGuard;
use crate::transport::line::{CallInfo, LineOut, Ready, Traits};
use crate::transport::livekit::line::Line as RoomLine;
use crate::transport::livekit::line::clear::{clear, sweep};
use crate::transport::livekit::order::Order;
use crate::transport::livekit::server::LiveKit;
use crate::transport::socket::Ends;
use crate::wreck::{Wreck, about_config};

/// A caller who is not in the room may be about to come back: their connection is lost, or the server was asked too early.
const ABSENT_PATIENCE: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Why there is nothing to go on with.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("its config cannot be opened: the secret was changed")]
    Sealed,
    #[error("its journal cannot be written: {0}")]
    Disk(String),
    #[error("the caller is gone")]
    Gone,
    #[error("the room could not be joined again")]
    NotJoined,
}

/// A call on its way to a worker that goes on with it.
struct Call {
    wreck: Box<Wreck>,
    journal: Arc<CallJournal>,
    /// This worker's.
    seated: Seated,
    began: Instant,
}

/// Go on with a call, to its record. Holds the slot until that is kept.
pub async fn go_on(app: Arc<App>, livekit: Arc<LiveKit>, (wreck, admission): (Box<Wreck>, Admission)) {
    let Accepted { session_id, bot_id, transport, traceparent, .. } = &wreck.accepted;
    admission.guard.name(session_id.clone());
    let span = tracing::info_span!(
        "call",
        otel.kind = "server",
        trace.parent = traceparent.map(|place| place.to_string()),
        call.id = %session_id,
        bot.id = %bot_id,
        transport,
        times = wreck.salvaged.past.times,
        tenant.id = Empty,
        disconnected_by = Empty,
        "error.type" = Empty
    );
    let Admission { guard, place } = admission;
    let journal = Arc::new(place.journal(session_id.clone()));
    let seated = Seated {
        worker_id: app.worker_id.clone(),
        at: app.clock.now().to_string(),
        config: None,
        ..wreck.seated.clone()
    };
    let call = Call { wreck, journal, seated, began: Instant::now() };
    run(&app, &livekit, (call, guard)).instrument(span).await;
}

async fn run(app: &Arc<App>, livekit: &Arc<LiveKit>, (call, guard): (Call, SlotGuard)) {
    let (result, recording) = match Box::pin(call.rejoin(app, livekit)).await {
        Ok(ended) => ended,
        Err(lost) => {
            tracing::warn!(why = %lost, "nobody goes on with a lost call in a room");
            (call.lost(app, livekit).await, None)
        }
    };
    Span::current().record("disconnected_by", result.disconnected_by.as_str());
    let end = End::Over { result: Box::new(result), recording };
    let Call { wreck, journal, .. } = call;
    app.courier.keep(Ending { accepted: wreck.accepted, journal, end }).await;
    drop(guard);
}

type Ended = (CallResult, Option<Unfinished>);

impl Call {
    async fn rejoin(&self, app: &Arc<App>, livekit: &Arc<LiveKit>) -> Result<Ended, Lost> {
        let begun = self.prepared(app).await.ok_or(Lost::Sealed)?;
        // On disk before anything is done that this worker may die of as the one before it did.
        let record = JournalRecord::Seated(Box::new(self.seated.clone()));
        if let Some(fault) = fault(timeout(BIRTH_DEADLINE, self.journal.write(&record)).await) {
            app.metrics.disk_refused();
            return Err(Lost::Disk(fault));
        }
        if !is_there(livekit, &self.seated.seat).await {
            return Err(Lost::Gone);
        }
        let (mut ends, traits, info) = self.sit_down(app, livekit);
        let Ready { rate_hz, pacing, .. } = handshake(&mut ends).await.ok_or(Lost::NotJoined)?;
        if let Some(tenant) = &begun.config.tenant_id {
            Span::current().record("tenant.id", display(tenant));
        }
        let accepted = &self.wreck.accepted;
        let _gone = ends.outgoing.try_send(LineOut::Accepted { session_id: accepted.session_id.to_string() });
        let told = self.wreck.told(self.wreck.media_time(app.clock.now()));
        let live = app.courier.watch(watched(app, accepted, told));
        let mut past = self.wreck.salvaged.past.clone();
        // The record has those of the config as it is.
        past.events.retain(|event| event.event != EventKind::TemplateUnknown.as_str());
        let pipeline = Pipeline::again(app, begun, (&info, traits, rate_hz), past);
        let answered = wait_for_answer(&mut ends, traits.name).await;
        answered.map_err(|(_, fault)| fault.map_or(Lost::Gone, |_| Lost::NotJoined))?;
        tracing::info!(after_ms = self.began.elapsed().as_millis() as u64, "sits in the room of a lost call");
        app.metrics.call_recovered();
        let since = self.wreck.media_time(app.clock.now());
        let dropped = ends.dropped.clone();
        let line = Line { ends, traits, pacing, rate_hz, live, since, rang: None, tallies: true };
        let (mut result, recording) = converse(app, accepted, pipeline, line, self.journal.clone()).await;
        self.mark(&mut result);
        record::add_dropped(&mut result, &dropped.counts());
        app.metrics.call_ended(&result);
        if result.disconnected_by == DisconnectedBy::Error {
            Span::current().record("error.type", "call_failed");
        }
        Ok((result, recording))
    }

    /// The call's config as it was.
    async fn prepared(&self, app: &App) -> Option<Begun> {
        let about = about_config(&self.wreck.accepted.session_id);
        let secrets = [Some(&app.config.secret), app.config.secret_also.as_ref()];
        let opened =
            secrets.into_iter().flatten().find_map(|secret| self.wreck.config.open(secret, &about).ok());
        let config: RuntimeConfig = serde_json::from_slice(&opened?).ok()?;
        app.courier.prepare(config, self.wreck.accepted.proof.bridge_url.clone()).await
    }

    /// Join the room under the bot's own name: whoever bears it still is put out.
    fn sit_down(&self, app: &App, livekit: &Arc<LiveKit>) -> (Ends, Traits, CallInfo) {
        let accepted = &self.wreck.accepted;
        let connected_event = match &accepted.connected_event {
            Some(Value::Object(event)) => event.clone(),
            _ => serde_json::Map::new(),
        };
        let info = CallInfo {
            stream_id: accepted.stream_id.clone(),
            caller_id: accepted.caller_id.clone(),
            did: self.seated.seat.did.clone(),
            direction: accepted.call_direction.clone(),
            connected_event,
            ..CallInfo::default()
        };
        let order = Order::again(accepted.session_id.clone(), self.seated.seat.clone(), info.clone());
        let traits = order.traits();
        let bridge_url = accepted.proof.bridge_url.as_ref();
        let bridge = bridge_url.map_or_else(|| app.bridge.clone(), |url| app.bridge.at(url));
        let (ends, line) = RoomLine::new(livekit.clone(), bridge, order);
        tokio::spawn(line.run().in_current_span());
        (ends, traits, info)
    }

    /// Who went on with it, this worker too.
    fn mark(&self, result: &mut CallResult) {
        let mut salvaged = self.wreck.salvaged.clone();
        salvaged.seats.push(self.seated.clone());
        result.recovered = salvaged.recovered();
        result.worker_id = Some(self.seated.worker_id.clone());
    }

    /// The record of a call that nobody can go on with; nobody of it stays in the room.
    async fn lost(&self, app: &App, livekit: &LiveKit) -> CallResult {
        Span::current().record("error.type", "worker_lost");
        let Wreck { accepted, journal, last_at, .. } = &*self.wreck;
        let mut result = record::worker_lost(accepted, journal.clone(), *last_at);
        if let Some(file) = &accepted.recording_file
            && has_sound(&app.recordings.join(file)).await
        {
            result.recording_key = accepted.recording_key.clone();
        }
        leave_nobody(livekit, accepted, &self.seated.seat).await;
        result
    }
}

async fn leave_nobody(livekit: &LiveKit, accepted: &Accepted, seat: &RoomSeat) {
    let order = Order::again(accepted.session_id.clone(), seat.clone(), CallInfo::default());
    clear(livekit, &order, None).await;
    sweep(livekit, &order.room).await;
}

/// Whether the caller is in the room. A server that does not say is asked by joining.
async fn is_there(livekit: &LiveKit, seat: &RoomSeat) -> bool {
    let until = Instant::now() + ABSENT_PATIENCE;
    loop {
        match livekit.people(&seat.room).await {
            Ok(people) if people.contains(&seat.caller) => return true,
            // The room is gone, and with it everybody.
            Ok(people) if people.is_empty() => return false,
            Ok(_) if Instant::now() < until => sleep(LOOK_EVERY).await,
            Ok(_) => return false,
            Err(error) => {
                tracing::warn!(%error, "a LiveKit server does not say who is in a room");
                return true;
            }
        }
    }
}
