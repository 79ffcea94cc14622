//! Calls that do not come about.

use std::sync::Arc;

use tokio::time::timeout;
use tracing::Span;
use vox_shared::ids::SessionId;
use vox_shared::wire::config::Refusal;
use vox_shared::wire::journal::{Accepted, JournalRecord};
use vox_shared::wire::result::DisconnectedBy;

use super::Incoming;
use super::answer::HANDSHAKE_DEADLINE;
use super::birth::{BIRTH_DEADLINE, accepted, fault, of_order};
use crate::admission::Admission;
use crate::app::App;
use crate::bridge::ConfigError;
use crate::call::record;
use crate::courier::keep::{End, Ending};
use crate::journal::CallJournal;
use crate::transport::line::LineOut;
use crate::transport::reason::Reason;
use crate::transport::socket::Ends;

/// A call that was ordered, whose line never came: it owes its record all the same.
pub(super) async fn miss(app: &Arc<App>, line: Incoming, session_id: SessionId) {
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

/// A call that the worker cannot write down.
pub(super) struct Unborn {
    pub(super) accepted: Accepted,
    pub(super) journal: Arc<CallJournal>,
    /// The bridge has given a config for it, or it was ordered: somebody waits for its end.
    pub(super) is_awaited: bool,
}

impl Unborn {
    pub(super) async fn refuse(self, app: &App, ends: &Ends, fault: &str) {
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

/// The call is not let in. What the bridge decided owes no record, unless the call was ordered and somebody waits for its outcome; a
/// bridge that could not be asked does.
pub(super) async fn reject(
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
