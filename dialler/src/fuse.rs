//! The self-test: is a room that nobody has made closed to whoever may only join? Without that a request to dial that is late would ring.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use vox_livekit::service::ServiceError;
use vox_shared::ids::WorkerId;

use crate::desk::Desk;
use crate::pulse::{Fuse, Pulse};

/// What to do where it is off.
pub const WHAT_TO_DO: &str = "LiveKit makes rooms for whoever joins: set `room: {auto_create: false}` in its configuration and start it anew; \
                              a LiveKit server of its own for campaigns leaves other rooms as they are (docs/campaigns.md)";
/// Until it is known to be on.
const AGAIN: Duration = Duration::from_secs(15);
/// Somebody may start the server anew with other settings.
const NOW_AND_THEN: Duration = Duration::from_secs(300);

/// Whether it is on.
///
/// # Errors
///
/// When the server does not say.
pub async fn is_on(desk: &Desk) -> Result<bool, ServiceError> {
    let room = format!("vox-self-test-{}", WorkerId::generate());
    desk.livekit.lets_into_unmade_rooms(&room).await.map(|lets_in| !lets_in)
}

/// Test it, until it is on and from then on now and then; tell whoever dials.
pub async fn watch(desk: Arc<Desk>, pulse: Arc<Pulse>, tells: watch::Sender<bool>) {
    loop {
        let found = is_on(&desk).await;
        match &found {
            Ok(true) => pulse.fuse(Fuse::On),
            Ok(false) => {
                tracing::error!("no campaign runs: {WHAT_TO_DO}");
                pulse.fuse(Fuse::Off(WHAT_TO_DO));
            }
            Err(error) => {
                tracing::warn!(%error, "LiveKit does not say whether it makes rooms for whoever joins")
            }
        }
        if let Ok(on) = found {
            desk.metrics.fuse.set(i64::from(on));
            tells.send_replace(on);
        }
        sleep(if *tells.borrow() { NOW_AND_THEN } else { AGAIN }).await;
    }
}
