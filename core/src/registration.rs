//! The worker tells the bridge that it is there, before the bridge forgets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::fleet::WorkerReport;

use crate::app::App;

/// Renewal, well inside the bridge's TTL.
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// After a failure.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// Register, and renew at each change and every few seconds, until the process ends.
pub async fn run(app: Arc<App>, addr: SocketAddr) {
    let mut changes = app.slot.watch();
    loop {
        let renewed = app.bridge.register(&report(&app, addr)).await;
        let pause = match &renewed {
            Ok(lease) => {
                RENEW_EVERY.min(Duration::from_secs(u64::from(lease.ttl_seconds) / 2).max(RETRY_EVERY))
            }
            Err(error) => {
                tracing::debug!(%error, "the bridge does not take the registration yet");
                RETRY_EVERY
            }
        };
        tokio::select! {
            _either = timeout(pause, changes.changed()) => {}
            () = app.drain.cancelled(), if !app.drain.is_cancelled() => {}
        }
    }
}

fn report(app: &App, addr: SocketAddr) -> WorkerReport {
    let stats = app.outbox.stats();
    WorkerReport {
        version: WIRE_VERSION,
        worker_id: app.worker_id.clone(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        address: app.config.advertise.clone().unwrap_or_else(|| format!("http://{addr}")),
        slots: 1,
        calls: u32::from(app.slot.is_busy()),
        build: env!("CARGO_PKG_VERSION").into(),
        draining: app.drain.is_cancelled(),
        pid: std::process::id(),
        session_id: app.slot.session_id(),
        takes_orders: true,
        seats_supervisors: cfg!(feature = "livekit") && app.config.livekit.is_some(),
        outbox_depth: stats.depth,
        outbox_oldest_seconds: app.outbox.oldest_age().unwrap_or_default().as_secs_f64(),
        outbox_rejected: stats.rejected + app.courier.books().refused(),
    }
}
