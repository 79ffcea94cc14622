//! The ready file: tells scripts that the bridge listens, and how to use it.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::app::App;
use crate::first_start::ADMIN_EMAIL;
use crate::private_file;
use crate::store::StoreError;

/// Most bots named.
const MAX_BOTS: usize = 100;

#[derive(Serialize)]
struct Ready<'a> {
    bridge_url: &'a str,
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

/// Write the file. `local_url` is the address that is listened on.
pub async fn write(
    app: &App,
    path: &Path,
    local_url: &str,
    password: Option<&SecretString>,
) -> Result<(), ReadyError> {
    let bots = app.stores.all_bots().list_bots(MAX_BOTS).await?.items;
    let bots = bots.into_iter().map(|b| ReadyBot { id: b.id, name: b.value.settings.name }).collect();
    let ready = Ready {
        bridge_url: local_url,
        admin_email: ADMIN_EMAIL,
        admin_password: password.map(ExposeSecret::expose_secret),
        bots,
    };
    Ok(private_file::write_json(path, &ready)?)
}
