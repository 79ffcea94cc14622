use super::*;
use crate::message::parse;
use crate::transport::Transport;

const UDP: Flow = Flow {
    transport: Transport::Udp,
    peer: std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 9)), 5062),
};

fn request(method: &str, branch: &str) -> Request {
    let text = format!(
        "{method} sip:bob@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{branch};rport\r\n\
         From: <sip:a@x>;tag=1\r\nTo: <sip:b@y>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n\r\n"
    );
    match parse(text.as_bytes()).unwrap() {
        Message::Request(request) => request,
        Message::Response(_) => unreachable!(),
    }
}

/// A clock, the transactions, and what they do at each step.
struct Bench {
    it: Transactions,
    now: Instant,
    start: Instant,
}

impl Bench {
    fn new() -> Self {
        let start = Instant::now();
        Self { it: Transactions::new(Times::default()), now: start, start }
    }

    /// First lines of what is sent now.
    fn sent(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        while let Some((_, bytes)) = self.it.poll_out() {
            sent.push(String::from_utf8(bytes).unwrap().lines().next().unwrap().to_owned());
        }
        sent
    }

    /// Milliseconds at which something is sent until this one.
    fn run(&mut self, until_ms: u64) -> Vec<u64> {
        let mut at = Vec::new();
        while let Some(due) =
            self.it.next_timeout().filter(|due| *due <= self.start + Duration::from_millis(until_ms))
        {
            self.now = due;
            self.it.tick(due);
            at.extend(self.sent().iter().map(|_| (due - self.start).as_millis() as u64));
        }
        at
    }

    fn answers(&mut self, to: &Request, status: u16) {
        let response = Response::to(to, status, "Words", "tag");
        self.it.receive(self.now, UDP, Message::Response(response));
    }
}

#[test]
fn an_invite_is_sent_again_and_given_up_after_32_s() {
    let mut bench = Bench::new();
    let id = bench.it.ask(bench.now, request("INVITE", "1"), UDP);
    assert_eq!(bench.sent(), ["INVITE sip:bob@192.0.2.9 SIP/2.0"]);
    assert_eq!(bench.run(40_000), [500, 1500, 3500, 7500, 15_500, 31_500]);
    assert!(matches!(bench.it.poll_news(), Some(Happened::GivenUp { id: gone }) if gone == id));
    assert_eq!(bench.it.len(), 0);
}

#[test]
fn other_requests_are_sent_every_four_seconds() {
    let mut bench = Bench::new();
    let options = request("OPTIONS", "1");
    bench.it.ask(bench.now, options.clone(), UDP);
    bench.sent();
    assert_eq!(bench.run(12_000), [500, 1500, 3500, 7500, 11_500]);
    bench.answers(&options, 200);
    assert!(matches!(bench.it.poll_news(), Some(Happened::Answered { .. })));
    bench.answers(&options, 200);
    assert!(bench.it.poll_news().is_none(), "a repetition is no news");
    assert_eq!((bench.run(60_000).len(), bench.it.len()), (0, 0));
    assert!(matches!(bench.it.poll_news(), Some(Happened::Done { .. })));
}

#[test]
fn a_refusal_is_acknowledged_as_often_as_it_comes() {
    let mut bench = Bench::new();
    let invite = request("INVITE", "1");
    bench.it.ask(bench.now, invite.clone(), UDP);
    bench.answers(&invite, 180);
    bench.sent();
    assert!(bench.run(100_000).is_empty(), "it rings as long as it likes");
    for round in 0..3 {
        bench.answers(&invite, 486);
        assert_eq!(bench.sent(), ["ACK sip:bob@192.0.2.9 SIP/2.0"], "{round}");
    }
    let statuses: Vec<_> = std::iter::from_fn(|| bench.it.poll_news())
        .map(|news| match news {
            Happened::Answered { response, .. } => response.status,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(statuses, [180, 486]);
}

#[test]
fn what_is_asked_again_is_answered_again_and_no_news() {
    let mut bench = Bench::new();
    for _ in 0..2 {
        bench.it.receive(bench.now, UDP, Message::Request(request("INVITE", "1")));
    }
    let Some(Happened::Asked { key, request: asked, .. }) = bench.it.poll_news() else { panic!() };
    assert!(bench.it.poll_news().is_none());
    assert!(asked.headers.get("Via").unwrap().ends_with("rport=5062;received=192.0.2.9"));
    bench.it.answer(bench.now, &key, &Response::to(&asked, 180, "Ringing", "t"));
    bench.it.receive(bench.now, UDP, Message::Request(request("INVITE", "1")));
    assert_eq!(bench.sent(), ["SIP/2.0 180 Ringing", "SIP/2.0 180 Ringing"]);
    let mut cancel = request("CANCEL", "1");
    assert_eq!(bench.it.cancelled(&cancel, UDP).as_ref(), Some(&key));
    bench.it.answer(bench.now, &key, &Response::to(&asked, 486, "Busy", "t"));
    bench.sent();
    assert_eq!(bench.it.cancelled(&cancel, UDP), None);
    cancel.method = Method::Ack;
    assert_eq!(bench.run(4000), [500, 1500, 3500]);
    bench.it.receive(bench.now, UDP, Message::Request(cancel));
    assert!(bench.run(60_000).is_empty() && bench.it.poll_news().is_none() && bench.it.len() == 0);
}

#[test]
fn an_answered_call_is_told_of_until_it_is_acknowledged() {
    let mut bench = Bench::new();
    bench.it.receive(bench.now, UDP, Message::Request(request("INVITE", "1")));
    let Some(Happened::Asked { key, request: asked, .. }) = bench.it.poll_news() else { panic!() };
    bench.it.answer(bench.now, &key, &Response::to(&asked, 200, "OK", "t"));
    bench.sent();
    assert_eq!(bench.run(8000), [500, 1500, 3500, 7500]);
    bench.it.receive(bench.now, UDP, Message::Request(request("ACK", "other")));
    assert!(matches!(bench.it.poll_news(), Some(Happened::Acknowledged { .. })));
    bench.it.acknowledged(bench.now, &key);
    assert!(bench.run(60_000).is_empty() && bench.it.poll_news().is_none());
    bench.it.receive(bench.now, UDP, Message::Request(request("INVITE", "2")));
    let Some(Happened::Asked { key, request: asked, .. }) = bench.it.poll_news() else { panic!() };
    bench.it.answer(bench.now, &key, &Response::to(&asked, 200, "OK", "t"));
    bench.run(200_000);
    assert!(matches!(bench.it.poll_news(), Some(Happened::Unacknowledged { .. })));
}
