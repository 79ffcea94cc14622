//! Somebody has models asked about a call again.

use jiff::SignedDuration;
use vox_shared::ids::SessionId;
use vox_shared::model::bot::BotSettings;

use super::Analyst;
use super::begin::begin;
use super::inquiry::Unpaid;
use super::job::conclude;
use crate::store::calls::Call;
use crate::store::calls::analysis::{Analysis, Question};
use crate::store::{Reach, Stamp, StoreError, Stored};

/// Tries against others that write the same call.
const MAX_TRIES: usize = 8;
/// A run that is open for so long has lost its job: the tries take a quarter of an hour.
const LOST_AFTER: SignedDuration = SignedDuration::from_hours(2);
/// Most runs of one call; what each used is kept with it.
pub const MAX_RUNS: u32 = 50;

/// Why nobody is asked.
#[derive(Debug, thiserror::Error)]
pub enum AgainError {
    #[error("the call has not ended; it is analysed when it has")]
    Running,
    #[error("models are being asked about this call already; wait for `analysis.ready`")]
    Pending,
    #[error("models were asked about this call {MAX_RUNS} times, which is the most")]
    TooMany,
    #[error("there is nothing to ask: {0}")]
    Nothing(String),
    #[error(transparent)]
    Unpaid(#[from] Unpaid),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Analyst {
    /// Ask about a call again, with what the bot asks now. Refused when the tenant's plan is spent, or the
    /// day's budget of the bot or the tenant.
    pub async fn again(&self, reach: &Reach, id: &SessionId) -> Result<Analysis, AgainError> {
        let (stores, tenant) = (&self.stores, reach.tenant());
        let calls = stores.calls(reach.clone());
        let known = stores.tenants().get_tenant(tenant).await?.value;
        for _ in 0..MAX_TRIES {
            let mut call = calls.get_call(id).await?;
            let bot = stores.all_bots().find_with_deleted(&call.value.bot_id).await?;
            let settings = bot
                .map(|bot| bot.value.settings)
                .ok_or_else(|| AgainError::Nothing("the bot is gone".into()))?;
            self.check_purse((tenant, &known), (&call.value.bot_id, &settings)).await?;
            let analysis = self.begin_again(&mut call, id, &settings)?;
            match calls.replace_call(call).await {
                Err(StoreError::Conflict) => {}
                written => {
                    written?;
                    self.relay.wake();
                    return Ok(analysis);
                }
            }
        }
        Err(StoreError::Conflict.into())
    }

    fn begin_again(
        &self,
        call: &mut Stored<Call>,
        id: &SessionId,
        settings: &BotSettings,
    ) -> Result<Analysis, AgainError> {
        if call.value.is_running() {
            return Err(AgainError::Running);
        }
        let now = Stamp(self.clock.now());
        let waits = |analysis: &Analysis| analysis.is_pending() && now < analysis.asked_at + LOST_AFTER;
        if call.value.analysis.as_ref().is_some_and(waits) {
            return Err(AgainError::Pending);
        }
        if call.value.analysis.as_ref().is_some_and(|analysis| analysis.run >= MAX_RUNS) {
            return Err(AgainError::TooMany);
        }
        // Of a call from before there were verdicts too.
        conclude(&mut call.value, settings);
        let asks = begin(&mut call.value, id, settings, now);
        let analysis = call.value.analysis.clone().ok_or_else(|| AgainError::Nothing(String::new()))?;
        if asks { Ok(analysis) } else { Err(AgainError::Nothing(reasons(&analysis))) }
    }
}

fn reasons(analysis: &Analysis) -> String {
    let parts = Question::ALL.into_iter().filter_map(|question| analysis.part(question));
    let mut reasons: Vec<&str> = parts.filter_map(|part| part.reason.as_deref()).collect();
    reasons.dedup();
    reasons.join("; ")
}
