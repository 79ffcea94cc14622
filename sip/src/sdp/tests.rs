use proptest::prelude::*;

use super::*;

const PHONE: &str = "v=0\r\no=phone 5 7 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 18 8 0 97\r\na=rtpmap:97 telephone-event/8000\r\na=fmtp:97 0-15\r\na=ptime:20\r\n\
    m=video 0 RTP/AVP 96\r\n";

fn ours() -> SocketAddr {
    "198.51.100.7:5000".parse().unwrap()
}

fn answer(offer: &str, preferred: &[Codec], wanted: Direction) -> Result<(String, Agreed), NoAgreement> {
    accept(offer.as_bytes(), preferred, &Origin { session: 1, version: 1 }, ours(), wanted)
}

#[test]
fn a_description_is_read() {
    let description = Description::parse(PHONE.as_bytes()).unwrap();
    assert_eq!(description.origin, Origin { session: 5, version: 7 });
    let audio = description.audio.unwrap();
    assert_eq!(audio.address, "192.0.2.1:4000".parse().unwrap());
    assert_eq!((audio.ptime_ms, audio.direction), (Some(20), Direction::Both));
    let codecs: Vec<_> = audio.formats.iter().map(Format::codec).collect();
    assert_eq!(codecs, [None, Some(Codec::Pcma), Some(Codec::Pcmu), None]);
    assert!(audio.formats[3].is_events());
}

/// Our own order counts, not the offer's; keys keep the offer's number; every media line has its answer.
#[test]
fn an_answer_names_one_codec() {
    let (text, agreed) = answer(PHONE, &[Codec::Pcmu, Codec::Pcma], Direction::Both).unwrap();
    assert!(
        text.contains("m=audio 5000 RTP/AVP 0 97\r\n") && text.contains("m=video 0 RTP/AVP 96\r\n"),
        "{text}"
    );
    assert_eq!((agreed.codec, agreed.payload_type, agreed.events), (Codec::Pcmu, 0, Some(97)));
    let (text, agreed) = answer(PHONE, &[Codec::Pcma, Codec::Pcmu], Direction::Both).unwrap();
    assert!(text.contains("m=audio 5000 RTP/AVP 8 97\r\n"), "{text}");
    assert_eq!(agreed.codec, Codec::Pcma);
    let without = PHONE.replace("a=rtpmap:97 telephone-event/8000\r\n", "");
    assert_eq!(answer(&without, &Codec::ALL, Direction::Both).unwrap().1.events, None);
    let only = PHONE.replace("18 8 0 97", "18 97");
    assert_eq!(answer(&only, &Codec::ALL, Direction::Both).unwrap_err(), NoAgreement::NoCodec);
    let sealed = PHONE.replace("RTP/AVP 18", "RTP/SAVP 18");
    assert_eq!(answer(&sealed, &Codec::ALL, Direction::Both).unwrap_err(), NoAgreement::NoAudio);
}

#[test]
fn a_held_call_is_answered_as_it_must_be() {
    for (theirs, ours) in [
        ("a=sendonly\r\n", Direction::ReceiveOnly),
        ("a=recvonly\r\n", Direction::SendOnly),
        ("a=inactive\r\n", Direction::Inactive),
        ("a=sendrecv\r\n", Direction::Both),
    ] {
        let offer = PHONE.replace("m=video", &format!("{theirs}m=video"));
        let (text, agreed) = answer(&offer, &Codec::ALL, Direction::Both).unwrap();
        assert_eq!(agreed.direction, ours);
        assert!(text.contains(&format!("a={}\r\n", ours.name())), "{text}");
    }
    let old = PHONE.replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0");
    assert_eq!(answer(&old, &Codec::ALL, Direction::Both).unwrap().1.direction, Direction::ReceiveOnly);
}

/// Of several codecs in an answer the first one counts, if it was offered.
#[test]
fn an_answer_to_ours_is_read() {
    let offer = Offer {
        origin: Origin { session: 1, version: 1 },
        address: ours(),
        codecs: vec![Codec::Pcmu, Codec::Pcma],
        direction: Direction::Both,
    };
    assert!(offer.to_text().contains("m=audio 5000 RTP/AVP 0 8 101\r\n"), "{}", offer.to_text());
    let agreed = offer.answered(PHONE.as_bytes()).unwrap();
    assert_eq!((agreed.codec, agreed.remote.port(), agreed.events), (Codec::Pcma, 4000, Some(97)));
    let only = Offer { codecs: vec![Codec::Pcmu], ..offer };
    assert_eq!(only.answered(PHONE.as_bytes()).unwrap().codec, Codec::Pcmu);
    let other = PHONE.replace("18 8 0 97", "18");
    assert_eq!(only.answered(other.as_bytes()), Err(NoAgreement::NoCodec));
    let none = PHONE.replace("audio 4000", "audio 0");
    assert_eq!(only.answered(none.as_bytes()), Err(NoAgreement::NoAudio));
}

#[test]
fn what_is_no_description_is_refused() {
    for (text, wanted) in [
        ("", Ok(())),
        ("v=1\r\n", Err(SdpError::Version)),
        ("v=0\r\nwords\r\n", Err(SdpError::Line)),
        ("v=0\r\nm=audio\r\n", Err(SdpError::Media)),
        ("v=0\r\nm=audio 70000 RTP/AVP 0\r\n", Err(SdpError::Media)),
        ("v=0\r\nm=audio 4000 RTP/AVP 0\r\n", Err(SdpError::Address)),
        ("v=0\r\nc=IN IP4 phone.example.org\r\n", Err(SdpError::Address)),
    ] {
        assert_eq!(Description::parse(text.as_bytes()).map(|_| ()), wanted, "{text}");
    }
    assert_eq!(Description::parse("a=x\r\n".repeat(2000).as_bytes()), Err(SdpError::Version));
    let long = format!("v=0\r\n{}", "a=x\r\n".repeat(2000));
    assert_eq!(Description::parse(long.as_bytes()), Err(SdpError::TooLong));
}

proptest! {
    /// Whatever is described: it is read or refused, and what is answered can be read again with what is agreed.
    #[test]
    fn any_description_is_survived(text in "[vocmats=0-9 :./\r\nA-Z]{0,200}", cut in 0..PHONE.len()) {
        let mut damaged = PHONE.to_owned();
        damaged.insert_str(cut, &text);
        if let Ok((text, agreed)) = answer(&damaged, &Codec::ALL, Direction::Both) {
            let read = Description::parse(text.as_bytes()).unwrap().audio.unwrap();
            prop_assert_eq!(read.formats[0].codec(), Some(agreed.codec));
        }
    }
}
