//! When media goes through relays (TURN): at once where nothing else is allowed, else where no direct way is found for a moment.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{Output, Session};
use crate::error::JoinError;
use crate::options::Transport;
use crate::turn::{Server, Way};
use crate::wire::model::ClientConfiguration;
use crate::wire::signal::{IceServer, Request, Target, Trickle};

/// So long without a way a connection gets relays: half a second after TCP is tried.
const AFTER: Duration = Duration::from_secs(2);
/// `livekit.ClientConfigSetting`.
const ENABLED: i32 = 2;

/// The relays of a session. Their sockets are others' matter.
pub(super) struct Relays {
    transport: Transport,
    is_forced: bool,
    servers: Vec<Server>,
    /// Connections that have no way to the other side.
    lost: BTreeSet<Target>,
    /// Since when, as far as it was looked at.
    since: BTreeMap<Target, Instant>,
    /// Those that have relays, or are to get them.
    begun: BTreeSet<Target>,
    /// Addresses that were lent to us.
    lent: BTreeSet<(Target, SocketAddr)>,
}

impl Relays {
    pub(super) const fn new(transport: Transport) -> Self {
        Self {
            transport,
            is_forced: false,
            servers: Vec::new(),
            lost: BTreeSet::new(),
            since: BTreeMap::new(),
            begun: BTreeSet::new(),
            lent: BTreeSet::new(),
        }
    }

    /// Whether nothing else is allowed.
    pub(super) fn only(&self) -> bool {
        self.is_forced || self.transport == Transport::Relay
    }

    /// Whether a packet may come or go by this address of ours.
    pub(super) fn allow(&self, target: Target, ours: SocketAddr) -> bool {
        !self.only() || self.lent.contains(&(target, ours))
    }

    pub(super) fn due(&self) -> Option<Instant> {
        let waiting = self.since.iter().filter(|(target, _)| !self.begun.contains(target));
        waiting.map(|(_, since)| *since + AFTER).min().filter(|_| !self.servers.is_empty())
    }

    /// A connection has a way to the other side, or none.
    pub(super) fn reaches(&mut self, target: Target, reaches: bool) {
        if reaches {
            self.lost.remove(&target);
            self.since.remove(&target);
        } else {
            self.lost.insert(target);
        }
    }

    /// Those connections that have waited long enough.
    fn wanting(&mut self, now: Instant) -> Vec<Target> {
        for target in &self.lost {
            self.since.entry(*target).or_insert(now);
        }
        let is_due = |(target, since): &(&Target, &Instant)| {
            !self.begun.contains(*target) && now.saturating_duration_since(**since) >= AFTER
        };
        self.since.iter().filter(is_due).map(|(target, _)| *target).collect()
    }
}

impl Session {
    /// What the server says of ways to it, when we join and when we come back.
    pub(crate) fn ways(
        &mut self,
        servers: &[IceServer],
        configuration: Option<&ClientConfiguration>,
    ) -> Result<(), JoinError> {
        let relays = &mut self.relays;
        relays.is_forced = configuration.is_some_and(|told| told.force_relay == ENABLED);
        let transport = if relays.is_forced { Transport::Relay } else { relays.transport };
        relays.servers = Server::listed(servers);
        relays.servers.retain(|server| match transport {
            Transport::Any | Transport::Relay => true,
            Transport::Udp => server.way == Way::Udp,
            Transport::Tcp => server.way != Way::Udp,
        });
        if relays.only() && relays.servers.is_empty() {
            return Err(JoinError::RelayOnly);
        }
        Ok(())
    }

    /// We are in: connections that may have no other way get relays at once.
    pub(super) fn want_ways(&mut self) {
        let targets: Vec<Target> = self.targets().collect();
        for target in targets {
            if self.relays.only() {
                self.begin_relays(target);
            } else if target == Target::Publisher {
                self.relays.reaches(target, false);
            }
        }
    }

    /// There is another line: relays that led nowhere any more may be had anew, from the servers that are named now.
    pub(super) fn want_ways_again(&mut self) {
        self.relays.begun.clear();
        self.relays.reaches(Target::Publisher, false);
    }

    pub(super) fn relays_due(&mut self, now: Instant) {
        for target in self.relays.wanting(now) {
            self.begin_relays(target);
        }
    }

    fn begin_relays(&mut self, target: Target) {
        let relays = &mut self.relays;
        if relays.servers.is_empty() || !relays.begun.insert(target) {
            return;
        }
        relays.lent.retain(|(of, _)| *of != target);
        self.out.push_back(Output::Relay(target, relays.servers.clone()));
    }

    /// A server lent us an address.
    pub(crate) fn add_relay(&mut self, target: Target, relayed: SocketAddr, local: SocketAddr) {
        self.relays.lent.insert((target, relayed));
        let candidate = self.peer(target).and_then(|peer| peer.add_relay(relayed, local));
        if let Some(candidate) = candidate {
            // The other side finds out by itself too, by what comes from there.
            let init = serde_json::json!({ "candidate": candidate, "sdpMid": "0", "sdpMLineIndex": 0 });
            let trickle = Trickle { candidate_init: init.to_string(), target: target as i32, r#final: false };
            self.out.push_back(Output::Signal(Request::Trickle(trickle)));
        }
        self.collect();
    }

    /// An address that was lent is ours no more. If it was the last one, others may be had.
    pub(crate) fn remove_relay(&mut self, target: Target, relayed: SocketAddr) {
        let relays = &mut self.relays;
        relays.lent.remove(&(target, relayed));
        if !relays.lent.iter().any(|(of, _)| *of == target) {
            relays.begun.remove(&target);
            if relays.only() {
                relays.reaches(target, false);
            }
        }
    }
}
