//! A session as those meet it who may send it anything.

use std::net::SocketAddr;
use std::time::Instant;

use str0m::net::Protocol;

use super::peer::{Datagram, RELIABLE};
use super::session::Session;
use crate::options::{Mode, Options, Publish};
use crate::wire::model::ParticipantInfo;
use crate::wire::signal::{Join, Response, Target};

/// What a session may have to say at most about one message.
const MOST: usize = 10_000;

/// A session that is in a room, with a socket, and wants to speak.
pub(crate) struct Door {
    session: Session,
    local: SocketAddr,
}

impl Door {
    pub(crate) fn new(options: &Options, mode: Mode, now: Instant) -> Self {
        let mut session = Session::new(options, mode, now);
        let local = ([10, 0, 0, 2], 4000).into();
        for target in session.targets().collect::<Vec<_>>() {
            session.add_local(target, Protocol::Udp, local);
        }
        let _offer = session.first_offer();
        let own = ParticipantInfo { sid: "PA_1".to_owned(), ..ParticipantInfo::default() };
        let joined = session.joined(Join { participant: Some(own), ..Join::default() });
        debug_assert!(joined.is_ok(), "a join with ourselves in it");
        session.publish(Publish::default());
        Self { session, local }
    }

    pub(crate) fn signal(&mut self, response: Response) {
        self.session.signal(response);
    }

    pub(crate) fn data(&mut self, bytes: &[u8]) {
        self.session.data(RELIABLE, bytes);
    }

    pub(crate) fn datagram(&mut self, now: Instant, proto: Protocol, from: SocketAddr, bytes: &[u8]) {
        let datagram = Datagram { proto, from, to: self.local, bytes };
        self.session.datagram(now, Target::Publisher, datagram);
    }

    /// 20 ms go by.
    pub(crate) fn pass(&mut self, now: Instant) {
        self.session.timeout(now);
        let heard = self.session.heard(now);
        assert_eq!(heard.mix.len(), 320, "20 ms at 16 kHz");
        let said = std::iter::from_fn(|| self.session.next_output()).take(MOST).count();
        assert!(said < MOST, "a message without end");
    }
}
