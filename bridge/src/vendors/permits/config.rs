//! The permits that a call gets with its config.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use vox_shared::catalogue::Kind;
use vox_shared::ids::{SessionId, TenantId, WorkerId};
use vox_shared::model::bot::BotSettings;
use vox_shared::wire::permit::Permit;

use super::{Permits, limits};
use crate::bot::keys::Keyed;
use crate::routing::{Routing, lists};
use crate::store::StoreError;
use crate::store::settings::VendorLimit;
use crate::vendors::checks::Account;
use crate::vendors::limits::{Limit, service_of};

/// Until so long after it asked for its config a call whose vendors all are full waits for one of them: its worker's request has two
/// seconds, and a CRM may have taken most of them.
pub const PATIENCE: Duration = Duration::from_millis(1_400);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// The call that asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// Until then it waits for room where no vendor of a list has any.
    pub waits_until: std::time::Instant,
    pub tenant: &'a TenantId,
    pub session: &'a SessionId,
    /// What its worker called it first.
    pub proposed: Option<&'a SessionId>,
    pub worker: Option<&'a WorkerId>,
}

/// How a list came to its vendor, as the metric tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// The first had room.
    First,
    /// Another had.
    Next,
    /// One had after a while.
    Late,
    /// None had, and the first is used all the same.
    Over,
}

impl Came {
    fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Next => "next",
            Self::Late => "late",
            Self::Over => "over",
        }
    }
}

impl Permits {
    /// Put vendors with room first, and go in there. What `routing` picked is put right where another comes first now.
    pub async fn take(
        &self,
        of: Asker<'_>,
        settings: &mut BotSettings,
        routing: &mut Option<Routing>,
    ) -> Result<Vec<Permit>, StoreError> {
        self.leave_earlier(of).await;
        let stated = self.0.memory.vendor_limits(of.tenant).await?;
        let member = (of.session.as_str(), Instant::from_std(of.waits_until));
        let BotSettings { stt, llm, tts, .. } = settings;
        let mut permits = self.list(member, (Kind::Recogniser, stt), &stated, routing).await;
        permits.extend(self.list(member, (Kind::LanguageModel, llm), &stated, routing).await);
        permits.extend(self.list(member, (Kind::Voice, tts), &stated, routing).await);
        let held = permits.iter().filter(|permit| permit.held).map(|permit| permit.name.clone());
        self.note(of, held.collect()).await;
        Ok(permits)
    }

    /// One list.
    async fn list<T: Keyed>(
        &self,
        (member, until): (&str, Instant),
        (kind, first): (Kind, &mut T),
        stated: &[VendorLimit],
        routing: &mut Option<Routing>,
    ) -> Vec<Permit> {
        let mut limits = limits(kind, &*first, stated);
        if limits.first().is_none_or(Option::is_none) {
            return told(kind, &limits);
        }
        let (place, came) = self.place_with_room((member, until), (kind, &*first), &limits).await;
        if came == Came::Over
            && let Some(Some(limit)) = limits.first()
        {
            self.enter_all_the_same(&limit.name, member).await;
        }
        let provider = first.provider().to_owned();
        self.0.metrics.vendors().permitted(service_of(kind), &provider, came.as_str());
        if place > 0 {
            if let Some(routing) = routing {
                routing.passed_over(service_of(kind), place, &*first);
            }
            lists::put_first(first, place);
            let limit = limits.remove(place);
            limits.insert(0, limit);
        }
        told(kind, &limits)
    }

    async fn place_with_room<T: Keyed>(
        &self,
        (member, until): (&str, Instant),
        (kind, first): (Kind, &T),
        limits: &[Option<Limit>],
    ) -> (usize, Came) {
        let entries: Vec<&T> = std::iter::once(first).chain(first.fallbacks()).collect();
        // What cannot be used now is no way out; the first is, as without limits.
        let usable: Vec<bool> = entries
            .iter()
            .enumerate()
            .map(|(place, entry)| place == 0 || self.is_usable(kind, *entry))
            .collect();
        let mut tries = 0_u32;
        loop {
            for (place, limit) in limits.iter().enumerate().filter(|(place, _)| usable[*place]) {
                let is_in = match limit {
                    None => true,
                    Some(limit) => self.enter(limit, member).await,
                };
                if is_in {
                    let came = match (tries, place) {
                        (0, 0) => Came::First,
                        (0, _) => Came::Next,
                        _ => Came::Late,
                    };
                    return (place, came);
                }
            }
            if Instant::now() + PAUSE > until {
                return (0, Came::Over);
            }
            tries += 1;
            sleep(PAUSE).await;
        }
    }

    fn is_usable<T: Keyed>(&self, kind: Kind, entry: &T) -> bool {
        let fault = kind
            .find(entry.provider())
            .map(|vendor| vendor.key_fault(entry.api_key().expose(), entry.extra()));
        fault == Some(None) && self.0.checks.fault(&Account::of(entry)).is_none()
    }
}

/// What the worker is told of a list: the first vendor is the call's.
fn told(kind: Kind, list: &[Option<Limit>]) -> Vec<Permit> {
    let held = list.first().and_then(Option::as_ref).map(|limit| limit.name.as_str());
    let permit = |(place, limit): (usize, &Option<Limit>)| {
        let limit = limit.as_ref()?;
        Some(Permit {
            service: service_of(kind),
            place,
            name: limit.name.clone(),
            held: held == Some(limit.name.as_str()),
            requests_per_minute: limit.share,
        })
    };
    list.iter().enumerate().filter_map(permit).collect()
}
