//! Keys of the API: what a program sends where a person sends an access token. A key is 24 random bytes and shown once; only
//! its hash is stored, so there is nothing to be compared with what was sent.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use vox_shared::clock::Clock;
use vox_shared::ids::{ApiKeyId, BotId, TenantId, UserId};

use super::scope::Scope;
use super::secret_token::{self, hash};
use crate::store::api_keys::Key;
use crate::store::{Stamp, StoreError, Stored, Stores};

/// What every key begins with.
pub const TOKEN_PREFIX: &str = "vx_";
/// Random part of a key, bytes.
const RANDOM_BYTES: usize = 24;
/// Characters of a key that are kept to recognise it by. Four of them are random; 168 bits stay secret.
const SHOWN_CHARS: usize = TOKEN_PREFIX.len() + 4;
/// Most keys of a tenant that are neither revoked nor expired.
pub const MAX_LIVE: u32 = 100;
/// How long a use stands for the uses after it.
const USE_NOTED_FOR: SignedDuration = SignedDuration::from_secs(60);
/// Uses that are being written down at a time, each of another key. The next use of a key that finds no room is noted instead.
const MAX_NOTING: usize = 64;

/// Why a key opens nothing. Whoever hears that a key is revoked or expired holds all of it.
#[derive(Debug, thiserror::Error)]
pub enum KeyRefused {
    #[error("the key is not known; a key that was rotated away is not either")]
    Unknown,
    #[error("the key is revoked; use another one")]
    Revoked,
    #[error("the key has expired; use another one")]
    Expired,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a key is not made or rotated.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the tenant has {MAX_LIVE} live keys, which is the most; revoke one first")]
    TooMany,
    #[error("the key is revoked or has expired; make a new one")]
    NotLive,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A key to be, checked.
#[derive(Debug)]
pub struct NewKey {
    pub name: String,
    pub scopes: BTreeSet<Scope>,
    pub bots: Option<Vec<BotId>>,
    pub expires_at: Option<Timestamp>,
}

/// A key with its secret, which is never seen again.
#[derive(Debug)]
pub struct Issued {
    pub token: String,
    pub key: Stored<Key>,
}

/// Makes keys and checks them. Cheap to clone.
#[derive(Clone)]
pub struct ApiKeys {
    pub stores: Stores,
    pub clock: Clock,
    noting: Noting,
}

/// A key as it was read, with its last use: who reads it after a write begins another, though the task that wrote has not ended.
type AsRead = (String, Option<Stamp>);

/// The keys whose use is being written down.
#[derive(Clone, Default)]
struct Noting(Arc<Mutex<HashSet<AsRead>>>);

impl Noting {
    /// `None` when it is being written down already, or when there is no room.
    fn begin(&self, key: &str, last_used_at: Option<Stamp>) -> Option<Noted> {
        let (mut keys, key) =
            (self.0.lock().unwrap_or_else(PoisonError::into_inner), (key.to_owned(), last_used_at));
        let begins = keys.len() < MAX_NOTING && keys.insert(key.clone());
        begins.then(|| Noted { noting: self.clone(), key })
    }
}

/// One of them, until it is dropped.
struct Noted {
    noting: Noting,
    key: AsRead,
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.noting.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl ApiKeys {
    pub fn new(stores: Stores, clock: Clock) -> Self {
        Self { stores, clock, noting: Noting::default() }
    }

    /// The live key that this is. That it was used is written down behind the request's back.
    pub async fn prove(&self, token: &str) -> Result<Stored<Key>, KeyRefused> {
        if !token.starts_with(TOKEN_PREFIX) || token.len() > secret_token::MAX_TOKEN_BYTES {
            return Err(KeyRefused::Unknown);
        }
        let (keys, now) = (self.stores.all_api_keys(), Stamp(self.clock.now()));
        let key = keys.find_by_secret(&hash(token)).await?.ok_or(KeyRefused::Unknown)?;
        if key.value.revoked_at.is_some() {
            return Err(KeyRefused::Revoked);
        }
        if key.value.is_expired(now) {
            return Err(KeyRefused::Expired);
        }
        if is_worth_noting(key.value.last_used_at, now) {
            self.note_use(&key, now);
        }
        Ok(key)
    }

    /// The request waits for no write: reading goes on while the store takes none.
    fn note_use(&self, key: &Stored<Key>, now: Stamp) {
        let Some(noted) = self.noting.begin(&key.id, key.value.last_used_at) else { return };
        let (keys, key) = (self.stores.all_api_keys(), key.clone());
        tokio::spawn(async move {
            let _until_written = noted;
            if let Err(error) = keys.mark_used(&key, now).await {
                tracing::warn!(api_key.id = %key.id, %error, "the use of a key could not be noted");
            }
        });
    }

    /// Make a key.
    pub async fn issue(&self, tenant: &TenantId, by: UserId, new: NewKey) -> Result<Issued, KeyError> {
        let (keys, now, token) = (self.stores.api_keys(tenant), Stamp(self.clock.now()), random_token());
        let mut taken = self.taken_places(tenant, now).await?;
        let mut key = Key {
            tenant_id: tenant.clone(),
            name: new.name,
            prefix: shown(&token).to_owned(),
            secret_hash: hash(&token),
            scopes: new.scopes,
            bots: new.bots,
            created_at: now,
            created_by: by,
            expires_at: new.expires_at.map(Stamp),
            last_used_at: None,
            revoked_at: None,
            place: None,
        };
        let id = ApiKeyId::generate();
        while let Some(free) = (0..MAX_LIVE).find(|place| !taken.contains(place)) {
            key.place = Some(free);
            match keys.insert_key(&id, &key).await {
                // Another request was faster.
                Err(StoreError::Duplicate) => {
                    taken.insert(free);
                }
                inserted => {
                    inserted?;
                    return Ok(Issued { token, key: Stored { id: id.to_string(), version: 1, value: key } });
                }
            }
        }
        Err(KeyError::TooMany)
    }

    /// The places of live keys; expired ones lose theirs.
    async fn taken_places(&self, tenant: &TenantId, now: Stamp) -> Result<BTreeSet<u32>, StoreError> {
        let (keys, mut taken) = (self.stores.api_keys(tenant), BTreeSet::new());
        for key in keys.list_in_places().await? {
            if key.value.is_expired(now) {
                keys.vacate(&key.id).await?;
            } else {
                taken.extend(key.value.place);
            }
        }
        Ok(taken)
    }

    /// Give a live key a new secret. The old one opens nothing from then on.
    pub async fn rotate(&self, tenant: &TenantId, id: &ApiKeyId) -> Result<Issued, KeyError> {
        let (keys, token) = (self.stores.api_keys(tenant), random_token());
        if keys.get_key(id).await?.value.is_expired(Stamp(self.clock.now())) {
            return Err(KeyError::NotLive);
        }
        let replaced = keys.replace_secret(id, (shown(&token), &hash(&token))).await?;
        Ok(Issued { token, key: replaced.ok_or(KeyError::NotLive)? })
    }

    /// Revoke a key for good; its record stays.
    pub async fn revoke(&self, tenant: &TenantId, id: &ApiKeyId) -> Result<(), StoreError> {
        self.stores.api_keys(tenant).revoke(id, Stamp(self.clock.now())).await
    }
}

fn random_token() -> String {
    format!("{TOKEN_PREFIX}{}", secret_token::random::<RANDOM_BYTES>())
}

fn shown(token: &str) -> &str {
    &token[..SHOWN_CHARS]
}

/// A use is written down once a minute at most: the store belongs to the calls.
fn is_worth_noting(before: Option<Stamp>, now: Stamp) -> bool {
    before.is_none_or(|before| now.0.duration_since(before.0) >= USE_NOTED_FOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_recognisable_and_url_safe() {
        let (token, other) = (random_token(), random_token());
        assert!(token.len() == 35 && token.starts_with("vx_") && token != other);
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')));
        assert_eq!(shown(&token).len(), 7);
    }

    #[test]
    fn of_each_key_one_use_is_written_at_a_time_and_of_all_so_many() {
        let noting = Noting::default();
        let one = noting.begin("one", None);
        assert!(one.is_some() && noting.begin("one", None).is_none());
        let others: Vec<_> = (0..MAX_NOTING).filter_map(|n| noting.begin(&n.to_string(), None)).collect();
        assert_eq!(others.len(), MAX_NOTING - 1);
        drop(one);
        assert!(noting.begin("one", None).is_some());
    }

    #[test]
    fn a_use_after_a_write_does_not_wait_for_the_end_of_its_task() {
        let (noting, written) = (Noting::default(), Stamp(Timestamp::from_second(60).unwrap()));
        let _still_held = noting.begin("one", None).unwrap();
        assert!(noting.begin("one", Some(written)).is_some());
    }

    #[test]
    fn a_use_is_noted_once_a_minute() {
        let at = |second| Stamp(Timestamp::from_second(second).unwrap());
        assert!(is_worth_noting(None, at(0)) && is_worth_noting(Some(at(0)), at(60)));
        assert!(!is_worth_noting(Some(at(0)), at(59)));
    }
}
