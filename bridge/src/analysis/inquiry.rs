//! A question to the models of a bot about a call that ended, whoever asks it: whether it may be asked and can be paid for, the models
//! in their turn, and what they used, which is charged to the call and counted in the day on which it was spent.

use std::time::Duration;

use vox_shared::egress::HostRules;
use vox_shared::ids::{BotId, TenantId};
use vox_shared::model::bot::BotSettings;

use super::Analyst;
use super::ask::{Prompt, Reply, ask};
use super::begin::models;
use crate::billing::budget::{Budget, BudgetError};
use crate::billing::charge::analysis_line;
use crate::billing::cost::PriceList;
use crate::billing::gate::{Gate, GateError};
use crate::bot::residency;
use crate::store::calls::Call;
use crate::store::ledger::Line;
use crate::store::outbox::{Follows, Outbox, Pending};
use crate::store::tenants::Tenant;
use crate::store::{Stamp, StoreError, Stored};

/// Why the tenant cannot pay for a question.
#[derive(Debug, thiserror::Error)]
pub enum Unpaid {
    #[error(transparent)]
    Gate(#[from] GateError),
    #[error(transparent)]
    Budget(#[from] BudgetError),
}

/// What is asked.
pub struct Inquiry<'a> {
    pub call_id: &'a str,
    /// One word for the log.
    pub question: &'static str,
    /// Which hosts a model's own address may name.
    pub rules: &'a HostRules,
    pub prompt: Prompt,
    /// For each model.
    pub deadline: Duration,
    /// Most models that are asked.
    pub max_models: usize,
    /// Whether a reply will do; otherwise the next model is asked.
    pub is_enough: fn(&Reply) -> bool,
}

/// Why no model of these settings may be asked, if there is a reason: what a call holds goes to no vendor outside the tenant's region.
pub fn elsewhere(settings: &BotSettings, tenant: &Tenant) -> Option<String> {
    let faults = residency::refused(settings, tenant.pin().as_ref()).into_iter();
    faults
        .map(|fault| (fault.path, fault.message))
        .find_map(|(path, why)| path.starts_with("llm.").then_some(why))
}

impl Analyst {
    /// Whether a question can be paid for: out of the tenant's plan, and out of what the day has left. What it will cost nobody knows,
    /// so something must be left.
    pub(super) async fn check_purse(
        &self,
        (tenant_id, tenant): (&TenantId, &Tenant),
        (bot, settings): (&BotId, &BotSettings),
    ) -> Result<(), Unpaid> {
        let gate = Gate { stores: self.stores.clone(), clock: self.clock.clone() };
        gate.check(tenant_id, tenant.allowance.as_ref()).await?;
        let budget = Budget { call: None, ..Budget::of(settings, &tenant.budget) };
        Ok(self.purse.check((tenant_id, bot), &budget).await?)
    }

    /// One model after the other, the first choice first, until one's reply will do.
    pub(super) async fn inquire(&self, of: &Inquiry<'_>, settings: &BotSettings) -> Vec<Reply> {
        let mut replies = Vec::new();
        for model in models(settings).take(of.max_models) {
            let reply = ask((&self.egress, of.rules), model, &of.prompt, of.deadline).await;
            let error = reply.answer.as_ref().err().map(|failure| failure.detail.as_str());
            tracing::info!(
                call.id = of.call_id,
                question = of.question,
                provider = reply.by.0,
                error,
                "a model was asked about a call"
            );
            let is_enough = (of.is_enough)(&reply);
            replies.push(reply);
            if is_enough {
                break;
            }
        }
        replies
    }

    /// Charge a call for what was used, answered or not: a line of the ledger for each reply, under `id` and its place. Answers the lines.
    pub(super) async fn charge(
        &self,
        call: &mut Stored<Call>,
        replies: &[Reply],
        (id, now): (&str, Stamp),
    ) -> Result<Vec<Line>, StoreError> {
        let vendors = replies.iter().map(|reply| reply.by.0);
        let prices = PriceList::read(&self.crm.memory, vendors, call.value.created_at).await?;
        let mut lines = Vec::new();
        for (n, reply) in replies.iter().enumerate().filter(|(_, reply)| reply.used.requests > 0) {
            let line = analysis_line(&call.value, (reply.by.0, &reply.by.1), &reply.used, &prices);
            let (id, what) = (format!("ledger.{id}.{n}"), Follows::Ledger(line.clone()));
            Outbox::push(&mut call.value.outbox, Pending { id, at: now, what });
            lines.push(line);
        }
        Ok(lines)
    }

    /// Count what was charged in the budgets of the day on which it was spent, once the lines are stored. If that fails the day has so
    /// much more left.
    pub(super) async fn count(
        &self,
        (tenant, bot): (&TenantId, &BotId),
        settings: &BotSettings,
        lines: &[Line],
    ) {
        let spent = lines.iter().map(|line| line.amounts.money).fold(0, i64::saturating_add);
        if spent == 0 {
            return;
        }
        match self.stores.tenants().find(tenant).await {
            Ok(known) => {
                let budget = known.map(|known| known.value.budget).unwrap_or_default();
                self.purse.spend((tenant, bot), &Budget::of(settings, &budget), spent).await;
            }
            Err(error) => {
                tracing::warn!(tenant.id = %tenant, %error, "a day's budget does not have what models were asked");
            }
        }
    }
}
