//! How a WebSocket is closed: the codes of RFC 6455, 7.4, and which of them a reason has.

use super::line::WireOut;
use super::reason::Reason;
use super::untidy::Untidy;

/// The call is over.
pub const NORMAL: u16 = 1000;
/// Data of a kind or format that the line does not carry.
pub const UNSUPPORTED: u16 = 1003;
/// A text frame that is no text.
pub const NOT_TEXT: u16 = 1007;
/// A message that breaks the protocol, or a call that is not allowed.
pub const POLICY: u16 = 1008;
/// A message over the limit.
pub const TOO_BIG: u16 = 1009;
/// Try again later (busy, or the control plane is away).
pub const TRY_AGAIN: u16 = 1013;

/// A close frame holds 123 bytes of reason (RFC 6455, 5.5).
const MAX_REASON_BYTES: usize = 120;

/// The code for a reason.
pub fn code_of(reason: &Reason) -> u16 {
    match reason {
        Reason::Unsupported(_) => UNSUPPORTED,
        Reason::NothingUsable(Untidy::NotJson | Untidy::TooDeep | Untidy::NoEvent) => POLICY,
        Reason::NothingUsable(_) => UNSUPPORTED,
        Reason::NotText => NOT_TEXT,
        Reason::TooBig => TOO_BIG,
        reason if reason.may_pass() => TRY_AGAIN,
        _ => POLICY,
    }
}

/// Close for a reason.
pub fn refusing(reason: &Reason) -> WireOut {
    WireOut::Close { code: code_of(reason), reason: cut(&reason.to_string()) }
}

/// As much of a text as a close frame holds.
pub fn cut(text: &str) -> String {
    let mut end = text.len().min(MAX_REASON_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_the_code_that_diallers_know() {
        for (reason, code) in [
            (Reason::UnknownBot, POLICY),
            (Reason::LineForbidden, POLICY),
            (Reason::ControlPlaneAway, TRY_AGAIN),
            (Reason::Draining, TRY_AGAIN),
            (Reason::Silent(30), POLICY),
            (Reason::Unsupported("8 kHz only"), UNSUPPORTED),
            (Reason::NothingUsable(Untidy::NotBase64), UNSUPPORTED),
            (Reason::NothingUsable(Untidy::NotJson), POLICY),
            (Reason::NotText, NOT_TEXT),
            (Reason::TooBig, TOO_BIG),
        ] {
            assert_eq!(code_of(&reason), code, "{reason}");
        }
    }

    #[test]
    fn a_reason_fits_its_frame_and_is_cut_between_letters() {
        let text = "ä".repeat(100);
        assert_eq!(cut(&text), "ä".repeat(60));
        assert_eq!(cut("busy"), "busy");
    }
}
