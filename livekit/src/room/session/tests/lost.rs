//! What is lost on the way, and what another side does that it should not.

use super::*;
use crate::room::peer::LOSSY;

/// Answer what is asked for until there is a voice.
fn publish(session: &mut Session, far: &mut Far) {
    take_track(session, far);
    far.run(session, Duration::from_millis(50));
    let Some(Request::Offer(offer)) = far.signals.pop() else { panic!("{:?}", far.signals) };
    let answer = far.answer(&offer);
    session.signal(answer);
    assert!(session.can_speak());
}

/// The server takes the track that was asked for; the offer that follows is still ours.
fn take_track(session: &mut Session, far: &mut Far) {
    far.run(session, Duration::from_millis(50));
    let Some(Request::AddTrack(add)) = far.signals.pop() else { panic!("{:?}", far.signals) };
    let track = TrackInfo { sid: "TR_1".to_owned(), ..TrackInfo::default() };
    session.signal(Response::TrackPublished(TrackPublished { cid: add.cid, track: Some(track) }));
}

/// Say so many frames; how many packets came.
fn speak(session: &mut Session, far: &mut Far, frames: usize) -> usize {
    let before = far.packets.len();
    let frame = vec![1000_i16; Publish::default().rate.frame()];
    for _ in 0..frames {
        if session.can_speak() {
            session.speak(far.now, Some(&frame));
        }
        far.run(session, Duration::from_millis(20));
    }
    far.packets.len() - before
}

fn begun_anew(far: &Far) -> Vec<&str> {
    far.others
        .iter()
        .map(String::as_str)
        .filter(|other| other.starts_with("Re") && !other.starts_with("Reach"))
        .collect()
}

fn offers(far: &mut Far) -> Vec<SessionDescription> {
    let signals = std::mem::take(&mut far.signals);
    signals
        .into_iter()
        .filter_map(|signal| if let Request::Offer(offer) = signal { Some(offer) } else { None })
        .collect()
}

/// The line is lost with an offer, or with its answer: our voice is in what is offered then all the same.
#[test]
fn an_offer_that_was_lost_goes_again() {
    for was_answered in [false, true] {
        let (mut session, mut far) = connected();
        session.publish(Publish::default());
        take_track(&mut session, &mut far);
        while let Some(output) = session.next_output() {
            if let Output::Signal(Request::Offer(offer)) = output
                && was_answered
            {
                let _lost = far.answer(&offer);
            }
        }
        session.resumed(0);
        far.run(&mut session, Duration::from_millis(50));
        let again = offers(&mut far);
        assert!(again.len() == 1 && again[0].sdp.contains("a=msid:vox "), "{again:?}");
        let answer = far.answer(&again[0]);
        session.signal(answer);
        far.run(&mut session, Duration::from_millis(50));
        let restart = offers(&mut far);
        assert_eq!(restart.len(), 1, "a way is looked for anew");
        let word = |sdp: &str| sdp.lines().find(|line| line.starts_with("a=ice-ufrag:")).map(str::to_owned);
        assert_ne!(word(&restart[0].sdp), word(&again[0].sdp));
        let answer = far.answer(&restart[0]);
        session.signal(far.trickle());
        session.signal(answer);
        far.run(&mut session, Duration::from_secs(2));
        assert_eq!(speak(&mut session, &mut far, 20), 20, "answered: {was_answered}");
        assert_eq!(begun_anew(&far), [""; 0]);
    }
}

/// Somebody joins, sections for its voice are asked for: we speak all the while.
#[test]
fn an_offer_under_way_silences_nobody() {
    let (mut session, mut far) = connected();
    session.publish(Publish::default());
    publish(&mut session, &mut far);
    assert_eq!(speak(&mut session, &mut far, 5), 5);
    session.signal(Response::MediaSections(MediaSections { num_audios: 2, num_videos: 0 }));
    assert_eq!(speak(&mut session, &mut far, 20), 20);
    assert_eq!(offers(&mut far).len(), 1, "which is not answered yet");
}

/// A camera in the room: the server asks after every answer.
#[test]
fn films_are_offered_no_section() {
    let (mut session, mut far) = connected();
    session.signal(Response::MediaSections(MediaSections { num_audios: 0, num_videos: 1 }));
    far.run(&mut session, Duration::from_millis(50));
    assert!(far.signals.is_empty(), "{:?}", far.signals);
    session.signal(Response::MediaSections(MediaSections { num_audios: 1, num_videos: 1 }));
    far.run(&mut session, Duration::from_millis(50));
    let offers = offers(&mut far);
    assert!(offers.len() == 1 && !offers[0].sdp.contains("m=video"), "{offers:?}");
}

/// Somebody in the middle has another certificate than the signalling named: nothing flows, and all begins anew.
#[test]
fn another_certificate_than_the_one_that_was_named_is_refused() {
    let now = Instant::now();
    let mut far = Far::new(now);
    let mut session = Session::new(&options(), Mode::Single, now);
    session.add_local(Target::Publisher, Protocol::Udp, far.near);
    let offer = session.first_offer().unwrap();
    session.joined(join()).unwrap();
    let Response::Answer(mut answer) = far.answer(&offer) else { unreachable!() };
    let at = answer.sdp.find("a=fingerprint:sha-256 ").unwrap() + "a=fingerprint:sha-256 ".len();
    let other = if answer.sdp[at..].starts_with("00") { "01" } else { "00" };
    let named = answer.sdp[at..at + 95].to_owned();
    answer.sdp = answer.sdp.replace(&named, &format!("{other}{}", &named[2..]));
    session.signal(Response::Answer(answer));
    session.signal(far.trickle());
    far.run(&mut session, Duration::from_secs(2));
    assert!(!far.events.contains(&Event::Connected), "{:?}", far.events);
    assert!(!session.publisher.is_open(RELIABLE) && !session.publisher.is_open(LOSSY));
    assert!(session.due() > far.now, "nothing is waited for");
    far.run(&mut session, Duration::from_secs(14));
    assert_eq!(begun_anew(&far), ["Rejoin"]);
}

/// Both connections lose their way, and one of them finds it again.
#[test]
fn a_lost_way_is_not_forgotten_over_another() {
    let start = Instant::now();
    let mut session = Session::new(&options(), Mode::Dual, start);
    session.was_connected = true;
    let at = |ms| start + Duration::from_millis(ms);
    session.said(at(0), Target::Subscriber, Said::Reachable(false));
    session.said(at(10), Target::Publisher, Said::Reachable(false));
    session.said(at(1000), Target::Subscriber, Said::Reachable(true));
    let mut told = Vec::new();
    for ms in [3000, 4020, 4040, 8100] {
        session.timeout(at(ms));
        while let Some(output) = session.next_output() {
            if matches!(output, Output::Resume(_) | Output::Rejoin) {
                told.push((ms, format!("{output:?}")));
            }
        }
    }
    assert_eq!(told, [(4020, "Resume(PublisherFailed)".to_owned()), (8100, "Rejoin".to_owned())]);
}

/// After a quarter of an hour all begins anew: the other side, which knows nothing of the packets before, can open ours.
#[test]
fn we_are_heard_in_another_session_after_a_long_call() {
    let (mut session, mut far) = connected();
    session.publish(Publish::default());
    publish(&mut session, &mut far);
    session.published.as_mut().unwrap().microphone.count_from(70_000);
    let before = session.hand_over();

    let mut far = Far::new(far.now);
    let mut session = Session::new(&options(), Mode::Single, far.now);
    session.add_local(Target::Publisher, Protocol::Udp, far.near);
    let offer = session.first_offer().unwrap();
    session.take_over(before);
    session.joined(join()).unwrap();
    session.signal(far.trickle());
    let answer = far.answer(&offer);
    session.signal(answer);
    far.run(&mut session, Duration::from_secs(2));
    publish(&mut session, &mut far);
    assert_eq!(speak(&mut session, &mut far, 20), 20);
}

/// The permission to publish is taken away: the writer is told, and may publish again when it has it back.
#[test]
fn a_track_that_the_server_ends_is_ended() {
    let (mut session, mut far) = connected();
    session.publish(Publish::default());
    publish(&mut session, &mut far);
    session.signal(Response::TrackUnpublished(crate::wire::signal::TrackUnpublished {
        track_sid: "TR_1".to_owned(),
    }));
    far.run(&mut session, Duration::from_millis(50));
    assert!(far.events.contains(&Event::Unpublished { track_sid: "TR_1".to_owned() }));
    assert!(far.others.contains(&"Unpublished".to_owned()), "{:?}", far.others);
    assert!(!session.can_speak());
    let ended = offers(&mut far);
    assert!(ended.len() == 1 && ended[0].sdp.contains("a=inactive"), "{ended:?}");
    let answer = far.answer(&ended[0]);
    session.signal(answer);
    session.publish(Publish::default());
    publish(&mut session, &mut far);
    assert_eq!(speak(&mut session, &mut far, 20), 20);
}
