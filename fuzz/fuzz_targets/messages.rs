//! What the targets of the lines share: the input as messages, and what holds for every line.

use vox_core::transport::close;
use vox_core::transport::fault::Fault;
use vox_core::transport::line::{CallInfo, Codec, LineIn, LineOut, Wire, WireOut};
use vox_core::transport::reason::Reason;
use vox_core::transport::untidy::Untidy;
use vox_shared::wire::result::DisconnectedBy;

/// A close frame has room for this much text, bytes (RFC 6455, 5.5).
const CLOSE_REASON_MAX: usize = 123;

/// Feed a line the messages that `bytes` hold, one on each input line: the first byte says `b` for a binary frame,
/// anything else for a text frame, so that seeds can be read. Stops where the pump does: a message is left out, the protocol
/// broken for good is the end.
pub fn feed(codec: &mut dyn Codec, bytes: &[u8]) -> Vec<LineIn> {
    let mut events = Vec::new();
    for message in bytes.split(|byte| *byte == b'\n') {
        let Some((kind, content)) = message.split_first() else { continue };
        let decoded = match kind {
            b'b' => codec.decode(Wire::Binary(content)),
            // What is not UTF-8 never reaches a codec: the socket refuses it.
            _ => match std::str::from_utf8(content) {
                Ok(text) => codec.decode(Wire::Text(text)),
                Err(_) => continue,
            },
        };
        match decoded {
            Ok(more) => events.extend(more),
            Err(Fault::Dropped(_)) => {}
            Err(Fault::Fatal(reason)) => {
                assert!(matches!(reason, Reason::Unsupported(_)), "a codec knows no other: {reason}");
                break;
            }
        }
    }
    events
}

/// A line that has begun: the call is known before it is answered, each once, and nobody is heard before.
pub fn check_order(events: &[LineIn]) {
    let place = |wanted: fn(&LineIn) -> bool| events.iter().position(wanted);
    let count = |wanted: fn(&LineIn) -> bool| events.iter().filter(|e| wanted(e)).count();
    let ready: fn(&LineIn) -> bool = |e| matches!(e, LineIn::Ready(_));
    let answered: fn(&LineIn) -> bool = |e| matches!(e, LineIn::Answered);
    assert!(count(ready) <= 1 && count(answered) <= 1);
    let answered_at = place(answered).unwrap_or(usize::MAX);
    assert!(place(ready).unwrap_or(usize::MAX) < answered_at || answered_at == usize::MAX);
    let media = place(|e| matches!(e, LineIn::Audio(_) | LineIn::Dtmf(_) | LineIn::Typed(_) | LineIn::Mark(_)));
    assert!(media.is_none_or(|at| at > answered_at), "media before the answer: {events:?}");
}

/// A token that a message shows is no part of what is told of the call: it is stored there.
#[allow(dead_code, reason = "not every line can show one in a message; each target has this file for itself")]
pub fn check_token(info: &CallInfo) {
    assert!(info.connected_event.get("token").is_none());
}

/// Whatever was read, every message can still be written, and text is JSON.
pub fn check_writing(codec: &mut dyn Codec) {
    let by = DisconnectedBy::Bot;
    let outs = [
        LineOut::Accepted { session_id: "call_x".into() },
        LineOut::Audio(vec![1; 1_600]),
        LineOut::Mark("u1".into()),
        LineOut::Clear,
        LineOut::HangUp { by },
        LineOut::Refuse(Reason::OutsideHours),
    ];
    let refusals = Untidy::ALL.map(|untidy| LineOut::Refuse(Reason::NothingUsable(untidy)));
    for out in outs.into_iter().chain(refusals) {
        for message in codec.encode(out, jiff::Timestamp::UNIX_EPOCH) {
            match message {
                WireOut::Text(text) => assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok()),
                WireOut::Binary(bytes) => assert!(bytes.len().is_multiple_of(2)),
                WireOut::Close { code, reason } | WireOut::CloseSoon { code, reason } => {
                    assert!((close::NORMAL..=close::TRY_AGAIN).contains(&code));
                    assert!(reason.len() <= CLOSE_REASON_MAX);
                }
            }
        }
    }
}
