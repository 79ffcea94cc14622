use proptest::prelude::*;

use super::*;

const INVITE: &str = "INVITE sip:bob@example.org SIP/2.0\r\nv: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
    Subject: two\r\n  lines\r\nl: 4\r\n\r\nbody";

fn request(text: &str) -> Request {
    match parse(text.as_bytes()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn compact_names_and_folded_lines_are_read() {
    let request = request(INVITE);
    assert_eq!(request.method, Method::Invite);
    assert_eq!(request.headers.get("Via"), Some("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"));
    assert_eq!(request.headers.get("subject"), Some("two lines"));
    assert_eq!(request.body, b"body");
}

#[test]
fn an_answer_may_have_no_words() {
    for (text, reason) in [
        ("SIP/2.0 486 Busy Here\r\n\r\n", "Busy Here"),
        ("SIP/2.0 400 \r\n\r\n", ""),
        ("SIP/2.0 400\r\n\r\n", ""),
    ] {
        let Ok(Message::Response(response)) = parse(text.as_bytes()) else { panic!("{text}") };
        assert_eq!(response.reason, reason);
    }
}

#[test]
fn what_is_no_message_is_refused_with_its_reason() {
    let many = format!("OPTIONS sip:a@b SIP/2.0\r\n{}\r\n", "A: 1\r\n".repeat(200));
    let long = format!("OPTIONS sip:a@b SIP/2.0\r\nA: {}\r\n\r\n", "x".repeat(20_000));
    for (text, wanted) in [
        ("INVITE sip:a@b SIP/2.0\r\nA: 1\r\n", ParseError::NoEnd),
        ("INVITE sip:a@b SIP/3.0\r\n\r\n", ParseError::Version),
        ("INVITE  sip:a@b SIP/2.0\r\n\r\n", ParseError::StartLine),
        ("GET / HTTP/1.1\r\n\r\n", ParseError::StartLine),
        ("SIP/2.0 99 Low\r\n\r\n", ParseError::StartLine),
        ("SIP/2.0 +20 Sign\r\n\r\n", ParseError::StartLine),
        ("INVITE sip:a@b SIP/2.0\r\nno name\r\n\r\n", ParseError::HeaderLine),
        ("INVITE sip:a@b SIP/2.0\r\n folded: first\r\n\r\n", ParseError::HeaderLine),
        ("INVITE sip:a@b SIP/2.0\r\nA: \u{0}\r\n\r\n", ParseError::NotText),
        ("INVITE sip:a@b SIP/2.0\r\nA: b\nC: d\r\n\r\n", ParseError::NotText),
        ("INVITE sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n", ParseError::ContentLength),
        ("INVITE sip:a@b SIP/2.0\r\nl: 1\r\nContent-Length: 0\r\n\r\nx", ParseError::ContentLength),
        ("INVITE sip:a@b SIP/2.0\r\nl: 18446744073709551615\r\n\r\n", ParseError::BodyTooLong),
        ("INVITE sip:a@b SIP/2.0\r\nl: 5\r\n\r\nbody", ParseError::BodyTooShort),
        (many.as_str(), ParseError::TooManyHeaders),
        (long.as_str(), ParseError::HeadTooLong),
    ] {
        assert_eq!(parse(text.as_bytes()), Err(wanted), "{text}");
    }
    assert_eq!(parse(b"OPTIONS sip:a SIP/2.0\r\nA: \xff\r\nB: 1\r\n\r\n"), Err(ParseError::NotText));
}

#[test]
fn a_stream_is_cut_into_messages() {
    let two = format!("{INVITE}\r\n\r\n{INVITE}");
    let bytes = two.as_bytes();
    let head = INVITE.find("\r\n\r\n").unwrap() + 4;
    for end in 1..INVITE.len() {
        let wanted = if end < head { Framing::Incomplete } else { Framing::Partial(INVITE.len()) };
        assert_eq!(frame(&bytes[..end]), Ok(wanted), "{end}");
    }
    assert_eq!(frame(bytes), Ok(Framing::Whole(INVITE.len())));
    assert_eq!(frame(&bytes[INVITE.len()..]), Ok(Framing::Blank(4)));
    assert_eq!(frame(&[b'x'; MOST_HEAD]), Err(ParseError::HeadTooLong));
}

#[test]
fn what_is_written_is_read_again() {
    let first = request(INVITE);
    let second = request(&String::from_utf8(first.to_bytes()).unwrap());
    assert_eq!(
        (second.body.as_slice(), second.headers.get("Subject")),
        (b"body".as_slice(), Some("two lines"))
    );
    let mut evil = Request::new(Method::Bye, "sip:a@b");
    evil.headers.push("X-Name", "one\r\nX-Other: two");
    let read = request(&String::from_utf8(evil.to_bytes()).unwrap());
    assert_eq!(read.headers.get("X-Other"), None, "a value makes no header");
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400), cut in 0..INVITE.len()) {
        let _nothing = parse(&bytes);
        let _nothing = frame(&bytes);
        let mut damaged = INVITE.as_bytes().to_vec();
        damaged.splice(cut..cut, bytes);
        if let Ok(Message::Request(request)) = parse(&damaged) {
            prop_assert!(parse(&request.to_bytes()).is_ok());
        }
    }
}
