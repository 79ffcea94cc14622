//! The relays of a session: begun, standing, ended, and what went through them.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::room::inbound::{Inbound, RelayId};
use crate::room::relay::{self, Wanted};
use crate::turn::Server;
use crate::wire::signal::Target;

/// Packets that wait for a relay to take them.
const OUTBOUND: usize = 128;

/// A relay (TURN) that media may go through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayStats {
    /// The server's address, as in `turn:203.0.113.7:3478?transport=udp`.
    pub server: String,
    /// The address that it lent us.
    pub relayed: Option<SocketAddr>,
    /// Why there is none, or no more.
    pub failed: Option<String>,
    /// Packets through it, probes of ways among them.
    pub sent: u64,
    pub received: u64,
}

struct Relay {
    id: RelayId,
    target: Target,
    /// Dropping it ends the relay.
    packets: Option<mpsc::Sender<(SocketAddr, Vec<u8>)>>,
    stats: RelayStats,
}

#[derive(Default)]
pub(super) struct Relays {
    all: Vec<Relay>,
    next: u64,
}

impl Relays {
    /// Have relays for this connection, in place of those that it had.
    pub(super) fn begin(
        &mut self,
        target: Target,
        servers: Vec<Server>,
        tls: Option<&Arc<rustls::ClientConfig>>,
        inbound: &mpsc::Sender<Inbound>,
    ) {
        self.all.retain(|relay| relay.target != target);
        for server in servers {
            self.next += 1;
            let id = RelayId(self.next);
            let (packets, outgoing) = mpsc::channel(OUTBOUND);
            let stats = RelayStats { server: server.to_string(), ..RelayStats::default() };
            self.all.push(Relay { id, target, packets: Some(packets), stats });
            let wanted = Wanted { id, target, server, tls: tls.cloned() };
            // It ends by itself when its queue is dropped, and gives its address back first.
            tokio::spawn(relay::run(wanted, inbound.clone(), outgoing));
        }
    }

    /// It stands. Whether it is still wanted.
    pub(super) fn stands(&mut self, id: RelayId, relayed: SocketAddr) -> bool {
        let Some(relay) = self.all.iter_mut().find(|relay| relay.id == id) else { return false };
        tracing::info!(server = %relay.stats.server, "media may go through a relay");
        relay.stats.relayed = Some(relayed);
        true
    }

    /// It is no more, or was never; the address that it had.
    pub(super) fn ended(&mut self, id: RelayId, why: String) -> Option<SocketAddr> {
        let relay = self.all.iter_mut().find(|relay| relay.id == id)?;
        tracing::warn!(server = %relay.stats.server, why, "no relay by this TURN server");
        relay.packets = None;
        relay.stats.failed = Some(why);
        relay.stats.relayed.take()
    }

    /// Send a packet from an address that was lent, if it is one.
    pub(super) fn send(&mut self, target: Target, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let Some(relay) = self.find(target, from) else { return };
        if let Some(packets) = &relay.packets
            && packets.try_send((to, bytes.to_vec())).is_ok()
        {
            relay.stats.sent += 1;
        }
    }

    pub(super) fn count(&mut self, target: Target, to: SocketAddr) {
        if let Some(relay) = self.find(target, to) {
            relay.stats.received += 1;
        }
    }

    pub(super) fn stats(&self) -> Vec<RelayStats> {
        self.all.iter().map(|relay| relay.stats.clone()).collect()
    }

    fn find(&mut self, target: Target, relayed: SocketAddr) -> Option<&mut Relay> {
        self.all.iter_mut().find(|relay| relay.target == target && relay.stats.relayed == Some(relayed))
    }
}
