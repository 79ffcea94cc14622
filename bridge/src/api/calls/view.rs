//! How calls are shown.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use vox_shared::clock::Clock;
use vox_shared::ids::SessionId;

use super::analysis::view::{AnalysisView, OutcomesView};
use super::visit::VisitView;
use crate::auth::allowed::Allowed;
use crate::auth::permission::{ListenToRecordings, ReadUsage};
use crate::auth::secret_token;
use crate::auth::token::{SigningFailed, Tokens};
use crate::custody;
use crate::error::{ApiError, ApiResult};
use crate::store::calls::analysis::Question;
use crate::store::calls::custody::Hold;
use crate::store::calls::tier::Tier;
use crate::store::calls::{Call, CallStatus};
use crate::store::ledger::{Amounts, EntryKind, Line};
use crate::store::{Listed, Stored, Stores};
use crate::verdict::disposition::{Because, DecidedBy};

/// A call in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallSummary {
    pub session_id: String,
    pub bot_id: String,
    /// The version of the bot that the call ran with; null when that is not known.
    pub bot_version: Option<u32>,
    pub status: CallStatus,
    /// RFC 3339, UTC.
    pub created_at: String,
    pub completed_at: Option<String>,
    pub caller_id: Option<String>,
    /// The number that was called, as the line or the worker said it.
    pub to_number: Option<String>,
    /// The carrier's own id of the call.
    pub external_call_id: Option<String>,
    pub room_name: Option<String>,
    /// When somebody picked up, RFC 3339, UTC; null where neither line nor worker says it.
    pub answered_at: Option<String>,
    pub stream_id: Option<String>,
    /// `incoming` or `outgoing`.
    pub call_direction: Option<String>,
    pub transport: Option<String>,
    pub disconnected_by: Option<&'static str>,
    pub call_duration_seconds: Option<f64>,
    pub has_recording: bool,
    /// The word for what came of it, by rule or by an outcome that was proven; null before its end.
    pub disposition: Option<String>,
    pub disposition_by: Option<DecidedBy>,
    /// `yes` when a person was heard, `no` when not; null before its end.
    pub reached: Option<&'static str>,
    pub reached_because: Option<Because>,
    /// `hot` as it came, `warm` when it is compressed, `archive` when all but this is in the object store.
    pub storage_tier: Tier,
}

/// A call with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallDetail {
    #[serde(flatten)]
    pub summary: CallSummary,
    pub recording_key: Option<String>,
    /// Opens the recording without a login. Null for a token that the worker chose itself: only its hash is kept; and for a
    /// key without the scope `recordings:read`.
    pub recording_access_token: Option<String>,
    pub recording_url: Option<String>,
    /// When the link ends by itself; null when it does not, RFC 3339, UTC.
    pub recording_link_ends_at: Option<String>,
    /// Null when the call may be deleted.
    pub hold: Option<HoldView>,
    /// Null when it did not begin on a web page.
    pub visit: Option<VisitView>,
    #[schema(value_type = Option<Object>)]
    pub connected_event: Option<Value>,
    /// What the bot's model made of it, with its `post_call_analysis_prompt`; null before its end.
    pub analysis: Option<AnalysisView>,
    /// The same with its `qc_prompt`.
    pub qc: Option<AnalysisView>,
    /// Which of the bot's outcomes it came to.
    pub outcomes: Option<OutcomesView>,
    /// What it was about in a few sentences, once somebody asked (`POST /v1/conversations/{session_id}/summary`).
    pub summary_text: Option<String>,
    /// What it cost, once it ended; null for an agent or supervisor, and for a key without the scope `usage:read`.
    pub cost: Option<CallCost>,
    /// The worker's result: transcript, events, latency, usage and why.
    #[schema(value_type = Object)]
    #[serde(flatten)]
    pub result: Map<String, Value>,
}

/// A legal hold: the call is not deleted, whoever asks for it.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldView {
    /// RFC 3339, UTC.
    pub since: String,
    /// The user who said so.
    pub by: String,
}

impl From<Hold> for HoldView {
    fn from(hold: Hold) -> Self {
        Self { since: hold.since.to_string(), by: hold.by }
    }
}

/// What a call cost, millionths of the currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallCost {
    pub money: i64,
    /// Lines for which there is no price: `money` lacks them.
    pub unpriced: i64,
    pub vendors: Vec<VendorCost>,
}

/// What one vendor was used for in a call.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorCost {
    /// `stt`, `llm` or `tts`.
    pub service: String,
    pub vendor: String,
    pub model: String,
    pub money: i64,
    pub unpriced: bool,
    /// `vendor` in the call, `analysis` after it.
    pub entry: EntryKind,
}

impl CallCost {
    /// Of what the call itself was charged, and of what it was analysed for.
    fn of(lines: Vec<Line>) -> Self {
        let total = lines.iter().fold(Amounts::default(), |sum, line| sum.plus(line.amounts));
        let of_vendors =
            lines.into_iter().filter(|line| matches!(line.entry, EntryKind::Vendor | EntryKind::Analysis));
        let vendors = of_vendors.map(|line| VendorCost {
            service: line.service,
            vendor: line.vendor,
            model: line.model,
            money: line.amounts.money,
            unpriced: line.amounts.unpriced > 0,
            entry: line.entry,
        });
        Self { money: total.money, unpriced: total.unpriced, vendors: vendors.collect() }
    }
}

/// One page of calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallPage {
    pub items: Vec<CallSummary>,
    pub next_cursor: Option<String>,
}

impl From<Stored<Call>> for CallSummary {
    fn from(stored: Stored<Call>) -> Self {
        let storage_tier = stored.value.tier();
        let call = stored.value;
        let names = call.names.unwrap_or_default();
        let verdict = call.verdict;
        Self {
            session_id: stored.id,
            bot_id: call.bot_id.to_string(),
            bot_version: call.bot_version,
            status: call.status,
            created_at: call.created_at.to_string(),
            completed_at: call.completed_at.map(|at| at.to_string()),
            caller_id: Some(call.caller_id).filter(|c| !c.is_empty()),
            to_number: names.to_number,
            external_call_id: names.external_call_id,
            room_name: names.room_name,
            answered_at: names.answered_at.map(|at| at.to_string()),
            stream_id: call.stream_id,
            call_direction: call.direction,
            transport: call.transport,
            disconnected_by: call.disconnected_by.map(|d| d.as_str()),
            call_duration_seconds: call.duration_seconds,
            has_recording: call.recording_key.is_some(),
            disposition_by: verdict.as_ref().map(|verdict| verdict.decided_by),
            reached: verdict.as_ref().map(|verdict| if verdict.reached { "yes" } else { "no" }),
            reached_because: verdict.as_ref().map(|verdict| verdict.because),
            disposition: verdict.map(|verdict| verdict.disposition),
            storage_tier,
        }
    }
}

impl From<Listed<Call>> for CallPage {
    fn from(listed: Listed<Call>) -> Self {
        Self {
            items: listed.items.into_iter().map(CallSummary::from).collect(),
            next_cursor: listed.next_cursor,
        }
    }
}

/// Makes the links that open recordings.
#[derive(Clone)]
pub struct Links {
    pub tokens: Arc<Tokens>,
    /// How people reach this bridge, without a '/' at the end.
    pub base_url: String,
    pub stores: Stores,
    pub clock: Clock,
}

impl Links {
    /// Where a token opens its recording.
    pub fn public(&self, token: &str) -> String {
        format!("{}/api/v1/public/recordings/{token}", self.base_url)
    }

    async fn days(&self, of: &Call) -> ApiResult<Option<u32>> {
        Ok(custody::links::days(&self.stores, &of.tenant_id).await?)
    }
}

fn unsigned(error: SigningFailed) -> ApiError {
    ApiError::internal("make a recording link", &error)
}

impl CallDetail {
    /// Without what opens the recording, if the reader may not listen to it, and without the cost.
    pub fn shown_to<P>(mut self, who: &Allowed<P>) -> Self {
        if !who.may::<ListenToRecordings>() {
            (self.recording_access_token, self.recording_url) = (None, None);
            self.recording_link_ends_at = None;
        }
        if !who.may::<ReadUsage>() {
            self.cost = None;
        }
        self
    }
}

/// The whole of a call. The link's token is made again and shown if it is the one whose hash is stored.
pub async fn detail(links: &Links, mut stored: Stored<Call>) -> ApiResult<CallDetail> {
    let id: SessionId = stored.id.parse().expect("calls are stored under session ids");
    let link = links.tokens.recording_link(&id, custody::links::number(&stored.value)).map_err(unsigned)?;
    let ends_at = custody::links::ends_at(&stored.value, links.days(&stored.value).await?);
    let known = stored.value.recording_token_hash.as_deref() == Some(secret_token::hash(&link).as_str());
    let is_good = known && stored.value.recording_key.is_some();
    let is_good = is_good && ends_at.is_none_or(|end| end.0 > links.clock.now());
    let recording_access_token = Some(link).filter(|_| is_good);
    let recording_link_ends_at = ends_at.filter(|_| is_good).map(|end| end.to_string());
    let mut result = stored.value.result.take().unwrap_or_default();
    let (recording_key, connected_event) =
        (stored.value.recording_key.clone(), stored.value.connected_event.take());
    let hold = stored.value.custody.take().and_then(|custody| custody.hold).map(HoldView::from);
    let visit = stored.value.visit.take().map(VisitView::from);
    let found = stored.value.analysis.take();
    // `charges` are taken below, and have the number of the record.
    let record = stored.value.record();
    let summary = stored.value.summary.take();
    let cost = stored.value.charges.take().map(|charges| {
        let used = found.iter().flat_map(|analysis| analysis.used.clone());
        let used = used.chain(summary.iter().flat_map(|summary| summary.used.clone()));
        CallCost::of(charges.lines.into_iter().chain(used).collect())
    });
    let asked_for = summary.filter(|summary| summary.record == record).map(|summary| summary.text);
    let summary = CallSummary::from(stored);
    let own = CallDetail {
        recording_url: recording_access_token.as_deref().map(|token| links.public(token)),
        recording_link_ends_at,
        hold,
        visit,
        summary,
        recording_key,
        recording_access_token,
        connected_event,
        analysis: AnalysisView::of(found.as_ref(), Question::Analysis),
        qc: AnalysisView::of(found.as_ref(), Question::Qc),
        outcomes: OutcomesView::of(found),
        summary_text: asked_for,
        cost,
        result: Map::new(),
    };
    // What stands at the top is the bridge's word; the result may not say it a second time.
    if let Ok(Value::Object(shown)) = serde_json::to_value(&own) {
        result.retain(|name, _| !shown.contains_key(name));
    }
    Ok(CallDetail { result, ..own })
}
