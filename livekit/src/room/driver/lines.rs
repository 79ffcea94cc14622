//! Joining, and having a lost line back.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use str0m::net::Protocol;
use url::Url;

use super::{Driver, Ends, Speech};
use crate::error::{Disconnect, JoinError};
use crate::event::{Event, Participant};
use crate::options::{Mode, Options};
use crate::room::address::{self, Greeting, Resume};
use crate::room::line::Line;
use crate::room::net::{Net, way_to_any};
use crate::room::recovery::{Recovery, Try};
use crate::room::session::{ResumeReason, Session, Stats, sent_away};
use crate::wire::signal::{Join, Response, SessionDescription};

/// Sessions in a row in which media never flowed: then it never will.
const SESSIONS: u32 = 2;
/// How long the server's name may be looked up while the room's task waits for it: nothing is heard then anyway, but somebody may want to
/// leave.
const LOOK_WITHIN: Duration = Duration::from_secs(2);

impl Driver {
    /// Join; the driver, not running yet, the room's name and ourselves.
    pub(in crate::room) async fn join(
        server: &str,
        token: &str,
        options: Options,
        ends: Ends,
    ) -> Result<(Self, String, Participant), JoinError> {
        let server = address::parse(server)?;
        let mut mode = options.mode;
        let mut begun = Box::pin(begin(&server, token, &options, mode)).await;
        // An old server has no such path.
        if mode == Mode::Single && matches!(begun, Err(JoinError::Refused { status: 404, .. })) {
            mode = Mode::Dual;
            begun = Box::pin(begin(&server, token, &options, mode)).await;
        }
        let Begun { mut session, net, line, join } = begun?;
        let name = join.room.as_ref().map(|room| room.name.clone()).unwrap_or_default();
        session.joined(join)?;
        let own = session.own().cloned().expect("a session that is joined knows itself");
        let driver = Self {
            options,
            server,
            token: token.to_owned(),
            mode,
            session,
            net,
            line: Some(line),
            recovery: None,
            connecting: None,
            before: None,
            ends,
            unread: VecDeque::new(),
            speech: Speech::default(),
            beat: Instant::now(),
            counted: Stats::default(),
            leaving: None,
            never_connected: 0,
            over: None,
        };
        Ok((driver, name, own))
    }

    /// The line ended without a word.
    pub(super) fn line_lost(&mut self, now: Instant) {
        self.line = None;
        self.resume(now, ResumeReason::SignalDisconnected);
    }

    pub(super) fn resume(&mut self, now: Instant, reason: ResumeReason) {
        self.recover(now, Try::Resume(reason));
    }

    pub(super) fn rejoin(&mut self, now: Instant) {
        self.never_connected += 1;
        if self.never_connected > SESSIONS {
            self.over.get_or_insert(Disconnect::Lost);
            return;
        }
        if let Some(recovery) = &mut self.recovery {
            recovery.rejoin(now);
        }
        self.recover(now, Try::Rejoin);
    }

    fn recover(&mut self, now: Instant, what: Try) {
        self.line = None;
        if self.recovery.is_none() {
            self.recovery = Some(Recovery::new(what, now, self.options.recover_within));
            self.tell(Event::Recovering);
        }
    }

    /// Try to have the line back.
    pub(super) async fn open_line(&mut self, now: Instant) {
        let Some(recovery) = &self.recovery else { return };
        if let Some(token) = self.session.token() {
            token.clone_into(&mut self.token);
        }
        let own = self.session.own().map(|own| own.sid.clone());
        let (resume, offer) = match (recovery.what(), own) {
            (Try::Resume(reason), Some(participant_sid)) => {
                (Some(Resume { participant_sid, reason: reason as i32 }), None)
            }
            _ => match self.begin_anew(now).await {
                Ok(offer) => (None, offer),
                Err(error) => return self.try_failed(now, &error),
            },
        };
        let greeting = Greeting {
            mode: self.mode,
            subscribe_to_all: self.options.subscribe_to_all,
            offer: offer.as_ref(),
            resume: resume.as_ref(),
        };
        let url = address::signal(&self.server, &greeting);
        let (token, tls, within) = (self.token.clone(), self.options.tls.clone(), self.options.join_within);
        self.connecting =
            Some(tokio::spawn(async move { Line::open(&url, &token, tls.as_ref(), within).await }));
    }

    /// Another session with other sockets, in place of the old one.
    async fn begin_anew(&mut self, now: Instant) -> Result<Option<SessionDescription>, JoinError> {
        if self.before.is_none() {
            self.before = Some(self.session.hand_over());
            self.session.close();
        }
        *self.session = Session::new(&self.options, self.mode, now);
        self.net = Net::new(self.options.transport, self.options.impairment);
        let local = local_address(&self.server, self.options.join_within.min(LOOK_WITHIN)).await?;
        bind_all(&mut self.session, &mut self.net, local).await?;
        Ok(self.session.first_offer())
    }

    /// A try to have the line back came to its end.
    pub(super) async fn line_opened(&mut self, now: Instant, opened: Result<(Line, Response), JoinError>) {
        match opened {
            Ok((line, Response::Join(join))) if self.before.is_some() => self.rejoined(now, line, join),
            Ok((line, Response::Reconnect(reconnect))) if self.before.is_none() => {
                let configuration = reconnect.client_configuration.as_ref();
                if let Err(error) = self.session.ways(&reconnect.ice_servers, configuration) {
                    return self.try_failed(now, &error);
                }
                // On another network there must be other sockets.
                if let Err(error) = bind_all(&mut self.session, &mut self.net, line.local).await {
                    tracing::warn!(%error, "no new sockets");
                }
                self.line = Some(line);
                self.recovery = None;
                self.counted.resumed += 1;
                if self.session.was_connected() {
                    // What was begun anew in vain before is of another outage.
                    self.never_connected = 0;
                }
                self.session.resumed(reconnect.last_message_seq);
                self.tell(Event::Recovered { resumed: true });
            }
            Ok((_, Response::Leave(leave))) => {
                let error = match sent_away(leave.action, leave.can_reconnect, leave.reason) {
                    Some(reason) => JoinError::SentAway(reason),
                    None => JoinError::Protocol("the server wants us to join anew".to_owned()),
                };
                self.try_failed(now, &error);
            }
            Ok(_) => {
                self.try_failed(now, &JoinError::Protocol("another first message than a join".to_owned()))
            }
            Err(error) => self.try_failed(now, &error),
        }
    }

    fn rejoined(&mut self, now: Instant, line: Line, join: Join) {
        self.line = Some(line);
        if let Some(before) = self.before.take() {
            self.session.take_over(before);
        }
        match self.session.joined(join) {
            Ok(()) => {
                self.recovery = None;
                self.counted.rejoined += 1;
                self.tell(Event::Recovered { resumed: false });
            }
            Err(error) => self.try_failed(now, &error),
        }
    }

    fn try_failed(&mut self, now: Instant, error: &JoinError) {
        tracing::debug!(%error, "the room is not had back yet");
        self.line = None;
        let Some(recovery) = &mut self.recovery else { return };
        if let Some(over) = recovery.failed(now, error) {
            self.over.get_or_insert(over);
        }
    }
}

/// A session that the server took in.
struct Begun {
    session: Box<Session>,
    net: Net,
    line: Line,
    join: Join,
}

async fn begin(server: &Url, token: &str, options: &Options, mode: Mode) -> Result<Begun, JoinError> {
    let mut session = Box::new(Session::new(options, mode, Instant::now()));
    let mut net = Net::new(options.transport, options.impairment);
    let began = Instant::now();
    let local = local_address(server, options.join_within).await?;
    bind_all(&mut session, &mut net, local).await?;
    let offer = session.first_offer();
    let greeting =
        Greeting { mode, subscribe_to_all: options.subscribe_to_all, offer: offer.as_ref(), resume: None };
    let url = address::signal(server, &greeting);
    let within = options.join_within.saturating_sub(began.elapsed());
    let opened = Line::open(&url, token, options.tls.as_ref(), within).await?;
    match opened {
        (line, Response::Join(join)) => Ok(Begun { session, net, line, join }),
        (_, Response::Leave(leave)) => {
            let reason = sent_away(leave.action, leave.can_reconnect, leave.reason).unwrap_or_default();
            Err(JoinError::SentAway(reason))
        }
        _ => Err(JoinError::Protocol("another first message than a join".to_owned())),
    }
}

/// A socket for each connection, at the address from which the server is reached.
async fn bind_all(session: &mut Session, net: &mut Net, local: IpAddr) -> Result<(), JoinError> {
    for target in session.targets().collect::<Vec<_>>() {
        if let Some(address) = net.bind(target, local).await.map_err(JoinError::Socket)? {
            session.add_local(target, Protocol::Udp, address);
        }
    }
    Ok(())
}

/// Our address on the way to the server.
async fn local_address(server: &Url, within: Duration) -> Result<IpAddr, JoinError> {
    let host = server.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = server.port_or_known_default().unwrap_or(443);
    let unreachable = |error: std::io::Error| JoinError::Unreachable(format!("{host}: {error}"));
    let look = async { way_to_any(tokio::net::lookup_host((host, port)).await?).await };
    let found = tokio::time::timeout(within, look).await;
    found
        .map_err(|_| JoinError::Unreachable(format!("{host}: not found within {within:?}")))?
        .map_err(unreachable)
}
