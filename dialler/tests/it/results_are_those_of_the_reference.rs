//! What a carrier, a server or a worker says, to what an attempt comes by it, whether that counts against the contact, and what follows:
//! figure 23, row by row.

use std::time::Duration;

use vox_bridge::campaign::outcome::{AttemptResult as R, Next, Word};
use vox_bridge::campaign::settings::RetryOn;
use vox_dialler::outcome::{Circumstances, NotTaken, of};
use vox_livekit::service::{Code, Refusal, ServiceError, SipStatus};
use vox_shared::wire::answered::Callee;
use vox_shared::wire::dialler::attempt::Ending;
use vox_shared::wire::result::Callback;

/// Causes of Q.850 that say something.
const CAUSES: [u16; 18] = [1, 17, 18, 19, 20, 21, 22, 27, 28, 31, 34, 38, 41, 42, 47, 102, 16, 127];

/// What is said of a call.
#[derive(Clone, Debug)]
enum Said {
    /// By the carrier: the status, the cause, and words beside it.
    Sip(u16, Option<u16>, &'static str),
    /// The same when it rang as long as it was to.
    RangOut(u16),
    /// By the server alone.
    Server(Box<Refusal>),
    /// Nothing was sent.
    NotSent,
    /// By the worker, of a call that was answered.
    Word(Box<Word>),
}

fn refusal(code: Code, sip: Option<(u16, &str)>, said: String) -> Box<Refusal> {
    let sip = sip.map(|(code, phrase)| SipStatus { code, phrase: phrase.to_owned() });
    Box::new(Refusal { status: 500, code, said, sip })
}

fn sip(sip: u16, cause: Option<u16>, words: &str) -> ServiceError {
    let said = cause.map(|cause| format!("Reason: Q.850;cause={cause};text=\"-\"")).unwrap_or_default();
    ServiceError::Refused(refusal(Code::Unknown, Some((sip, words)), said))
}

/// A request that took so many seconds, for a telephone that was to ring for thirty.
fn took(seconds: u64) -> Circumstances {
    let (took, ringing) = (Duration::from_secs(seconds), Duration::from_secs(30));
    Circumstances { took, ringing, taken_back: false }
}

/// To what an attempt comes by it; none when nobody knows whether it rings.
fn result(said: &Said) -> Option<R> {
    let told = match said {
        Said::Word(word) => return Some(word.result()),
        Said::Sip(status, cause, words) => of(&sip(*status, *cause, words), took(4)),
        Said::RangOut(status) => of(&sip(*status, None, ""), took(30)),
        Said::Server(refusal) => of(&ServiceError::Refused(refusal.clone()), took(4)),
        Said::NotSent => of(&ServiceError::NotConnected, took(4)),
    };
    match told {
        NotTaken::Ended(ending, _) => Some(R::from(ending)),
        NotTaken::Unclear(_) => None,
    }
}

fn plain<const N: usize>(statuses: [u16; N]) -> Vec<Said> {
    statuses.into_iter().map(|status| Said::Sip(status, None, "")).collect()
}

/// Causes beside a status that leaves it open.
fn causes<const N: usize>(causes: [u16; N]) -> Vec<Said> {
    causes.into_iter().map(|cause| Said::Sip(480, Some(cause), "")).collect()
}

fn words<const N: usize>(said: [(u16, &'static str); N]) -> Vec<Said> {
    said.into_iter().map(|(status, words)| Said::Sip(status, None, words)).collect()
}

fn server(code: Code, said: &str) -> Vec<Said> {
    vec![Said::Server(refusal(code, None, said.to_owned()))]
}

/// A person who was spoken with for forty seconds, but for this.
fn word(change: impl FnOnce(&mut Word)) -> Vec<Said> {
    let mut word = Word {
        disconnected_by: "bot".into(),
        talk_seconds: 40.0,
        greeting_end_ms: Some(900.0),
        first_audio_ms: Some(1_700.0),
        ..Word::default()
    };
    change(&mut word);
    vec![Said::Word(Box::new(word))]
}

fn heard(class: Callee) -> Vec<Said> {
    word(|word| word.class = Some(class))
}

fn again(seconds: u64) -> Next {
    Next::Again(Duration::from_secs(seconds))
}

/// Signals, the result, whether it counts, what follows the first time.
type Row = (Vec<Said>, R, bool, Next);

/// Rows of calls that nobody answered.
fn unanswered() -> Vec<Row> {
    let ring_timeout = server(Code::Canceled, "twirp error unknown: sip request timed out");
    let rang_out = vec![Said::RangOut(408), Said::RangOut(487), Said::RangOut(412)];
    let limit = [(503, "CPS limit exceeded"), (486, "Concurrent call limit reached")];
    vec![
        (
            [ring_timeout, rang_out, causes([18, 19])].concat(),
            R::NoAnswer,
            true,
            Next::Rule(RetryOn::NoAnswer),
        ),
        ([plain([486, 600]), causes([17])].concat(), R::Busy, true, Next::Rule(RetryOn::Busy)),
        ([plain([480]), causes([20, 31])].concat(), R::Unavailable, true, Next::Rule(RetryOn::Unavailable)),
        ([plain([603]), causes([21])].concat(), R::Declined, true, Next::Rule(RetryOn::Declined)),
        (words([(603, "Network Blocked")]), R::BlockedAnalytics, true, Next::Rule(RetryOn::Blocked)),
        (plain([607]), R::Unwanted, true, Next::StopNumber),
        (plain([608]), R::RejectedByAnalytics, true, Next::Rule(RetryOn::Blocked)),
        (
            [plain([404, 410, 484, 604]), causes([1, 22, 28])].concat(),
            R::InvalidNumber,
            true,
            Next::StopNumber,
        ),
        (plain([403]), R::Forbidden, false, again(900)),
        (plain([401, 407]), R::Auth, false, again(300)),
        (plain([488, 606, 415]), R::MediaMismatch, false, again(60)),
        (
            [plain([408, 502, 504]), causes([27, 102])].concat(),
            R::Network,
            false,
            Next::Rule(RetryOn::Network),
        ),
        (
            [plain([503]), causes([34, 38, 41, 42, 47])].concat(),
            R::Congestion,
            false,
            Next::Rule(RetryOn::Congestion),
        ),
        ([plain([429]), words(limit)].concat(), R::Throttled, false, again(60)),
        (server(Code::ResourceExhausted, "rate limit exceeded"), R::Throttled, false, again(60)),
        (plain([482, 483]), R::Loop, false, again(900)),
        (words([(403, "Destination permanently blocked")]), R::BlockedDest, true, Next::StopNumber),
        (vec![Said::NotSent], R::Infra, false, again(30)),
    ]
}

/// Rows of calls that somebody, or something, answered.
fn answered() -> Vec<Row> {
    let by_tones = |change: fn(&mut Word)| {
        word(|word| {
            word.class = Some(Callee::Announcement);
            change(word);
        })
    };
    let voicemail = |change: fn(&mut Word)| {
        word(|word| {
            word.class = Some(Callee::Voicemail);
            change(word);
        })
    };
    let early = word(|word| (word.disconnected_by, word.talk_seconds) = ("customer".into(), 5.9));
    let wish = Callback { at: "2026-12-01T10:00:00Z".into(), number: String::new(), note: String::new() };
    vec![
        ([word(|_| {}), heard(Callee::Human)].concat(), R::Done, true, Next::End),
        (early, R::HangupEarly, true, Next::Rule(RetryOn::HangupEarly)),
        (word(|word| word.first_audio_ms = None), R::Abandoned, true, Next::Rule(RetryOn::Abandoned)),
        (voicemail(|_| {}), R::Voicemail, true, Next::Rule(RetryOn::Voicemail)),
        (
            voicemail(|word| word.message_left = true),
            R::VoicemailLeft,
            true,
            Next::Rule(RetryOn::VoicemailLeft),
        ),
        (
            voicemail(|word| word.mailbox_full = true),
            R::VoicemailFull,
            true,
            Next::Rule(RetryOn::VoicemailFull),
        ),
        (heard(Callee::Ivr), R::Ivr, true, Next::Rule(RetryOn::Ivr)),
        (heard(Callee::Screening), R::Screened, true, Next::Rule(RetryOn::Screened)),
        (heard(Callee::Fax), R::Fax, true, Next::StopNumber),
        (by_tones(|word| word.invalid_number = true), R::InvalidNumber, true, Next::StopNumber),
        (by_tones(|word| word.no_line = true), R::Congestion, false, Next::Rule(RetryOn::Congestion)),
        (by_tones(|_| {}), R::Unavailable, true, Next::Rule(RetryOn::Unavailable)),
        (word(|word| word.callback = Some(wish)), R::Callback, false, Next::Callback),
        (word(|word| word.opt_out = true), R::OptOut, true, Next::OptOut),
    ]
}

#[test]
fn each_row_has_its_result_counts_as_it_says_and_is_followed_as_it_says() {
    for (signals, expected, counts, next) in [unanswered(), answered()].concat() {
        for said in &signals {
            assert_eq!(result(said), Some(expected), "{said:?}");
        }
        assert_eq!((expected.counts(), expected.next(&[])), (counts, next), "{expected:?}");
    }
    // The second time it is the number's, whatever the carrier's account.
    for twice in [R::Forbidden, R::MediaMismatch] {
        assert_eq!(twice.next(&[twice]), Next::StopNumber, "{twice:?}");
    }
}

#[test]
fn what_may_ring_is_lost_and_counts() {
    for error in [ServiceError::TimedOut, ServiceError::Cut, ServiceError::Strange(502)] {
        let told = of(&error, took(4));
        assert!(matches!(told, NotTaken::Unclear(_)), "{told:?}");
    }
    assert_eq!((R::Lost.counts(), R::Lost.next(&[])), (true, Next::Lost));
}

#[test]
fn every_status_from_300_to_699_is_the_end_of_a_call_that_nobody_answered() {
    let causes = CAUSES.into_iter().map(Some).chain([None, Some(0), Some(999)]);
    for (status, cause) in (300..700).flat_map(|status| causes.clone().map(move |cause| (status, cause))) {
        let result = result(&Said::Sip(status, cause, "")).unwrap_or_else(|| panic!("{status} {cause:?}"));
        let known = Ending::ALL.into_iter().map(R::from).any(|known| known == result);
        assert!(
            known && ![R::Answered, R::Cancelled, R::Infra].contains(&result),
            "{status} {cause:?}: {result:?}"
        );
        let is_followed = matches!(result.next(&[]), Next::Rule(_) | Next::Again(_) | Next::StopNumber);
        assert!(is_followed, "{status} {cause:?}: {result:?}");
    }
}
