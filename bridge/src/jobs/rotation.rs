//! Carries a rotation of keys on: one that is asked for here, one that this bridge left when it was stopped, and one whose bridge is
//! gone.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use vox_shared::clock::Clock;

use crate::store::COLLECTIONS;
use crate::store::engine::EngineError;
use crate::vault::Vault;
use crate::vault::rotation::{Rotating, SETTLED, rotate};

/// Pause between two looks for a rotation that lost its bridge.
const LOOK: Duration = Duration::from_secs(60);

/// Work until `stop`. What fails is tried again at the next look.
pub async fn run(vault: Arc<Vault>, clock: Clock, stop: CancellationToken) {
    // At the start one that runs is probably this bridge's own.
    let mut is_ours = true;
    loop {
        if is_ours || is_left(&vault, &clock).await {
            work(&vault, &clock, &stop).await;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = vault.rotation_asked() => is_ours = true,
            () = sleep(LOOK) => is_ours = false,
        }
    }
}

async fn is_left(vault: &Vault, clock: &Clock) -> bool {
    match vault.last_rotation().await {
        Ok(last) => last.is_some_and(|rotation| rotation.is_left(clock.now())),
        Err(error) => {
            tracing::warn!(%error, "whether keys are to be rotated cannot be read");
            false
        }
    }
}

async fn work(vault: &Vault, clock: &Clock, stop: &CancellationToken) {
    match rotate(&Rotating { vault, collections: COLLECTIONS, clock, settled: SETTLED, stop }).await {
        Ok(_) => {}
        // Its note was written by somebody else meanwhile.
        Err(EngineError::Stale) => tracing::info!("another bridge rotates the keys"),
        Err(error) => tracing::warn!(%error, "the rotation of keys broke off; it is carried on"),
    }
}
