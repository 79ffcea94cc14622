use vox_shared::wire::result::DisconnectedBy;

use super::*;
use crate::transport::line::Ready;

const CONNECTED: &str = r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#;
const START: &str = r#"{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"streamSid":"MZ1","accountSid":"AC1",
    "callSid":"CA1","tracks":["inbound"],"customParameters":{"from":"+49301","to":"+49302","name":"Asha"},
    "mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}"#;
/// Two samples: µ-law's loudest negative one, and silence.
const MEDIA: &str = r#"{"event":"media","sequenceNumber":"4","streamSid":"MZ1","media":{"track":"inbound","chunk":"2",
    "timestamp":"5","payload":"AP8="}}"#;
const HEARD: [i16; 2] = [-32_124, 0];

fn run(messages: &[&str]) -> (TwilioCodec, Vec<LineIn>, Vec<Untidy>) {
    let mut codec = TwilioCodec::default();
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

fn written(codec: &mut TwilioCodec, out: LineOut) -> Vec<Value> {
    let texts = codec.encode(out, jiff::Timestamp::UNIX_EPOCH);
    let json = |out: WireOut| match out {
        WireOut::Text(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    };
    texts.into_iter().map(json).collect()
}

#[test]
fn a_start_says_who_calls_and_media_is_heard() {
    let (_, events, dropped) = run(&[CONNECTED, START, MEDIA]);
    let ready = ready(&events);
    assert_eq!((ready.rate_hz, ready.pacing), (8_000, stream::pacing(8_000)));
    assert_eq!(ready.info.caller_id.as_deref(), Some("+49301"));
    assert_eq!(ready.info.did.as_deref(), Some("+49302"));
    assert_eq!(ready.info.carrier_call.as_deref(), Some("CA1"));
    assert_eq!(ready.info.connected_event["name"], "Asha");
    assert_eq!(events[2], LineIn::Audio(HEARD.to_vec()));
    assert_eq!(dropped, []);
}

#[test]
fn media_before_the_start_is_kept_and_what_is_repeated_is_left_out() {
    let moved = START.replace("MZ1", "MZ2");
    let (mut codec, events, dropped) = run(&[MEDIA, CONNECTED, START, CONNECTED, &moved]);
    assert_eq!(events[2..], [LineIn::Audio(HEARD.to_vec())]);
    assert_eq!(dropped, [Untidy::Repeated, Untidy::Repeated]);
    let clear = written(&mut codec, LineOut::Clear);
    assert_eq!(clear, [json!({"event": "clear", "streamSid": "MZ2"})], "the newest stream plays");
}

#[test]
fn keys_marks_and_the_end_are_read_and_the_bots_own_track_is_not() {
    let (mut codec, events, dropped) = run(&[
        START,
        r##"{"event":"dtmf","streamSid":"MZ1","dtmf":{"track":"inbound_track","digit":"#"}}"##,
        r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"u3"}}"#,
        r#"{"event":"media","media":{"track":"outbound","payload":"AP8="}}"#,
        r#"{"event":"stop","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}"#,
        MEDIA,
    ]);
    let hung_up = LineIn::HungUp { by: DisconnectedBy::Customer };
    assert_eq!(events[2..], [LineIn::Dtmf('#'), LineIn::Mark("u3".into()), hung_up]);
    assert_eq!(dropped, []);
    assert!(codec.encode(LineOut::Audio(vec![0; 160]), jiff::Timestamp::UNIX_EPOCH).is_empty());
}

#[test]
fn what_is_written_is_what_the_carrier_takes() {
    let (mut codec, ..) = run(&[START]);
    let media = json!({"event": "media", "streamSid": "MZ1", "media": {"payload": "AP8="}});
    assert_eq!(written(&mut codec, LineOut::Audio(HEARD.to_vec())), [media]);
    let mark = json!({"event": "mark", "streamSid": "MZ1", "mark": {"name": "u1"}});
    assert_eq!(written(&mut codec, LineOut::Mark("u1".into())), [mark]);
    let closed = codec.encode(LineOut::HangUp { by: DisconnectedBy::Bot }, jiff::Timestamp::UNIX_EPOCH);
    assert!(matches!(&closed[..], [WireOut::Close { code: 1000, .. }]));
    let mut unborn = TwilioCodec::default();
    assert!(unborn.encode(LineOut::Clear, jiff::Timestamp::UNIX_EPOCH).is_empty());
}

#[test]
fn only_the_carriers_one_format_is_served() {
    for (format, why) in [
        (r#"{"encoding":"audio/x-alaw"}"#, "mediaFormat.encoding must be audio/x-mulaw"),
        (r#"{"sampleRate":"16000"}"#, "mediaFormat.sampleRate must be 8000"),
        (r#"{"channels":2}"#, "mediaFormat.channels must be 1"),
    ] {
        let start = format!(r#"{{"event":"start","start":{{"streamSid":"MZ1","mediaFormat":{format}}}}}"#);
        let answer = TwilioCodec::default().decode(Wire::Text(&start));
        assert_eq!(answer, Err(Fault::Fatal(Reason::Unsupported(why))));
    }
}

#[test]
fn bad_messages_are_told_by_what_is_wrong_with_them() {
    for (message, why) in [
        ("{", Untidy::NotJson),
        ("{}", Untidy::NoEvent),
        (r#"{"event":"newer"}"#, Untidy::UnknownEvent),
        (r#"{"event":"start","start":{}}"#, Untidy::BadField),
        (r#"{"event":"media","media":{"payload":"%%%%"}}"#, Untidy::NotBase64),
        (r#"{"event":"media","media":{"payload":""}}"#, Untidy::Empty),
        (r#"{"event":"dtmf","dtmf":{"digit":"5"}}"#, Untidy::OutOfOrder),
        (r#"{"event":"mark","mark":{"name":"u1"}}"#, Untidy::OutOfOrder),
        (r#"{"event":"mark","mark":{}}"#, Untidy::BadField),
    ] {
        assert_eq!(TwilioCodec::default().decode(Wire::Text(message)), Err(why.into()), "{message}");
    }
    assert_eq!(TwilioCodec::default().decode(Wire::Binary(&[0; 160])), Err(Untidy::Binary.into()));
}
