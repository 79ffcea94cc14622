//! How the vendors do in this process, over all of its calls: a breaker for each account, how long each took to answer lately, and
//! what second requests to models may cost. Decision 0075.

pub mod answers;
pub mod breaker;
mod tally;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use vox_shared::model::bot::{ApiKey, LlmSettings, SttSettings, TtsSettings};
use vox_shared::wire::answers::Service;
use vox_shared::wire::fleet::VendorStanding;

use super::FailureClass;
use answers::{Answers, Quantiles};
use breaker::{Breaker, State};
use tally::Tally;

/// Accounts that are kept; the one that was not used for the longest time goes.
const ACCOUNTS: usize = 48;
/// Models of an account that are.
const MODELS: usize = 8;
/// Rows that are told at most.
const ROWS: usize = 64;
/// So many answers say how fast a model is.
const ENOUGH: usize = 20;
/// Of a hundred tokens so many may be of second requests that nobody needed.
const SECOND_SHARE: u64 = 5;
/// Both counts are halved then: what was long ago matters less.
const TOKENS_KEPT: u64 = 4_000_000;
/// Bytes of a key's SHA-256 that tell two keys of a vendor apart, as the bridge shows them.
const KEY_BYTES: usize = 4;

/// An account at a vendor, for one service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account {
    pub service: Service,
    pub provider: String,
    /// An address of the tenant's own; `None` for the vendor's.
    pub base_url: Option<String>,
    /// The begin of the SHA-256 of the key, lower-case hex.
    pub key: String,
}

/// One of a bot's vendors: whom it asks, and for which model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vendor {
    pub account: Account,
    pub model: String,
}

impl Vendor {
    pub fn recogniser(settings: &SttSettings) -> Self {
        let SttSettings { provider, api_key, model, extra, .. } = settings;
        Self::new((Service::Stt, provider), api_key, (model, extra))
    }

    pub fn model(settings: &LlmSettings) -> Self {
        let LlmSettings { provider, api_key, model, extra, .. } = settings;
        Self::new((Service::Llm, provider), api_key, (model, extra))
    }

    pub fn voice(settings: &TtsSettings) -> Self {
        let TtsSettings { provider, api_key, model, extra, .. } = settings;
        Self::new((Service::Tts, provider), api_key, (model, extra))
    }

    fn new(
        (service, provider): (Service, &str),
        key: &ApiKey,
        (model, extra): (&str, &Map<String, Value>),
    ) -> Self {
        let base_url = extra.get("base_url").and_then(Value::as_str).map(str::trim);
        let hash = Sha256::digest(key.expose().trim().as_bytes());
        let account = Account {
            service,
            provider: provider.to_owned(),
            base_url: base_url.filter(|url| !url.is_empty()).map(str::to_owned),
            key: hash.iter().take(KEY_BYTES).map(|byte| format!("{byte:02x}")).collect(),
        };
        Self { account, model: model.to_owned() }
    }
}

/// The books of the process. Held for no longer than it takes to read or write a row.
#[derive(Debug, Default)]
pub struct Health(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    accounts: BTreeMap<Account, Entry>,
    tokens: u64,
    /// Of them, spent on second requests that nobody needed.
    needless: u64,
    /// Requests of which the other one of two was taken.
    seconds: u64,
}

#[derive(Debug)]
struct Entry {
    breaker: Breaker,
    tally: Tally,
    models: BTreeMap<String, Answers>,
    used: Instant,
}

impl Health {
    /// The vendor worked; `after` so long where that says how fast it is.
    pub fn answered(&self, vendor: &Vendor, after: Option<Duration>, now: Instant) {
        let mut books = self.books();
        let entry = books.entry(&vendor.account, now);
        entry.breaker.answered();
        entry.tally.answered(now);
        let is_known = entry.models.contains_key(&vendor.model);
        if let Some(after) = after.filter(|_| is_known || entry.models.len() < MODELS) {
            entry.models.entry(vendor.model.clone()).or_default().add(after, now);
        }
    }

    /// It failed.
    pub fn failed(
        &self,
        vendor: &Vendor,
        (class, retry_after): (FailureClass, Option<Duration>),
        now: Instant,
    ) {
        let service = vendor.account.service;
        let mut books = self.books();
        let entry = books.entry(&vendor.account, now);
        entry.breaker.failed(service, class, retry_after, now);
        if counts(class) {
            entry.tally.failed(now);
        }
    }

    /// A request to a model used so many tokens; `needlessly`: it was one of two, and the other one was taken.
    pub fn used(&self, tokens: u64, needlessly: bool) {
        let mut books = self.books();
        books.tokens = books.tokens.saturating_add(tokens);
        if needlessly {
            books.needless = books.needless.saturating_add(tokens);
            books.seconds += 1;
        }
        if books.tokens > TOKENS_KEPT {
            books.tokens /= 2;
            books.needless /= 2;
        }
    }

    /// What second requests may cost now, tokens.
    pub fn second_tokens(&self) -> u64 {
        let books = self.books();
        (books.tokens * SECOND_SHARE / 100).saturating_sub(books.needless)
    }

    /// How often a model was asked twice for the same, and one of the two requests was not needed.
    pub fn second_requests(&self) -> u64 {
        self.books().seconds
    }

    /// Until when a vendor's breaker is open, if it is.
    pub fn open_until(&self, vendor: &Vendor, now: Instant) -> Option<Instant> {
        self.books().accounts.get(&vendor.account)?.breaker.open_until(now)
    }

    /// Within how long nine of ten requests were answered, once enough were seen.
    pub fn p90(&self, vendor: &Vendor, now: Instant) -> Option<Duration> {
        let books = self.books();
        let answers = books.accounts.get(&vendor.account)?.models.get(&vendor.model)?;
        answers.quantiles(now).filter(|of| of.samples >= ENOUGH).map(|of| of.p90)
    }

    /// All that is known, for the registration: a row for each account and model.
    pub fn standings(&self, now: Instant) -> Vec<VendorStanding> {
        let books = self.books();
        let rows = books.accounts.iter().flat_map(|(account, entry)| {
            let state = entry.breaker.state(now);
            let known = entry.models.iter().map(move |(model, of)| VendorStanding {
                spread: of.spread(now),
                ..row(account, state, model, of.quantiles(now))
            });
            let bare = entry.models.is_empty().then(|| row(account, state, "", None));
            let (answered, failed) = entry.tally.lately(now);
            // They are the account's: told with its first model.
            known.chain(bare).enumerate().map(move |(n, row)| match n {
                0 => VendorStanding { answered, failed, ..row },
                _ => row,
            })
        });
        rows.take(ROWS).collect()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn entry(&mut self, account: &Account, now: Instant) -> &mut Entry {
        if self.accounts.len() >= ACCOUNTS && !self.accounts.contains_key(account) {
            let oldest = self.accounts.iter().min_by_key(|(_, entry)| entry.used).map(|(of, _)| of.clone());
            if let Some(oldest) = oldest {
                self.accounts.remove(&oldest);
            }
        }
        let entry = self.accounts.entry(account.clone()).or_insert_with(|| Entry {
            breaker: Breaker::default(),
            tally: Tally::default(),
            models: BTreeMap::new(),
            used: now,
        });
        entry.used = now;
        entry
    }
}

fn row(account: &Account, breaker: State, model: &str, of: Option<Quantiles>) -> VendorStanding {
    let ms = |part: fn(&Quantiles) -> Duration| of.as_ref().map(|of| part(of).as_secs_f64() * 1e3);
    VendorStanding {
        service: account.service,
        provider: account.provider.clone(),
        base_url: account.base_url.clone(),
        key: account.key.clone(),
        model: model.to_owned(),
        breaker,
        samples: of.map_or(0, |of| u32::try_from(of.samples).unwrap_or(u32::MAX)),
        p50_ms: ms(|of| of.p50),
        p90_ms: ms(|of| of.p90),
        p95_ms: ms(|of| of.p95),
        answered: 0,
        failed: 0,
        spread: Vec::new(),
    }
}

/// Whether a failure says that the vendor is not there for its callers. What this bot asks for and what this machine lacks says nothing of
/// it, and a key that is refused is the operator's.
fn counts(class: FailureClass) -> bool {
    match class {
        FailureClass::Unavailable
        | FailureClass::TimedOut
        | FailureClass::Malformed
        | FailureClass::OverLimit => true,
        FailureClass::Refused
        | FailureClass::Forbidden
        | FailureClass::NotInstalled
        | FailureClass::Unauthorised => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(key: &str, model: &str) -> Vendor {
        let settings =
            LlmSettings { api_key: ApiKey::new(key), model: model.into(), ..LlmSettings::default() };
        Vendor::model(&settings)
    }

    #[test]
    fn a_breaker_is_of_a_key_and_a_speed_of_a_model() {
        let (health, now) = (Health::default(), Instant::now());
        let (a, b, other) = (model("k1", "a"), model("k1", "b"), model("k2", "a"));
        (0..3).for_each(|_| health.failed(&a, (FailureClass::Unavailable, None), now));
        let is_open = |vendor: &Vendor| health.open_until(vendor, now).is_some();
        assert!(is_open(&a) && is_open(&b) && !is_open(&other));
        (0..20).for_each(|n| health.answered(&other, Some(Duration::from_millis(10 * (n + 1))), now));
        assert_eq!(health.p90(&other, now), Some(Duration::from_millis(180)));
        assert_eq!((health.p90(&model("k2", "b"), now), health.p90(&a, now)), (None, None));
        let rows = health.standings(now);
        let told: Vec<_> = rows.iter().map(|row| (row.model.as_str(), row.breaker, row.samples)).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.contains(&("", State::Open, 0)) && told.contains(&("a", State::Closed, 20)), "{told:?}");
        assert!(rows.iter().all(|row| row.key.len() == 8));
        let counts: Vec<_> = rows.iter().map(|row| (row.answered, row.failed)).collect();
        assert!(counts.contains(&(0, 3)) && counts.contains(&(20, 0)), "{counts:?}");
        assert_eq!(rows.iter().flat_map(|row| &row.spread).sum::<u32>(), 20);
    }

    #[test]
    fn second_requests_cost_a_twentieth_at_most() {
        let health = Health::default();
        assert_eq!(health.second_tokens(), 0);
        health.used(1_000, false);
        assert_eq!(health.second_tokens(), 50);
        health.used(40, true);
        assert_eq!((health.second_tokens(), health.second_requests()), (12, 1));
        health.used(40, true);
        assert_eq!(health.second_tokens(), 0);
    }

    #[test]
    fn what_was_not_used_for_the_longest_time_is_forgotten() {
        let (health, began) = (Health::default(), Instant::now());
        for n in 0..ACCOUNTS as u64 + 5 {
            health.answered(&model(&format!("k{n}"), "a"), None, began + Duration::from_secs(n));
        }
        let now = began + Duration::from_secs(100);
        let rows = health.standings(now);
        assert_eq!(rows.len(), ACCOUNTS);
        let first = model("k0", "a").account.key;
        assert!(rows.iter().all(|row| row.key != first));
    }
}
