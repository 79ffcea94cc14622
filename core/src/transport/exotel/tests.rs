use super::*;

const CONNECTED: &str = r#"{"event":"connected"}"#;
const START: &str = r#"{"event":"start","sequence_number":"1","stream_sid":"s9","start":{"stream_sid":"s9","call_sid":"c",
    "account_sid":"a","from":"0123","to":"0800","media_format":{"encoding":"raw/slin","sample_rate":"8000","bit_rate":"16"}}}"#;
const MEDIA: &str = r#"{"event":"media","sequence_number":3,"stream_sid":"s9","media":{"chunk":"1","timestamp":0,"payload":"AQA="}}"#;
const STOP: &str = r#"{"event":"stop","stream_sid":"s9","stop":{"call_sid":"c","reason":"callended"}}"#;

fn run(messages: &[&str]) -> (ExotelCodec, Vec<LineIn>, Vec<Untidy>) {
    let mut codec = ExotelCodec::new(None);
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

#[test]
fn a_start_with_string_numbers_and_without_custom_parameters_is_taken() {
    let (_, events, dropped) = run(&[CONNECTED, START]);
    let ready = ready(&events);
    assert_eq!((ready.rate_hz, ready.info.caller_id.as_deref()), (8_000, Some("0123")));
    assert_eq!(ready.pacing, ExotelCodec::pacing(8_000));
    assert_eq!(dropped, []);
}

#[test]
fn a_start_comes_in_every_form() {
    for start in [
        r#"{"event":"start","stream_sid":5,"start":{"from":123,"media_format":{"encoding":"base64","sample_rate":8000}}}"#,
        r#"{"event":"start","stream_sid":"s9","from":"0123"}"#,
        r#"{"event":"START","start":{"streamSid":"s9","From":"0123","mediaFormat":{"sampleRate":8000.0}}}"#,
        r#"{"event":"start","start":{"stream_sid":"s9","media_format":null,"custom_parameters":[]}}"#,
        r#"{"event":"start","start":{"stream_sid":"s9","media_format":{"sample_rate":""}}}"#,
    ] {
        let (_, events, dropped) = run(&[start]);
        assert_eq!(ready(&events).rate_hz, 8_000, "{start}");
        assert_eq!(dropped, [], "{start}");
    }
}

#[test]
fn other_encodings_and_rates_are_refused() {
    for (asked, start) in [
        (None, START.replace("raw/slin", "audio/x-mulaw")),
        (None, START.replace("raw/slin", "PCMU")),
        (None, START.replace("\"8000\"", "\"11025\"")),
        (Some(16_000), START.to_owned()),
    ] {
        let fault = ExotelCodec::new(asked).decode(Wire::Text(&start)).unwrap_err();
        assert!(matches!(fault, Fault::Fatal(Reason::Unsupported(_))), "{start}: {fault:?}");
    }
}

#[test]
fn media_before_the_start_is_heard_after_it() {
    let (_, events, dropped) = run(&[CONNECTED, MEDIA, MEDIA, START, MEDIA]);
    assert_eq!(dropped, []);
    assert_eq!(events[2..], [LineIn::Audio(vec![1, 1]), LineIn::Audio(vec![1])]);
}

#[test]
fn what_is_repeated_is_ignored_but_a_new_stream_gets_the_audio() {
    let again = START.replace("s9", "s10");
    let (mut codec, events, dropped) = run(&[CONNECTED, CONNECTED, START, CONNECTED, START, &again, MEDIA]);
    ready(&events);
    assert_eq!(events.len(), 3);
    assert_eq!(dropped, [Untidy::Repeated; 4]);
    let clear = codec.encode(LineOut::Clear, jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(clear, [WireOut::Text(r#"{"event":"clear","stream_sid":"s10"}"#.into())]);
}

#[test]
fn a_message_that_cannot_be_used_is_left_out() {
    for (message, why) in [
        ("{]", Untidy::NotJson),
        (r#"{"media":{"payload":"AQA="}}"#, Untidy::NoEvent),
        (r#"{"event":"media"}"#, Untidy::NoPayload),
        (r#"{"event":"media","media":{"payload":1}}"#, Untidy::NoPayload),
        (r#"{"event":"media","media":{"payload":"%%%%"}}"#, Untidy::NotBase64),
        (r#"{"event":"media","media":{"payload":"AAAA"}}"#, Untidy::HalfSample),
        (r#"{"event":"media","media":{"payload":""}}"#, Untidy::Empty),
        (r#"{"event":"mark"}"#, Untidy::BadField),
        (r#"{"event":"dtmf","dtmf":{"digit":"?"}}"#, Untidy::BadField),
        (r#"{"event":"hold"}"#, Untidy::UnknownEvent),
    ] {
        let (_, events, dropped) = run(&[CONNECTED, START, message, MEDIA]);
        assert_eq!((events.len(), dropped), (3, vec![why]), "{message}");
    }
    for (message, why) in [
        (r#"{"event":"dtmf","dtmf":{"digit":"5"}}"#, Untidy::OutOfOrder),
        (r#"{"event":"mark","mark":{"name":"u1"}}"#, Untidy::OutOfOrder),
        (r#"{"event":"start","start":{"from":"1"}}"#, Untidy::BadField),
    ] {
        let (_, events, dropped) = run(&[message, START]);
        assert_eq!((events.len(), dropped), (2, vec![why]), "{message}");
    }
}

#[test]
fn a_stop_ends_the_line_wherever_it_comes() {
    for before in [vec![], vec![CONNECTED], vec![CONNECTED, START, MEDIA]] {
        let mut messages = before.clone();
        messages.extend([STOP, MEDIA, START, STOP]);
        let (mut codec, events, dropped) = run(&messages);
        assert_eq!(events.last(), Some(&LineIn::HungUp { by: DisconnectedBy::Customer }), "{messages:?}");
        assert_eq!(events.iter().filter(|e| matches!(e, LineIn::HungUp { .. })).count(), 1);
        assert_eq!(dropped, []);
        assert!(codec.encode(LineOut::Audio(vec![0; 1_600]), jiff::Timestamp::UNIX_EPOCH).is_empty());
    }
}

#[test]
fn every_message_keeps_the_chunk_rule() {
    for rate in [8_000, 16_000, 24_000] {
        let pacing = ExotelCodec::pacing(rate);
        let bytes = pacing.chunk * 2;
        assert!((3_200..=100_000).contains(&bytes) && bytes.is_multiple_of(320), "{rate}: {bytes}");
        assert!(pacing.lead >= pacing.chunk);
    }
}

#[test]
fn nothing_is_sent_before_the_start_and_a_hang_up_closes() {
    let mut codec = ExotelCodec::new(None);
    assert!(codec.encode(LineOut::Audio(vec![0; 1600]), jiff::Timestamp::UNIX_EPOCH).is_empty());
    codec.decode(Wire::Text(START)).unwrap();
    let clear = codec.encode(LineOut::Clear, jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(clear, [WireOut::Text(r#"{"event":"clear","stream_sid":"s9"}"#.into())]);
    let out = codec.encode(LineOut::HangUp { by: DisconnectedBy::Bot }, jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(out, [WireOut::Close { code: 1000, reason: "bot".into() }]);
    let out = codec.encode(LineOut::Refuse(Reason::OutsideHours), jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(out, [WireOut::Close { code: 1008, reason: "outside_hours".into() }]);
}
