//! Where several bridges of one deployment meet.

use secrecy::{ExposeSecret, SecretString};
use vox_shared::env::Env;

/// The server that bridges coordinate by.
#[derive(Clone, Debug, Default)]
pub struct CoordinationSettings {
    /// `VOX_REDIS_URL` or `VOX_REDIS_URL_FILE` (none: within this process): `redis://[user:password@]host[:port][/database]`, with
    /// TLS `rediss://…`.
    pub redis_url: Option<SecretString>,
}

impl CoordinationSettings {
    pub(super) fn from_env(env: &mut Env) -> Self {
        let redis_url = env.secret("VOX_REDIS_URL");
        let is_address = |url: &str| ["redis://", "rediss://"].iter().any(|scheme| url.starts_with(scheme));
        if redis_url.as_ref().is_some_and(|url| !is_address(url.expose_secret())) {
            env.fault("VOX_REDIS_URL: must start with redis:// or rediss://");
        }
        Self { redis_url }
    }
}
