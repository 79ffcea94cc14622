//! One agent and another side that answers by hand, as none of ours does.

use super::*;

fn far_end() -> Flow {
    Flow { transport: Transport::Udp, peer: address(1) }
}

/// The requests that an agent has to send.
fn requests(world: &mut World) -> Vec<Request> {
    let outputs = std::iter::from_fn(|| world.sides[0].poll());
    let sent = outputs.filter_map(|output| match output {
        Output::Send(_, bytes) => Some(parse(&bytes).unwrap()),
        _ => None,
    });
    sent.filter_map(|message| match message {
        Message::Request(request) => Some(request),
        Message::Response(_) => None,
    })
    .collect()
}

fn answer(world: &mut World, request: &Request, status: u16, more: &[(&str, &str)]) {
    let mut response = Response::to(request, status, phrase(status), "far");
    for (name, value) in more {
        response.headers.push(*name, *value);
    }
    let now = world.now;
    world.sides[0].at(now).receive(far_end(), &response.to_bytes());
}

fn number(request: &Request) -> u32 {
    crate::message::cseq(&request.headers).unwrap().0
}

const CHALLENGE: (&str, &str) = ("Proxy-Authenticate", r#"Digest realm="x", nonce="n", qop="auth""#);

#[test]
fn a_hanging_up_that_is_challenged_is_proved() {
    let mut world = World::new();
    let (near, _) = world.talking();
    let now = world.now;
    world.sides[0].at(now).hang_up(near, Ending::Local);
    let bye = requests(&mut world).pop().unwrap();
    answer(&mut world, &bye, 407, &[CHALLENGE]);
    let again = requests(&mut world).pop().unwrap();
    assert_eq!((&again.method, number(&again)), (&Method::Bye, number(&bye) + 1));
    assert!(again.headers.get("Proxy-Authorization").unwrap().contains("username=\"u\""));
    assert_ne!(again.headers.get("Via"), bye.headers.get("Via"));
    // Once: another password there is not.
    answer(&mut world, &again, 407, &[CHALLENGE]);
    assert!(requests(&mut world).is_empty());
    world.run(40);
    assert_eq!((world.sides[0].asked.len(), world.sides[0].transactions.len()), (0, 0));
}

/// A call whose sign of life is due.
fn due_for_a_refresh(seconds: u32) -> (World, CallKey, Request) {
    let mut world = World::new();
    let (near, _) = world.talking();
    let mut headers = Headers::default();
    headers.push("Session-Expires", format!("{seconds};refresher=uac"));
    let mut call = world.sides[0].calls.remove(&near).unwrap();
    call.refresh = session::Refresh::answered(world.now, &headers);
    world.sides[0].keep(near, call);
    world.now += Duration::from_secs(u64::from(seconds / 2));
    let invite = tick(&mut world).pop().unwrap();
    (world, near, invite)
}

/// What is sent at this time.
fn tick(world: &mut World) -> Vec<Request> {
    let now = world.now;
    world.sides[0].at(now).tick();
    requests(world).into_iter().filter(|request| request.method == Method::Invite).collect()
}

#[test]
fn a_sign_of_life_that_is_challenged_is_proved() {
    let (mut world, near, invite) = due_for_a_refresh(1800);
    answer(&mut world, &invite, 401, &[("WWW-Authenticate", CHALLENGE.1)]);
    let again = requests(&mut world).pop().unwrap();
    assert_eq!((&again.method, number(&again)), (&Method::Invite, number(&invite) + 1));
    assert!(again.headers.get("Authorization").is_some() && again.body == invite.body);
    let fine = [("Session-Expires", "1800;refresher=uac"), ("Contact", "<sip:bob@192.0.2.2>")];
    answer(&mut world, &again, 200, &fine);
    assert_eq!(requests(&mut world).pop().unwrap().method, Method::Ack);
    assert_eq!(world.sides[0].calls[&near].due(), Some(world.now + Duration::from_secs(900)));
}

#[test]
fn a_sign_of_life_that_is_refused_is_given_again_in_time() {
    let (mut world, near, invite) = due_for_a_refresh(1800);
    answer(&mut world, &invite, 491, &[]);
    requests(&mut world);
    assert_eq!(world.sides[0].calls[&near].due(), Some(world.now + Duration::from_secs(180)));
    world.now += Duration::from_secs(180);
    let invite = tick(&mut world).pop().unwrap();
    // Too often: less often, and at once.
    answer(&mut world, &invite, 422, &[("Min-SE", "3600")]);
    requests(&mut world);
    let invite = tick(&mut world).pop().unwrap();
    assert_eq!(invite.headers.get("Session-Expires"), Some("3600;refresher=uac"));
}

/// Several telephones of one number may answer: who was second is told that it is over, and who repeats itself hears the same again.
#[test]
fn whoever_answers_second_is_hung_up() {
    let mut world = World::new();
    world.loses = |_| true;
    let near = world.dial();
    let Some(asked) = world.sides[0].asked.values().next() else { panic!() };
    let invite = asked.request.clone();
    let mut call = world.sides[0].calls.remove(&near).unwrap();
    let body = call.offer.as_mut().unwrap().to_text();
    world.sides[0].keep(near, call);
    let answers = |world: &mut World, tag: &str| {
        let mut response = Response::to(&invite, 200, "OK", tag);
        response.headers.push("Contact", format!("<sip:{tag}@192.0.2.2>"));
        response.headers.push("Content-Type", "application/sdp");
        response.body = body.clone().into_bytes();
        let now = world.now;
        world.sides[0].at(now).receive(far_end(), &response.to_bytes());
        let sent = requests(world);
        sent.into_iter().map(|r| format!("{} {}", r.method.as_str(), r.uri)).collect::<Vec<_>>()
    };
    assert_eq!(answers(&mut world, "one"), ["ACK sip:one@192.0.2.2"]);
    assert_eq!(answers(&mut world, "two"), ["ACK sip:two@192.0.2.2", "BYE sip:two@192.0.2.2"]);
    assert_eq!(answers(&mut world, "two"), ["ACK sip:two@192.0.2.2"]);
    assert_eq!(answers(&mut world, "one"), ["ACK sip:one@192.0.2.2"]);
    assert!(matches!(world.sides[0].calls[&near].phase, call::Phase::Up));
    let now = world.now;
    world.sides[0].at(now).hang_up(near, Ending::Local);
    requests(&mut world);
    assert_eq!(answers(&mut world, "three"), ["ACK sip:three@192.0.2.2", "BYE sip:three@192.0.2.2"]);
    for many in 0..100 {
        answers(&mut world, &format!("n{many}"));
    }
    assert!(world.sides[0].asked.values().all(|asked| asked.acks.len() <= 8));
    world.run(100);
    assert_eq!((world.sides[0].asked.len(), world.sides[0].transactions.len()), (0, 0));
}

/// Nothing is there to hang up before it is answered: the call goes on, and its answer is not left alone.
#[test]
fn a_hanging_up_before_the_answer_is_none() {
    let mut world = World::new();
    let near = world.dial();
    let (call_id, tag) = world.sides[0].id(near).unwrap();
    let bye = format!(
        "BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKearly;rport\r\nFrom: <sip:b@x>;tag=far\r\nTo: <sip:a@x>;tag={tag}\r\n\
         Call-ID: {call_id}\r\nCSeq: 1 BYE\r\n\r\n"
    );
    let now = world.now;
    world.sides[0].at(now).receive(far_end(), bye.as_bytes());
    world.settle();
    assert!(world.wire.last().unwrap().starts_with("SIP/2.0 481"));
    let (far, _) = world.called.pop().unwrap();
    world.sides[1].at(now).answer(far, sound_at(1), &Headers::default()).unwrap();
    world.settle();
    assert!(matches!(last(&world.told[0]), Event::Answered(_)));
}

/// The acknowledgement of a call's beginning that comes again does not acknowledge what was asked since.
#[test]
fn an_acknowledgement_is_of_its_own_invite() {
    let mut world = World::new();
    let (near, far) = world.talking();
    world.loses = |_| true;
    let ack = |world: &mut World, number: u32| {
        let call = world.sides[0].calls.get_mut(&near).unwrap();
        let mut ack = call.dialog.request(Method::Ack, Some(number));
        ack.headers.push_front("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKack;rport");
        let now = world.now;
        let flow = Flow { transport: Transport::Udp, peer: address(0) };
        world.sides[1].at(now).receive(flow, &ack.to_bytes());
    };
    // Without an offer: ours is answered with the acknowledgement.
    let call = world.sides[0].calls.get_mut(&near).unwrap();
    let mut invite = call.dialog.request(Method::Invite, None);
    let second = number(&invite);
    invite.headers.push_front("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKsecond;rport");
    let now = world.now;
    let flow = Flow { transport: Transport::Udp, peer: address(0) };
    world.sides[1].at(now).receive(flow, &invite.to_bytes());
    let told = world.told[1].len();
    ack(&mut world, second - 1);
    world.settle();
    assert_eq!(world.told[1].len(), told);
    assert!(world.sides[1].calls[&far].unacknowledged.is_some());
    // Without an answer in it there is no agreement: so much for this one.
    ack(&mut world, second);
    world.settle();
    assert_eq!(last(&world.told[1]), &Event::Ended(Ending::Local));
}
