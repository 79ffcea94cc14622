//! One call's surroundings: a server of its own, a proxy for its media, and a way for each side's signalling, so that one call's trouble is no
//! other's.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
};

use tokio::time::sleep;
use vox_shared::ports::free_address;
use vox_testkit::{chaos::ChaosProxy, livekit::LiveKit};

use super::super::{
    MeasureError,
    relay::{Relay, Side},
    trouble::{AWAY, Trouble},
};
use crate::{calls::Door, process::has_udp_port};

/// One row's server and the ways to it.
pub(super) struct Ground {
    /// It is away only while it is started again.
    server: Option<LiveKit>,
    pub(super) relay: Relay,
    lines: [Arc<ChaosProxy>; 2],
    pub(super) callers: Door,
    pub(super) workers: Door,
}

impl Ground {
    /// A server whose media is behind a proxy at `host` of loopback, and a way for the signalling of either side.
    pub(super) async fn lay(script: &Path, trouble: Trouble, host: u8) -> Result<Self, MeasureError> {
        let udp = free_address()?.port();
        let near = SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), udp));
        let options = ["--udp".to_owned(), udp.to_string(), "--proxy".to_owned(), near.ip().to_string()];
        let server = LiveKit::start(script, &options).await?;
        let media = SocketAddr::from((Ipv4Addr::LOCALHOST, udp));
        let relay = Relay::start(near, media, side_of, trouble.lines()).await?;
        let signalling = server.url.trim_start_matches("ws://").parse().map_err(io::Error::other)?;
        let lines =
            [Arc::new(ChaosProxy::start(signalling).await?), Arc::new(ChaosProxy::start(signalling).await?)];
        let door = |line: &ChaosProxy| Door { url: format!("ws://{}", line.address()), ..Door::of(&server) };
        let (callers, workers) = (door(&lines[0]), door(&lines[1]));
        Ok(Self { server: Some(server), relay, lines, callers, workers })
    }

    pub(super) fn pid(&self) -> u32 {
        self.server.as_ref().map_or(0, |server| server.pid)
    }

    fn line(&self, side: Side) -> Arc<ChaosProxy> {
        let [caller, worker] = &self.lines;
        match side {
            Side::Caller => caller.clone(),
            Side::Worker => worker.clone(),
        }
    }

    /// What happens in the middle of the call; what lasts, lasts on after this.
    pub(super) async fn happens(&mut self, trouble: Trouble) -> Result<(), MeasureError> {
        match trouble {
            Trouble::None | Trouble::BadLine { .. } => {}
            Trouble::SignallingAway(side) => {
                let line = self.line(side);
                line.change(|now| now.refuse = true);
                line.cut();
                tokio::spawn(async move {
                    sleep(AWAY).await;
                    line.change(|now| now.refuse = false);
                });
            }
            Trouble::NetworkChanges(side) => {
                self.relay.moves(side);
                self.line(side).cut();
            }
            Trouble::ServerRestarts => {
                if let Some(server) = self.server.take() {
                    self.server = Some(server.restart().await?);
                }
            }
        }
        Ok(())
    }

    pub(super) async fn clear_away(self) {
        if let Some(server) = self.server {
            server.stop().await;
        }
    }
}

/// The bench's own sockets are the caller's.
fn side_of(client: SocketAddr) -> Side {
    if has_udp_port(client.port()) { Side::Caller } else { Side::Worker }
}
