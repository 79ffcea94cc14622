//! Access tokens of service accounts: one renewal for each account and process, ahead of time, so that no turn of a call waits for one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout_at};
use vox_shared::clock::Clock;

use super::egress::Egress;
use super::egress::google::{Account, exchange};
use super::{Failure, FailureClass, TaskGuard};

/// A token is renewed so long before its end, or at half its life where that is later.
const AHEAD: Duration = Duration::from_secs(240);
/// First and longest wait after a failed exchange.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// A vendor that refuses tokens is not answered with new ones more often than this.
const REFUSED_PAUSE: Duration = Duration::from_secs(5);
/// An account that no call used for so long is forgotten.
const IDLE: Duration = Duration::from_secs(2 * 3600);
/// Longest wait of a call for its account's first token. The session gives up much earlier.
const PATIENCE: Duration = Duration::from_secs(30);

/// The accounts that calls use, by a digest of their keys.
#[derive(Debug)]
pub struct Accounts {
    egress: Arc<Egress>,
    clock: Clock,
    known: Mutex<HashMap<[u8; 32], Arc<Tokens>>>,
}

impl Accounts {
    /// None yet; tokens are asked for over this way out, by this clock.
    pub fn new(egress: Arc<Egress>, clock: Clock) -> Self {
        Self { egress, clock, known: Mutex::default() }
    }

    /// The tokens of the account with this key file. The first are asked for at once; the call need not wait for them.
    ///
    /// # Errors
    /// `Unauthorised`, with what is wrong with the file; `Forbidden` where its token server may not be asked.
    pub fn open(&self, vendor: &'static str, key_file: &str) -> Result<Arc<Tokens>, Failure> {
        let digest: [u8; 32] = Sha256::digest(key_file.trim().as_bytes()).into();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        known.retain(|_, tokens| Arc::strong_count(tokens) > 1 || now - tokens.used() < IDLE);
        if let Some(tokens) = known.get(&digest) {
            tokens.touch();
            return Ok(Arc::clone(tokens));
        }
        let wrong = |fault| Failure::new(FailureClass::Unauthorised, format!("{vendor}: {fault}"));
        let account = Account::parse(key_file).map_err(wrong)?;
        self.egress.check(account.token_server())?;
        let tokens = Arc::new(Tokens::of(vendor, account, (Arc::clone(&self.egress), self.clock.clone())));
        known.insert(digest, Arc::clone(&tokens));
        Ok(tokens)
    }
}

/// What is known of an account's token.
#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    Unknown,
    Good {
        authorization: HeaderValue,
        until: Instant,
        since: Instant,
    },
    Failed(Failure),
}

/// The tokens of one account, renewed until it is dropped.
#[derive(Debug)]
pub struct Tokens {
    vendor: &'static str,
    project: Option<String>,
    state: watch::Receiver<State>,
    refused: Arc<Notify>,
    /// When a token was last asked for because the vendor had refused one.
    replaced: Mutex<Option<Instant>>,
    used: Mutex<Instant>,
    _renewal: TaskGuard,
}

impl Tokens {
    fn of(vendor: &'static str, account: Account, with: (Arc<Egress>, Clock)) -> Self {
        let project = account.project().map(str::to_owned);
        let (sender, state) = watch::channel(State::default());
        let refused = Arc::new(Notify::new());
        let renewal = Renewal { vendor, account, with, sender, refused: Arc::clone(&refused) };
        let task = TaskGuard::new(tokio::spawn(renewal.run()));
        let used = Mutex::new(Instant::now());
        Self { vendor, project, state, refused, replaced: Mutex::default(), used, _renewal: task }
    }

    /// The project that the account belongs to.
    pub fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// The token as a header. Only the first one of an account is waited for.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn authorization(&self) -> Result<HeaderValue, Failure> {
        self.touch();
        let mut state = self.state.clone();
        let is_known = |state: &State| match state {
            State::Unknown => false,
            State::Good { until, .. } => Instant::now() < *until,
            State::Failed(_) => true,
        };
        let late = || Failure::new(FailureClass::TimedOut, format!("{}: no token in time", self.vendor));
        let waiting = timeout_at(Instant::now() + PATIENCE, state.wait_for(is_known)).await;
        let known = waiting.map_err(|_| late())?.map_err(|_| late())?.clone();
        match known {
            State::Good { authorization, .. } => Ok(authorization),
            State::Failed(failure) => Err(failure),
            State::Unknown => Err(late()),
        }
    }

    /// The vendor did not take this token though its time is not over: have another one made. False when it is one that was made for
    /// that reason: another would fare no better.
    pub async fn replace(&self, refused: &HeaderValue) -> bool {
        let mut state = self.state.clone();
        match &*state.borrow_and_update() {
            // It was replaced meanwhile.
            State::Good { authorization, .. } if authorization != refused => return true,
            State::Good { since, .. } if !self.may_replace(*since) => return false,
            _ => {}
        }
        timeout_at(Instant::now() + PATIENCE, state.changed()).await.is_ok_and(|changed| changed.is_ok())
    }

    /// Ask for another token than that of `since`, unless that was just done.
    fn may_replace(&self, since: Instant) -> bool {
        let mut asked = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        match *asked {
            // It is on its way.
            Some(at) if since < at => true,
            Some(at) if at.elapsed() < REFUSED_PAUSE => false,
            _ => {
                *asked = Some(Instant::now());
                self.refused.notify_one();
                true
            }
        }
    }

    fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// The task that keeps an account's token good.
struct Renewal {
    vendor: &'static str,
    account: Account,
    with: (Arc<Egress>, Clock),
    sender: watch::Sender<State>,
    refused: Arc<Notify>,
}

impl Renewal {
    async fn run(self) {
        let mut retry = RETRY;
        loop {
            let second = self.with.1.now().as_second();
            let asked = Box::pin(exchange((self.vendor, &self.with.0), &self.account, second)).await;
            let wait = match asked {
                Ok(token) => {
                    retry = RETRY;
                    let since = Instant::now();
                    let until = since + token.life;
                    self.sender.send_replace(State::Good {
                        authorization: token.authorization,
                        until,
                        since,
                    });
                    token.life.saturating_sub(AHEAD).max(token.life / 2)
                }
                Err(failure) => {
                    tracing::warn!(provider = self.vendor, %failure, "no token for a service account");
                    let wait = failure.retry_after.unwrap_or(retry).min(RETRY_MAX);
                    retry = (retry * 2).min(RETRY_MAX);
                    self.fail(failure);
                    wait
                }
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = self.refused.notified() => {}
            }
        }
    }

    /// A token that is still good stays, whatever became of the next one.
    fn fail(&self, failure: Failure) {
        self.sender.send_modify(|state| match state {
            State::Good { until, .. } if Instant::now() < *until => {}
            _ => *state = State::Failed(failure),
        });
    }
}
