//! Those to whom an allocation sends: each needs a permission (RFC 8656, 9), and has a channel once much is sent to it (RFC 8656, 12).

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// A server has one address or a few.
const MOST: usize = 32;
/// Packets that wait for a permission: as many as a search for a way sends meanwhile.
const WAITING: usize = 8;
/// A permission is good for five minutes (RFC 8656, 3.3), and for longer when it is asked for again.
const PERMISSION: Duration = Duration::from_secs(240);
/// A channel is good for ten minutes (RFC 8656, 12).
const CHANNEL: Duration = Duration::from_secs(540);
/// Who was sent nothing for so long is kept no way open for.
const IDLE: Duration = Duration::from_secs(300);
/// Until a permission that was refused is asked for again.
const REFUSED: Duration = Duration::from_secs(5);
/// Packets after which a channel saves 32 bytes in each: probes of ways are fewer.
const BIND_AFTER: u32 = 8;
const CHANNELS: std::ops::Range<u16> = 0x4000..0x5000;

#[derive(Debug)]
enum Permission {
    /// It was asked for; packets wait.
    Asked(Vec<Vec<u8>>),
    Granted {
        renew: Instant,
    },
    /// It was not given, or has lapsed: from then on it may be asked for.
    None {
        until: Instant,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    None,
    Asked(u16),
    Bound {
        number: u16,
        renew: Instant,
    },
    /// The number stays this peer's: it must not be another's for a while.
    Lapsed(u16),
    Refused,
}

#[derive(Debug)]
struct Peer {
    address: SocketAddr,
    permission: Permission,
    channel: Channel,
    sent: u32,
    used: Instant,
}

/// What the server is to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Permit(SocketAddr),
    Bind(SocketAddr, u16),
}

/// How a packet goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    Channel(u16),
    Indication,
}

#[derive(Debug)]
pub(super) struct Peers {
    all: Vec<Peer>,
    next_channel: u16,
}

impl Peers {
    pub(super) fn new() -> Self {
        Self { all: Vec::new(), next_channel: CHANNELS.start }
    }

    fn find(&mut self, address: SocketAddr) -> Option<&mut Peer> {
        self.all.iter_mut().find(|peer| peer.address == address)
    }

    /// Send a packet to somebody: how it goes, if it goes now; what is to be asked for first or beside it.
    pub(super) fn send(
        &mut self,
        now: Instant,
        address: SocketAddr,
        data: &[u8],
    ) -> (Option<Way>, Option<Wish>) {
        let Some(at) = self.all.iter().position(|peer| peer.address == address) else {
            if self.all.len() >= MOST {
                return (None, None);
            }
            let permission = Permission::Asked(vec![data.to_vec()]);
            self.all.push(Peer { address, permission, channel: Channel::None, sent: 0, used: now });
            return (None, Some(Wish::Permit(address)));
        };
        let peer = &mut self.all[at];
        peer.used = now;
        match &mut peer.permission {
            Permission::Asked(waiting) => {
                if waiting.len() < WAITING {
                    waiting.push(data.to_vec());
                }
                return (None, None);
            }
            Permission::None { until } if now < *until => return (None, None),
            Permission::None { .. } => {
                peer.permission = Permission::Asked(vec![data.to_vec()]);
                return (None, Some(Wish::Permit(address)));
            }
            Permission::Granted { .. } => {}
        }
        peer.sent = peer.sent.saturating_add(1);
        let number = match peer.channel {
            Channel::Bound { number, .. } => return (Some(Way::Channel(number)), None),
            Channel::Asked(_) | Channel::Refused => return (Some(Way::Indication), None),
            Channel::Lapsed(number) => number,
            Channel::None if peer.sent < BIND_AFTER || !CHANNELS.contains(&self.next_channel) => {
                return (Some(Way::Indication), None);
            }
            Channel::None => {
                self.next_channel += 1;
                self.next_channel - 1
            }
        };
        peer.channel = Channel::Asked(number);
        (Some(Way::Indication), Some(Wish::Bind(address, number)))
    }

    /// A permission was given; what waited for it.
    pub(super) fn permitted(&mut self, now: Instant, address: SocketAddr) -> Vec<Vec<u8>> {
        let Some(peer) = self.find(address) else { return Vec::new() };
        match std::mem::replace(&mut peer.permission, Permission::Granted { renew: now + PERMISSION }) {
            Permission::Asked(waiting) => waiting,
            _ => Vec::new(),
        }
    }

    /// A permission was not given.
    pub(super) fn refused(&mut self, now: Instant, address: SocketAddr) {
        if let Some(peer) = self.find(address) {
            peer.permission = Permission::None { until: now + REFUSED };
        }
    }

    /// Whether there is a permission is not known. One that was there is good for a minute yet, and is asked for again.
    pub(super) fn unanswered(&mut self, now: Instant, address: SocketAddr) {
        match self.find(address).map(|peer| &mut peer.permission) {
            Some(Permission::Granted { renew }) => *renew = now + REFUSED,
            Some(permission) => *permission = Permission::None { until: now + REFUSED },
            None => {}
        }
    }

    pub(super) fn bound(&mut self, now: Instant, address: SocketAddr, number: u16) {
        if let Some(peer) = self.find(address) {
            peer.channel = Channel::Bound { number, renew: now + CHANNEL };
        }
    }

    /// There is no channel: packets go without.
    pub(super) fn unbound(&mut self, address: SocketAddr) {
        if let Some(peer) = self.find(address) {
            peer.channel = Channel::Refused;
        }
    }

    /// Whose a channel is. It may be used as soon as the server has read that it is asked for.
    pub(super) fn of_channel(&self, number: u16) -> Option<SocketAddr> {
        let is_it = |peer: &&Peer| match peer.channel {
            Channel::Asked(of) | Channel::Bound { number: of, .. } | Channel::Lapsed(of) => of == number,
            Channel::None | Channel::Refused => false,
        };
        self.all.iter().find(is_it).map(|peer| peer.address)
    }

    /// Whether anything may come from there: permissions are for addresses, whatever the port.
    pub(super) fn may_send(&self, ip: IpAddr) -> bool {
        let is_it =
            |peer: &Peer| peer.address.ip() == ip && matches!(peer.permission, Permission::Granted { .. });
        self.all.iter().any(is_it)
    }

    /// When [`renewals`](Self::renewals) is to be asked.
    pub(super) fn due(&self) -> Option<Instant> {
        self.all.iter().flat_map(|peer| [peer.permission_due(), peer.channel_due()]).flatten().min()
    }

    /// What is to be asked for again, so that it does not lapse.
    pub(super) fn renewals(&mut self, now: Instant) -> Vec<Wish> {
        let mut wishes = Vec::new();
        for peer in &mut self.all {
            let is_idle = now.saturating_duration_since(peer.used) >= IDLE;
            if peer.permission_due().is_some_and(|renew| renew <= now) {
                if is_idle {
                    peer.permission = Permission::None { until: now };
                } else {
                    peer.permission = Permission::Granted { renew: now + PERMISSION };
                    wishes.push(Wish::Permit(peer.address));
                }
            }
            if let Channel::Bound { number, renew } = peer.channel
                && renew <= now
            {
                if is_idle {
                    peer.channel = Channel::Lapsed(number);
                } else {
                    peer.channel = Channel::Bound { number, renew: now + CHANNEL };
                    wishes.push(Wish::Bind(peer.address, number));
                }
            }
        }
        wishes
    }
}

impl Peer {
    const fn permission_due(&self) -> Option<Instant> {
        match self.permission {
            Permission::Granted { renew } => Some(renew),
            Permission::Asked(_) | Permission::None { .. } => None,
        }
    }

    const fn channel_due(&self) -> Option<Instant> {
        match self.channel {
            Channel::Bound { renew, .. } => Some(renew),
            _ => None,
        }
    }
}
