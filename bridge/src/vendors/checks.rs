//! The trying of keys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use vox_egress::Egress;
use vox_shared::clock::Clock;
use vox_shared::ids::TenantId;
use vox_shared::model::bot::ApiKey;
use vox_shared::wire::fleet::WorkerReport;

use super::asking::{ask, state_of};
use super::breaker::{Breaker, State};
pub use super::found::Account;
use super::found::{Found, Whose, of_tenant};
use super::key_state::KeyState;
use super::servers::{self, Memory, memory};
use super::told::{Seen, Told};
use crate::error::with_source;
use crate::metrics::Metrics;
use crate::store::engine::EngineError;
use crate::store::tenants::TenantStatus;
use crate::store::{StoreError, Stores};

/// After an answer a key is tried again so much later, and keys are looked for again.
const EVERY: SignedDuration = SignedDuration::from_mins(5);
/// After a vendor was away, or while its breaker is not closed.
const SOONER: SignedDuration = SignedDuration::from_secs(15);
/// A voice server of one's own is asked this often: its GPU's memory changes with its calls.
const SERVERS: SignedDuration = SignedDuration::from_secs(30);
/// Requests at once to one vendor. They are tried beside each other: one that is away keeps no other from its turn.
const AT_A_VENDOR: usize = 4;
/// Tenants whose own addresses are asked at once, each of them one after the other: whoever listens there may keep every request.
const OWN_AT_ONCE: usize = 16;
/// No request begins later in a round. Those that had no turn are the first of the next one.
const ROUND: Duration = Duration::from_secs(30);
/// Most accounts of a deployment that are tried; more are told in the log, once a round.
const MOST: usize = 2_000;

/// What is known of an account.
#[derive(Clone, Debug)]
pub struct Health {
    pub key_state: KeyState,
    pub breaker: State,
    /// Why, in words without keys and addresses.
    pub detail: Option<String>,
    pub checked_at: Option<Timestamp>,
}

struct Entry {
    tenant: TenantId,
    key: ApiKey,
    key_state: KeyState,
    breaker: Breaker,
    detail: Option<String>,
    /// Of the GPU of a voice server of one's own, if it says so.
    memory: Option<Memory>,
    checked_at: Option<Timestamp>,
    due_at: Timestamp,
}

/// An account that is to be tried.
struct Due {
    account: Account,
    key: ApiKey,
    tenant: TenantId,
}

/// The health of vendors as this bridge sees it. Cheap to clone.
#[derive(Clone)]
pub struct Checks(Arc<Inner>);

struct Inner {
    stores: Stores,
    clock: Clock,
    egress: Arc<Egress>,
    metrics: Arc<Metrics>,
    known: Mutex<BTreeMap<Account, Entry>>,
    /// The accounts that calls of each tenant may use, as they were looked for.
    used: Mutex<BTreeMap<TenantId, BTreeMap<Account, Whose>>>,
    told: Told,
    looked_at: Mutex<Option<Timestamp>>,
}

impl Checks {
    pub fn new((stores, clock): (Stores, Clock), egress: Arc<Egress>, metrics: Arc<Metrics>) -> Self {
        let (known, used, looked_at) = (Mutex::default(), Mutex::default(), Mutex::default());
        let told = Told::default();
        Self(Arc::new(Inner { stores, clock, egress, metrics, known, used, told, looked_at }))
    }

    /// Look for keys if it is time, and try those of vendors' addresses that are due. A look that failed is tried again the next time,
    /// and keys that are known from before are tried all the same.
    pub async fn round(&self) -> Result<(), StoreError> {
        let now = self.0.clock.now();
        let looked_at = *self.looked_at();
        let is_time = looked_at.is_none_or(|at| now.duration_since(at) >= EVERY);
        let looked = if is_time { self.look(now).await } else { Ok(()) };
        if is_time && looked.is_ok() {
            *self.looked_at() = Some(now);
        }
        let due = self.due(now, |account| account.base_url.is_none());
        let vendors = lanes(due, |due| due.account.provider.clone());
        self.try_all(vendors, (usize::MAX, AT_A_VENDOR)).await;
        looked
    }

    /// Try those keys that are due at addresses of tenants' own, among those that a [`Self::round`] found.
    pub async fn round_of_own(&self) {
        let due = self.due(self.0.clock.now(), |account| account.base_url.is_some());
        self.try_all(lanes(due, |due| due.tenant.clone()), (OWN_AT_ONCE, 1)).await;
    }

    /// Those that are due, the longest first.
    fn due(&self, now: Timestamp, is_meant: impl Fn(&Account) -> bool) -> Vec<Due> {
        let known = self.known();
        let due = known.iter().filter(|(account, entry)| entry.due_at <= now && is_meant(account));
        let mut due: Vec<(Timestamp, Due)> = due
            .map(|(account, Entry { tenant, key, due_at, .. })| {
                (*due_at, Due { account: account.clone(), key: key.clone(), tenant: tenant.clone() })
            })
            .collect();
        due.sort_by_key(|(at, _)| *at);
        due.into_iter().map(|(_, due)| due).collect()
    }

    /// Try those of so many lanes at once, and so many of each.
    async fn try_all(&self, lanes: Vec<Vec<Due>>, (at_once, of_a_lane): (usize, usize)) {
        let end = Instant::now() + ROUND;
        let tried = stream::iter(lanes).for_each_concurrent(at_once, |lane| {
            stream::iter(lane).for_each_concurrent(of_a_lane, move |due| async move {
                if Instant::now() < end {
                    self.try_one(due).await;
                }
            })
        });
        tried.await;
        self.tell();
    }

    /// What is known of an account; `None` while it was not looked for.
    pub fn health(&self, account: &Account) -> Option<Health> {
        self.known().get(account).map(|entry| Health {
            key_state: entry.key_state,
            breaker: entry.breaker.state(),
            detail: entry.detail.clone(),
            checked_at: entry.checked_at,
        })
    }

    /// Why an account should not be asked first, if there is a reason.
    pub fn fault(&self, account: &Account) -> Option<String> {
        let health = self.health(account);
        let known = health.map_or((State::Closed, KeyState::Unchecked), |of| (of.breaker, of.key_state));
        let Seen { workers, open } = self.seen(account);
        match known {
            (State::Open, _) => Some("its breaker is open: the vendor does not answer".to_owned()),
            (_, KeyState::Refused) => Some("its key is refused".to_owned()),
            _ if (Seen { workers, open }).is_out() => {
                Some(format!("its breaker is open at {open} of {workers} workers: their calls had no answer"))
            }
            _ => None,
        }
    }

    /// A worker has registered, and says how its vendors do.
    pub fn told(&self, report: &WorkerReport, (now, until): (Timestamp, Timestamp)) {
        self.0.told.keep(report, (now, until));
    }

    /// What workers say of an account.
    pub fn seen(&self, account: &Account) -> Seen {
        self.0.told.of(account, self.0.clock.now())
    }

    /// The accounts of a tenant with what is known of them.
    pub async fn of_tenant(&self, tenant: &TenantId) -> Result<Vec<(Account, Option<Health>)>, StoreError> {
        let accounts = of_tenant(&self.0.stores, tenant).await?.tried;
        Ok(accounts.into_keys().map(|account| (account.clone(), self.health(&account))).collect())
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Account, Entry>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The accounts that a tenant's calls may use, as they were looked for last; `None` while they were not.
    pub fn accounts_of(&self, tenant: &TenantId) -> Option<BTreeMap<Account, Whose>> {
        self.used().get(tenant).cloned()
    }

    fn used(&self) -> MutexGuard<'_, BTreeMap<TenantId, BTreeMap<Account, Whose>>> {
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn looked_at(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.0.looked_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The accounts of all tenants; those that nobody has any more are forgotten. A tenant whose bots or keys cannot be read keeps no
    /// other from its turn, and what is known of its accounts stays.
    async fn look(&self, now: Timestamp) -> Result<(), StoreError> {
        let (mut found, mut unread, mut active) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        let (mut failed, mut after) = (None, None);
        loop {
            let page = self.0.stores.tenants().list_by_id(after).await?;
            for tenant in page.tenants.iter().filter(|tenant| tenant.value.status == TenantStatus::Active) {
                let Ok(id) = tenant.id.parse::<TenantId>() else { continue };
                active.insert(id.clone());
                match of_tenant(&self.0.stores, &id).await {
                    Ok(Found { tried, used }) => {
                        for (account, key) in tried {
                            found.entry(account).or_insert_with(|| (id.clone(), key));
                        }
                        self.used().insert(id, used);
                    }
                    Err(error) => {
                        tracing::error!(tenant.id = %id, error = with_source(&error), "a tenant's keys of vendors could not be looked for");
                        // What makes no sense now makes none in a moment.
                        let is_damage = matches!(error, StoreError::Engine(EngineError::Malformed(_)));
                        failed = failed.or(Some(error).filter(|_| !is_damage));
                        unread.insert(id);
                    }
                }
            }
            after = page.last;
            if after.is_none() {
                break;
            }
        }
        self.used().retain(|tenant, _| active.contains(tenant));
        self.take_over(found, &unread, now);
        failed.map_or(Ok(()), Err)
    }

    fn take_over(
        &self,
        found: BTreeMap<Account, (TenantId, ApiKey)>,
        unread: &BTreeSet<TenantId>,
        now: Timestamp,
    ) {
        if found.len() > MOST {
            tracing::warn!(
                accounts = found.len(),
                tried = MOST,
                "there are more accounts of vendors than are tried"
            );
        }
        let mut known = self.known();
        known.retain(|account, entry| found.contains_key(account) || unread.contains(&entry.tenant));
        for (account, (tenant, key)) in found.into_iter().take(MOST) {
            let entry = known.entry(account).or_insert_with(|| Entry {
                tenant: tenant.clone(),
                key,
                key_state: KeyState::Unchecked,
                breaker: Breaker::default(),
                detail: None,
                memory: None,
                checked_at: None,
                due_at: now,
            });
            // Whoever had it before may be gone, and is asked for its rules no more.
            entry.tenant = tenant;
        }
    }

    async fn try_one(&self, Due { account, key, tenant }: Due) {
        // Where the store is away, that says nothing of the vendor.
        let Ok(rules) = self.0.stores.tenants().egress_rules(&tenant).await else { return };
        let second = self.0.clock.now().as_second();
        let asked = ask(&self.0.egress, &rules, (&account, &key), second).await;
        let memory = match (&asked, account.voice_server()) {
            (Ok(()), Some(server)) => {
                memory(&self.0.egress, &rules, server, &key).await.unwrap_or_else(|failure| {
                    tracing::debug!(%failure, "a voice server does not say how its GPU is");
                    None
                })
            }
            _ => None,
        };
        let now = self.0.clock.now();
        let mut known = self.known();
        let Some(entry) = known.get_mut(&account) else { return };
        entry.memory = memory;
        (entry.key_state, entry.detail) = match asked {
            Ok(()) => (KeyState::Good, None),
            Err(failure) => (state_of(failure.class), Some(failure.detail)),
        };
        if entry.key_state == KeyState::Away {
            entry.breaker.failed()
        } else {
            entry.breaker.answered()
        }
        entry.checked_at = Some(now);
        let is_well = entry.key_state != KeyState::Away && entry.breaker.state() == State::Closed;
        let pause = match is_well {
            true if account.voice_server().is_some() => SERVERS,
            true => EVERY,
            false => SOONER,
        };
        entry.due_at = now.saturating_add(pause).unwrap_or(now);
    }

    /// The metrics: of each vendor its worst breaker, and how many keys are how.
    fn tell(&self) {
        let known = self.known();
        let accounts = known
            .iter()
            .map(|(account, entry)| (account.provider.as_str(), entry.breaker.state(), entry.key_state));
        self.0.metrics.vendors().show(accounts);
        let mut servers = BTreeMap::<String, (bool, Option<Memory>)>::new();
        for (account, entry) in known.iter() {
            let Some(label) = account.voice_server().and_then(|(_, base_url)| servers::label(base_url))
            else {
                continue;
            };
            let is_up = entry.key_state == KeyState::Good;
            let known = servers.entry(label).or_default();
            *known = (known.0 || is_up, known.1.or(entry.memory));
        }
        self.0.metrics.vendors().show_servers(&servers);
    }
}

/// Those that have something in common together, in the order of the first of each.
fn lanes<K: Ord>(due: Vec<Due>, of: impl Fn(&Due) -> K) -> Vec<Vec<Due>> {
    let (mut lanes, mut places): (Vec<Vec<Due>>, _) = (Vec::new(), BTreeMap::new());
    for due in due {
        let place = *places.entry(of(&due)).or_insert(lanes.len());
        match lanes.get_mut(place) {
            Some(lane) => lane.push(due),
            None => lanes.push(vec![due]),
        }
    }
    lanes
}
