//! The trying of keys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use tokio::time::{Instant, timeout};
use vox_egress::chat::read_refusal;
use vox_egress::{Egress, Failure, FailureClass, Refusal, google, http_failure, secret_header};
use vox_shared::catalogue;
use vox_shared::clock::Clock;
use vox_shared::egress::HostRules;
use vox_shared::ids::TenantId;
use vox_shared::model::bot::ApiKey;
use vox_shared::wire::fleet::WorkerReport;

use super::breaker::{Breaker, State};
pub use super::found::Account;
use super::found::of_tenant;
use super::key_state::KeyState;
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
/// The whole request.
const DEADLINE: Duration = Duration::from_secs(10);
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
    told: Told,
    looked_at: Mutex<Option<Timestamp>>,
}

impl Checks {
    pub fn new((stores, clock): (Stores, Clock), egress: Arc<Egress>, metrics: Arc<Metrics>) -> Self {
        let (known, told, looked_at) = (Mutex::default(), Told::default(), Mutex::default());
        Self(Arc::new(Inner { stores, clock, egress, metrics, known, told, looked_at }))
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
        let accounts = of_tenant(&self.0.stores, tenant).await?;
        Ok(accounts.into_keys().map(|account| (account.clone(), self.health(&account))).collect())
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Account, Entry>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn looked_at(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.0.looked_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The accounts of all tenants; those that nobody has any more are forgotten. A tenant whose bots or keys cannot be read keeps no
    /// other from its turn, and what is known of its accounts stays.
    async fn look(&self, now: Timestamp) -> Result<(), StoreError> {
        let (mut found, mut unread) = (BTreeMap::new(), BTreeSet::new());
        let (mut failed, mut after) = (None, None);
        loop {
            let page = self.0.stores.tenants().list_by_id(after).await?;
            for tenant in page.tenants.iter().filter(|tenant| tenant.value.status == TenantStatus::Active) {
                let Ok(id) = tenant.id.parse::<TenantId>() else { continue };
                match of_tenant(&self.0.stores, &id).await {
                    Ok(accounts) => accounts.into_iter().for_each(|(account, key)| {
                        found.entry(account).or_insert_with(|| (id.clone(), key));
                    }),
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
                checked_at: None,
                due_at: now,
            });
            // Whoever had it before may be gone, and is asked for its rules no more.
            entry.tenant = tenant;
        }
    }

    async fn try_one(&self, Due { account, key, tenant }: Due) {
        let asked = match self.0.stores.tenants().egress_rules(&tenant).await {
            Ok(rules) => ask(&self.0.egress, &rules, (&account, &key), self.0.clock.now().as_second()).await,
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

/// The vendor's cheapest request that needs a key.
async fn ask(
    egress: &Egress,
    rules: &HostRules,
    (account, key): (&Account, &ApiKey),
    second: i64,
) -> Result<(), Failure> {
    let name = account.provider.as_str();
    let unknown = || Failure::new(FailureClass::Refused, format!("{name}: there is nothing to ask"));
    let vendor = catalogue::find_keyed(name).ok_or_else(unknown)?;
    if vendor.takes_key_file() {
        return ask_for_a_token(egress, rules, (name, key), second).await;
    }
    let check = vendor.key_check.ok_or_else(unknown)?;
    let url = vendor.key_check_url(account.base_url.as_deref()).ok_or_else(unknown)?;
    let mut request = match account.base_url {
        Some(_) => egress.request_under(rules, Method::GET, url)?,
        None => egress.request(Method::GET, url)?,
    };
    for (header, value) in vendor.fixed_headers() {
        request = request.header(header, value);
    }
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
        Err(refusal.failure(name, class_of(&refusal), None))
    };
    let late =
        || Failure::new(FailureClass::TimedOut, format!("{name}: no answer within {} s", DEADLINE.as_secs()));
    timeout(DEADLINE, asking).await.unwrap_or_else(|_| Err(late()))
}

/// The token server that a key file names: it gives a token for a good one. Nothing is asked of the vendor itself.
async fn ask_for_a_token(
    egress: &Egress,
    rules: &HostRules,
    (name, key): (&str, &ApiKey),
    second: i64,
) -> Result<(), Failure> {
    let wrong = |fault| Failure::new(FailureClass::Unauthorised, format!("{name}: {fault}"));
    let account = google::Account::parse(key.expose()).map_err(wrong)?;
    if account.has_own_token_server() {
        egress.check_under(rules, account.token_server())?;
    }
    google::exchange((name, egress), &account, second).await.map(|_token| ())
}

/// A key that may do its job and nothing else, as ElevenLabs, Deepgram and OpenAI give them, is refused here in words of rights, and
/// taken in calls.
fn class_of(refusal: &Refusal) -> FailureClass {
    let body = refusal.body.to_lowercase();
    let lacks_right = ["permission", "scope"].iter().any(|word| body.contains(word));
    match refusal.class() {
        FailureClass::Unauthorised if lacks_right => FailureClass::Refused,
        // Google answers a key that is none with 400.
        FailureClass::Refused if refusal.body.contains("API_KEY_INVALID") => FailureClass::Unauthorised,
        class => class,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// With a budget for routing such a key would have kept the bot's first vendor out of every call.
    #[test]
    fn a_key_that_may_only_do_its_job_is_not_a_refused_one() {
        for (status, body, state) in [
            (
                401,
                r#"{"detail": {"status": "missing_permissions", "message": "lacks user_read"}}"#,
                KeyState::Unknown,
            ),
            (403, r#"{"err_code": "INSUFFICIENT_PERMISSIONS"}"#, KeyState::Unknown),
            (403, r#"{"error": {"message": "Missing scopes: api.model.read"}}"#, KeyState::Unknown),
            (401, r#"{"detail": {"status": "invalid_api_key"}}"#, KeyState::Refused),
            (403, r#"{"error": {"code": "invalid_api_key_error"}}"#, KeyState::Refused),
            (402, "no permission to go on without credit", KeyState::OverLimit),
        ] {
            let refusal = Refusal { status, headers: Default::default(), body: body.into() };
            assert_eq!(state_of(class_of(&refusal)), state, "{status} {body}");
        }
    }
}
