//! When relays are asked for, and what goes through them.

use super::*;
use crate::options::Transport;
use crate::wire::signal::IceServer;

const LOCAL: &str = "192.168.1.2:5000";

/// A server that names TURN servers by UDP and by TLS.
fn naming() -> Join {
    let urls = ["turn:10.0.0.9:3478?transport=udp", "turns:turn.example:443?transport=tcp"];
    let servers = IceServer {
        urls: urls.map(str::to_owned).to_vec(),
        username: "u".to_owned(),
        credential: "p".to_owned(),
    };
    Join { ice_servers: vec![servers], ..join() }
}

fn forced() -> Option<ClientConfiguration> {
    Some(ClientConfiguration { force_relay: 2 })
}

/// A session that was offered, let in and answered; it has the server's address, and no way yet.
fn begun(transport: Transport, join: Join) -> (Session, Far) {
    let now = Instant::now();
    let mut far = Far::new(now);
    let mut session = Session::new(&Options { transport, ..options() }, Mode::Single, now);
    let offer = session.first_offer().unwrap();
    session.joined(join).unwrap();
    session.signal(far.trickle());
    let answer = far.answer(&offer);
    session.signal(answer);
    (session, far)
}

fn relays(far: &Far) -> usize {
    far.others.iter().filter(|other| other.starts_with("Relay(")).count()
}

#[test]
fn with_relays_alone_all_goes_through_them() {
    for (transport, forced) in
        [(Transport::Relay, None), (Transport::Any, forced()), (Transport::Tcp, forced())]
    {
        let (mut session, mut far) = begun(transport, Join { client_configuration: forced, ..naming() });
        // A socket that is there all the same.
        let direct: SocketAddr = "10.0.0.3:4000".parse().unwrap();
        session.add_local(Target::Publisher, Protocol::Udp, direct);
        let mut sent = 0;
        while let Some(output) = session.next_output() {
            sent += usize::from(matches!(output, Output::Transmit(..) | Output::Reach(..)));
            if let Output::Relay(target, servers) = output {
                assert_eq!((target, servers.len()), (Target::Publisher, 2));
                far.others.push("Relay(at once)".to_owned());
            }
        }
        far.run(&mut session, Duration::from_secs(1));
        assert_eq!((sent, relays(&far)), (0, 1), "{transport:?}");
        assert!(!far.events.contains(&Event::Connected), "nothing goes by the other socket");
        far.signals.clear();
        session.add_relay(Target::Publisher, far.near, LOCAL.parse().unwrap());
        far.run(&mut session, Duration::from_secs(3));
        assert!(far.events.contains(&Event::Connected), "{transport:?}: {:?}", far.events);
        let told = far.signals.iter().any(|signal| {
            matches!(signal, Request::Trickle(trickle) if trickle.candidate_init.contains("typ relay"))
        });
        assert!(told, "{:?}", far.signals);
        assert_eq!(relays(&far), 1);
    }
}

#[test]
fn relays_are_begun_when_there_is_no_other_way_for_a_moment() {
    let (mut session, mut far) = begun(Transport::Any, naming());
    far.run(&mut session, Duration::from_millis(1900));
    assert_eq!(relays(&far), 0);
    far.run(&mut session, Duration::from_millis(300));
    assert_eq!(relays(&far), 1);
    session.add_relay(Target::Publisher, far.near, LOCAL.parse().unwrap());
    far.run(&mut session, Duration::from_secs(20));
    assert!(far.events.contains(&Event::Connected) && relays(&far) == 1, "{:?}", far.others);

    // The server took the address back: the way is lost, and another is asked for after a moment.
    session.remove_relay(Target::Publisher, far.near);
    let end = far.now + Duration::from_secs(30);
    let mut asked = 0;
    while far.now < end && asked == 0 {
        far.now = session.due().max(far.now + Duration::from_millis(1));
        session.timeout(far.now);
        while let Some(output) = session.next_output() {
            asked += usize::from(matches!(output, Output::Relay(..)));
        }
    }
    assert_eq!(asked, 1);
}

#[test]
fn where_there_is_a_direct_way_there_are_no_relays() {
    let (mut session, mut far) = begun(Transport::Any, naming());
    session.add_local(Target::Publisher, Protocol::Udp, far.near);
    far.run(&mut session, Duration::from_secs(10));
    assert!(far.events.contains(&Event::Connected));
    assert_eq!(relays(&far), 0);
    // Another line, and another search for a way, which is found: none either.
    session.ways(&naming().ice_servers, None).unwrap();
    session.resumed(0);
    far.run(&mut session, Duration::from_millis(20));
    let Some(Request::Offer(offer)) =
        far.signals.iter().rev().find(|signal| matches!(signal, Request::Offer(_))).cloned()
    else {
        panic!("{:?}", far.signals)
    };
    let answer = far.answer(&offer);
    session.signal(answer);
    session.signal(far.trickle());
    far.run(&mut session, Duration::from_secs(10));
    assert_eq!(relays(&far), 0, "{:?}", far.others);
}

#[test]
fn a_transport_has_its_own_relays() {
    for (transport, servers) in
        [(Transport::Any, 2), (Transport::Udp, 1), (Transport::Tcp, 1), (Transport::Relay, 2)]
    {
        let mut session = Session::new(&Options { transport, ..options() }, Mode::Dual, Instant::now());
        session.joined(naming()).unwrap();
        let mut asked = Vec::new();
        for _ in 0..8 {
            session.timeout(session.now + Duration::from_millis(500));
            while let Some(output) = session.next_output() {
                if let Output::Relay(target, servers) = output {
                    asked.push((target, servers.len()));
                }
            }
        }
        let mut expected = vec![(Target::Publisher, servers)];
        if transport == Transport::Relay {
            expected.push((Target::Subscriber, servers));
        }
        assert_eq!(asked, expected, "{transport:?}");
    }
}

#[test]
fn relays_alone_and_none_that_can_be_used_are_refused() {
    let stun = IceServer { urls: vec!["stun:stun.example".to_owned()], ..IceServer::default() };
    let join = || Join { ice_servers: vec![stun.clone()], ..join() };
    let mut session =
        Session::new(&Options { transport: Transport::Relay, ..options() }, Mode::Single, Instant::now());
    assert!(matches!(session.joined(join()), Err(JoinError::RelayOnly)));
    let mut session = Session::new(&options(), Mode::Single, Instant::now());
    session.joined(join()).unwrap();
    assert!(matches!(session.ways(&[], forced().as_ref()), Err(JoinError::RelayOnly)));
}
