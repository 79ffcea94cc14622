use std::collections::BTreeMap;

use vox_livekit::service::{Code, Refusal, ServiceError, SipStatus};
use vox_livekit::{Leaving, Text};

use super::*;

const PHONE: &str = "sip-+15550100";

fn somebody(identity: &str, kind: Kind, call_status: Option<&str>) -> Participant {
    let attributes = call_status.map(|status| ("sip.callStatus".to_owned(), status.to_owned()));
    Participant {
        sid: format!("PA_{identity}"),
        identity: identity.to_owned(),
        name: String::new(),
        kind,
        metadata: String::new(),
        attributes: attributes.into_iter().collect(),
        tracks: Vec::new(),
    }
}

/// A call's other side, and the time.
struct Scene {
    caller: Caller,
    now: Instant,
}

impl Scene {
    /// Our own media flows already.
    fn new(whom: Whom, begins: Begins) -> Self {
        let now = Instant::now();
        let mut scene = Self { caller: Caller::new(whom, begins, now), now };
        assert_eq!(scene.on(Event::Connected), None);
        assert_eq!(scene.caller.can_hear(now), None);
        scene
    }

    fn visitor() -> Self {
        Self::new(Whom::Visitor, Begins::Present)
    }

    fn dialled() -> Self {
        let mut scene =
            Self::new(Whom::Phone(PHONE.into()), Begins::Dialled { to: "+15550100".into(), from: None });
        assert_eq!(scene.on(Event::Joined(somebody(PHONE, Kind::Sip, Some("dialing")))), None);
        scene
    }

    fn on(&mut self, event: Event) -> Option<LineIn> {
        self.caller.on(&event, self.now)
    }

    fn status(&mut self, status: &str) -> Option<LineIn> {
        let participant = somebody(PHONE, Kind::Sip, Some(status));
        self.on(Event::Changed { participant, attributes: vec!["sip.callStatus".into()] })
    }

    fn left(&mut self, identity: &str, reason: Leaving) -> Option<LineIn> {
        self.on(Event::Left { participant: somebody(identity, Kind::Standard, None), reason })
    }

    /// So much time goes by; what falls due in it.
    fn waits(&mut self, ms: u64) -> Option<LineIn> {
        let until = self.now + Duration::from_millis(ms);
        while let Some(due) = self.caller.next_deadline().filter(|due| *due <= until) {
            self.now = due.max(self.now);
            if let Some(told) = self.caller.on_time(self.now) {
                return Some(told);
            }
        }
        self.now = until;
        None
    }
}

fn reached() -> Event {
    Event::Reached { track_sid: "TR_1".into() }
}

fn hung_up(by: DisconnectedBy) -> Option<LineIn> {
    Some(LineIn::HungUp { by })
}

#[test]
fn a_visitor_is_greeted_when_they_can_hear_it() {
    let mut scene = Scene::visitor();
    assert_eq!(scene.on(Event::Joined(somebody("bot-2", Kind::Agent, None))), None, "no agent is a caller");
    assert_eq!(scene.on(Event::Joined(somebody("ada", Kind::Standard, None))), None);
    assert_eq!(scene.on(reached()), Some(LineIn::Answered));
    assert_eq!(scene.caller.identity(), Some("ada"));
    // One that nobody says anything about is greeted all the same.
    let mut scene = Scene::visitor();
    scene.on(Event::Joined(somebody("ada", Kind::Standard, None)));
    assert_eq!(scene.waits(1_900), None);
    assert_eq!(scene.waits(200), Some(LineIn::Answered));
    assert_eq!(scene.waits(60_000), None, "once");
}

#[test]
fn nobody_is_spoken_to_before_there_is_a_voice() {
    let now = Instant::now();
    let mut scene = Scene { caller: Caller::new(Whom::Visitor, Begins::Present, now), now };
    scene.on(Event::Connected);
    scene.on(Event::Joined(somebody("ada", Kind::Standard, None)));
    assert_eq!(scene.waits(5_000), None);
    assert_eq!(scene.caller.can_hear(scene.now), None, "she waits since long, and does not receive it yet");
    assert_eq!(scene.waits(1_900), None);
    assert_eq!(scene.waits(200), Some(LineIn::Answered), "nobody says that she receives it");
}

#[test]
fn a_greeting_waits_for_whoever_receives_it_from_when_there_is_a_voice() {
    let attached = || {
        let now = Instant::now();
        let whom = Whom::Phone(PHONE.into());
        let mut scene = Scene { caller: Caller::new(whom, Begins::Answered, now), now };
        scene.on(Event::Connected);
        scene.on(Event::Joined(somebody(PHONE, Kind::Sip, Some("active"))));
        // The config is fetched meanwhile.
        assert_eq!(scene.waits(400), None);
        assert_eq!(scene.caller.can_hear(scene.now), None, "its beginning would go to nobody");
        scene
    };
    let mut scene = attached();
    assert_eq!(scene.waits(50), None);
    assert_eq!(scene.on(reached()), Some(LineIn::Answered));
    let mut scene = attached();
    assert_eq!(scene.waits(99), None);
    assert_eq!(scene.waits(1), Some(LineIn::Answered), "a gateway that does not say so");
}

#[test]
fn a_voice_that_cannot_flow_waits() {
    let now = Instant::now();
    let mut scene = Scene { caller: Caller::new(Whom::Visitor, Begins::Present, now), now };
    scene.on(Event::Joined(somebody("ada", Kind::Standard, None)));
    assert_eq!(scene.caller.can_hear(scene.now), None);
    assert_eq!(scene.waits(5_000), None);
    assert_eq!(scene.on(Event::Connected), None);
    assert_eq!(scene.waits(2_000), Some(LineIn::Answered));
}

#[test]
fn what_the_visitor_writes_is_taken_and_nobody_elses() {
    let mut scene = Scene::visitor();
    scene.on(Event::Joined(somebody("ada", Kind::Standard, None)));
    let text = |identity: &str, topic: &str| {
        Event::Text(Text {
            identity: identity.into(),
            topic: topic.into(),
            stream_id: "s".into(),
            attributes: BTreeMap::new(),
            text: " two\nlines ".into(),
        })
    };
    assert_eq!(scene.on(text("ada", "lk.chat")), None, "nobody reads it yet");
    assert_eq!(scene.on(reached()), Some(LineIn::Answered));
    assert_eq!(scene.on(text("ada", "lk.chat")), Some(LineIn::Typed("two lines".into())));
    assert_eq!(scene.on(text("eve", "lk.chat")), None);
    assert_eq!(scene.on(text("ada", "lk.transcription")), None);
}

#[test]
fn a_visitor_who_does_not_come_lets_the_worker_go() {
    let mut scene = Scene::visitor();
    assert_eq!(scene.waits(29_000), None);
    assert_eq!(scene.waits(2_000), hung_up(DisconnectedBy::NoAnswer));
    assert!(scene.caller.is_over() && scene.caller.next_deadline().is_none());
}

/// The room tells of both at once, when their media never came up.
#[test]
fn a_visitor_who_came_and_went_at_once_lets_the_worker_go() {
    let mut scene = Scene::visitor();
    assert_eq!(scene.on(Event::Joined(somebody("ada", Kind::Standard, None))), None);
    assert_eq!(scene.left("ada", Leaving::SignalClose), hung_up(DisconnectedBy::Customer));
    assert!(scene.caller.is_over());
    // One whom another page of theirs takes the place of is there still.
    let mut scene = Scene::visitor();
    scene.on(Event::Joined(somebody("ada", Kind::Standard, None)));
    assert_eq!(scene.left("ada", Leaving::DuplicateIdentity), None);
    scene.on(Event::Joined(somebody("ada", Kind::Standard, None)));
    assert_eq!(scene.on(reached()), Some(LineIn::Answered));
}

#[test]
fn who_hangs_up_is_told_from_who_lost_their_connection_and_who_was_sent_away() {
    let answered = || {
        let mut scene = Scene::visitor();
        scene.on(Event::Joined(somebody("ada", Kind::Standard, None)));
        assert_eq!(scene.on(reached()), Some(LineIn::Answered));
        scene
    };
    assert_eq!(answered().left("ada", Leaving::ClientInitiated), hung_up(DisconnectedBy::Customer));
    assert_eq!(answered().left("eve", Leaving::ClientInitiated), None, "somebody else");
    for reason in [Leaving::ParticipantRemoved, Leaving::RoomDeleted] {
        assert_eq!(answered().left("ada", reason), Some(LineIn::Broken(Reason::RemovedFromRoom)));
    }
    let mut scene = answered();
    assert_eq!(scene.left("ada", Leaving::ConnectionTimeout), None);
    assert_eq!(scene.waits(5_000), None);
    scene.on(Event::Joined(somebody("ada", Kind::Standard, None)));
    assert_eq!((scene.waits(60_000), scene.caller.identity()), (None, Some("ada")), "back again");
    assert_eq!(scene.left("ada", Leaving::ConnectionTimeout), None);
    assert_eq!(scene.waits(11_000), hung_up(DisconnectedBy::Customer));
}

#[test]
fn who_was_seen_is_known_when_the_call_is_over() {
    let mut scene = Scene::new(Whom::AnyPhone, Begins::Answered);
    assert_eq!(scene.caller.seen(), None);
    scene.on(Event::Joined(somebody(PHONE, Kind::Sip, Some("active"))));
    assert_eq!(scene.on(reached()), Some(LineIn::Answered));
    // Away, they may come back to a room without us.
    assert_eq!(scene.left(PHONE, Leaving::ConnectionTimeout), None);
    assert_eq!((scene.caller.identity(), scene.caller.seen()), (None, Some(PHONE)));
    // Our own connection is lost, or the bot has no voice: they are there still.
    scene.caller.finish();
    assert_eq!((scene.caller.identity(), scene.caller.seen()), (None, Some(PHONE)));
}

#[test]
fn a_dialled_telephone_is_spoken_to_when_it_is_active() {
    let mut scene = Scene::dialled();
    assert_eq!(scene.status("ringing"), None);
    assert_eq!(scene.waits(20_000), None, "it rings");
    assert_eq!(scene.status("active"), None);
    assert_eq!(scene.waits(99), None);
    assert_eq!(scene.waits(1), Some(LineIn::Answered), "the gateway has not said that it receives us");
    // The API's answer may be first.
    let mut scene = Scene::dialled();
    scene.status("ringing");
    assert_eq!(scene.caller.dialled(Ok(()), scene.now), None);
    assert_eq!(scene.on(reached()), Some(LineIn::Answered));
    assert_eq!(scene.status("active"), None);
    // A fast one is active when it is first seen.
    let mut scene = Scene::new(Whom::Phone(PHONE.into()), Begins::Dialled { to: "1".into(), from: None });
    scene.on(reached());
    assert_eq!(scene.on(Event::Joined(somebody(PHONE, Kind::Sip, Some("active")))), Some(LineIn::Answered));
}

#[test]
fn how_long_a_telephone_rang_is_known_where_it_was_rung_for_the_bot() {
    let awaited = Begins::Awaited { patience: Duration::from_secs(60) };
    for begins in [Begins::Dialled { to: "+15550100".into(), from: None }, awaited] {
        let mut scene = Scene::new(Whom::Phone(PHONE.into()), begins);
        scene.waits(3_000);
        assert_eq!(scene.on(Event::Joined(somebody(PHONE, Kind::Sip, Some("dialing")))), None);
        scene.waits(1_500);
        assert_eq!(scene.status("ringing"), None);
        scene.waits(9_500);
        assert_eq!((scene.status("active"), scene.caller.rang()), (None, Some(Duration::from_secs(11))));
        // What is told later changes nothing.
        scene.waits(99);
        assert_eq!(scene.caller.dialled(Ok(()), scene.now), None);
        assert_eq!(
            (scene.on(reached()), scene.caller.rang()),
            (Some(LineIn::Answered), Some(Duration::from_secs(11)))
        );
    }
    // The API's answer may be first.
    let mut scene = Scene::dialled();
    scene.waits(7_000);
    assert_eq!(scene.caller.dialled(Ok(()), scene.now), None);
    assert_eq!(scene.caller.rang(), Some(Duration::from_secs(7)));
    // One that has answered when it is first seen has rung for somebody else, or for nobody knows how long; one that calls rings for us.
    for begins in [Begins::Answered, Begins::Ringing, Begins::Dialled { to: "1".into(), from: None }] {
        let mut scene = Scene::new(Whom::Phone(PHONE.into()), begins);
        scene.on(Event::Joined(somebody(PHONE, Kind::Sip, Some("active"))));
        assert_eq!((scene.on(reached()), scene.caller.rang()), (Some(LineIn::Answered), None));
    }
    let mut scene = Scene::new(Whom::Phone(PHONE.into()), Begins::Ringing);
    scene.on(Event::Joined(somebody(PHONE, Kind::Sip, Some("ringing"))));
    scene.waits(500);
    assert_eq!((scene.status("active"), scene.caller.rang()), (None, None));
}

#[test]
fn the_gateways_word_counts_more_than_how_the_telephone_left() {
    let busy = || {
        let sip = Some(SipStatus { code: 486, phrase: "Busy Here".into() });
        let refusal = Refusal { status: 429, code: Code::ResourceExhausted, said: String::new(), sip };
        Err(DialError::Service(ServiceError::Refused(Box::new(refusal))))
    };
    let mut scene = Scene::dialled();
    assert_eq!(scene.left(PHONE, Leaving::UserRejected), None);
    assert_eq!(scene.caller.dialled(busy(), scene.now), hung_up(DisconnectedBy::Busy));
    assert_eq!(scene.waits(60_000), None);
    let mut scene = Scene::dialled();
    assert_eq!(scene.caller.dialled(busy(), scene.now), hung_up(DisconnectedBy::Busy));
    assert_eq!(scene.left(PHONE, Leaving::UserRejected), None, "told already");
    // Without it the reason has to do.
    for (reason, by) in [
        (Leaving::UserRejected, DisconnectedBy::Rejected),
        (Leaving::UserUnavailable, DisconnectedBy::NoAnswer),
        (Leaving::ClientInitiated, DisconnectedBy::NoAnswer),
    ] {
        let mut scene = Scene::dialled();
        assert_eq!(scene.left(PHONE, reason), None);
        assert_eq!(scene.waits(1_000), hung_up(by), "{reason:?}");
    }
}

#[test]
fn a_telephone_that_rings_is_answered_by_the_gateway_and_one_that_gave_up_is_not() {
    let mut scene = Scene::new(Whom::AnyPhone, Begins::Ringing);
    scene.on(Event::Joined(somebody(PHONE, Kind::Sip, Some("ringing"))));
    assert_eq!(scene.on(reached()), None, "it receives us in order to answer");
    assert_eq!(scene.status("active"), Some(LineIn::Answered));
    assert_eq!(scene.on(Event::Digit { identity: PHONE.into(), digit: '5' }), Some(LineIn::Dtmf('5')));
    assert_eq!(scene.on(Event::Digit { identity: "eve".into(), digit: '6' }), None);
    let mut scene = Scene::new(Whom::AnyPhone, Begins::Ringing);
    scene.on(Event::Joined(somebody(PHONE, Kind::Sip, Some("ringing"))));
    assert_eq!(scene.left(PHONE, Leaving::ClientInitiated), hung_up(DisconnectedBy::Customer));
}

#[test]
fn who_had_answered_and_is_gone_was_the_customer() {
    let mut scene = Scene::new(Whom::Phone(PHONE.into()), Begins::Answered);
    assert_eq!(scene.waits(10_000), hung_up(DisconnectedBy::Customer));
    let mut scene = Scene::new(Whom::Phone(PHONE.into()), Begins::Answered);
    scene.on(Event::Joined(somebody(PHONE, Kind::Sip, Some("active"))));
    assert_eq!(scene.waits(100), Some(LineIn::Answered));
}
