//! Master keys: they wrap the data keys, and are in no store. Named by the operator, or in the embedded default a file that the
//! bridge makes in its data directory.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use vox_shared::private;

use super::aead::{KEY_BYTES, Key};
use crate::auth::secret_token::hex;

/// The file in the data directory.
pub const MASTER_KEY_FILE: &str = "master.key";
/// Bytes of a master key's hash that its id has.
const ID_BYTES: usize = 8;
/// Hashed before a key for its id, so that the id is the hash of nothing else.
const DOMAIN: &[u8] = b"vox master key 1";

/// One master key.
pub struct MasterKey {
    /// Part of a hash of the key: the key is random, so it tells nothing of it.
    pub id: String,
    pub key: Key,
}

/// Master keys. The first one wraps, all of them unwrap. Cheap to clone; shown by their ids.
#[derive(Clone)]
pub struct MasterKeys(Arc<Vec<MasterKey>>);

/// What is wrong with the text of master keys, without any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMasterKey {
    #[error(
        "key {0} is not 32 bytes in base64 (44 characters); make one with `openssl rand -base64 32`. Several are separated by commas"
    )]
    Form(usize),
    #[error("key {0} is one byte again and again; make one with `openssl rand -base64 32`")]
    Weak(usize),
    #[error("there is none; make one with `openssl rand -base64 32`")]
    None,
}

impl MasterKeys {
    /// Of keys in base64, separated by commas or white space.
    pub fn parse(text: &str) -> Result<Self, BadMasterKey> {
        let separates = |c: char| c == ',' || c.is_whitespace();
        let mut keys: Vec<MasterKey> = Vec::new();
        for (number, part) in (1..).zip(text.split(separates).filter(|part| !part.is_empty())) {
            let bytes = STANDARD.decode(part).map_err(|_| BadMasterKey::Form(number))?;
            let key = Key::of(&bytes).ok_or(BadMasterKey::Form(number))?;
            if bytes.iter().all(|byte| *byte == bytes[0]) {
                return Err(BadMasterKey::Weak(number));
            }
            let id = id_of(&key);
            if keys.iter().all(|known| known.id != id) {
                keys.push(MasterKey { id, key });
            }
        }
        if keys.is_empty() { Err(BadMasterKey::None) } else { Ok(Self(Arc::new(keys))) }
    }

    /// The one that wraps.
    pub fn first(&self) -> &MasterKey {
        &self.0[0]
    }

    pub fn find(&self, id: &str) -> Option<&MasterKey> {
        self.0.iter().find(|key| key.id == id)
    }

    /// Their ids, for people.
    pub fn ids(&self) -> String {
        self.0.iter().map(|key| key.id.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKeys({})", self.ids())
    }
}

fn id_of(key: &Key) -> String {
    let hash = Sha256::new().chain_update(DOMAIN).chain_update(key.bytes()).finalize();
    hex(&hash[..ID_BYTES])
}

/// Where the master keys of a deployment come from.
#[derive(Clone, Debug)]
pub enum MasterSource {
    /// The settings name them.
    Given(MasterKeys),
    /// A file of the bridge's own.
    File(PathBuf),
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    #[error("the master key in '{path}' cannot be read or written")]
    File {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("the master key in '{path}': {source}; put the file back from a backup")]
    Bad {
        path: String,
        #[source]
        source: BadMasterKey,
    },
}

impl MasterSource {
    /// The keys; `None` when the file is not there yet.
    pub fn read(&self) -> Result<Option<MasterKeys>, MasterKeyError> {
        let path = match self {
            Self::Given(keys) => return Ok(Some(keys.clone())),
            Self::File(path) => path,
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refused(path)(error)),
        };
        private::close_to_others(path).map_err(refused(path))?;
        let bad = |source| MasterKeyError::Bad { path: path.display().to_string(), source };
        MasterKeys::parse(&text).map(Some).map_err(bad)
    }

    /// Make the file that is missing.
    pub fn make(&self) -> Result<MasterKeys, MasterKeyError> {
        let path = match self {
            Self::Given(keys) => return Ok(keys.clone()),
            Self::File(path) => path,
        };
        let text = STANDARD.encode(Key::generate().bytes());
        debug_assert_eq!(text.len(), KEY_BYTES.div_ceil(3) * 4);
        private::write(path, format!("{text}\n").as_bytes()).map_err(refused(path))?;
        tracing::info!(
            file = MASTER_KEY_FILE,
            "a master key was made; keep it with the backups of the data directory"
        );
        Ok(MasterKeys::parse(&text).expect("a key that was just made"))
    }
}

fn refused(path: &Path) -> impl FnOnce(std::io::Error) -> MasterKeyError {
    let path = path.display().to_string();
    move |source| MasterKeyError::File { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn several_keys_are_read_and_the_first_wraps() {
        let two = STANDARD.encode([7_u8, 8].repeat(16));
        let keys = MasterKeys::parse(&format!("{two},\n {ONE} {two}")).unwrap();
        assert_eq!(keys.0.len(), 2);
        assert_eq!(keys.first().id, MasterKeys::parse(&two).unwrap().first().id);
        let shown = format!("{keys:?}");
        assert!(shown.contains(&keys.first().id) && !shown.contains(&two[..8]), "{shown}");
    }

    #[test]
    fn what_is_no_key_is_told_without_it() {
        for (text, fault) in [
            ("", BadMasterKey::None),
            ("c2hvcnQ=", BadMasterKey::Form(1)),
            ("not base64 at all", BadMasterKey::Form(1)),
            (&STANDARD.encode([9; 32]), BadMasterKey::Weak(1)),
            (&format!("{ONE},x"), BadMasterKey::Form(2)),
        ] {
            assert_eq!(MasterKeys::parse(text).unwrap_err(), fault, "{text}");
        }
    }
}
