//! Who sends a request: a person with an access token, or a worker with the internal secret.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use vox_shared::clock::Clock;

use super::token::Tokens;
use crate::store::users::User;
use crate::store::{StoreError, Stored, Stores};

/// Checks proofs. Cheap to clone.
#[derive(Clone)]
pub struct Proofs {
    stores: Stores,
    clock: Clock,
    tokens: Arc<Tokens>,
    internal_secret: SecretString,
}

impl Proofs {
    pub fn new(stores: Stores, clock: Clock, tokens: Arc<Tokens>, internal_secret: SecretString) -> Self {
        Self { stores, clock, tokens, internal_secret }
    }

    /// The active person whose access token this is. Read from the store each time: a token outlives a rank.
    pub async fn person(&self, token: &str) -> Result<Option<Stored<User>>, StoreError> {
        let Some(claims) = self.tokens.read(token, self.clock.now()) else { return Ok(None) };
        let user = self.stores.all_users().find_by_email(&claims.sub).await?;
        Ok(user.filter(|u| u.value.active && claims.iat >= u.value.tokens_valid_from.0.as_second()))
    }

    /// Whether this is the internal secret; takes as long for a wrong one.
    pub fn is_internal(&self, given: &[u8]) -> bool {
        given.ct_eq(self.internal_secret.expose_secret().as_bytes()).into()
    }
}
