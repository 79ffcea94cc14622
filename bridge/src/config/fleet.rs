//! Machines whose workers do not register.

use vox_shared::env::Env;

use crate::fleet::hosts::NewHost;

/// The fleet beside the workers that register.
#[derive(Clone, Debug, Default)]
pub struct FleetSettings {
    /// `VOX_FLEET_HOSTS` (none): hosts to poll, comma-separated: `NAME=http://HOST:PORT`, or the address alone. They are added to
    /// those that the API knows.
    pub hosts: Vec<NewHost>,
}

impl FleetSettings {
    pub(super) fn from_env(env: &mut Env) -> Self {
        const NAME: &str = "VOX_FLEET_HOSTS";
        let mut hosts = Vec::new();
        for text in env.text(NAME).unwrap_or_default().split(',').map(str::trim).filter(|t| !t.is_empty()) {
            match NewHost::parse(text) {
                Some(host) => hosts.push(host),
                None => env
                    .fault(format!("{NAME}: '{text}' is neither NAME=http://HOST:PORT nor http://HOST:PORT")),
            }
        }
        Self { hosts }
    }
}
