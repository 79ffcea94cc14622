//! Two agents that talk through a network that is not there, in a time that is not there.

use super::*;
use crate::digest::{Credentials, Proved};
use crate::event::{Failure, Transfer};
use crate::message::Headers;
use crate::sdp::Direction;
use crate::settings::Hold;

mod challenged;
mod strangers;

/// Two agents; the first calls.
struct World {
    now: Instant,
    sides: [Core; 2],
    /// What each was told.
    told: [Vec<Event>; 2],
    called: Vec<(CallKey, Called)>,
    sounds: [Vec<Agreed>; 2],
    /// First lines of all that went over the network.
    wire: Vec<String>,
    /// Whether a message is lost, by its number.
    loses: fn(usize) -> bool,
}

fn address(side: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1 + side as u8], 5060))
}

fn sound_at(side: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1 + side as u8], 20_000))
}

fn credentials() -> Credentials {
    Credentials { username: "u".to_owned(), password: "p".to_owned() }
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let side = |n| Core::new(now, Settings::default(), address(n));
        Self {
            now,
            sides: [side(0), side(1)],
            told: [Vec::new(), Vec::new()],
            called: Vec::new(),
            sounds: [Vec::new(), Vec::new()],
            wire: Vec::new(),
            loses: |_| false,
        }
    }

    fn dial(&mut self) -> CallKey {
        let to = Uri::sip(Some("bob"), "192.0.2.2", Some(5060));
        let dial = Dial {
            uri: to.to_string(),
            to: NameAddr::new(to),
            from: NameAddr::new(Uri::sip(Some("alice"), "192.0.2.1", None)),
            flow: Flow { transport: Transport::Udp, peer: address(1) },
            tag: None,
            headers: Headers::default(),
            credentials: Some(credentials()),
            ring_for: Duration::from_secs(20),
            sound_at: sound_at(0),
        };
        let key = self.sides[0].at(self.now).dial(dial);
        self.settle();
        key
    }

    /// Deliver what is under way.
    fn settle(&mut self) {
        loop {
            let mut moved = false;
            for side in 0..2 {
                while let Some(output) = self.sides[side].poll() {
                    moved = true;
                    match output {
                        Output::Send(flow, bytes) => self.carry(side, flow, &bytes),
                        Output::Called(key, called) => self.called.push((key, *called)),
                        Output::Tell(_, event) => self.told[side].push(event),
                        Output::Sound(_, agreed) => self.sounds[side].push(agreed),
                        Output::Over(_) => {}
                    }
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn carry(&mut self, from: usize, flow: Flow, bytes: &[u8]) {
        let first = String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().to_owned();
        let number = self.wire.len();
        self.wire.push(first);
        if (self.loses)(number) || flow.peer != address(1 - from) {
            return;
        }
        let back = Flow { transport: Transport::Udp, peer: address(from) };
        self.sides[1 - from].at(self.now).receive(back, bytes);
    }

    /// Let time go on.
    fn run(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        loop {
            self.settle();
            let due = self.sides.iter().filter_map(Core::next_timeout).min();
            let Some(due) = due.filter(|due| *due <= end) else { break };
            self.now = self.now.max(due);
            for side in 0..2 {
                self.sides[side].at(self.now).tick();
            }
        }
        self.now = end;
    }

    /// A call that is up: its number on each side.
    fn talking(&mut self) -> (CallKey, CallKey) {
        let near = self.dial();
        let (far, _) = self.called.pop().expect("somebody calls");
        self.sides[1].at(self.now).answer(far, sound_at(1), &Headers::default()).unwrap();
        self.settle();
        (near, far)
    }

    fn is_clean(&mut self) {
        self.run(120);
        for side in &self.sides {
            assert_eq!((side.calls.len(), side.dialogs.len(), side.asked.len()), (0, 0, 0));
            assert_eq!(side.transactions.len(), 0);
        }
    }

    fn sent(&self, what: &str) -> usize {
        self.wire.iter().filter(|line| line.starts_with(what)).count()
    }
}

fn last(events: &[Event]) -> &Event {
    events.last().expect("something was told")
}

#[test]
fn a_call_is_answered_and_hung_up() {
    for by in 0..2 {
        let mut world = World::new();
        let near = world.dial();
        let (far, called) = world.called.pop().unwrap();
        assert_eq!(called.invite.uri, "sip:bob@192.0.2.2:5060");
        world.sides[1].at(world.now).ring(far, Ring { status: 180, ..Ring::default() }).unwrap();
        world.settle();
        assert!(matches!(&world.told[0][..], [Event::Progress(status)] if status.code == 180));
        world.sides[1].at(world.now).answer(far, sound_at(1), &Headers::default()).unwrap();
        world.settle();
        assert!(matches!(last(&world.told[0]), Event::Answered(status) if status.code == 200));
        assert_eq!(last(&world.told[1]), &Event::Confirmed);
        assert_eq!(world.sounds[0][0].remote, sound_at(1));
        assert_eq!(world.sounds[1][0].remote, sound_at(0));
        world.run(100);
        world.sides[by].at(world.now).hang_up([near, far][by], Ending::Local);
        world.settle();
        assert_eq!(last(&world.told[by]), &Event::Ended(Ending::Local));
        assert_eq!(last(&world.told[1 - by]), &Event::Ended(Ending::Remote { reason: None }));
        assert_eq!(world.sent("BYE"), 1);
        world.is_clean();
    }
}

#[test]
fn who_is_busy_is_busy() {
    let mut world = World::new();
    world.dial();
    let (far, _) = world.called.pop().unwrap();
    world.sides[1].at(world.now).refuse(far, 486, "Busy Here", &Headers::default());
    world.settle();
    let Event::Failed(Failure::Refused(status)) = last(&world.told[0]) else { panic!("{:?}", world.told) };
    assert_eq!((status.code, status.reason.as_str()), (486, "Busy Here"));
    assert_eq!(last(&world.told[1]), &Event::Ended(Ending::Refused));
    assert_eq!(world.sent("ACK"), 1);
    world.is_clean();
}

#[test]
fn a_call_that_rings_too_long_is_cancelled() {
    let mut world = World::new();
    world.dial();
    let (far, _) = world.called.pop().unwrap();
    world.sides[1].at(world.now).ring(far, Ring::default()).unwrap();
    world.run(19);
    assert_eq!(world.sent("CANCEL"), 0);
    world.run(1);
    assert_eq!(last(&world.told[0]), &Event::Failed(Failure::NoAnswer));
    assert_eq!(last(&world.told[1]), &Event::Ended(Ending::Cancelled));
    assert_eq!((world.sent("CANCEL"), world.sent("SIP/2.0 487"), world.sent("ACK")), (1, 1, 1));
    world.is_clean();
}

/// Answered in the moment in which it is given up: the other side must not be left talking.
#[test]
fn an_answer_that_crosses_the_cancelling_is_hung_up() {
    let mut world = World::new();
    let near = world.dial();
    let (far, _) = world.called.pop().unwrap();
    world.sides[1].at(world.now).answer(far, sound_at(1), &Headers::default()).unwrap();
    world.sides[0].at(world.now).hang_up(near, Ending::Local);
    world.settle();
    assert_eq!(world.told[0], [Event::Failed(Failure::Cancelled)]);
    assert_eq!(last(&world.told[1]), &Event::Ended(Ending::Remote { reason: None }));
    world.is_clean();
}

#[test]
fn nobody_there_is_told_after_32_s() {
    let mut world = World::new();
    world.loses = |_| true;
    world.sides[0].settings.most_calls = 1;
    let to = Uri::sip(Some("bob"), "192.0.2.2", Some(5060));
    let dial = Dial {
        uri: to.to_string(),
        to: NameAddr::new(to),
        from: NameAddr::new(Uri::sip(Some("alice"), "192.0.2.1", None)),
        flow: Flow { transport: Transport::Udp, peer: address(1) },
        tag: Some("ours".to_owned()),
        headers: Headers::default(),
        credentials: None,
        ring_for: Duration::from_secs(60),
        sound_at: sound_at(0),
    };
    world.sides[0].at(world.now).dial(dial);
    world.run(31);
    assert!(world.told[0].is_empty());
    world.run(2);
    assert_eq!(world.told[0], [Event::Failed(Failure::Unreachable)]);
    world.is_clean();
}

#[test]
fn a_password_is_asked_for_and_proved() {
    let mut world = World::new();
    world.dial();
    let (far, _) = world.called.pop().unwrap();
    assert_eq!(world.sides[1].at(world.now).proves(far, &credentials()), Proved::NotTried);
    world.sides[1].at(world.now).challenge(far);
    world.settle();
    let (far, _) = world.called.pop().expect("it calls again");
    assert_eq!(world.sides[1].at(world.now).proves(far, &credentials()), Proved::Yes);
    world.sides[1].at(world.now).answer(far, sound_at(1), &Headers::default()).unwrap();
    world.settle();
    assert!(matches!(last(&world.told[0]), Event::Answered(_)));
    // Asked again, it gives up: the password is not the right one.
    world.dial();
    for _ in 0..2 {
        let (far, _) = world.called.pop().unwrap();
        world.sides[1].at(world.now).challenge(far);
        world.settle();
    }
    assert!(matches!(last(&world.told[0]), Event::Failed(Failure::Refused(status)) if status.code == 407));
    assert!(world.called.is_empty());
}

#[test]
fn a_transfer_is_told_as_it_goes() {
    for (code, wanted) in
        [(200, Transfer::Done), (486, Transfer::Failed { code: 486, reason: "Busy Here".to_owned() })]
    {
        let mut world = World::new();
        let (near, far) = world.talking();
        world.sides[0].at(world.now).refer(near, "sip:carol@192.0.2.3", &Headers::default());
        world.settle();
        // The agent itself takes no transfers.
        assert_eq!(
            world.told[0].pop(),
            Some(Event::Transfer(Transfer::Failed { code: 405, reason: "Method Not Allowed".to_owned() }))
        );
        for (code, reason) in [(100, "Trying"), (code, phrase(code))] {
            let call = world.sides[1].calls.get_mut(&far).unwrap();
            let mut notify = call.dialog.request(Method::Notify, None);
            notify.headers.push("Event", "refer;id=2");
            notify.body = format!("SIP/2.0 {code} {reason}\r\n").into_bytes();
            let flow = call.dialog.way();
            world.sides[1].at(world.now).ask(far, notify, Way { flow, why: Why::Bye, proved: true });
            world.settle();
        }
        assert_eq!(last(&world.told[0]), &Event::Transfer(wanted));
        assert!(
            world.told[0]
                .contains(&Event::Transfer(Transfer::Progress { code: 100, reason: "Trying".to_owned() }))
        );
    }
}

/// The other side describes itself anew: on hold, and back.
#[test]
fn a_call_is_held_and_taken_up_again() {
    for hold in [Hold::Follow, Hold::KeepTalking] {
        let mut world = World::new();
        world.sides[1].settings.hold = hold;
        let (near, _) = world.talking();
        for (direction, heard) in
            [(Direction::SendOnly, Direction::ReceiveOnly), (Direction::Both, Direction::Both)]
        {
            let mut call = world.sides[0].calls.remove(&near).unwrap();
            call.origin.version += 1;
            world.sides[0].offer(&mut call, sound_at(0));
            let offer = call.offer.as_mut().unwrap();
            offer.direction = direction;
            let text = offer.to_text();
            let mut invite = call.dialog.request(Method::Invite, None);
            invite.headers.push("Content-Type", "application/sdp");
            invite.body = text.into_bytes();
            let flow = call.dialog.way();
            world.sides[0].keep(near, call);
            world.sides[0].at(world.now).ask(near, invite, Way { flow, why: Why::Refresh, proved: false });
            world.settle();
            if hold == Hold::Follow {
                assert_eq!(last(&world.told[1]), &Event::Confirmed);
                assert!(world.told[1].contains(&Event::Held(direction != Direction::Both)));
                assert_eq!(world.sounds[1].last().unwrap().direction, heard);
            }
        }
        if hold == Hold::KeepTalking {
            assert_eq!(world.sounds[1].len(), 1, "nothing changed for it");
        }
        assert!(world.sides[0].calls[&near].offer.is_none());
        assert_eq!(world.sent("ACK"), 3);
    }
}

#[test]
fn a_side_that_says_no_more_that_it_is_there_is_hung_up() {
    let mut world = World::new();
    let (near, far) = world.talking();
    let refresh = |is_ours: &str| {
        let mut headers = Headers::default();
        headers.push("Session-Expires", format!("90;refresher={is_ours}"));
        headers
    };
    let now = world.now;
    world.sides[0].calls.get_mut(&near).unwrap().refresh = session::Refresh::answered(now, &refresh("uac"));
    let mut call = world.sides[1].calls.remove(&far).unwrap();
    call.refresh = session::Refresh::answered(now, &refresh("uas"));
    world.sides[1].keep(far, call);
    let call = world.sides[0].calls.remove(&near).unwrap();
    world.sides[0].keep(near, call);
    world.run(600);
    assert!(world.sent("INVITE") >= 10 && world.sent("BYE") == 0, "{:?}", world.wire);
    world.sides[0].calls.get_mut(&near).unwrap().refresh = None;
    world.run(200);
    assert_eq!(last(&world.told[1]), &Event::Ended(Ending::Lost));
    world.is_clean();
}

/// Every third message is lost, either way: calls come about and end all the same, and each thing is told once.
#[test]
fn a_line_that_loses_much_carries_a_call() {
    let mut world = World::new();
    world.loses = |number| number % 3 == 1;
    let near = world.dial();
    world.run(3);
    let (far, _) = world.called.pop().expect("it came through in the end");
    assert!(world.called.is_empty());
    world.sides[1].at(world.now).answer(far, sound_at(1), &Headers::default()).unwrap();
    world.run(10);
    let answered = world.told[0].iter().filter(|event| matches!(event, Event::Answered(_))).count();
    assert_eq!((answered, world.told[1].as_slice()), (1, [Event::Confirmed].as_slice()));
    world.sides[0].at(world.now).hang_up(near, Ending::Local);
    world.run(10);
    assert_eq!(last(&world.told[1]), &Event::Ended(Ending::Remote { reason: None }));
    world.is_clean();
}

#[test]
fn a_flood_of_calls_is_refused_without_being_kept() {
    let mut world = World::new();
    world.sides[1].settings.most_calls = 30;
    for _ in 0..200 {
        world.dial();
    }
    assert_eq!(world.sides[1].calls.len(), 30);
    assert_eq!(world.sides[1].counts().refused, 170);
    assert!(world.sides[1].transactions.len() <= 31, "{}", world.sides[1].transactions.len());
    let refused =
        world.told[0].iter().filter(|e| matches!(e, Event::Failed(Failure::Refused(s)) if s.code == 503));
    assert_eq!(refused.count(), 170);
}
