use vox_shared::wire::result::DisconnectedBy;

use super::*;
use crate::transport::line::Ready;

const START: &str = r#"{"sequenceNumber":0,"event":"start","start":{"callId":"c1","streamId":"s1","accountId":"1",
    "tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000}},
    "extra_headers":"{X-PH-from: 49301, X-PH-name: Asha}"}"#;
const MEDIA: &str = r#"{"sequenceNumber":3,"streamId":"s1","event":"media","media":{"track":"inbound","timestamp":"17",
    "chunk":2,"payload":"AP8="},"extra_headers":"{}"}"#;
const HEARD: [i16; 2] = [-32_124, 0];

fn run(messages: &[&str]) -> (PlivoCodec, Vec<LineIn>, Vec<Untidy>) {
    let mut codec = PlivoCodec::default();
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

fn ready(events: &[LineIn]) -> &Ready {
    let [LineIn::Ready(ready), LineIn::Answered, ..] = events else { panic!("{events:?}") };
    ready
}

fn written(codec: &mut PlivoCodec, out: LineOut) -> Value {
    match &codec.encode(out, jiff::Timestamp::UNIX_EPOCH)[..] {
        [WireOut::Text(text)] => serde_json::from_str(text).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn start_with(format: Value) -> String {
    json!({"event": "start", "start": {"callId": "c1", "streamId": "s1", "mediaFormat": format}}).to_string()
}

#[test]
fn a_start_is_the_whole_handshake() {
    let (_, events, dropped) = run(&[MEDIA, START, MEDIA, START]);
    let ready = ready(&events);
    assert_eq!((ready.rate_hz, ready.info.carrier_call.as_deref()), (8_000, Some("c1")));
    assert_eq!(
        (ready.info.caller_id.as_deref(), &ready.info.connected_event["name"]),
        (Some("49301"), &json!("Asha"))
    );
    assert_eq!(events[2..], [LineIn::Audio(HEARD.to_vec()), LineIn::Audio(HEARD.to_vec())]);
    assert_eq!(dropped, [Untidy::Repeated]);
}

#[test]
fn linear_sound_goes_both_ways_at_the_rate_that_the_start_says() {
    for (format, rate) in [
        (json!({"encoding": "audio/x-l16", "sampleRate": 16_000}), 16_000),
        (json!({"encoding": "audio/x-l16;rate=16000"}), 16_000),
        (json!({"encoding": "audio/x-l16", "sampleRate": "8000"}), 8_000),
    ] {
        let (mut codec, events, _) = run(&[&start_with(format), MEDIA]);
        assert_eq!(ready(&events).rate_hz, rate);
        assert_eq!(events[2], LineIn::Audio(vec![-256]), "the payload's two bytes are one sample");
        let media = json!({"contentType": "audio/x-l16", "sampleRate": rate, "payload": "AP8="});
        assert_eq!(written(&mut codec, LineOut::Audio(vec![-256]))["media"], media);
    }
}

#[test]
fn what_is_written_is_what_the_carrier_takes() {
    let (mut codec, ..) = run(&[START]);
    let media = json!({"contentType": "audio/x-mulaw", "sampleRate": 8_000, "payload": "AP8="});
    assert_eq!(
        written(&mut codec, LineOut::Audio(HEARD.to_vec())),
        json!({"event": "playAudio", "streamId": "s1", "media": media})
    );
    assert_eq!(
        written(&mut codec, LineOut::Mark("u1".into())),
        json!({"event": "checkpoint", "streamId": "s1", "name": "u1"})
    );
    assert_eq!(written(&mut codec, LineOut::Clear), json!({"event": "clearAudio", "streamId": "s1"}));
    assert!(codec.traits().presses_keys);
    assert_eq!(written(&mut codec, LineOut::Key('#')), json!({"event": "sendDTMF", "dtmf": "#"}));
}

#[test]
fn keys_and_checkpoints_are_read() {
    let (codec, events, dropped) = run(&[
        START,
        r#"{"event":"dtmf","streamId":"s1","dtmf":{"track":"inbound","digit":"7","timestamp":"1"}}"#,
        r#"{"event":"playedStream","streamId":"s1","name":"u1"}"#,
        r#"{"event":"clearedAudio","streamId":"s1"}"#,
        r#"{"event":"newer"}"#,
    ]);
    assert_eq!(events[2..], [LineIn::Dtmf('7'), LineIn::Mark("u1".into())]);
    assert_eq!(dropped, [Untidy::UnknownEvent]);
    assert_eq!(codec.gone(), LineIn::HungUp { by: DisconnectedBy::Customer }, "there is no stop");
}

#[test]
fn other_formats_are_refused() {
    for format in [
        json!({"encoding": "audio/x-opus"}),
        json!({"encoding": "audio/x-mulaw", "sampleRate": 16_000}),
        json!({"encoding": "audio/x-l16", "sampleRate": 24_000}),
        json!({"encoding": "audio/x-alaw"}),
    ] {
        let answer = PlivoCodec::default().decode(Wire::Text(&start_with(format.clone())));
        assert!(matches!(answer, Err(Fault::Fatal(Reason::Unsupported(_)))), "{format}: {answer:?}");
    }
}

#[test]
fn what_the_customer_sends_along_is_read_in_every_form() {
    for said in [
        json!({"X-PH-a": "1", "x-ph-b": "2"}),
        json!(r#"{"X-PH-a":"1","b":"2"}"#),
        json!("{X-PH-a: 1, X-PH-b: 2}"),
        json!("a=1;b=2"),
    ] {
        assert_eq!(Value::Object(extra_headers(&said)), json!({"a": "1", "b": "2"}), "{said}");
    }
    for none in [json!("{}"), json!(null), json!(7), json!(""), json!("{X-PH-: 1}")] {
        assert_eq!(extra_headers(&none), Map::new(), "{none}");
    }
}
