//! What a media server's answer to a request to dial means: an ending, or that nobody knows. The carrier's final status decides; without
//! one the server's own words do, and those that may stand for a call that rings are unclear.

mod status;

use std::time::Duration;

use vox_livekit::service::{Code, Refusal, ServiceError};
use vox_shared::wire::dialler::attempt::{Carrier, Ending};

pub use status::{Answer, ending};

/// A server tells the end of the ringing some time before or after it was due.
const NEARLY: Duration = Duration::from_secs(2);

/// The gateway's words when it gave up ringing.
const RANG_OUT: &str = "sip request timed out";
/// And when the INVITE was never answered by anything.
const NOTHING_CAME: &str = "transaction failed to complete";

/// Digits in a row that may be a telephone number.
const MANY_DIGITS: usize = 5;

/// A server's words for the log: what may be a number in them is left out.
pub fn without_numbers(text: &str) -> String {
    let mut shown = String::new();
    for piece in text.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let digits = piece.trim_end_matches(|c: char| !c.is_ascii_digit());
        let rest = &piece[digits.len()..];
        shown.push_str(if digits.len() >= MANY_DIGITS { "…" } else { digits });
        shown.push_str(rest);
    }
    shown
}

/// What became of a request to dial that was not answered by a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// No phone rings, for certain.
    Ended(Ending, Box<Carrier>),
    /// It may ring: the room has to be looked at, and to be deleted. In the words of whoever failed.
    Unclear(String),
}

/// Around the request.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// From the request to its answer.
    pub took: Duration,
    /// How long the phone was to ring.
    pub ringing: Duration,
    /// The room was deleted by us meanwhile.
    pub taken_back: bool,
}

impl Circumstances {
    fn rang_out(self) -> bool {
        self.took + NEARLY >= self.ringing
    }
}

/// What the server's error means.
pub fn of(error: &ServiceError, around: Circumstances) -> NotTaken {
    let infra = |text: String| {
        NotTaken::Ended(Ending::Infra, Box::new(Carrier { server_text: Some(text), ..Carrier::default() }))
    };
    match error {
        // Nothing was sent, or it was not let in.
        ServiceError::NotConnected | ServiceError::Unauthorized => infra(error.to_string()),
        ServiceError::Strange(status) if *status < 500 => infra(error.to_string()),
        ServiceError::Refused(refusal) => refused(refusal, around),
        ServiceError::TimedOut
        | ServiceError::Cut
        | ServiceError::TooLarge
        | ServiceError::Senseless
        | ServiceError::Strange(_) => NotTaken::Unclear(error.to_string()),
    }
}

fn refused(refusal: &Refusal, around: Circumstances) -> NotTaken {
    let carrier = carrier(refusal);
    let ended = |ending| NotTaken::Ended(ending, Box::new(carrier.clone()));
    if let Some(sip) = &refusal.sip {
        let answer = Answer {
            sip: sip.code,
            q850: carrier.q850,
            text: &format!("{} {}", sip.phrase, refusal.said),
            rang_out: around.rang_out(),
        };
        let taken_back = around.taken_back && matches!(sip.code, 480 | 487);
        return ended(if taken_back { Ending::Cancelled } else { ending(answer) });
    }
    if status::is_throttled(&refusal.said) {
        return ended(Ending::Throttled);
    }
    match refusal.code {
        Code::Canceled | Code::DeadlineExceeded | Code::Aborted if around.taken_back => {
            ended(Ending::Cancelled)
        }
        Code::Canceled | Code::DeadlineExceeded if around.rang_out() || refusal.said.contains(RANG_OUT) => {
            ended(Ending::NoAnswer)
        }
        Code::Canceled | Code::DeadlineExceeded if refusal.said.contains(NOTHING_CAME) => {
            ended(Ending::Network)
        }
        // Without a status of SIP these are the server's own, from before the INVITE: no such trunk, no such room, no right, no gateway.
        Code::InvalidArgument
        | Code::Malformed
        | Code::NotFound
        | Code::BadRoute
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::ResourceExhausted
        | Code::Unimplemented
        | Code::Unavailable => ended(Ending::Infra),
        // Once the INVITE is out the server says of what went wrong that it is not to be tried again: it may ring.
        Code::Canceled
        | Code::DeadlineExceeded
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Internal
        | Code::Dataloss
        | Code::Unknown => NotTaken::Unclear(refusal.to_string()),
    }
}

/// What the carrier and the server said, as it was said.
fn carrier(refusal: &Refusal) -> Carrier {
    let phrase = refusal.sip.as_ref().map(|sip| sip.phrase.clone());
    let all = format!("{} {}", phrase.as_deref().unwrap_or_default(), refusal.said);
    Carrier {
        sip: refusal.sip.as_ref().map(|sip| sip.code),
        phrase: phrase.filter(|phrase| !phrase.is_empty()),
        reason: reason(&all),
        q850: number_after(&all, "cause=").and_then(|cause| u16::try_from(cause).ok()),
        server_text: Some(refusal.said.clone()),
        retry_after_secs: number_after(&all, "Retry-After: "),
        ..Carrier::default()
    }
}

/// The `Reason` header (RFC 3326), where the server repeats it: `Q.850;cause=17;text="User busy"`.
fn reason(text: &str) -> Option<String> {
    let from = text.find("Q.850;")?;
    let rest = &text[from..];
    Some(rest.split([')', '\n', ',']).next().unwrap_or(rest).trim().to_owned())
}

fn number_after(text: &str, name: &str) -> Option<u32> {
    let lower = text.to_ascii_lowercase();
    let from = lower.find(&name.to_ascii_lowercase())? + name.len();
    let digits: String = lower[from..].chars().take_while(char::is_ascii_digit).take(6).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use vox_livekit::service::SipStatus;

    use super::*;

    const IN_TIME: Circumstances =
        Circumstances { took: Duration::from_secs(4), ringing: Duration::from_secs(30), taken_back: false };
    const RANG_OUT: Circumstances = Circumstances { took: Duration::from_secs(30), ..IN_TIME };

    fn error(code: Code, sip: Option<(u16, &str)>, said: &str) -> ServiceError {
        let sip = sip.map(|(code, phrase)| SipStatus { code, phrase: phrase.into() });
        ServiceError::Refused(Box::new(Refusal { status: 429, code, said: said.into(), sip }))
    }

    fn ended(error: &ServiceError, around: Circumstances) -> Option<Ending> {
        match of(error, around) {
            NotTaken::Ended(ending, _) => Some(ending),
            NotTaken::Unclear(_) => None,
        }
    }

    #[test]
    fn what_may_ring_is_never_taken_for_an_end() {
        for unclear in [ServiceError::TimedOut, ServiceError::Cut, ServiceError::Senseless] {
            assert_eq!(ended(&unclear, RANG_OUT), None, "{unclear}");
        }
        assert_eq!(ended(&ServiceError::Strange(502), IN_TIME), None);
        for code in [Code::FailedPrecondition, Code::Internal, Code::Aborted, Code::Unknown] {
            assert_eq!(ended(&error(code, None, "it went wrong"), IN_TIME), None, "{code:?}");
        }
        assert_eq!(ended(&error(Code::DeadlineExceeded, None, "timeout"), IN_TIME), None);
    }

    #[test]
    fn what_was_never_sent_is_our_fault() {
        for error in [
            ServiceError::NotConnected,
            ServiceError::Unauthorized,
            ServiceError::Strange(404),
            error(Code::NotFound, None, "room not found"),
            error(Code::Unavailable, None, "no response from servers"),
        ] {
            assert_eq!(ended(&error, IN_TIME), Some(Ending::Infra), "{error}");
        }
    }

    #[test]
    fn a_phone_that_rang_out_did_not_answer_in_any_of_the_servers_words() {
        for error in [
            error(Code::Canceled, None, "ringing timeout"),
            error(Code::DeadlineExceeded, None, "context deadline exceeded"),
            error(Code::Unknown, Some((412, "Conditional Request Failed")), ""),
            error(Code::DeadlineExceeded, Some((408, "Request Timeout")), ""),
            error(Code::Aborted, Some((487, "Request Terminated")), ""),
        ] {
            assert_eq!(ended(&error, RANG_OUT), Some(Ending::NoAnswer), "{error}");
        }
    }

    #[test]
    fn the_gateways_own_words_for_an_end_need_no_time() {
        let rang_out = error(Code::Canceled, None, "twirp error unknown: sip request timed out");
        assert_eq!(ended(&rang_out, IN_TIME), Some(Ending::NoAnswer));
        let dead = error(Code::Canceled, None, "transaction failed to complete (0 intermediate responses)");
        assert_eq!(ended(&dead, IN_TIME), Some(Ending::Network));
        assert_eq!(ended(&error(Code::Canceled, None, "context canceled"), IN_TIME), None);
    }

    #[test]
    fn no_number_is_in_a_log() {
        for (text, shown) in [
            (
                "INVITE failed: sip:+4915112345678@carrier status 486",
                "INVITE failed: sip:+…@carrier status 486",
            ),
            ("15112345678", "…"),
            ("no digits", "no digits"),
            ("30 s, 1234 ms", "30 s, 1234 ms"),
        ] {
            assert_eq!(without_numbers(text), shown);
        }
    }

    #[test]
    fn what_we_took_back_is_nobodys_fault() {
        let around = Circumstances { taken_back: true, ..IN_TIME };
        assert_eq!(
            ended(&error(Code::Aborted, Some((487, "Request Terminated")), ""), around),
            Some(Ending::Cancelled)
        );
        assert_eq!(ended(&error(Code::Canceled, None, "room deleted"), around), Some(Ending::Cancelled));
        assert_eq!(
            ended(&error(Code::ResourceExhausted, Some((486, "Busy Here")), ""), around),
            Some(Ending::Busy)
        );
    }

    #[test]
    fn the_carriers_words_are_kept() {
        let error = error(
            Code::ResourceExhausted,
            Some((480, "Temporarily Unavailable")),
            "sip status: 480 (Reason: Q.850;cause=18;text=\"no user responding\") Retry-After: 120",
        );
        let NotTaken::Ended(ending, carrier) = of(&error, IN_TIME) else { panic!("it is over") };
        assert_eq!((ending, carrier.sip, carrier.q850), (Ending::NoAnswer, Some(480), Some(18)));
        assert_eq!(carrier.reason.as_deref(), Some("Q.850;cause=18;text=\"no user responding\""));
        assert_eq!(
            (carrier.retry_after_secs, carrier.phrase.as_deref()),
            (Some(120), Some("Temporarily Unavailable"))
        );
    }
}
