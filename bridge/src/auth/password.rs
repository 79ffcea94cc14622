//! Passwords: argon2id, bounded, and as slow for an unknown user as for a known one.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Memory of one hash, KiB.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Hashes at the same time; each costs about 30 ms of a core.
const AT_ONCE: usize = 2;
/// Longest wait for a turn.
const TURN_DEADLINE: Duration = Duration::from_secs(5);
/// Shortest password that may be set, characters.
pub const MIN_PASSWORD: usize = 10;
/// Longest password accepted, bytes.
pub const MAX_PASSWORD_BYTES: usize = 256;

/// Hashes and verifies.
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// Verified in place of an unknown user's, so that both take the same time.
    decoy: String,
}

/// Why a password could not be handled.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("too many passwords at once")]
    Busy,
    #[error("the password could not be hashed: {0}")]
    Hash(String),
}

impl Passwords {
    /// Makes the decoy: one hash. Blocks for that long.
    pub fn new() -> Result<Self, PasswordError> {
        Ok(Self { turns: Arc::new(Semaphore::new(AT_ONCE)), decoy: hash(b"nobody has this password")? })
    }

    /// The PHC string to store.
    pub async fn hash(&self, password: SecretString) -> Result<String, PasswordError> {
        self.in_turn(move || hash(password.expose_secret().as_bytes())).await?
    }

    /// Whether the password is the stored one; `None` stands for a user who does not exist and takes as long.
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool, PasswordError> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.clone());
        let right = self.in_turn(move || {
            let Ok(stored) = PasswordHash::new(&stored) else { return false };
            Argon2::default().verify_password(password.expose_secret().as_bytes(), &stored).is_ok()
        });
        Ok(right.await? && known)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = timeout(TURN_DEADLINE, self.turns.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| PasswordError::Busy)?.map_err(|_| PasswordError::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|e| PasswordError::Hash(e.to_string()))
    }
}

fn hash(password: &[u8]) -> Result<String, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|e| PasswordError::Hash(e.to_string()))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash =
        argon2.hash_password(password).map_err(|e| PasswordError::Hash(e.to_string()))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_is_right() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash("correct horse".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(passwords.verify("correct horse".into(), Some(stored.clone())).await.unwrap());
        assert!(!passwords.verify("wrong".into(), Some(stored)).await.unwrap());
        assert!(!passwords.verify("nobody has this password".into(), None).await.unwrap());
    }
}
