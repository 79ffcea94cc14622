use super::*;

const CONNECTED: &str = r#"{"event":"websocket:connected","content-type":"audio/l16;rate=16000","uuid":"aaaa-1","from":"49301",
    "to":"49302","name":"Asha","token":"s3cret"}"#;

fn text(codec: &mut VonageCodec, message: &str) -> Result<Vec<LineIn>, Fault> {
    codec.decode(Wire::Text(message))
}

fn written(codec: &mut VonageCodec, out: LineOut) -> Vec<WireOut> {
    codec.encode(out, jiff::Timestamp::UNIX_EPOCH)
}

#[test]
fn the_first_message_says_the_rate_and_holds_the_customers_headers() {
    let mut codec = VonageCodec::default();
    assert_eq!(codec.decode(Wire::Binary(&[1, 0])), Ok(Vec::new()), "it is kept");
    let events = text(&mut codec, CONNECTED).unwrap();
    let [LineIn::Ready(ready), LineIn::Answered, LineIn::Audio(early)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((ready.rate_hz, ready.pacing.chunk, early), (16_000, 320, &vec![1]));
    assert_eq!(ready.info.carrier_call.as_deref(), Some("aaaa-1"));
    assert_eq!((ready.info.caller_id.as_deref(), ready.info.did.as_deref()), (Some("49301"), Some("49302")));
    assert_eq!(ready.info.connected_event["name"], "Asha");
    assert_eq!(ready.info.line_token.as_ref().map(|token| token.expose().as_str()), Some("s3cret"));
    assert!(!Value::Object(ready.info.connected_event.clone()).to_string().contains("s3cret"));
    assert_eq!(text(&mut codec, CONNECTED), Err(Untidy::Repeated.into()));
}

#[test]
fn sound_is_binary_both_ways() {
    let mut codec = VonageCodec::default();
    assert!(written(&mut codec, LineOut::Audio(vec![1])).is_empty(), "nothing before the call has begun");
    text(&mut codec, CONNECTED).unwrap();
    assert_eq!(codec.decode(Wire::Binary(&[1, 0, 0xff, 0xff])), Ok(vec![LineIn::Audio(vec![1, -1])]));
    // A frame of sound may begin with what begins JSON.
    assert_eq!(codec.decode(Wire::Binary(b"{ ")), Ok(vec![LineIn::Audio(vec![0x207b])]));
    assert_eq!(codec.decode(Wire::Binary(&[1])), Err(Untidy::HalfSample.into()));
    assert_eq!(written(&mut codec, LineOut::Audio(vec![1, -1])), [WireOut::Binary(vec![1, 0, 0xff, 0xff])]);
}

#[test]
fn events_are_read_and_written() {
    let mut codec = VonageCodec::default();
    text(&mut codec, CONNECTED).unwrap();
    for (message, events) in [
        (r#"{"event":"websocket:dtmf","digit":"5","duration":260}"#, vec![LineIn::Dtmf('5')]),
        (r#"{"event":"websocket:notify","payload":{"mark":"u1"}}"#, vec![LineIn::Mark("u1".into())]),
        (r#"{"event":"websocket:cleared"}"#, vec![]),
    ] {
        assert_eq!(text(&mut codec, message), Ok(events), "{message}");
    }
    let json = |text: &str| WireOut::Text(text.to_owned());
    assert_eq!(
        written(&mut codec, LineOut::Mark("u1".into())),
        [json(r#"{"action":"notify","payload":{"mark":"u1"}}"#)]
    );
    assert_eq!(written(&mut codec, LineOut::Clear), [json(r#"{"action":"clear"}"#)]);
    let hung_up = vec![LineIn::HungUp { by: DisconnectedBy::Customer }];
    assert_eq!(text(&mut codec, r#"{"event":"websocket:disconnected"}"#), Ok(hung_up));
    assert_eq!(codec.decode(Wire::Binary(&[1, 0])), Ok(Vec::new()));
}

#[test]
fn what_is_missing_or_out_of_place_is_told() {
    for (message, why) in [
        ("7", Untidy::NotJson),
        ("{}", Untidy::NoEvent),
        (r#"{"event":"websocket:media"}"#, Untidy::UnknownEvent),
        (r#"{"event":"websocket:dtmf","digit":"5"}"#, Untidy::OutOfOrder),
        (r#"{"event":"websocket:notify","payload":{"mark":"u1"}}"#, Untidy::OutOfOrder),
        (r#"{"event":"websocket:notify"}"#, Untidy::BadField),
    ] {
        assert_eq!(text(&mut VonageCodec::default(), message), Err(why.into()), "{message}");
    }
}

#[test]
fn only_the_carriers_rates_are_served() {
    for (said, rate) in [
        (Some("audio/l16;rate=8000"), Some(8_000)),
        (Some("audio/L16; rate=24000"), Some(24_000)),
        (Some("audio/l16;rate=44100"), None),
        (Some("audio/l16"), None),
        (Some("audio/x-mulaw;rate=8000"), None),
        (None, None),
    ] {
        assert_eq!(rate_of(said).ok(), rate, "{said:?}");
    }
}
