//! The worker tells the bridge that it is there, before the bridge forgets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use vox_shared::wire::WIRE_VERSION;
use vox_shared::wire::fleet::WorkerReport;

use crate::app::App;

/// Renewal, well inside the bridge's TTL.
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// Longest name of a machine, bytes.
const MAX_NAME: usize = 253;
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
        host: name_of(&rustix::system::uname().nodename().to_string_lossy()),
        address: app.config.advertise.clone().unwrap_or_else(|| format!("http://{}", reachable(addr))),
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
        vendors: app.health.standings(Instant::now()),
        permits: app.courier.held().names(),
    }
}

/// The machine's name as bridges take one: a kernel takes any bytes.
fn name_of(node: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let name: String = node.chars().map(kept).take(MAX_NAME).collect();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

/// An address to connect to, for one to listen on: whoever listens everywhere and says no address is reached on its own machine.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        addr.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    addr
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_machine_has_a_name_that_a_bridge_takes() {
        for (node, expected) in [
            ("voice-1.example.com", "voice-1.example.com"),
            ("(none)", "-none-"),
            ("a b/ü", "a-b--"),
            ("", "unnamed"),
        ] {
            assert_eq!(name_of(node), expected, "{node}");
        }
        assert_eq!(name_of(&"n".repeat(300)).len(), MAX_NAME);
    }

    #[test]
    fn a_worker_that_listens_everywhere_says_where_it_is_reached() {
        for (addr, expected) in [
            ("0.0.0.0:9001", "127.0.0.1:9001"),
            ("[::]:9001", "127.0.0.1:9001"),
            ("10.0.0.5:9001", "10.0.0.5:9001"),
        ] {
            assert_eq!(reachable(addr.parse().unwrap()).to_string(), expected);
        }
    }
}
