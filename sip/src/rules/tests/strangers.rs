//! What comes that belongs to no call, one by one and in floods.

use super::*;

/// Requests that are none of a call's, and messages that are none.
#[test]
fn what_belongs_to_no_call_is_answered_so() {
    let mut world = World::new();
    let flow = Flow { transport: Transport::Udp, peer: address(1) };
    let ask = |method: &str, more: &str| {
        format!(
            "{method} sip:x@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK{method}{}\r\nFrom: <sip:a@x>;tag=1\r\n\
             Call-ID: c\r\nCSeq: 1 {method}\r\n{more}\r\n",
            more.len()
        )
    };
    for (method, more, wanted) in [
        ("OPTIONS", "To: <sip:x@y>\r\n", "SIP/2.0 200"),
        ("BYE", "To: <sip:x@y>;tag=unknown\r\n", "SIP/2.0 481"),
        ("BYE", "To: <sip:x@y>\r\n", "SIP/2.0 481"),
        ("CANCEL", "To: <sip:x@y>\r\n", "SIP/2.0 481"),
        ("REGISTER", "To: <sip:x@y>\r\n", "SIP/2.0 405"),
        ("INVITE", "To: <sip:x@y>\r\nRequire: 100rel\r\nContact: <sip:a@x>\r\n", "SIP/2.0 420"),
        ("INVITE", "To: <sip:x@y>\r\n", "SIP/2.0 400"),
        ("INVITE", "To: <sip:x@y>\r\nSession-Expires: 10\r\nContact: <sip:a@x>\r\n", "SIP/2.0 422"),
        ("OPTIONS", "", "SIP/2.0 400"),
    ] {
        world.sides[0].at(world.now).receive(flow, ask(method, more).as_bytes());
        world.settle();
        assert!(
            world.wire.last().is_some_and(|line| line.starts_with(wanted)),
            "{method} {more}: {:?}",
            world.wire
        );
    }
    let before = world.wire.len();
    for text in ["\r\n\r\n", "nonsense", "INVITE sip:x SIP/2.0\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n"] {
        world.sides[0].at(world.now).receive(flow, text.as_bytes());
        world.settle();
    }
    assert_eq!((world.wire.len(), world.sides[0].counts().malformed), (before, 1));
}

/// A request as anybody may send it.
fn stray(method: &str, number: usize, more: &str) -> String {
    format!(
        "{method} sip:x@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP h;rport;branch=z9hG4bK{method}{number}\r\nFrom: <sip:a@x>;tag=1\r\n\
         Call-ID: c{number}\r\nCSeq: 1 {method}\r\nContact: <sip:a@x>\r\n{more}\r\n"
    )
}

/// The address of one of many.
fn one_of_many(number: usize) -> Flow {
    let [.., a, b] = number.to_be_bytes();
    Flow { transport: Transport::Udp, peer: SocketAddr::from(([203, 0, a, b], 5060)) }
}

/// Neither memory nor repetitions are had for a datagram, whatever it claims to belong to.
#[test]
fn what_belongs_to_no_call_is_answered_once_and_not_kept() {
    let mut world = World::new();
    let claimed = "To: <sip:x@y>;tag=x\r\n";
    for (number, (method, more)) in [
        ("INVITE", claimed),
        ("BYE", claimed),
        ("OPTIONS", "To: <sip:x@y>\r\n"),
        ("PUBLISH", "To: <sip:x@y>\r\n"),
        ("INVITE", "To: <sip:x@y>\r\nRequire: 100rel\r\n"),
        ("INVITE", "To: <sip:x@y>\r\nSession-Expires: 10\r\n"),
    ]
    .into_iter()
    .enumerate()
    {
        world.sides[0].at(world.now).receive(one_of_many(1), stray(method, number, more).as_bytes());
        world.run(40);
        assert_eq!(
            (world.wire.len(), world.sides[0].transactions.len()),
            (number + 1, 0),
            "{:?}",
            world.wire
        );
    }
    // The same again gets the same again.
    let again = stray("INVITE", 7, "To: <sip:x@y>\r\nRequire: 100rel\r\n");
    let answers = [0, 1].map(|_| {
        world.sides[0].at(world.now).receive(one_of_many(1), again.as_bytes());
        world.sides[0].poll().map(|output| format!("{output:?}"))
    });
    assert!(answers[0].is_some() && answers[0] == answers[1]);
}

#[test]
fn one_address_gets_so_many_answers_and_no_more() {
    let mut world = World::new();
    let most = 2 * Settings::default().calls_per_second * outside::UNHEARD_PER_CALL;
    for number in 0..1000 {
        for to in ["To: <sip:x@y>\r\n", "To: <sip:x@y>;tag=x\r\n"] {
            world.sides[0].at(world.now).receive(one_of_many(1), stray("INFO", number, to).as_bytes());
        }
    }
    world.settle();
    assert_eq!(world.wire.len(), most as usize);
    world.sides[0].at(world.now).receive(one_of_many(2), stray("INFO", 1, "To: <sip:x@y>\r\n").as_bytes());
    world.settle();
    assert_eq!(world.wire.len(), most as usize + 1, "another is not meant");
}

/// However much is under way, a call that is there ends when its other side says so.
#[test]
fn a_call_can_end_in_a_flood() {
    let mut world = World::new();
    let (near, _) = world.talking();
    world.sides[1].settings.most_calls = 2000;
    world.sides[1].most_transactions = 1000;
    for number in 0..1100 {
        let invite = stray("INVITE", number, "To: <sip:x@y>\r\n");
        world.sides[1].at(world.now).receive(one_of_many(number / 40), invite.as_bytes());
    }
    while world.sides[1].poll().is_some() {}
    assert_eq!(world.sides[1].transactions.len(), 1000);
    world.sides[0].at(world.now).hang_up(near, Ending::Local);
    world.settle();
    assert_eq!(last(&world.told[1]), &Event::Ended(Ending::Remote { reason: None }));
    assert!(world.wire.last().unwrap().starts_with("SIP/2.0 200"), "{:?}", world.wire.last());
}
