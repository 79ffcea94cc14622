//! A conversation from the answer to its end, and what is left of one that breaks off.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tracing::Instrument;
use vox_shared::model::bot::Sink;
use vox_shared::wire::config::RuntimeConfig;
use vox_shared::wire::journal::Accepted;
use vox_shared::wire::result::{CallResult, DisconnectedBy};

use crate::app::App;
use crate::call::actor::{self, Parts};
use crate::call::pipeline::Pipeline;
use crate::call::record;
use crate::call::successor::{OfCall, Successors};
use crate::courier::has_sound;
use crate::courier::live::Teller;
use crate::journal::CallJournal;
use crate::media::playout::Pacing;
use crate::media::recorder::{Checked, Recorder, Unfinished};
use crate::transport::line::Traits;
use crate::transport::socket::Ends;

/// For reading the journal of a call that broke off.
const JOURNAL_DEADLINE: Duration = Duration::from_secs(5);
/// For looking at the recording of such a call.
const LOOK_DEADLINE: Duration = Duration::from_secs(1);

/// An open line whose call has its config.
pub(super) struct Line {
    pub(super) ends: Ends,
    pub(super) traits: Traits,
    pub(super) pacing: Pacing,
    pub(super) rate_hz: u32,
    pub(super) live: Teller,
    /// The media time at which it begins here: not 0 where another worker had the call before.
    pub(super) since: Duration,
    /// From the dial to the answer, where the line saw it ring.
    pub(super) rang: Option<Duration>,
    /// Another worker may have to go on with it.
    pub(super) tallies: bool,
}

pub(super) async fn converse(
    app: &Arc<App>,
    accepted: &Accepted,
    pipeline: Box<Pipeline>,
    line: Line,
    journal: Arc<CallJournal>,
) -> (CallResult, Option<Unfinished>) {
    let Line { ends, traits, pacing, rate_hz, live, since, rang, tallies } = line;
    let Pipeline { config, session, switch, detector, vendors, ears, tools, veil } = *pipeline;
    let parts = Parts {
        session,
        ends,
        switch,
        traits,
        pacing,
        rate_hz,
        detector,
        recorder: recorder(app, accepted, &config, (rate_hz, since)),
        vendors,
        ears,
        tools,
        successors: Successors::new(
            app.courier.clone(),
            of_call(app, accepted, rate_hz),
            config.bot_id.clone(),
        ),
        journal: journal.clone(),
        veil,
        live,
        since,
        rang,
        tallies,
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

/// What the bridge is told where another bot is to go on with the call.
fn of_call(app: &App, accepted: &Accepted, rate_hz: u32) -> OfCall {
    OfCall {
        session_id: accepted.session_id.clone(),
        worker_id: app.worker_id.clone(),
        claim: accepted.proof.claim.clone(),
        bridge_url: accepted.proof.bridge_url.clone(),
        rate_hz,
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

/// A call goes on without a recording when there can be none.
fn recorder(
    app: &App,
    accepted: &Accepted,
    config: &RuntimeConfig,
    (rate_hz, since): (u32, Duration),
) -> Option<Recorder> {
    let file = accepted.recording_file.as_ref().filter(|_| config.recording.enabled)?;
    let path = app.recordings.join(file);
    let checked = Checked(config.redaction.covers(Sink::Recording));
    let from = (since.as_secs_f64() * f64::from(rate_hz)) as u64;
    let recorder = match checked.0 {
        _ if from > 0 => Recorder::resume(path, rate_hz, from, checked),
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
