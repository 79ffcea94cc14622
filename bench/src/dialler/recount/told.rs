//! What the public API tells of a campaign, as far as it is computed anew.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use vox_shared::clock::Clock;
use vox_testkit::exchange::checker;

use super::super::DiallerError;
use super::super::api::Api;

/// Everything of one campaign.
#[derive(Clone, Debug)]
pub(in super::super) struct Told {
    pub campaign: Campaign,
    pub status: Status,
    /// When its status was asked for and when it was there, written as instants of contacts are.
    pub asked: (String, String),
    /// In the order in which they were added.
    pub contacts: Vec<Contact>,
    /// Newest first.
    pub attempts: Vec<Attempt>,
    /// The attempts as CSV.
    pub table: String,
}

/// `GET /campaigns/{id}`.
#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct Campaign {
    pub state: String,
    pub run_number: u32,
    pub settings: Settings,
    /// By status.
    pub contacts: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct Settings {
    pub pacing: Pacing,
}

#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct Pacing {
    pub abandon_percent: f64,
}

/// `GET /campaigns/{id}/status`.
#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct Status {
    pub state: String,
    /// By status.
    pub contacts: BTreeMap<String, u64>,
    pub due: u64,
    pub next_at: Option<String>,
    /// By what they came to.
    pub attempts: BTreeMap<String, u64>,
    pub answer_share: Option<f64>,
    pub handle_seconds: Option<f64>,
    pub abandons: Abandons,
    pub lines: u32,
    pub ringing: u32,
    pub told_at: Option<String>,
    pub expected_end: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct Abandons {
    pub answered: u64,
    pub abandoned: u64,
    pub percent: Option<f64>,
    pub ceiling_percent: f64,
    pub left: u64,
}

/// An item of `GET /campaigns/{id}/contacts`.
#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct Contact {
    pub id: String,
    pub status: String,
    pub reason: Option<String>,
    pub next_at: String,
    pub attempts: u32,
    pub counted: u32,
    pub results: Vec<String>,
}

/// An item of `GET /campaigns/{id}/attempts`.
#[derive(Clone, Debug, Deserialize)]
pub(in super::super) struct Attempt {
    pub id: String,
    pub contact_id: String,
    pub att: u32,
    pub run: u32,
    pub stage: String,
    pub result: Option<String>,
    pub tally: Option<String>,
    pub counts: Option<bool>,
    pub aborted: Option<String>,
    pub number: String,
    pub from_number: String,
    pub session_id: String,
    pub claimed_at: String,
    pub dial_at: Option<String>,
    pub answered_at: Option<String>,
    pub ended_at: Option<String>,
    pub ring_ms: Option<u64>,
    pub talk_seconds: Option<f64>,
    pub answered_by: Option<String>,
    pub carrier: Value,
}

impl Told {
    /// Ask for all of it, one thing after the other: of a campaign in which nothing happens any more it is of one moment.
    pub(in super::super) async fn by(api: &Api, campaign: &str) -> Result<Self, DiallerError> {
        let path = format!("/api/v1/campaigns/{campaign}");
        let attempts = api.list(&format!("{path}/attempts")).await?;
        let table = api.text(&format!("{path}/attempts.csv")).await?;
        let contacts = api.list(&format!("{path}/contacts")).await?;
        let campaign = api.read(&path).await?;
        let before = now();
        let status = api.read(&format!("{path}/status")).await?;
        Ok(Self { campaign, status, asked: (before, now()), contacts, attempts, table })
    }

    /// The attempts as the checker of the carrier's journal takes them.
    pub(in super::super) fn checked(&self) -> Vec<checker::Attempt> {
        let checked = |attempt: &Attempt| checker::Attempt {
            id: attempt.id.clone(),
            // One that nobody was rung for says why, and that is its end.
            result: attempt.result.clone().or_else(|| attempt.aborted.clone()),
            dial_at: attempt.dial_at.as_deref().and_then(|at| at.parse().ok()),
        };
        self.attempts.iter().map(checked).collect()
    }
}

fn now() -> String {
    format!("{:.6}", Clock::system().now())
}
