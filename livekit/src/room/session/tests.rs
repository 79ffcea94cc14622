mod lost;
mod relays;

use std::net::SocketAddr;

use str0m::change::SdpOffer;
use str0m::net::Receive;
use str0m::{Candidate, Event as RtcEvent, Input, Output as RtcOutput, Rtc, RtcConfig};

use super::*;
use crate::crypto;
use crate::room::peer::RELIABLE;
use crate::wire::Message;
use crate::wire::data::{DataPacket, Value};
use crate::wire::model::{ClientConfiguration, ParticipantInfo, TrackInfo};
use crate::wire::signal::{Leave, MediaSections, Response, TrackPublished, Trickle};

/// A server of one room in virtual time: it answers offers and keeps what it gets.
struct Far {
    rtc: Rtc,
    address: SocketAddr,
    near: SocketAddr,
    now: Instant,
    due: Instant,
    packets: Vec<(u64, bool)>,
    data: Vec<(String, Vec<u8>)>,
    labels: Vec<String>,
    events: Vec<Event>,
    signals: Vec<Request>,
    others: Vec<String>,
}

impl Far {
    fn new(now: Instant) -> Self {
        let rtc = RtcConfig::new()
            .set_crypto_provider(crypto::provider())
            .clear_codecs()
            .enable_opus(true, true)
            .set_rtp_mode(true)
            .build(now);
        let address = "10.0.0.1:7882".parse().unwrap();
        let near = "10.0.0.2:4000".parse().unwrap();
        let mut far = Self {
            rtc,
            address,
            near,
            now,
            due: now,
            packets: Vec::new(),
            data: Vec::new(),
            labels: Vec::new(),
            events: Vec::new(),
            signals: Vec::new(),
            others: Vec::new(),
        };
        far.rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        far.handle(Input::Timeout(now));
        far
    }

    fn answer(&mut self, offer: &SessionDescription) -> Response {
        let parsed = SdpOffer::from_sdp_string(&offer.sdp).unwrap();
        let sdp = self.rtc.sdp_api().accept_offer(parsed).unwrap().to_sdp_string();
        let answer =
            SessionDescription { r#type: "answer".to_owned(), sdp, id: offer.id, ..Default::default() };
        Response::Answer(answer)
    }

    fn trickle(&self) -> Response {
        let candidate = Candidate::host(self.address, "udp").unwrap().to_sdp_string();
        let candidate_init = serde_json::json!({ "candidate": candidate }).to_string();
        Response::Trickle(Trickle { candidate_init, target: Target::Publisher as i32, r#final: false })
    }

    fn handle(&mut self, input: Input<'_>) -> Vec<Vec<u8>> {
        self.rtc.handle_input(input).unwrap();
        let mut out = Vec::new();
        loop {
            match self.rtc.poll_output().unwrap() {
                RtcOutput::Timeout(due) => {
                    self.due = due;
                    return out;
                }
                RtcOutput::Transmit(transmit) => out.push(transmit.contents.to_vec()),
                RtcOutput::Event(RtcEvent::RtpPacket(packet)) => {
                    self.packets.push((*packet.seq_no, packet.header.marker));
                }
                RtcOutput::Event(RtcEvent::ChannelOpen(_, label)) => self.labels.push(label),
                RtcOutput::Event(RtcEvent::ChannelData(data)) => {
                    self.data.push((String::new(), data.data));
                }
                RtcOutput::Event(_) => {}
            }
        }
    }

    /// Carry packets both ways for this long.
    fn run(&mut self, session: &mut Session, time: Duration) {
        let end = self.now + time;
        loop {
            let mut back = Vec::new();
            while let Some(output) = session.next_output() {
                match output {
                    Output::Transmit(_, transmit) => {
                        let bytes = transmit.contents.to_vec();
                        let receive = Receive::new(Protocol::Udp, self.near, self.address, &bytes).unwrap();
                        back.extend(self.handle(Input::Receive(self.now, receive)));
                    }
                    Output::Event(event) => self.events.push(event),
                    Output::Signal(request) => self.signals.push(request),
                    other => self.others.push(format!("{other:?}")),
                }
            }
            if self.due <= self.now {
                back.extend(self.handle(Input::Timeout(self.now)));
            }
            if session.due() <= self.now {
                session.timeout(self.now);
            }
            let is_quiet = back.is_empty();
            for bytes in back {
                let (proto, from, to) = (Protocol::Udp, self.address, self.near);
                let datagram = Datagram { proto, from, to, bytes: &bytes };
                session.datagram(self.now, Target::Publisher, datagram);
            }
            if is_quiet {
                if self.now >= end {
                    return;
                }
                let next = self.due.min(session.due()).min(end);
                self.now = next.max(self.now + Duration::from_millis(1));
            }
        }
    }
}

fn join() -> Join {
    let own = ParticipantInfo { sid: "PA_1".to_owned(), identity: "bot".to_owned(), ..Default::default() };
    Join { participant: Some(own), ..Join::default() }
}

fn options() -> Options {
    Options { mode: Mode::Single, ..Options::default() }
}

/// A session that is connected.
fn connected() -> (Session, Far) {
    let now = Instant::now();
    let mut far = Far::new(now);
    let mut session = Session::new(&options(), Mode::Single, now);
    session.add_local(Target::Publisher, Protocol::Udp, far.near);
    let offer = session.first_offer().expect("with one connection there is one");
    session.joined(join()).unwrap();
    // The server's address before its description: it waits.
    session.signal(far.trickle());
    let answer = far.answer(&offer);
    session.signal(answer);
    far.run(&mut session, Duration::from_secs(2));
    assert!(far.events.contains(&Event::Connected), "{:?}", far.events);
    (session, far)
}

#[test]
fn a_handshake_succeeds_with_our_cryptography_on_both_sides() {
    let (mut session, mut far) = connected();
    assert_eq!(far.labels.len(), 2, "{:?}", far.labels);
    session.send_digit('7', Vec::new()).unwrap();
    far.run(&mut session, Duration::from_secs(1));
    let packet = DataPacket::decode(&far.data[0].1[..]).unwrap();
    assert!(matches!(packet.value, Some(Value::SipDtmf(dtmf)) if dtmf.code == 7 && dtmf.digit == "7"));
    assert_eq!(packet.sequence, 1);
}

#[test]
fn what_is_sent_before_there_is_a_channel_waits_for_it() {
    let now = Instant::now();
    let mut far = Far::new(now);
    let mut session = Session::new(&options(), Mode::Single, now);
    session.add_local(Target::Publisher, Protocol::Udp, far.near);
    let offer = session.first_offer().unwrap();
    for digit in "123".chars() {
        session.send_digit(digit, Vec::new()).unwrap();
    }
    assert!(session.has_waiting() && !session.publisher.is_open(RELIABLE));
    session.joined(join()).unwrap();
    session.signal(far.trickle());
    let answer = far.answer(&offer);
    session.signal(answer);
    far.run(&mut session, Duration::from_secs(2));
    assert_eq!(far.data.len(), 3);
    assert!(!session.has_waiting());
}

#[test]
fn a_track_is_asked_for_named_offered_and_spoken_into() {
    let (mut session, mut far) = connected();
    session.publish(Publish::default());
    assert!(!session.can_speak());
    far.run(&mut session, Duration::from_millis(50));
    let Some(Request::AddTrack(add)) = far.signals.pop() else { panic!("{:?}", far.signals) };
    let track = TrackInfo { sid: "TR_1".to_owned(), ..TrackInfo::default() };
    session.signal(Response::TrackPublished(TrackPublished { cid: add.cid.clone(), track: Some(track) }));
    far.run(&mut session, Duration::from_millis(50));
    let Some(Request::Offer(offer)) = far.signals.pop() else { panic!("{:?}", far.signals) };
    assert!(offer.sdp.contains(&format!("a=msid:vox {}", add.cid)), "{}", offer.sdp);
    assert!(offer.sdp.contains("SAVPF 111 63"), "{}", offer.sdp);
    let answer = far.answer(&offer);
    session.signal(answer);
    assert!(session.can_speak());
    let frame = vec![1000_i16; Publish::default().rate.frame()];
    for _ in 0..50 {
        session.speak(far.now, Some(&frame));
        far.run(&mut session, Duration::from_millis(20));
    }
    assert_eq!(far.packets.len(), 50);
    assert!(far.packets[0].1, "the first is marked as the begin of speech");
    assert!(far.packets.is_sorted_by(|a, b| a.0 + 1 == b.0));
    assert!(far.events.contains(&Event::Published { track_sid: "TR_1".to_owned() }));
}

/// What was asked for while there was no line is asked for when there is one.
#[test]
fn what_was_asked_for_is_asked_for_again() {
    let (mut session, mut far) = connected();
    session.publish(Publish::default());
    session.subscribe("TR_a".to_owned(), false);
    session.update_own(BTreeMap::from([("k".to_owned(), "v".to_owned())]), None);
    // All of it was lost with the line.
    while session.next_output().is_some() {}
    session.resumed(0);
    far.run(&mut session, Duration::from_millis(50));
    let told = format!("{:?}", far.signals);
    assert!(
        told.contains("AddTrack(") && told.contains("\"TR_a\"") && told.contains("UpdateMetadata("),
        "{told}"
    );
    assert!(far.signals.iter().any(|signal| matches!(signal, Request::SyncState(_))));
    assert!(far.signals.iter().any(|signal| matches!(signal, Request::Offer(_))), "a way is looked for anew");
}

/// The trap of a first guest: the server wants an offer although nothing is to be changed.
#[test]
fn an_offer_that_changes_nothing_can_be_had() {
    let (mut session, mut far) = connected();
    for (audios, sections) in [(0, 1), (2, 3), (0, 3)] {
        session.signal(Response::MediaSections(MediaSections { num_audios: audios, num_videos: 0 }));
        far.run(&mut session, Duration::from_millis(50));
        let Some(Request::Offer(offer)) = far.signals.pop() else { panic!("{:?}", far.signals) };
        assert_eq!(offer.sdp.matches("m=audio").count(), sections);
        assert_eq!(offer.sdp.matches("a=recvonly").count(), sections);
        let answer = far.answer(&offer);
        session.signal(answer);
    }
}

#[test]
fn a_server_that_lets_only_relays_through_is_refused() {
    let mut session = Session::new(&options(), Mode::Single, Instant::now());
    let relay = Join { client_configuration: Some(ClientConfiguration { force_relay: 2 }), ..join() };
    assert!(matches!(session.joined(relay), Err(JoinError::RelayOnly)));
    assert!(matches!(session.joined(Join::default()), Err(JoinError::Protocol(_))));
}

#[test]
fn leaving_is_understood_in_its_three_ways() {
    for (action, can_reconnect, expected) in [
        (0, false, "End(SentAway(RoomDeleted))"),
        (0, true, "Rejoin"),
        (1, false, "Resume(SignalDisconnected)"),
        (2, false, "Rejoin"),
    ] {
        let mut session = Session::new(&options(), Mode::Single, Instant::now());
        while session.next_output().is_some() {}
        session.signal(Response::Leave(Leave { can_reconnect, reason: 5, action }));
        assert_eq!(format!("{:?}", session.next_output().unwrap()), expected);
    }
}

/// Media that never comes through is begun anew; a way that is lost is looked for again, and then all begins anew.
#[test]
fn a_lost_way_is_noticed() {
    let now = Instant::now();
    let mut far = Far::new(now);
    let mut alone = Session::new(&options(), Mode::Single, now);
    far.run(&mut alone, Duration::from_secs(14));
    assert_eq!(far.others, ["Rejoin"]);

    let (mut session, mut far) = connected();
    // Nobody answers any more.
    let mut others = Vec::new();
    let end = far.now + Duration::from_secs(60);
    while far.now < end && others.len() < 2 {
        far.now = session.due().max(far.now + Duration::from_millis(1));
        session.timeout(far.now);
        while let Some(output) = session.next_output() {
            if matches!(output, Output::Resume(_) | Output::Rejoin) {
                others.push(format!("{output:?}"));
            }
        }
    }
    assert_eq!(others, ["Resume(PublisherFailed)", "Rejoin"]);
}
