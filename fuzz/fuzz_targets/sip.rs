//! SIP's messages and descriptions. The first byte says which: what is read is written so that it is read the same again, and what is
//! answered to an offer names one codec that was offered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vox_sip::Codec;
use vox_sip::message::{Framing, Message, frame, parse};
use vox_sip::sdp::{Description, Direction, Origin, accept};

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    if kind % 2 == 0 { message(bytes) } else { description(bytes) }
});

fn message(bytes: &[u8]) {
    if let Ok(Framing::Whole(length)) = frame(bytes) {
        assert!(length <= bytes.len());
    }
    let written = match parse(bytes) {
        Ok(Message::Request(request)) => request.to_bytes(),
        Ok(Message::Response(response)) => response.to_bytes(),
        Err(_) => return,
    };
    let again = match parse(&written) {
        Ok(Message::Request(request)) => request.to_bytes(),
        Ok(Message::Response(response)) => response.to_bytes(),
        Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&written)),
    };
    assert_eq!(written, again);
}

fn description(bytes: &[u8]) {
    let origin = Origin { session: 1, version: 1 };
    let ours = ([127, 0, 0, 1], 4000).into();
    let Ok((text, agreed)) = accept(bytes, &Codec::ALL, &origin, ours, Direction::Both) else { return };
    let offered = Description::parse(bytes).expect("it was answered").audio.expect("it was answered");
    assert!(offered.formats.iter().any(|format| format.codec() == Some(agreed.codec)));
    let answer = Description::parse(text.as_bytes()).expect("ours can be read").audio.expect("ours has sound");
    assert_eq!(answer.formats[0].codec(), Some(agreed.codec));
}
