//! The trying of keys.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use vox_egress::chat::read_refusal;
use vox_egress::{Egress, Failure, FailureClass, http_failure, secret_header};
use vox_shared::catalogue;
use vox_shared::clock::Clock;
use vox_shared::egress::HostRules;
use vox_shared::ids::TenantId;
use vox_shared::model::bot::ApiKey;

use super::breaker::{Breaker, State};
pub use super::found::Account;
use super::found::of_tenant;
use super::key_state::KeyState;
use crate::error::with_source;
use crate::metrics::Metrics;
use crate::store::tenants::TenantStatus;
use crate::store::{StoreError, Stores};

/// Pause between two looks at which keys are to be tried.
const PAUSE: Duration = Duration::from_secs(15);
/// After an answer a key is tried again so much later, and keys are looked for again.
const EVERY: SignedDuration = SignedDuration::from_mins(5);
/// After a vendor was away, or while its breaker is not closed.
const SOONER: SignedDuration = SignedDuration::from_secs(15);
/// The whole request.
const DEADLINE: Duration = Duration::from_secs(10);
/// Requests at once.
const AT_ONCE: usize = 4;
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
    checked_at: Option<Timestamp>,
    due_at: Timestamp,
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
    looked_at: Mutex<Option<Timestamp>>,
}

impl Checks {
    pub fn new((stores, clock): (Stores, Clock), egress: Arc<Egress>, metrics: Arc<Metrics>) -> Self {
        let (known, looked_at) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { stores, clock, egress, metrics, known, looked_at }))
    }

    /// Try keys until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while stop.run_until_cancelled(sleep(PAUSE)).await.is_some() {
            match stop.run_until_cancelled(self.round()).await {
                Some(Err(error)) => {
                    tracing::warn!(
                        error = with_source(&error),
                        "the keys of vendors could not be looked for"
                    );
                }
                Some(Ok(())) => {}
                None => return,
            }
        }
    }

    /// Look for keys if it is time, and try those that are due.
    pub async fn round(&self) -> Result<(), StoreError> {
        let now = self.0.clock.now();
        let is_time = {
            let mut looked_at = self.0.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
            let is_time = looked_at.is_none_or(|at| now.duration_since(at) >= EVERY);
            if is_time {
                *looked_at = Some(now);
            }
            is_time
        };
        if is_time {
            self.look(now).await?;
        }
        let due: Vec<(Account, ApiKey, TenantId)> = {
            let known = self.known();
            let due = known.iter().filter(|(_, entry)| entry.due_at <= now);
            due.map(|(account, entry)| (account.clone(), entry.key.clone(), entry.tenant.clone())).collect()
        };
        let trying = due.into_iter().map(|(account, key, tenant)| self.try_one(account, key, tenant));
        futures_util::stream::iter(trying).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        self.tell();
        Ok(())
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
        let health = self.health(account)?;
        match (health.breaker, health.key_state) {
            (State::Open, _) => Some("its breaker is open: the vendor does not answer".to_owned()),
            (_, KeyState::Refused) => Some("its key is refused".to_owned()),
            _ => None,
        }
    }

    /// The accounts of a tenant with what is known of them.
    pub async fn of_tenant(&self, tenant: &TenantId) -> Result<Vec<(Account, Option<Health>)>, StoreError> {
        let accounts = of_tenant(&self.0.stores, tenant).await?;
        Ok(accounts.into_keys().map(|account| (account.clone(), self.health(&account))).collect())
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Account, Entry>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The accounts of all tenants; those that nobody has any more are forgotten.
    async fn look(&self, now: Timestamp) -> Result<(), StoreError> {
        let (mut found, mut after) = (BTreeMap::new(), None);
        loop {
            let page = self.0.stores.tenants().list_by_id(after).await?;
            for tenant in page.tenants.iter().filter(|tenant| tenant.value.status == TenantStatus::Active) {
                let Ok(id) = tenant.id.parse::<TenantId>() else { continue };
                for (account, key) in of_tenant(&self.0.stores, &id).await? {
                    found.entry(account).or_insert((id.clone(), key));
                }
            }
            after = page.last;
            if after.is_none() {
                break;
            }
        }
        if found.len() > MOST {
            tracing::warn!(
                accounts = found.len(),
                tried = MOST,
                "there are more accounts of vendors than are tried"
            );
        }
        let mut known = self.known();
        known.retain(|account, _| found.contains_key(account));
        for (account, (tenant, key)) in found.into_iter().take(MOST) {
            known.entry(account).or_insert_with(|| Entry {
                tenant,
                key,
                key_state: KeyState::Unchecked,
                breaker: Breaker::default(),
                detail: None,
                checked_at: None,
                due_at: now,
            });
        }
        Ok(())
    }

    async fn try_one(&self, account: Account, key: ApiKey, tenant: TenantId) {
        let asked = match self.0.stores.tenants().egress_rules(&tenant).await {
            Ok(rules) => ask(&self.0.egress, &rules, (&account, &key)).await,
            // The store is away, which says nothing of the vendor.
            Err(_) => return,
        };
        let now = self.0.clock.now();
        let mut known = self.known();
        let Some(entry) = known.get_mut(&account) else { return };
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
        let pause = if is_well { EVERY } else { SOONER };
        entry.due_at = now.saturating_add(pause).unwrap_or(now);
    }

    /// The metrics: of each vendor its worst breaker, and how many keys are how.
    fn tell(&self) {
        let known = self.known();
        let accounts = known
            .iter()
            .map(|(account, entry)| (account.provider.as_str(), entry.breaker.state(), entry.key_state));
        self.0.metrics.vendors().show(accounts);
    }
}

/// The vendor's cheapest request that needs a key.
async fn ask(egress: &Egress, rules: &HostRules, (account, key): (&Account, &ApiKey)) -> Result<(), Failure> {
    let name = account.provider.as_str();
    let unknown = || Failure::new(FailureClass::Refused, format!("{name}: there is nothing to ask"));
    let vendor = catalogue::find_keyed(name).ok_or_else(unknown)?;
    let check = vendor.key_check.ok_or_else(unknown)?;
    let url = vendor.key_check_url(account.base_url.as_deref()).ok_or_else(unknown)?;
    let mut request = match account.base_url {
        Some(_) => egress.request_under(rules, Method::GET, url)?,
        None => egress.request(Method::GET, url)?,
    };
    if !key.is_empty() {
        let value = format!("{}{}", check.prefix, key.expose().trim());
        request = request.header(check.header, secret_header(name, &value)?);
    }
    let asking = async {
        let response = request.send().await.map_err(http_failure)?;
        if response.status().is_success() {
            return Ok(());
        }
        let refusal = read_refusal(response).await;
        Err(refusal.failure(name, refusal.class(), None))
    };
    let late =
        || Failure::new(FailureClass::TimedOut, format!("{name}: no answer within {} s", DEADLINE.as_secs()));
    timeout(DEADLINE, asking).await.unwrap_or_else(|_| Err(late()))
}

fn state_of(class: FailureClass) -> KeyState {
    match class {
        FailureClass::Unauthorised => KeyState::Refused,
        FailureClass::OverLimit => KeyState::OverLimit,
        FailureClass::Unavailable | FailureClass::TimedOut => KeyState::Away,
        FailureClass::Forbidden => KeyState::Forbidden,
        FailureClass::Refused | FailureClass::Malformed | FailureClass::NotInstalled => KeyState::Unknown,
    }
}
