//! Whether somebody was reached and the word for what came of the call, decided by how it ended and whose words were heard.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vox_shared::model::bot::AutoDispositions;
use vox_shared::wire::result::{CallResult, DisconnectedBy, TranscriptEntry};

use super::hearing::{Voice, voices};
use super::machine::Machine;

/// A shorter call is not worth a model's opinion, seconds.
const SHORTEST: f64 = 5.0;

/// What is judged.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub disconnected_by: DisconnectedBy,
    pub duration_seconds: f64,
    pub transcript: &'a [TranscriptEntry],
}

impl<'a> From<&'a CallResult> for Facts<'a> {
    fn from(result: &'a CallResult) -> Self {
        Self {
            disconnected_by: result.disconnected_by,
            duration_seconds: result.call_duration_seconds,
            transcript: &result.transcript,
        }
    }
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// A word of the contract's, the bot's own in its place, or that of an outcome that was proven.
    pub disposition: String,
    pub decided_by: DecidedBy,
    /// A person was heard.
    pub reached: bool,
    pub because: Because,
    /// Why no model is asked about it; absent when one may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skipped>,
}

/// Where a disposition comes from. Never from a model's word alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// The deployment's own words.
    Rule,
    /// The bot's `auto_dispositions`.
    Bot,
    /// The first of the bot's outcomes that was proven and has a word.
    Outcome,
}

/// Why somebody was reached, or nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// A person's words were heard.
    CustomerSpoke,
    /// Nobody took the call: no answer, busy, rejected, outside of hours.
    NotAnswered,
    /// The worker knew a machine.
    MachineDetected,
    /// What was heard is a carrier's announcement.
    Announcement,
    /// What was heard is a voicemail's greeting.
    VoicemailGreeting,
    /// What was heard is a menu or a queue.
    Menu,
    /// What was heard are the bot's own words.
    Echo,
    /// Nothing was heard.
    Silence,
}

/// Why a call is not analysed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Skipped {
    Error,
    Voicemail,
    TimeoutWithoutSpeech,
    RnrWithoutSpeech,
    TooShort,
    CustomerNeverSpoke,
}

impl Skipped {
    /// In words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Error => "the call ended as `error`",
            Self::Voicemail => "the call ended as `voicemail`",
            Self::TimeoutWithoutSpeech => "the call ended as `timeout`, and the customer never spoke",
            Self::RnrWithoutSpeech => "the call ended as `RNR`, and the customer never spoke",
            Self::TooShort => "the call was shorter than 5 seconds",
            Self::CustomerNeverSpoke => "the customer never spoke",
        }
    }
}

/// Judge a call that ended.
pub fn judge(facts: Facts<'_>, own: Option<&AutoDispositions>) -> Verdict {
    let because = because(facts);
    let reached = because == Because::CustomerSpoke;
    let skipped = skipped(facts, reached);
    let case = case(facts, because);
    let of_bot = own.zip(case).and_then(|(own, case)| case.own(own).clone());
    let decided_by = if of_bot.is_some() { DecidedBy::Bot } else { DecidedBy::Rule };
    let by_rule = || case.map_or_else(|| contact(facts.disconnected_by), Case::word).to_owned();
    Verdict { disposition: of_bot.unwrap_or_else(by_rule), decided_by, reached, because, skipped }
}

/// The contract's word for a CRM's `result.disposition`, which knows how the call ended and nothing else.
pub fn contact(by: DisconnectedBy) -> &'static str {
    match by {
        DisconnectedBy::Customer | DisconnectedBy::Bot | DisconnectedBy::Timeout => "Connected",
        DisconnectedBy::Error => "Failed",
        _ => "Unknown",
    }
}

fn because(facts: Facts<'_>) -> Because {
    use DisconnectedBy as End;
    match facts.disconnected_by {
        End::Voicemail => return Because::MachineDetected,
        End::NoAnswer | End::Busy | End::Rejected | End::OutsideHours => return Because::NotAnswered,
        _ => {}
    }
    let heard = voices(facts.transcript);
    let any = |wanted: Voice| heard.iter().any(|(_, voice)| *voice == wanted);
    if any(Voice::Person) {
        Because::CustomerSpoke
    } else if any(Voice::Machine(Machine::Voicemail)) {
        Because::VoicemailGreeting
    } else if any(Voice::Machine(Machine::Carrier)) {
        Because::Announcement
    } else if any(Voice::Machine(Machine::Menu)) {
        Because::Menu
    } else if any(Voice::Echo) {
        Because::Echo
    } else {
        Because::Silence
    }
}

/// In the order of the contract.
fn skipped(facts: Facts<'_>, reached: bool) -> Option<Skipped> {
    match facts.disconnected_by {
        DisconnectedBy::Error => Some(Skipped::Error),
        DisconnectedBy::Voicemail => Some(Skipped::Voicemail),
        DisconnectedBy::Timeout if !reached => Some(Skipped::TimeoutWithoutSpeech),
        DisconnectedBy::Rnr if !reached => Some(Skipped::RnrWithoutSpeech),
        _ if !reached => Some(Skipped::CustomerNeverSpoke),
        // What makes no sense is no duration.
        _ if facts.duration_seconds >= SHORTEST => None,
        _ => Some(Skipped::TooShort),
    }
}

/// A case that has a word of its own, which a bot may replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Rnr,
    Voicemail,
    Timeout,
    Error,
    NoCustomerMessage,
}

/// The case that a call is, if it is one.
fn case(facts: Facts<'_>, because: Because) -> Option<Case> {
    let reached = because == Because::CustomerSpoke;
    match facts.disconnected_by {
        DisconnectedBy::Error => Some(Case::Error),
        DisconnectedBy::Voicemail => Some(Case::Voicemail),
        _ if reached || because == Because::NotAnswered => None,
        DisconnectedBy::Timeout => Some(Case::Timeout),
        DisconnectedBy::Rnr => Some(Case::Rnr),
        // Nobody knows what was said.
        DisconnectedBy::WorkerLost if because == Because::Silence => None,
        _ if matches!(because, Because::VoicemailGreeting | Because::Menu) => Some(Case::Voicemail),
        _ => Some(Case::NoCustomerMessage),
    }
}

impl Case {
    /// The contract's word.
    fn word(self) -> &'static str {
        match self {
            Self::Rnr | Self::NoCustomerMessage => "RNR",
            Self::Voicemail => "IVR/MAIN_MESSAGE",
            Self::Timeout => "Not Connected/DSCN_PARTIAL",
            Self::Error => "Failed",
        }
    }

    /// The bot's.
    fn own(self, of: &AutoDispositions) -> &Option<String> {
        match self {
            Self::Rnr => &of.rnr,
            Self::Voicemail => &of.voicemail,
            Self::Timeout => &of.timeout,
            Self::Error => &of.error,
            Self::NoCustomerMessage => &of.no_customer_message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vox_shared::wire::result::Speaker;

    /// Lines `c: text` of the caller and `b: text` of the bot, three seconds each, a second apart.
    fn transcript(text: &str) -> Vec<TranscriptEntry> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate();
        let line = |(n, line): (usize, &str)| {
            let (who, text) = line.split_once(": ").unwrap();
            let started_ms = n as u64 * 4_000;
            TranscriptEntry {
                turn: n as u32,
                speaker: if who == "c" { Speaker::Caller } else { Speaker::Bot },
                text: text.into(),
                confidence: None,
                started_ms,
                ended_ms: started_ms + 3_000,
                interrupted: false,
                words: Vec::new(),
                bot_id: None,
            }
        };
        lines.map(line).collect()
    }

    fn check(by: DisconnectedBy, text: &str, expected: (&str, Because, Option<Skipped>)) {
        let transcript = transcript(text);
        let facts = Facts { disconnected_by: by, duration_seconds: 20.0, transcript: &transcript };
        let verdict = judge(facts, None);
        let found = (verdict.disposition.as_str(), verdict.because, verdict.skipped);
        assert_eq!(found, expected, "{by:?} {text}");
    }

    #[test]
    fn the_words_of_the_contract() {
        use DisconnectedBy as End;
        let spoke = "b: Hello, this is Maya.\nc: Yes, who is it?";
        let silent = "b: Hello, this is Maya.";
        let never = Some(Skipped::CustomerNeverSpoke);
        check(End::Customer, spoke, ("Connected", Because::CustomerSpoke, None));
        check(End::Bot, spoke, ("Connected", Because::CustomerSpoke, None));
        check(End::Timeout, spoke, ("Connected", Because::CustomerSpoke, None));
        check(End::Error, spoke, ("Failed", Because::CustomerSpoke, Some(Skipped::Error)));
        check(End::TransferToAgent, spoke, ("Unknown", Because::CustomerSpoke, None));
        check(End::Rnr, silent, ("RNR", Because::Silence, Some(Skipped::RnrWithoutSpeech)));
        check(End::Customer, silent, ("RNR", Because::Silence, never));
        let partial = ("Not Connected/DSCN_PARTIAL", Because::Silence, Some(Skipped::TimeoutWithoutSpeech));
        check(End::Timeout, silent, partial);
        let machine = ("IVR/MAIN_MESSAGE", Because::MachineDetected, Some(Skipped::Voicemail));
        check(End::Voicemail, spoke, machine);
        check(End::Busy, "", ("Unknown", Because::NotAnswered, never));
        check(End::WorkerLost, "", ("Unknown", Because::Silence, never));
    }

    #[test]
    fn neither_a_machine_nor_the_bots_own_words_are_the_customer() {
        use DisconnectedBy::Bot;
        let never = Some(Skipped::CustomerNeverSpoke);
        check(Bot, "c: The number you have dialled is switched off.", ("RNR", Because::Announcement, never));
        let greeting =
            "b: Hello, this is Maya.\nc: Hi, this is Rahul.\nc: Leave your message after the beep.";
        check(Bot, greeting, ("IVR/MAIN_MESSAGE", Because::VoicemailGreeting, never));
        check(
            Bot,
            "c: Welcome to the bank.\nc: For English press one.",
            ("IVR/MAIN_MESSAGE", Because::Menu, never),
        );
        check(
            Bot,
            "b: So you will pay tomorrow?\nc: so you will pay tomorrow",
            ("RNR", Because::Echo, never),
        );
        check(Bot, "b: Hello?\nc: [noise]\nc: hmm", ("RNR", Because::Silence, never));
        let picked_up =
            "c: Please state your name.\nb: This is Maya.\nb: Of the clinic.\nb: Hello?\nc: Yes, speaking.";
        check(Bot, picked_up, ("Connected", Because::CustomerSpoke, None));
    }

    #[test]
    fn a_bot_has_words_of_its_own() {
        let own = AutoDispositions { rnr: Some("No response".into()), ..AutoDispositions::default() };
        let of = |disconnected_by| {
            let facts = Facts { disconnected_by, duration_seconds: 3.0, transcript: &[] };
            let verdict = judge(facts, Some(&own));
            (verdict.disposition, verdict.decided_by)
        };
        assert_eq!(of(DisconnectedBy::Rnr), ("No response".into(), DecidedBy::Bot));
        assert_eq!(of(DisconnectedBy::Customer), ("RNR".into(), DecidedBy::Rule));
    }

    #[test]
    fn a_short_call_or_one_without_a_duration_is_not_analysed() {
        let transcript = transcript("c: Yes, hello.");
        for (duration_seconds, expected) in
            [(4.99, Some(Skipped::TooShort)), (5.0, None), (f64::NAN, Some(Skipped::TooShort))]
        {
            let disconnected_by = DisconnectedBy::Customer;
            let facts = Facts { disconnected_by, duration_seconds, transcript: &transcript };
            assert_eq!(judge(facts, None).skipped, expected);
        }
    }
}
