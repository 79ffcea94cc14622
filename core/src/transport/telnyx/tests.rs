use super::*;
use crate::transport::line::Ready;

const CONNECTED: &str = r#"{"event":"connected","version":"1.0.0"}"#;
const START: &str = r#"{"event":"start","sequence_number":"1","stream_id":"32de","start":{"user_id":"u","call_control_id":"v3:x",
    "call_session_id":"s","from":"+49301","to":"+49302","client_state":"aGVsbG8=","custom_parameters":{"name":"Asha"},
    "media_format":{"encoding":"PCMU","sample_rate":8000,"channels":1}}}"#;

fn media(chunk: u64) -> String {
    let payload = media::base64_of(&[0xff - u8::try_from(chunk % 16).unwrap()]);
    json!({
        "event": "media", "sequence_number": "4", "stream_id": "32de",
        "media": {"track": "inbound", "chunk": chunk.to_string(), "timestamp": "5", "payload": payload},
    })
    .to_string()
}

/// Which media are heard, by their numbers: the µ-law codes below silence are 0, 8, 16, …
fn heard(events: &[LineIn]) -> Vec<u64> {
    let audio = events.iter().filter_map(|event| match event {
        LineIn::Audio(pcm) => Some(pcm.iter().map(|sample| u64::from(sample.unsigned_abs()) / 8)),
        _ => None,
    });
    audio.flatten().collect()
}

fn run(codec: &mut TelnyxCodec, messages: impl IntoIterator<Item = String>) -> (Vec<LineIn>, Vec<Untidy>) {
    let (mut events, mut dropped) = (Vec::new(), Vec::new());
    for message in messages {
        match codec.decode(Wire::Text(&message)) {
            Ok(more) => events.extend(more),
            Err(Fault::Dropped(untidy)) => dropped.push(untidy),
            Err(Fault::Fatal(reason)) => panic!("{message}: {reason}"),
        }
    }
    (events, dropped)
}

fn started() -> TelnyxCodec {
    let mut codec = TelnyxCodec::default();
    run(&mut codec, [CONNECTED.to_owned(), START.to_owned()]);
    codec
}

fn written(codec: &mut TelnyxCodec, out: LineOut) -> Value {
    match &codec.encode(out, jiff::Timestamp::UNIX_EPOCH)[..] {
        [WireOut::Text(text)] => serde_json::from_str(text).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_start_says_who_calls() {
    let mut codec = TelnyxCodec::default();
    let (events, dropped) = run(&mut codec, [CONNECTED, START, START].map(str::to_owned));
    let [LineIn::Ready(ready), LineIn::Answered] = &events[..] else { panic!("{events:?}") };
    let Ready { info, rate_hz, .. } = &**ready;
    assert_eq!((*rate_hz, info.carrier_call.as_deref()), (8_000, Some("v3:x")));
    assert_eq!((info.caller_id.as_deref(), info.did.as_deref()), (Some("+49301"), Some("+49302")));
    assert_eq!(
        (&info.connected_event["name"], &info.connected_event["client_state"]),
        (&json!("Asha"), &json!("aGVsbG8="))
    );
    assert_eq!(dropped, [Untidy::Repeated]);
}

#[test]
fn media_are_heard_in_their_order() {
    for (come, order, late) in [
        (vec![1, 2, 3], vec![1, 2, 3], 0),
        (vec![1, 3, 2, 4], vec![1, 2, 3, 4], 0),
        (vec![1, 2, 2, 3], vec![1, 2, 3], 1),
        (vec![5, 4, 6], vec![5, 6], 1),
        // The second never comes.
        (vec![1, 3, 4, 5, 6, 7, 8], vec![1, 3, 4, 5, 6, 7, 8], 0),
        (vec![1, 3, 4, 5, 6, 7, 8, 2, 9], vec![1, 3, 4, 5, 6, 7, 8, 9], 1),
    ] {
        let mut codec = started();
        let (events, dropped) = run(&mut codec, come.iter().map(|chunk| media(*chunk)));
        assert_eq!(heard(&events), order, "{come:?}");
        assert_eq!(dropped, vec![Untidy::OutOfOrder; late], "{come:?}");
    }
}

#[test]
fn a_carrier_that_counts_anew_is_followed() {
    let mut codec = started();
    let (events, dropped) = run(&mut codec, [1_000, 1_001, 1_003, 1, 2].map(media));
    assert_eq!(heard(&events), [1_000, 1_001, 1_003, 1, 2].map(|chunk| chunk % 16));
    assert_eq!(dropped, []);
}

#[test]
fn what_is_written_is_in_the_encoding_that_the_address_names() {
    let mut codec = started();
    assert_eq!(
        written(&mut codec, LineOut::Audio(vec![0, 0])),
        json!({"event": "media", "media": {"payload": "//8="}})
    );
    assert_eq!(
        written(&mut codec, LineOut::Mark("u1".into())),
        json!({"event": "mark", "mark": {"name": "u1"}})
    );
    assert_eq!(written(&mut codec, LineOut::Clear), json!({"event": "clear"}));
    let mut wide = TelnyxCodec::new(Taken { encoding: Encoding::Linear16, rate_hz: 16_000 });
    let start = START.replace("PCMU", "L16").replace("8000", "16000");
    let (events, _) = run(&mut wide, [start]);
    assert!(matches!(&events[0], LineIn::Ready(ready) if ready.rate_hz == 16_000));
    assert_eq!(written(&mut wide, LineOut::Audio(vec![-256]))["media"], json!({"payload": "AP8="}));
}

#[test]
fn formats_that_cannot_be_served_are_refused() {
    for (from, to) in [("PCMU", "OPUS"), ("PCMU", "G722"), ("8000", "16000")] {
        let answer = TelnyxCodec::default().decode(Wire::Text(&START.replace(from, to)));
        assert!(matches!(answer, Err(Fault::Fatal(Reason::Unsupported(_)))), "{to}: {answer:?}");
    }
    let mut codec = TelnyxCodec::default();
    let (events, _) = run(&mut codec, [START.replace("PCMU", "PCMA")]);
    assert!(matches!(&events[0], LineIn::Ready(_)), "A-law is heard, µ-law is said");
}

#[test]
fn complaints_are_no_bad_messages() {
    let mut codec = started();
    let error = r#"{"event":"error","payload":{"code":100002,"title":"unknown_error","detail":"x"},"stream_id":"32de"}"#;
    assert_eq!(codec.decode(Wire::Text(error)), Ok(Vec::new()));
}
