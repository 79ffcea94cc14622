//! Who sends a request: a person with an access token, a worker, one of the deployment's own tools, or who has a call's token.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use vox_shared::clock::Clock;

use super::call_token::{CallTokens, OneCall};
use super::token::Tokens;
use crate::config::{Auth, Tokenless};
use crate::store::users::User;
use crate::store::{StoreError, Stored, Stores};

/// Checks proofs. Cheap to clone.
#[derive(Clone)]
pub struct Proofs {
    stores: Stores,
    clock: Clock,
    tokens: Arc<Tokens>,
    calls: Arc<CallTokens>,
    tokenless: Tokenless,
    worker_secret: SecretString,
    worker_secret_also: Option<SecretString>,
    tools_secret: Option<SecretString>,
}

/// Who of the deployment itself sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    Worker,
    /// The command line, load tools, what an operator runs.
    Tools,
}

impl Proofs {
    pub fn new(
        (stores, clock): (Stores, Clock),
        tokens: Arc<Tokens>,
        calls: Arc<CallTokens>,
        secrets: &Auth,
    ) -> Self {
        let (worker_secret, tools_secret) = (secrets.internal_secret.clone(), secrets.tools_secret.clone());
        let (tokenless, worker_secret_also) = (secrets.tokenless, secrets.internal_secret_also.clone());
        Self { stores, clock, tokens, calls, tokenless, worker_secret, worker_secret_also, tools_secret }
    }

    /// The active person whose access token this is. Read from the store each time: a token outlives a rank.
    pub async fn person(&self, token: &str) -> Result<Option<Stored<User>>, StoreError> {
        let Some(claims) = self.tokens.read(token, self.clock.now()) else { return Ok(None) };
        let user = self.stores.all_users().find_by_email(&claims.sub).await?;
        let is_valid = |user: &User| {
            let from = user.tokens_valid_from;
            // Without the claim it is from a version before it, and the second must do.
            let is_under = claims.under.as_ref().is_none_or(|under| *under == from.to_string());
            user.active && claims.iat >= from.0.as_second() && is_under
        };
        Ok(user.filter(|user| is_valid(&user.value)))
    }

    /// The call whose token this is.
    pub fn call(&self, token: &str) -> Option<OneCall> {
        self.calls.read(token, self.clock.now())
    }

    /// Whether workers without tokens may deliver.
    pub fn tokenless(&self) -> Tokenless {
        self.tokenless
    }

    /// Whose secret this is; takes as long for a wrong one.
    pub fn inside(&self, given: &[u8]) -> Option<Inside> {
        let is = |secret: &SecretString| bool::from(given.ct_eq(secret.expose_secret().as_bytes()));
        let is_worker = is(&self.worker_secret) | self.worker_secret_also.as_ref().is_some_and(is);
        let is_tool = self.tools_secret.as_ref().is_some_and(is);
        if is_tool {
            return Some(Inside::Tools);
        }
        is_worker.then_some(Inside::Worker)
    }
}
