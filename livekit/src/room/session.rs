//! A room as a state machine without sockets and clock: messages, packets and moments in; messages, packets and events out.
//!
//! It owns the peer connections, who is there, the voices and what is published. A lost line is not its matter: it is told that there is
//! a new one ([`resumed`](Session::resumed)), or is thrown away for another session that takes over what was published
//! ([`Published`]).

mod data;
mod handover;
mod heard;
mod negotiation;
mod relays;
mod signalling;
mod stats;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::media::Mid;
use str0m::net::{Protocol, Transmit};

use super::peer::{Datagram, Peer, Said};
use super::people::People;
use super::texts::Texts;
use crate::error::{Disconnect, JoinError, PublishError};
use crate::event::{Event, Participant};
use crate::leaving::Leaving;
use crate::media::Rate;
use crate::media::mix::Mixer;
use crate::media::opus::Coding;
use crate::media::player::Player;
use crate::options::{Mode, Options, Publish, Transport};
use crate::turn::Server;
use crate::wire::signal::{Join, LeaveAction, Request, SessionDescription, Target};

/// Without a way to the other side for so long, the session is tried to be resumed.
const UNREACHABLE: Duration = Duration::from_secs(4);
/// The first connection must stand within this.
const CONNECT_WITHIN: Duration = Duration::from_secs(12);

/// What a session wants done.
#[derive(Debug)]
pub(crate) enum Output {
    Signal(Request),
    Transmit(Target, Transmit),
    /// The server may be reached there: a socket from which there is a way to it is needed.
    Reach(Target, Protocol, SocketAddr),
    /// Relays are needed, in place of those that there are.
    Relay(Target, Vec<Server>),
    Event(Event),
    /// The track that was asked for is there, with its id, or is not.
    Published(Result<String, PublishError>),
    /// The server ended our track.
    Unpublished,
    /// The line must be opened again, with what is known.
    Resume(ResumeReason),
    /// All must begin anew.
    Rejoin,
    End(Disconnect),
}

/// `livekit.ReconnectReason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResumeReason {
    SignalDisconnected = 1,
    PublisherFailed = 2,
    SubscriberFailed = 3,
}

struct Voice {
    player: Player,
    ssrc: Option<u32>,
    identity: String,
}

pub(crate) use handover::{Handover, Published, Wishes};
pub use stats::{Stats, VoiceStats};

pub(crate) struct Session {
    mode: Mode,
    transport: Transport,
    relays: relays::Relays,
    hear: Rate,
    separate: bool,
    publisher: Peer,
    subscriber: Option<Peer>,
    began: Instant,
    /// The last moment that was told.
    now: Instant,
    /// Since when which connection has no way to the other side.
    unreachable: BTreeMap<Target, Instant>,
    was_connected: bool,
    is_resumed_in_vain: bool,
    people: People,
    own: Option<Participant>,
    room_metadata: String,
    token: Option<String>,
    published: Option<Published>,
    /// Which section has which track.
    sections: BTreeMap<(Target, Mid), String>,
    voices: BTreeMap<String, Voice>,
    wishes: Wishes,
    subscribe_to_all: bool,
    mixer: Mixer,
    texts: Texts,
    channel: data::Channel,
    sent: u64,
    sent_loss: f32,
    requests: u32,
    out: VecDeque<Output>,
}

impl Session {
    pub(crate) fn new(options: &Options, mode: Mode, now: Instant) -> Self {
        let mut publisher = Peer::new(Target::Publisher, now);
        publisher.want_channels();
        if mode == Mode::Single {
            publisher.want_listening(1);
        }
        Self {
            mode,
            transport: options.transport,
            relays: relays::Relays::new(options.transport),
            hear: options.hear,
            separate: options.separate,
            publisher,
            subscriber: (mode == Mode::Dual).then(|| Peer::new(Target::Subscriber, now)),
            began: now,
            now,
            unreachable: BTreeMap::new(),
            was_connected: false,
            is_resumed_in_vain: false,
            people: People::default(),
            own: None,
            room_metadata: String::new(),
            token: None,
            published: None,
            sections: BTreeMap::new(),
            voices: BTreeMap::new(),
            wishes: Wishes::default(),
            subscribe_to_all: options.subscribe_to_all,
            mixer: Mixer::new(),
            texts: Texts::default(),
            channel: data::Channel::default(),
            sent: 0,
            sent_loss: 0.0,
            requests: 0,
            out: VecDeque::new(),
        }
    }

    /// The connections that there are; each wants a socket.
    pub(crate) fn targets(&self) -> impl Iterator<Item = Target> {
        std::iter::once(Target::Publisher).chain(self.subscriber.is_some().then_some(Target::Subscriber))
    }

    /// With one connection the first offer goes along with the request to join. Local addresses are to be known before.
    pub(crate) fn first_offer(&mut self) -> Option<SessionDescription> {
        if self.mode == Mode::Dual {
            return None;
        }
        let offer = self.publisher.offer().map(negotiation::offer_of);
        self.collect();
        offer
    }

    /// The server took us in.
    pub(crate) fn joined(&mut self, join: Join) -> Result<(), JoinError> {
        self.ways(&join.ice_servers, join.client_configuration.as_ref())?;
        let own =
            join.participant.ok_or_else(|| JoinError::Protocol("a join without ourselves".to_owned()))?;
        let others: Vec<_> = join.other_participants.into_iter().filter(|info| info.sid != own.sid).collect();
        self.we_are(own);
        let events = self.people.replace(others);
        self.tell(events);
        self.room_metadata(join.room.unwrap_or_default().metadata);
        self.want_ways();
        self.negotiate();
        self.ask_again();
        Ok(())
    }

    /// A moment: at the latest the one of [`due`](Self::due).
    pub(crate) fn timeout(&mut self, now: Instant) {
        self.publisher.timeout(now);
        if let Some(subscriber) = &mut self.subscriber {
            subscriber.timeout(now);
        }
        self.collect_at(now);
        self.relays_due(now);
        if self.patience_ends().is_none_or(|end| now < end) {
            return;
        }
        if let Some((&target, _)) = self.unreachable.iter().min_by_key(|(_, since)| **since) {
            self.unreachable.values_mut().for_each(|since| *since = now);
            // A resume that found no way will find none the next time.
            let again = std::mem::replace(&mut self.is_resumed_in_vain, true);
            self.out.push_back(if again { Output::Rejoin } else { Output::Resume(failed(target)) });
        } else {
            self.unreachable.insert(Target::Publisher, now);
            self.out.push_back(Output::Rejoin);
        }
    }

    /// When it is no longer waited for a way to the other side; one that has ended says nothing more of itself.
    fn patience_ends(&self) -> Option<Instant> {
        let wait = if self.was_connected { UNREACHABLE } else { CONNECT_WITHIN };
        let first = (!self.was_connected).then_some(self.began);
        self.unreachable.values().min().copied().or(first).map(|since| since + wait)
    }

    pub(crate) fn due(&self) -> Instant {
        let peers = std::iter::once(&self.publisher).chain(&self.subscriber).map(Peer::due);
        peers.chain(self.patience_ends()).chain(self.relays.due()).min().unwrap_or(self.began)
    }

    /// A packet came through a socket.
    pub(crate) fn datagram(&mut self, now: Instant, target: Target, datagram: Datagram<'_>) {
        if !self.relays.allow(target, datagram.to) {
            return;
        }
        if let Some(peer) = self.peer(target) {
            peer.datagram(now, datagram);
        }
        self.collect_at(now);
    }

    /// There is a socket.
    pub(crate) fn add_local(&mut self, target: Target, proto: Protocol, address: SocketAddr) {
        if let Some(peer) = self.peer(target) {
            peer.add_local(proto, address);
        }
        self.collect();
    }

    /// What is to be done next.
    pub(crate) fn next_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    pub(crate) fn participants(&self) -> Vec<Participant> {
        self.people.all()
    }

    pub(crate) fn own(&self) -> Option<&Participant> {
        self.own.as_ref()
    }

    /// Whether media has flowed in this session.
    pub(crate) fn was_connected(&self) -> bool {
        self.was_connected
    }

    /// The newest token that the server gave out: with it one comes back.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Say goodbye.
    pub(crate) fn leave(&mut self, reason: Leaving) {
        let leave = crate::wire::signal::Leave {
            can_reconnect: false,
            reason: reason.to_wire(),
            action: LeaveAction::Disconnect as i32,
        };
        self.out.push_back(Output::Signal(Request::Leave(leave)));
        self.close();
    }

    /// End the connections: nothing is heard or sent any more.
    pub(crate) fn close(&mut self) {
        self.publisher.close();
        if let Some(subscriber) = &mut self.subscriber {
            subscriber.close();
        }
        self.collect();
    }

    fn peer(&mut self, target: Target) -> Option<&mut Peer> {
        match target {
            Target::Publisher => Some(&mut self.publisher),
            Target::Subscriber => self.subscriber.as_mut(),
        }
    }

    /// The connection through which sound comes.
    fn hearing(&mut self) -> &mut Peer {
        self.subscriber.as_mut().unwrap_or(&mut self.publisher)
    }

    fn tell(&mut self, events: Vec<Event>) {
        for event in events {
            if let Event::Withdrawn { track, .. } = &event {
                self.wishes.forget(&track.sid);
            }
            if let Event::Left { participant, .. } = &event {
                self.texts.forget(&participant.identity);
                self.channel.forget(&participant.sid);
                for track in &participant.tracks {
                    self.wishes.forget(&track.sid);
                    if self.voices.remove(&track.sid).is_some() {
                        let (identity, track) = (participant.identity.clone(), track.clone());
                        self.out.push_back(Output::Event(Event::Unsubscribed { identity, track }));
                    }
                }
            }
            self.out.push_back(Output::Event(event));
        }
    }

    /// As above, for what happens without a moment of its own: at the last one.
    fn collect(&mut self) {
        self.collect_at(self.now);
    }

    /// Take up what the connections have to say.
    fn collect_at(&mut self, now: Instant) {
        self.now = self.now.max(now);
        loop {
            let said = match self.publisher.next_said() {
                Some(said) => Some((Target::Publisher, said)),
                None => {
                    self.subscriber.as_mut().and_then(Peer::next_said).map(|said| (Target::Subscriber, said))
                }
            };
            let Some((target, said)) = said else { return };
            self.said(now, target, said);
        }
    }

    fn said(&mut self, now: Instant, target: Target, said: Said) {
        match said {
            Said::Transmit(transmit) => {
                if self.relays.allow(target, transmit.source) {
                    self.out.push_back(Output::Transmit(target, transmit));
                }
            }
            Said::Connected => self.connected(),
            Said::Reachable(true) => {
                self.relays.reaches(target, true);
                self.unreachable.remove(&target);
                self.is_resumed_in_vain = !self.unreachable.is_empty() && self.is_resumed_in_vain;
            }
            Said::Reachable(false) => {
                self.relays.reaches(target, false);
                self.unreachable.entry(target).or_insert(now);
            }
            Said::Closed => {
                // Nothing comes back in it: after the wait, in which the server may still say why, all begins anew.
                self.unreachable.entry(target).or_insert(now);
                self.is_resumed_in_vain = true;
            }
            Said::Sound { mid, packet, is_redundant } => {
                self.sound(now, (target, mid), &packet, is_redundant)
            }
            Said::Open => self.channel_open(),
            Said::Data { label, payload } => self.data(&label, &payload),
            Said::Loss(loss) => self.loss(loss),
        }
    }

    /// Media can flow when the connection that brings sound stands: the other one follows when it is needed.
    fn connected(&mut self) {
        let stands = self.subscriber.as_ref().unwrap_or(&self.publisher).is_connected();
        if stands && !self.was_connected {
            self.was_connected = true;
            self.out.push_back(Output::Event(Event::Connected));
        }
    }
}

const fn failed(target: Target) -> ResumeReason {
    match target {
        Target::Publisher => ResumeReason::PublisherFailed,
        Target::Subscriber => ResumeReason::SubscriberFailed,
    }
}

/// How a voice of ours is coded.
pub(crate) fn coding(publish: &Publish) -> Coding {
    Coding { rate: publish.rate, bitrate: publish.bitrate, dtx: publish.dtx }
}

/// Whether the server sent us away for good.
pub(crate) fn sent_away(action: i32, can_reconnect: bool, reason: i32) -> Option<Leaving> {
    (action == LeaveAction::Disconnect as i32 && !can_reconnect).then(|| Leaving::from_wire(reason))
}

#[cfg(test)]
mod tests;
