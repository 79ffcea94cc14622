//! The final status of SIP, and the cause of Q.850 that carriers add, as an ending. Every status from 300 to 699 has one.

use vox_shared::wire::dialler::attempt::Ending;

/// What a carrier answered.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    pub sip: u16,
    /// Of the `Reason` header.
    pub q850: Option<u16>,
    /// The phrase, and whatever else is said about it.
    pub text: &'a str,
    /// It rang as long as it was to.
    pub rang_out: bool,
}

/// Words of a carrier whose limit was met: our fault, and no sign of the callee.
const THROTTLED: [&str; 6] =
    ["cps limit", "calls per second", "concurrent call", "call limit", "rate limit", "too many calls"];
/// Words of a carrier that lets nobody of this account ring there.
const BARRED: [&str; 3] = ["permanently blocked", "blocked destination", "geographic permission"];
/// The phrase of a 603 that is the network's and not the callee's (compulsory in the US since 25 March 2026).
const BLOCKED: &str = "network blocked";

pub fn is_throttled(text: &str) -> bool {
    has_one_of(text, &THROTTLED)
}

fn has_one_of(text: &str, words: &[&str]) -> bool {
    let lower = text.to_ascii_lowercase();
    words.iter().any(|word| lower.contains(word))
}

/// The ending that a final status is.
pub fn ending(answer: Answer<'_>) -> Ending {
    if answer.sip == 429 || is_throttled(answer.text) {
        return Ending::Throttled;
    }
    if has_one_of(answer.text, &BARRED) {
        return Ending::BlockedDest;
    }
    by_plain_status(answer)
        .or_else(|| answer.q850.and_then(by_cause))
        .unwrap_or_else(|| by_status_alone(answer))
}

/// Those that say all.
fn by_plain_status(answer: Answer<'_>) -> Option<Ending> {
    Some(match answer.sip {
        486 | 600 => Ending::Busy,
        603 if has_one_of(answer.text, &[BLOCKED]) => Ending::BlockedAnalytics,
        603 => Ending::Declined,
        607 => Ending::Unwanted,
        608 => Ending::RejectedByAnalytics,
        404 | 410 | 484 | 604 => Ending::InvalidNumber,
        401 | 407 => Ending::Auth,
        415 | 488 | 606 => Ending::MediaMismatch,
        482 | 483 => Ending::Loop,
        // Once in a thousand the gateway says so of a phone that rang out.
        412 if answer.rang_out => Ending::NoAnswer,
        _ => return None,
    })
}

/// ITU-T Q.850, where the status leaves it open.
fn by_cause(cause: u16) -> Option<Ending> {
    Some(match cause {
        1 | 22 | 28 => Ending::InvalidNumber,
        17 => Ending::Busy,
        18 | 19 => Ending::NoAnswer,
        20 | 31 => Ending::Unavailable,
        21 => Ending::Declined,
        27 | 102 => Ending::Network,
        34 | 38 | 41 | 42 | 47 => Ending::Congestion,
        _ => return None,
    })
}

/// Without a cause that says more.
fn by_status_alone(answer: Answer<'_>) -> Ending {
    match answer.sip {
        403 => Ending::Forbidden,
        // It rang out, here or at the carrier; else nobody ever took the INVITE.
        408 if answer.rang_out => Ending::NoAnswer,
        408 => Ending::Network,
        487 => Ending::NoAnswer,
        503 => Ending::Congestion,
        500..=599 => Ending::Network,
        600..=699 => Ending::Declined,
        // Redirections that the gateway does not follow, and what a far end says of itself.
        _ => Ending::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(sip: u16, q850: Option<u16>) -> Ending {
        ending(Answer { sip, q850, text: "", rang_out: false })
    }

    /// The table of the dialler's reference, row by row.
    #[test]
    fn each_row_of_the_table_is_its_ending() {
        for (sip, q850, expected) in [
            (480, Some(18), Ending::NoAnswer),
            (480, Some(19), Ending::NoAnswer),
            (487, None, Ending::NoAnswer),
            (486, None, Ending::Busy),
            (600, None, Ending::Busy),
            (480, Some(17), Ending::Busy),
            (480, Some(20), Ending::Unavailable),
            (480, Some(31), Ending::Unavailable),
            (480, None, Ending::Unavailable),
            (603, None, Ending::Declined),
            (480, Some(21), Ending::Declined),
            (607, None, Ending::Unwanted),
            (608, None, Ending::RejectedByAnalytics),
            (404, None, Ending::InvalidNumber),
            (410, None, Ending::InvalidNumber),
            (484, None, Ending::InvalidNumber),
            (604, None, Ending::InvalidNumber),
            (503, Some(1), Ending::InvalidNumber),
            (500, Some(22), Ending::InvalidNumber),
            (500, Some(28), Ending::InvalidNumber),
            (403, None, Ending::Forbidden),
            (401, None, Ending::Auth),
            (407, None, Ending::Auth),
            (488, None, Ending::MediaMismatch),
            (606, None, Ending::MediaMismatch),
            (415, None, Ending::MediaMismatch),
            (408, None, Ending::Network),
            (502, None, Ending::Network),
            (504, None, Ending::Network),
            (500, Some(27), Ending::Network),
            (500, Some(102), Ending::Network),
            (503, None, Ending::Congestion),
            (480, Some(34), Ending::Congestion),
            (480, Some(38), Ending::Congestion),
            (480, Some(41), Ending::Congestion),
            (480, Some(42), Ending::Congestion),
            (480, Some(47), Ending::Congestion),
            (429, None, Ending::Throttled),
            (482, None, Ending::Loop),
            (483, None, Ending::Loop),
        ] {
            assert_eq!(plain(sip, q850), expected, "{sip} {q850:?}");
        }
    }

    #[test]
    fn carriers_words_decide_where_their_numbers_do_not() {
        for (sip, text, expected) in [
            (603, "Network Blocked", Ending::BlockedAnalytics),
            (503, "CPS limit exceeded", Ending::Throttled),
            (486, "Concurrent call limit reached", Ending::Throttled),
            (403, "Destination permanently blocked", Ending::BlockedDest),
        ] {
            let answer = Answer { sip, q850: None, text, rang_out: false };
            assert_eq!(ending(answer), expected, "{text}");
        }
        let rang_out = |sip| ending(Answer { sip, q850: None, text: "", rang_out: true });
        assert_eq!((rang_out(408), rang_out(412)), (Ending::NoAnswer, Ending::NoAnswer));
    }

    #[test]
    fn every_status_has_an_ending_and_none_is_an_answer() {
        for sip in 300..700 {
            for q850 in [None, Some(16), Some(127), Some(999)] {
                let got = plain(sip, q850);
                assert!(
                    !matches!(got, Ending::Answered | Ending::Cancelled | Ending::Infra),
                    "{sip} is {got:?}"
                );
                assert_eq!(
                    got,
                    plain(sip, None),
                    "a cause that says nothing changes nothing: {sip} {q850:?}"
                );
            }
        }
        // A callee who wants no call is not rung again as if it had been the network.
        assert!((600..700).all(|sip| plain(sip, None) != Ending::Network));
    }
}
