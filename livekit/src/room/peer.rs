//! One peer connection: ICE, DTLS, SRTP and SCTP by str0m, which has no sockets and no clock; what it says is collected here, and
//! negotiations go one after another.

mod said;
mod sending;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::format::CodecConfig;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::{Candidate, Input, Output as RtcOutput, Rtc, RtcConfig, RtcError};

use super::sdp;
use crate::crypto;
use crate::wire::signal::Target;

pub(crate) use said::Said;

/// The channels' names, as every client has them.
pub(crate) const RELIABLE: &str = "_reliable";
pub(crate) const LOSSY: &str = "_lossy";
/// How often losses are reported.
const STATS: Duration = Duration::from_secs(1);

/// What the next offer shall ask for.
#[derive(Debug, Default)]
struct Wanted {
    /// A section to send in: the stream's and the track's name.
    voice: Option<(String, String)>,
    /// The section that we sent in and shall send in no more.
    silent: Option<Mid>,
    /// Sections to receive in.
    listening: u32,
    /// Offer, even if nothing changes.
    again: bool,
    /// Find a way anew (ICE restart, RFC 8445, 9).
    restart: bool,
}

/// An offer that waits for its answer. Nothing of it is so before that.
struct Pending {
    offer: SdpPendingOffer,
    number: u32,
    text: String,
    /// The sections to receive in that it adds.
    sections: Vec<Mid>,
}

/// A packet that came through a socket of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram<'a> {
    pub proto: Protocol,
    pub from: SocketAddr,
    /// Our own address.
    pub to: SocketAddr,
    pub bytes: &'a [u8],
}

pub(crate) struct Peer {
    target: Target,
    rtc: Rtc,
    pending: Option<Pending>,
    offers: u32,
    wanted: Wanted,
    /// Candidates of the other side that came before its description.
    early: Vec<Candidate>,
    is_described: bool,
    channels: Vec<(String, Option<ChannelId>)>,
    /// Where we send.
    voice: Option<Mid>,
    spare: Vec<Mid>,
    said: VecDeque<Said>,
    due: Instant,
    is_connected: bool,
    is_reached: bool,
    /// The last descriptions that both sides took, for a server that asks after a resume.
    pub last_offer: String,
    pub last_answer: String,
}

impl Peer {
    pub(crate) fn new(target: Target, now: Instant) -> Self {
        let mut config = RtcConfig::new()
            .set_crypto_provider(crypto::provider())
            .clear_codecs()
            .enable_opus(true, true)
            .set_rtp_mode(true)
            .set_stats_interval(Some(STATS))
            .set_rtcp_report_interval_audio(Duration::from_secs(1));
        // A lost packet of ours is asked for again: with a short round trip it comes in time.
        let mut params = config.codec_config().params().to_vec();
        params.iter_mut().for_each(|codec| codec.set_fb_nack(true));
        *config.codec_config() = CodecConfig::new_from_payload_params(params);
        let mut peer = Self {
            target,
            rtc: config.build(now),
            pending: None,
            offers: 0,
            wanted: Wanted::default(),
            early: Vec::new(),
            is_described: false,
            channels: Vec::new(),
            voice: None,
            spare: Vec::new(),
            said: VecDeque::new(),
            due: now,
            is_connected: false,
            is_reached: false,
            last_offer: String::new(),
            last_answer: String::new(),
        };
        // The ICE agent does nothing before it knows the time.
        peer.handle(Input::Timeout(now));
        peer
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Whether there is a way to the other side.
    pub(crate) fn is_reached(&self) -> bool {
        self.is_reached
    }

    /// When [`timeout`](Self::timeout) is to be called at the latest.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    pub(crate) fn next_said(&mut self) -> Option<Said> {
        self.said.pop_front()
    }

    pub(crate) fn timeout(&mut self, now: Instant) {
        self.handle(Input::Timeout(now));
    }

    /// A packet came through a socket. What is no packet of WebRTC is dropped.
    pub(crate) fn datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let Datagram { proto, from, to, bytes } = datagram;
        if let Ok(receive) = Receive::new(proto, from, to, bytes) {
            let input = Input::Receive(now, receive);
            if self.rtc.accepts(&input) {
                self.handle(input);
            }
        }
    }

    /// A socket of ours.
    pub(crate) fn add_local(&mut self, proto: Protocol, address: SocketAddr) {
        let candidate = match proto {
            Protocol::Tcp => Candidate::builder().tcp().host(address).tcptype(TcpType::Active).build(),
            _ => Candidate::builder().udp().host(address).build(),
        };
        if let Ok(candidate) = candidate {
            self.rtc.add_local_candidate(candidate);
            self.drain();
        }
    }

    /// An address that a relay lent us, which is reached from this one of ours. As the other side may be told it.
    pub(crate) fn add_relay(&mut self, relayed: SocketAddr, local: SocketAddr) -> Option<String> {
        let candidate = Candidate::relayed(relayed, local, "udp").ok()?;
        let added = self.rtc.add_local_candidate(candidate).map(Candidate::to_sdp_string);
        self.drain();
        added
    }

    /// An address of the other side.
    pub(crate) fn add_remote(&mut self, candidate: Candidate) {
        if self.is_described {
            self.rtc.add_remote_candidate(candidate);
            self.drain();
        } else if self.early.len() < 64 {
            self.early.push(candidate);
        }
    }

    /// Both data channels with the next offer.
    pub(crate) fn want_channels(&mut self) {
        self.channels = vec![(RELIABLE.to_owned(), None), (LOSSY.to_owned(), None)];
    }

    /// A section to send our voice in with the next offer.
    pub(crate) fn want_voice(&mut self, stream: String, track: String) {
        self.wanted.voice = Some((stream, track));
    }

    /// Our voice ends: by this the other side sees that the track does.
    pub(crate) fn want_silence(&mut self) {
        self.wanted.voice = None;
        self.wanted.silent = self.voice.take();
    }

    /// So many sections more to receive in; with none, an offer of those that are there.
    pub(crate) fn want_listening(&mut self, sections: u32) {
        self.wanted.listening += sections;
        self.wanted.again = true;
    }

    /// A way anew with the next offer. Sockets stay: those that lead nowhere any more are found out. One that is under way is to be sent
    /// again as it is, with its number: it was lost with the line, or its answer was, and then the other side has its sections already.
    pub(crate) fn want_restart(&mut self) -> Option<(String, u32)> {
        self.wanted.restart = true;
        self.pending.as_ref().map(|pending| (pending.text.clone(), pending.number))
    }

    /// The next offer, with its number, if one is wanted and none is under way.
    pub(crate) fn offer(&mut self) -> Option<(String, u32)> {
        let channels_wanted = self.channels.iter().any(|(_, id)| id.is_none());
        let wanted = &self.wanted;
        let is_wanted = channels_wanted
            || wanted.voice.is_some()
            || wanted.silent.is_some()
            || wanted.listening > 0
            || wanted.again
            || wanted.restart;
        if self.pending.is_some() || !is_wanted {
            return None;
        }
        let wanted = std::mem::take(&mut self.wanted);
        let mut changes = self.rtc.sdp_api();
        for (label, id) in self.channels.iter_mut().filter(|(_, id)| id.is_none()) {
            let mut config = ChannelConfig { label: label.clone(), ..ChannelConfig::default() };
            if label == LOSSY {
                config.ordered = false;
                config.reliability = Reliability::MaxRetransmits { retransmits: 0 };
            }
            *id = Some(changes.add_channel_with_config(config));
        }
        let mut listen = |_| changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        let sections: Vec<Mid> = (0..wanted.listening).map(&mut listen).collect();
        if let Some(mid) = wanted.silent {
            changes.set_direction(mid, Direction::Inactive);
        }
        if let Some((stream, track)) = wanted.voice {
            let direction = Direction::SendOnly;
            self.voice =
                Some(changes.add_media(MediaKind::Audio, direction, Some(stream), Some(track), None));
        }
        if wanted.restart {
            changes.ice_restart(true);
            // The answer throws away what is known of the other side's addresses: those that come before it wait.
            self.is_described = false;
        }
        if !changes.has_changes() {
            // An offer without a change is none to the stack: a section goes there and back.
            if let Some(mid) = self.spare.first() {
                changes.set_direction(*mid, Direction::Inactive);
                changes.set_direction(*mid, Direction::RecvOnly);
            }
        }
        let made = changes.apply();
        self.drain();
        let (sdp, offer) = made?;
        self.offers += 1;
        let text = sdp::plain_first(&sdp::without_idle_senders(&sdp.to_sdp_string()));
        let number = self.offers;
        self.pending = Some(Pending { offer, number, text: text.clone(), sections });
        Some((text, number))
    }

    /// The other side answers. An answer to an older offer than the last is passed over.
    pub(crate) fn accept_answer(&mut self, text: &str, id: u32) -> Result<bool, RtcError> {
        let Some(pending) = self.pending.take_if(|pending| id == 0 || pending.number == id) else {
            return Ok(false);
        };
        let answer = SdpAnswer::from_sdp_string(text)
            .map_err(|error| RtcError::RemoteSdp(format!("answer: {error}")))?;
        let accepted = self.rtc.sdp_api().accept_answer(pending.offer, answer);
        self.drain();
        accepted?;
        self.spare.extend(pending.sections);
        self.last_offer = pending.text;
        self.last_answer = text.to_owned();
        self.described();
        Ok(true)
    }

    /// The other side offers; the answer.
    pub(crate) fn accept_offer(&mut self, text: &str) -> Result<String, RtcError> {
        let offer = SdpOffer::from_sdp_string(text)
            .map_err(|error| RtcError::RemoteSdp(format!("offer: {error}")))?;
        let accepted = self.rtc.sdp_api().accept_offer(offer);
        self.drain();
        let answer = sdp::plain_first(&accepted?.to_sdp_string());
        self.last_offer = text.to_owned();
        self.last_answer.clone_from(&answer);
        self.described();
        Ok(answer)
    }

    pub(crate) fn close(&mut self) {
        let _ended = self.rtc.close();
        self.drain();
    }

    fn channel(&self, label: &str) -> Option<ChannelId> {
        self.channels.iter().find(|(name, _)| name == label).and_then(|(_, id)| *id)
    }

    fn described(&mut self) {
        self.is_described = true;
        for candidate in std::mem::take(&mut self.early) {
            self.rtc.add_remote_candidate(candidate);
            self.drain();
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        if let Err(error) = self.rtc.handle_input(input) {
            tracing::debug!(%error, "a packet or a moment was refused");
        }
        self.drain();
    }

    /// After everything that is done to the stack it must be asked until it wants to wait.
    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output() {
                Ok(RtcOutput::Timeout(due)) => {
                    self.due = due;
                    return;
                }
                Ok(RtcOutput::Transmit(transmit)) => self.said.push_back(Said::Transmit(transmit)),
                Ok(RtcOutput::Event(event)) => self.event(event),
                Err(error) => {
                    tracing::debug!(%error, "the peer connection has ended");
                    self.said.push_back(Said::Closed);
                    // The next thing that it says is that it waits for nothing; else it would fail again and again.
                    self.rtc.disconnect();
                }
            }
        }
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Peer({:?})", self.target)
    }
}
