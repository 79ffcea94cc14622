//! A running platform as scripts and `vox call` find it: one JSON object in a file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use vox_shared::private;

/// Where `vox up` tells that it runs, below the data directory.
pub const UP_FILE: &str = "run/up.json";

/// A bot's id and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotName {
    pub id: String,
    pub name: String,
}

/// Everything a script needs to use a platform. The names are a contract.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Platform {
    pub bridge_url: String,
    /// One address for the call sockets.
    pub calls_url: String,
    pub admin_email: String,
    /// The first password, as long as it was not changed.
    #[serde(serialize_with = "optional_in_clear")]
    pub admin_password: Option<SecretString>,
    #[serde(serialize_with = "in_clear")]
    pub internal_secret: SecretString,
    pub bots: Vec<BotName>,
}

/// Why the file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    #[error("no platform runs on {data_dir}: start one with `vox up --data-dir {data_dir}`")]
    NotRunning { data_dir: PathBuf },
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is damaged: stop and start `vox up`")]
    Malformed { path: PathBuf, source: serde_json::Error },
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: io::Error },
}

impl Platform {
    /// The platform that runs, or says it runs, on a data directory.
    pub fn find(data_dir: &Path) -> Result<Self, PlatformError> {
        let path = data_dir.join(UP_FILE);
        let text = fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => PlatformError::NotRunning { data_dir: data_dir.to_owned() },
            _ => PlatformError::Read { path: path.clone(), source },
        })?;
        serde_json::from_slice(&text).map_err(|source| PlatformError::Malformed { path, source })
    }

    /// Write the file; only this user may read it, and a reader sees all of it or nothing.
    pub fn write(&self, path: &Path) -> Result<(), PlatformError> {
        let mut text = serde_json::to_vec(self).expect("texts and lists always serialise");
        text.push(b'\n');
        private::write(path, &text).map_err(|source| PlatformError::Write { path: path.to_owned(), source })
    }
}

fn in_clear<S: Serializer>(secret: &SecretString, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(secret.expose_secret())
}

fn optional_in_clear<S: Serializer>(secret: &Option<SecretString>, to: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|secret| secret.expose_secret()).serialize(to)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_file_is_the_contract_and_can_be_read_again() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("run")).unwrap();
        let platform = Platform {
            bridge_url: "http://127.0.0.1:1".into(),
            calls_url: "http://127.0.0.1:2".into(),
            admin_email: "a@b".into(),
            admin_password: Some("p".into()),
            internal_secret: "s".into(),
            bots: vec![BotName { id: "faq".into(), name: "FAQ".into() }],
        };
        let path = directory.path().join(UP_FILE);
        platform.write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!({
                "bridge_url": "http://127.0.0.1:1", "calls_url": "http://127.0.0.1:2", "admin_email": "a@b",
                "admin_password": "p", "internal_secret": "s", "bots": [{"id": "faq", "name": "FAQ"}],
            })
        );
        assert_eq!(text.lines().count(), 1);
        assert_eq!(Platform::find(directory.path()).unwrap().internal_secret.expose_secret(), "s");
        assert!(!format!("{platform:?}").contains("\"s\""), "secrets are not in debug output");
    }

    #[test]
    fn without_a_platform_the_error_says_how_to_start_one() {
        let error = Platform::find(Path::new("/nowhere/at-all")).unwrap_err().to_string();
        assert!(error.contains("vox up --data-dir /nowhere/at-all"), "{error}");
    }
}
