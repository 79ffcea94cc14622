//! The ready file: tells scripts that the bridge listens, and how to use it.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use vox_shared::private;

use crate::first_start::ADMIN_EMAIL;
use crate::store::{StoreError, Stores};

/// Most bots named.
const MAX_BOTS: usize = 100;

#[derive(Serialize)]
struct Ready<'a> {
    bridge_url: &'a str,
    /// Null when metrics are not served.
    metrics_url: Option<&'a str>,
    admin_email: &'a str,
    /// Only after the start that made it.
    admin_password: Option<&'a str>,
    bots: Vec<ReadyBot>,
}

#[derive(Serialize)]
struct ReadyBot {
    id: String,
    name: String,
}

/// Why the ready file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReadyError {
    #[error("the bots could not be listed")]
    Store(#[from] StoreError),
    #[error("the ready file could not be written")]
    Write(#[from] std::io::Error),
}

/// Where the bridge listens.
#[derive(Debug)]
pub struct Addresses {
    /// `http://` and the address of the API.
    pub api: String,
    /// The same of the metrics, with their path.
    pub metrics: Option<String>,
}

/// Write the file.
pub async fn write(
    stores: &Stores,
    path: &Path,
    listening: &Addresses,
    password: Option<&SecretString>,
) -> Result<(), ReadyError> {
    let bots = stores.all_bots().list_bots(MAX_BOTS).await?.items;
    let bots = bots.into_iter().map(|b| ReadyBot { id: b.id, name: b.value.settings.name }).collect();
    let ready = Ready {
        bridge_url: &listening.api,
        metrics_url: listening.metrics.as_deref(),
        admin_email: ADMIN_EMAIL,
        admin_password: password.map(ExposeSecret::expose_secret),
        bots,
    };
    Ok(private::write_json(path, &ready)?)
}
