use super::*;

const CONNECTED: &str =
    r#"{"event":"connected","callerId":"+4912345","did":"800","callDirection":"incoming","extra":1}"#;
const START: &str = r#"{"event":"start","streamId":"s1","mediaFormat":{"encoding":"LINEAR","sampleRate":"8000","channels":1}}"#;
const ANSWER: &str = r#"{"event":"answer"}"#;
const MEDIA: &str = r#"{"event":"media","payload":"AQA="}"#;
const HANDSHAKE: [&str; 3] = [CONNECTED, START, ANSWER];

/// What a codec makes of messages: the events, and for each that was left out why.
fn run(messages: &[&str]) -> (WsCodec, Vec<LineIn>, Vec<Untidy>) {
    let mut codec = WsCodec::default();
    let (mut events, mut dropped) = (Vec::new(), Vec::new());
    for message in messages {
        match codec.decode(Wire::Text(message)) {
            Ok(more) => events.extend(more),
            Err(Fault::Dropped(untidy)) => dropped.push(untidy),
            Err(Fault::Fatal(reason)) => panic!("{message}: {reason}"),
        }
    }
    (codec, events, dropped)
}

/// The events' names in short: ready, answered, audio, key, hung up.
fn brief(events: &[LineIn]) -> String {
    let letter = |event: &LineIn| match event {
        LineIn::Ready(_) => 'r',
        LineIn::Answered => 'a',
        LineIn::Audio(_) => 'm',
        LineIn::Dtmf(_) => 'k',
        LineIn::HungUp { .. } => 'h',
        _ => '?',
    };
    events.iter().map(letter).collect()
}

fn names(out: &[WireOut]) -> Vec<String> {
    let name = |out: &WireOut| match out {
        WireOut::Text(text) => {
            serde_json::from_str::<Value>(text).unwrap()["event"].as_str().unwrap().to_owned()
        }
        other => format!("{other:?}").split(' ').next().unwrap().to_owned(),
    };
    out.iter().map(name).collect()
}

#[test]
fn the_handshake_gives_the_call_and_all_its_fields() {
    let (_, events, dropped) = run(&HANDSHAKE);
    assert_eq!((brief(&events).as_str(), dropped), ("ra", Vec::new()));
    let LineIn::Ready(ready) = &events[0] else { panic!("{events:?}") };
    assert_eq!((ready.rate_hz, ready.pacing.chunk, ready.pacing.lead), (8_000, 160, 320));
    assert_eq!(ready.info.stream_id.as_deref(), Some("s1"));
    assert_eq!(ready.info.connected_event.get("extra"), Some(&json!(1)));
    assert!(!ready.info.connected_event.contains_key("event"));
}

#[test]
fn the_handshake_may_come_in_any_order_and_more_than_once() {
    for (messages, expected) in [
        (vec![START, CONNECTED, ANSWER], "ra"),
        (vec![ANSWER, START, CONNECTED], "ra"),
        (vec![CONNECTED, CONNECTED, START, START, ANSWER, ANSWER, CONNECTED, START], "ra"),
        (vec![CONNECTED, START, MEDIA, ANSWER, MEDIA], "ramm"),
        (vec![CONNECTED, MEDIA, START, ANSWER, MEDIA], "ramm"),
        (vec![MEDIA, MEDIA, CONNECTED, START], "ram"),
        (vec![CONNECTED, r#"{"event":"start"}"#, START], "r"),
        (vec![r#"{"event":"start"}"#, r#"{"event":"connected","streamId":5}"#], "r"),
    ] {
        let (_, events, _) = run(&messages);
        assert_eq!(brief(&events), expected, "{messages:?}");
    }
}

#[test]
fn media_before_the_start_is_heard_after_it() {
    let (_, events, _) = run(&[CONNECTED, MEDIA, r#"{"event":"media","payload":"AgADAA=="}"#, START]);
    assert_eq!(events[2], LineIn::Audio(vec![1, 2, 3]));
}

#[test]
fn a_stream_that_was_opened_anew_gets_the_audio_from_then_on() {
    let (mut codec, events, dropped) =
        run(&[CONNECTED, START, ANSWER, CONNECTED, r#"{"event":"start","streamId":"s2"}"#]);
    assert_eq!((brief(&events).as_str(), dropped), ("ra", vec![Untidy::Repeated; 2]));
    let out = codec.encode(LineOut::Audio(vec![1; 160]), jiff::Timestamp::UNIX_EPOCH);
    assert!(matches!(&out[0], WireOut::Text(text) if text.contains(r#""streamId":"s2""#)), "{out:?}");
}

#[test]
fn a_message_that_cannot_be_used_is_left_out() {
    for (message, why) in [
        ("{", Untidy::NotJson),
        ("[]", Untidy::NotJson),
        ("", Untidy::NotJson),
        (r#"{"payload":"AQA="}"#, Untidy::NoEvent),
        (r#"{"event":5}"#, Untidy::NoEvent),
        (r#"{"event":"media"}"#, Untidy::NoPayload),
        (r#"{"event":"media","payload":7}"#, Untidy::NoPayload),
        (r#"{"event":"media","media":{"payload":null}}"#, Untidy::NoPayload),
        (r#"{"event":"media","payload":"%%"}"#, Untidy::NotBase64),
        (r#"{"event":"media","payload":"AAAA"}"#, Untidy::HalfSample),
        (r#"{"event":"media","payload":""}"#, Untidy::Empty),
        (r#"{"event":"dtmf"}"#, Untidy::BadField),
        (r#"{"event":"newer"}"#, Untidy::UnknownEvent),
        (ANSWER, Untidy::Repeated),
    ] {
        let (_, events, dropped) = run(&[CONNECTED, START, ANSWER, MEDIA, message, MEDIA]);
        assert_eq!((brief(&events).as_str(), dropped), ("ramm", vec![why]), "{message}");
    }
    assert_eq!(WsCodec::default().decode(Wire::Binary(&[1, 2])), Err(Untidy::Binary.into()));
    assert_eq!(WsCodec::default().decode(Wire::Binary(MEDIA.as_bytes())), Ok(Vec::new()), "it is kept");
    let (_, events, dropped) = run(&[CONNECTED, START, r#"{"event":"dtmf","digit":"1"}"#]);
    assert_eq!((brief(&events).as_str(), dropped), ("r", vec![Untidy::OutOfOrder]));
}

#[test]
fn media_comes_in_every_form() {
    for media in [
        r#"{"event":"media","media":{"payload":"AQA="}}"#,
        r#"{"event":"media","media":"AQA="}"#,
        r#"{"event":"Media","Payload":"AQA"}"#,
        r#"{"event":"media","payload":"AQ\nA="}"#,
        "\u{feff}{\"event\":\"media\",\"payload\":\"AQA=\"}\0",
        r#"{"event":"media","chunk":"7","payload":"AQA=","timestamp":5}"#,
    ] {
        let (_, events, _) = run(&[CONNECTED, START, media]);
        assert_eq!(events[2..], [LineIn::Audio(vec![1])], "{media}");
    }
}

#[test]
fn a_format_that_cannot_be_served_ends_the_call() {
    for format in [
        r#"{"encoding":"PCMU"}"#,
        r#"{"sampleRate":16000}"#,
        r#"{"sample_rate":"16000"}"#,
        r#"{"channels":"2"}"#,
    ] {
        let start = format!(r#"{{"event":"start","streamId":"s","mediaFormat":{format}}}"#);
        let fault = WsCodec::default().decode(Wire::Text(&start)).unwrap_err();
        assert!(matches!(fault, Fault::Fatal(Reason::Unsupported(_))), "{format}: {fault:?}");
    }
}

#[test]
fn directions_have_two_words() {
    for (said, direction) in
        [("Incoming", Some("incoming")), ("OUTBOUND", Some("outgoing")), ("sideways", None)]
    {
        let connected = format!(r#"{{"event":"connected","callDirection":"{said}"}}"#);
        let (codec, _, _) = run(&[&connected]);
        assert_eq!(codec.info.direction.as_deref(), direction);
    }
}

#[test]
fn a_call_that_was_never_answered_ends_as_the_carrier_says() {
    let ended = |messages: &[&str], hangup: &str| {
        let mut all = messages.to_vec();
        all.push(hangup);
        all.push(MEDIA);
        let (_, events, dropped) = run(&all);
        assert_eq!(dropped, [], "what comes after the end has no meaning");
        let Some(LineIn::HungUp { by }) = events.last() else { panic!("{events:?}") };
        *by
    };
    let ringing = [CONNECTED, START];
    let busy = r#"{"event":"hangup-call","disconnectedBy":"Busy"}"#;
    let customer = r#"{"event":"hangup-call","disconnectedBy":"customer"}"#;
    assert_eq!(ended(&ringing, busy), DisconnectedBy::Busy);
    assert_eq!(ended(&ringing, customer), DisconnectedBy::NoAnswer);
    assert_eq!(ended(&ringing, r#"{"event":"hangup-call"}"#), DisconnectedBy::NoAnswer);
    assert_eq!(
        ended(&ringing, r#"{"event":"hangupCall","reason":"call rejected"}"#),
        DisconnectedBy::Rejected
    );
    assert_eq!(ended(&HANDSHAKE, busy), DisconnectedBy::Customer, "it was answered");
    assert_eq!(ended(&HANDSHAKE, customer), DisconnectedBy::Customer);
}

#[test]
fn a_bot_hang_up_is_media_stop_then_hangup_then_close() {
    let (mut codec, _, _) = run(&HANDSHAKE);
    let out = codec.encode(LineOut::HangUp { by: DisconnectedBy::Bot }, jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(names(&out), ["reverse-media-stop", "reverse-hangup-call", "CloseSoon"]);
    let confirmed = codec.decode(Wire::Text(r#"{"event":"hangup-call","disconnectedBy":"bot"}"#));
    assert_eq!(confirmed, Ok(vec![LineIn::HungUp { by: DisconnectedBy::Bot }]));
}

#[test]
fn a_refusal_hangs_up_a_known_stream_and_closes() {
    let (mut codec, _, _) = run(&[CONNECTED, START]);
    let out = codec.encode(LineOut::Refuse(Reason::OutsideHours), jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(names(&out), ["reverse-media-stop", "reverse-hangup-call", "Close"]);
    assert_eq!(out[2], WireOut::Close { code: close::POLICY, reason: "outside_hours".into() });
    let out =
        WsCodec::default().encode(LineOut::Refuse(Reason::NoHandshake(10)), jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(names(&out), ["Close"]);
}

#[test]
fn audio_carries_every_field_of_the_contract() {
    let (mut codec, _, _) = run(&HANDSHAKE);
    let out = codec.encode(LineOut::Audio(vec![1; 160]), jiff::Timestamp::UNIX_EPOCH);
    let WireOut::Text(text) = &out[0] else { panic!() };
    let value: Value = serde_json::from_str(text).unwrap();
    let expected = json!({
        "event": "reverse-media", "chunk": 1, "did": "800", "payload": media::to_base64(&[1; 160]),
        "timestamp": "1970-01-01 00:00:00", "streamId": "s1", "callerId": "+4912345", "chunk_durn_ms": 20,
        "callDirection": "incoming", "encoding": "LINEAR", "RevMediaQ": 0, "source": "ai",
    });
    assert_eq!(value, expected);
}

#[test]
fn a_caller_is_handed_over_by_the_dialler_and_the_end_of_the_stream_is_its_success() {
    let asks = |codec: &mut WsCodec| {
        codec.encode(LineOut::Transfer { to: "+15550001".into() }, jiff::Timestamp::UNIX_EPOCH)
    };
    let (mut codec, _, _) = run(&HANDSHAKE);
    assert_eq!(codec.gone(), LineIn::HungUp { by: DisconnectedBy::Customer });
    let out = asks(&mut codec);
    assert_eq!(names(&out), ["reverse-media-stop", "reverse-call-transfer"]);
    let WireOut::Text(text) = &out[1] else { panic!() };
    let expected = json!({
        "event": "reverse-call-transfer", "streamId": "s1", "callerId": "+4912345", "did": "800", "source": "ai",
        "transferTo": "+15550001",
    });
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), expected);
    assert_eq!(codec.gone(), LineIn::Transferred);
    let hangup = |by: &str| json!({"event": "hangup-call", "disconnectedBy": by}).to_string();
    assert_eq!(codec.decode(Wire::Text(&hangup("transfer"))), Ok(vec![LineIn::Transferred]));

    let (mut codec, _, _) = run(&HANDSHAKE);
    asks(&mut codec);
    let left = codec.decode(Wire::Text(&hangup("customer")));
    assert_eq!(left, Ok(vec![LineIn::HungUp { by: DisconnectedBy::Customer }]), "who waited has had enough");

    let (mut codec, _, _) = run(&HANDSHAKE);
    asks(&mut codec);
    codec.encode(LineOut::Audio(vec![1; 160]), jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(
        codec.gone(),
        LineIn::HungUp { by: DisconnectedBy::Customer },
        "nobody took over, and the bot went on"
    );
}
