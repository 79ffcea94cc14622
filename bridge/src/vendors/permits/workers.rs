//! What workers say of the permits of their running calls, and those that they ask for.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use vox_shared::ids::{BotId, SessionId, TenantId};
use vox_shared::wire::fleet::WorkerReport;
use vox_shared::wire::permit::Beside;

use super::{Asker, Permits, all_limits};
use crate::store::StoreError;
use crate::vendors::limits::{COUNTED, Limit, PACED, service_of};
use crate::vendors::of_call::settings_of_call;

/// What is noted of a worker is forgotten after this, by when its members are out too.
const NOTED: SignedDuration = SignedDuration::from_secs(90);

/// A worker's call and the permits that it has.
#[derive(Debug)]
pub(super) struct Noted {
    session: SessionId,
    /// By which name its worker may still call it.
    proposed: Option<SessionId>,
    names: BTreeSet<String>,
    until: Timestamp,
}

impl Permits {
    /// A worker has one call: one that asks for another has ended the one before, whether it has said so or not.
    pub(super) async fn leave_earlier(&self, of: Asker<'_>) {
        let earlier = of.worker.and_then(|worker| {
            let mut workers = self.workers();
            let is_earlier = workers.get(worker).is_some_and(|noted| noted.session != *of.session);
            if is_earlier { workers.remove(worker) } else { None }
        });
        self.leave(earlier).await;
    }

    /// A call has ended. What was asked for in the last minute counts for a minute.
    async fn leave(&self, ended: Option<Noted>) {
        let Some(Noted { session, names, .. }) = ended else { return };
        let (session, free) = (&session, names.iter().filter(|name| name.starts_with(COUNTED)));
        let leave = free.map(|name| async move {
            let (counted, member) = counted_as(name, session);
            self.0.limiter.leave(counted, &member).await;
        });
        join_all(leave).await;
    }

    /// A worker was given a call. One that it spoke for meanwhile, by a word that was on its way, is over too.
    pub(super) async fn note(&self, of: Asker<'_>, names: BTreeSet<String>) {
        let earlier = self.put(of, names);
        self.leave(earlier).await;
    }

    /// What was noted of another call of the worker's.
    fn put(&self, of: Asker<'_>, names: BTreeSet<String>) -> Option<Noted> {
        let worker = of.worker.filter(|_| !names.is_empty())?;
        let (session, proposed) = (of.session.clone(), of.proposed.cloned());
        let (until, mut workers) = (self.until(), self.workers());
        match workers.get_mut(worker).filter(|noted| noted.session == session) {
            // It is with another bot now, and has what it had.
            Some(noted) => {
                noted.names.extend(names);
                None
            }
            None => workers.insert(worker.clone(), Noted { session, proposed, names, until }),
        }
    }

    fn until(&self) -> Timestamp {
        self.0.clock.now().saturating_add(NOTED).unwrap_or(Timestamp::MAX)
    }

    /// A worker has registered: its call stays where it is, and the one before it leaves.
    pub async fn told(&self, report: &WorkerReport) {
        let said: BTreeSet<String> = report.permits.iter().filter(|name| is_ours(name)).cloned().collect();
        self.leave(self.over(report, &said)).await;
        if let Some(session) = &report.session_id {
            let stay = said.iter().map(|name| async move {
                let (counted, member) = counted_as(name, session);
                self.enter_all_the_same(counted, &member).await;
            });
            join_all(stay).await;
        }
    }

    /// The call that the worker had before, if it has another now or none.
    fn over(&self, report: &WorkerReport, said: &BTreeSet<String>) -> Option<Noted> {
        let (now, until, mut workers) = (self.0.clock.now(), self.until(), self.workers());
        workers.retain(|_, noted| now < noted.until);
        let is_same = |noted: &Noted| {
            let session = report.session_id.as_ref();
            session == Some(&noted.session) || (session.is_some() && session == noted.proposed.as_ref())
        };
        let left = match workers.get(&report.worker_id) {
            Some(noted) if !is_same(noted) => workers.remove(&report.worker_id),
            _ => None,
        };
        match (workers.get_mut(&report.worker_id), &report.session_id) {
            (Some(noted), _) => {
                noted.names.extend(said.iter().cloned());
                noted.until = until;
            }
            (None, Some(session)) if !said.is_empty() => {
                let noted = Noted { session: session.clone(), proposed: None, names: said.clone(), until };
                workers.insert(report.worker_id.clone(), noted);
            }
            _ => {}
        }
        left
    }

    /// A running call wants to go to a vendor. `None`: nobody knows that limit any more, and it may.
    pub async fn ask(
        &self,
        (tenant_id, bot, session): (&TenantId, &BotId, &SessionId),
        name: &str,
    ) -> Result<Option<bool>, StoreError> {
        let bot = self.0.memory.bot(bot).await?.filter(|bot| bot.tenant_id == *tenant_id);
        let Some(bot) = bot else { return Ok(None) };
        let of_call = Box::pin(settings_of_call(&self.0.memory, tenant_id, &bot.settings)).await?;
        let Some(settings) = of_call else { return Ok(None) };
        let stated = self.0.memory.vendor_limits(tenant_id).await?;
        let lists = all_limits(&settings, &stated);
        let (counted, member) = counted_as(name, session);
        let found = lists.iter().find_map(|(kind, list)| {
            let limit = list.iter().flatten().find(|limit| limit.name == counted)?;
            Some((*kind, limit.clone()))
        });
        let Some((kind, limit)) = found else { return Ok(None) };
        let granted = self.enter(&limit, &member).await;
        let outcome = if granted { "fall_back" } else { "refused" };
        self.0.metrics.vendors().permitted(service_of(kind), account_of(&limit), outcome);
        Ok(Some(granted))
    }
}

/// What a permit of a call counts, and as whom: an ear beside the caller's is a member of its own.
fn counted_as<'a>(name: &'a str, session: &SessionId) -> (&'a str, String) {
    let (counted, ear) = Beside::of(name);
    (counted, ear.map_or_else(|| session.to_string(), |ear| ear.member(session.as_str())))
}

/// A worker may not go into other gates of the deployment.
fn is_ours(name: &str) -> bool {
    vox_shared::wire::permit::is_name(name) && (name.starts_with(COUNTED) || name.starts_with(PACED))
}

/// The vendor in a limit's name.
fn account_of(limit: &Limit) -> &str {
    limit.name.split(':').nth(2).unwrap_or_default()
}
