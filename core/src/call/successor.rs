//! Another bot of the tenant that is to go on with the call: its config is asked of the bridge beside the conversation. Of several that
//! were asked for the newest counts.

use std::future::pending;
use std::sync::Arc;

use tokio::task::JoinSet;
use tracing::Instrument;
use vox_shared::ids::{BotId, SessionId, WorkerId};
use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::config::{ConfigRequest, Refusal};

use crate::bridge::ConfigError;
use crate::courier::{Ask, Begun, Courier};

/// What the bridge is told of the call.
#[derive(Clone, Debug)]
pub struct OfCall {
    pub session_id: SessionId,
    pub worker_id: WorkerId,
    /// With which the call's first config was asked for.
    pub claim: Option<String>,
    /// Another bridge than the worker's own.
    pub bridge_url: Option<String>,
    pub rate_hz: u32,
}

/// The way to them.
#[derive(Debug)]
pub struct Successors {
    courier: Arc<Courier>,
    call: OfCall,
    /// Who has the call now.
    bot: Option<BotId>,
    asked: String,
    tasks: JoinSet<Result<Begun, String>>,
}

impl Successors {
    /// Of a call that this bot has.
    pub fn new(courier: Arc<Courier>, call: OfCall, bot: Option<BotId>) -> Self {
        Self { courier, call, bot, asked: String::new(), tasks: JoinSet::new() }
    }

    /// Ask for this one; [`Successors::next`] has the answer.
    pub fn call(&mut self, bot: String) {
        // With it goes an answer that is there and was not taken: it is another bot's.
        self.tasks = JoinSet::new();
        let (courier, ask) = (self.courier.clone(), self.ask(&bot));
        self.asked = bot;
        let asking = async move { courier.begin(ask?).await.map_err(why) };
        self.tasks.spawn(asking.in_current_span());
    }

    fn ask(&self, bot: &str) -> Result<Ask, String> {
        let OfCall { session_id, worker_id, claim, bridge_url, rate_hz } = self.call.clone();
        let bot_id = bot.parse().map_err(|_| "its target names no bot".to_owned())?;
        let request = ConfigRequest {
            version: WIRE_VERSION,
            session_id: Some(session_id),
            worker_id: Some(worker_id),
            claim,
            handed_from: Some(self.bot.clone().ok_or_else(|| "the call's own bot is not known".to_owned())?),
            ..ConfigRequest::default()
        };
        Ok(Ask { bot_id, request, rate_hz, bridge_url })
    }

    /// What came of the newest. Waits for ever while none is asked for; cancel-safe.
    pub async fn next(&mut self) -> (String, Result<Begun, String>) {
        let answer = match self.tasks.join_next().await {
            Some(Ok(answer)) => answer,
            // A fault of ours must not keep the caller waiting.
            Some(Err(_)) => Err("an internal fault".to_owned()),
            None => return pending().await,
        };
        (self.asked.clone(), answer)
    }

    /// This bot has the call from now on.
    pub fn change(&mut self, bot: Option<BotId>) {
        self.bot = bot;
    }
}

/// For the model and the record.
fn why(error: ConfigError) -> String {
    match error {
        ConfigError::Refused { refusal: Refusal::UnknownBot, .. } => {
            "there is no such assistant, or it is switched off".into()
        }
        ConfigError::Refused { refusal: Refusal::OutsideHours, .. } => {
            "that assistant does not answer at this time of day".into()
        }
        ConfigError::Refused { refusal: Refusal::QuotaSpent, .. } => {
            "the account may not use another assistant now".into()
        }
        ConfigError::Refused { detail, .. } => detail,
        ConfigError::Unreachable(_) => "its settings could not be had in time".into(),
    }
}
