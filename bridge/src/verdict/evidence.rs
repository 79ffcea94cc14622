//! Holds a model to what was said. A model claims that a call came to an outcome and names the utterance and the words it rests on;
//! here it counts only if that utterance is there, the right one spoke it, the words stand in it, no machine, echo or third person said
//! them, nothing in them speaks against it, they hold what the outcome needs and every value, and it was not taken back. The model may
//! claim anything: no claim makes a rule pass that the words do not.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value};
use vox_shared::model::bot::{Outcome, OutcomeField, OutcomeSpeaker};
use vox_shared::wire::result::{Speaker, TranscriptEntry};

use super::hearing::{Voice, voices};
use super::value::{Said, proven};
use super::words::Words;
use super::{doubt, number};
use crate::store::calls::analysis::{Doubt, Evidence, FieldProof, Proof, ProofStatus};

/// Claims of one answer that are looked at.
pub const MAX_CLAIMS: usize = 64;
/// Fields of one claim.
const MAX_FIELDS: usize = 32;
/// Longest value and quote kept, characters.
const MAX_CHARS: usize = 500;
/// A value is said within so many utterances of what its outcome rests on.
const NEAR: usize = 6;
/// What one says within so long of what one said before, and nobody in between, is one breath.
const BREATH_MS: u64 = 3_000;
/// Words of a breath before an utterance that are looked at, and as many behind it.
const BREATH_WORDS: usize = 600;
/// Words of an utterance that may prove something. Nobody says more in one.
const LONGEST_UTTERANCE: usize = 300;

/// What claims are held to.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub transcript: &'a [TranscriptEntry],
    /// The day of the call.
    pub day: Date,
}

/// Which outcomes a model's answer proves, in their order. `answer` is `{"claims": [{"name", "utterance", "quote", "fields": [{"name",
/// "value", "utterance", "quote"}]}]}`; what is of another form claims nothing.
pub fn prove(record: &Record<'_>, outcomes: &[Outcome], answer: &Map<String, Value>) -> Vec<Proof> {
    let claims: Vec<&Value> =
        answer.get("claims").and_then(Value::as_array).into_iter().flatten().take(MAX_CLAIMS).collect();
    let court = Court {
        record,
        voices: OnceCell::new(),
        third_party: OnceCell::new(),
        doubts: RefCell::default(),
        retracted: RefCell::default(),
    };
    outcomes.iter().map(|outcome| court.best(outcome, &claims)).collect()
}

struct Court<'a> {
    record: &'a Record<'a>,
    voices: OnceCell<Vec<(usize, Voice)>>,
    third_party: OnceCell<bool>,
    /// By the place of the utterance: claims often rest on the same one.
    doubts: RefCell<BTreeMap<usize, Option<Doubt>>>,
    /// By outcome and place.
    retracted: RefCell<BTreeMap<(String, usize), bool>>,
}

/// Words that a claim rests on, found.
struct Found<'a> {
    place: usize,
    entry: &'a TranscriptEntry,
    quote: Words,
    utterance: Words,
}

impl Court<'_> {
    /// Of several claims of an outcome the first that is proven, or the first.
    fn best(&self, outcome: &Outcome, claims: &[&Value]) -> Proof {
        let of_it = claims.iter().filter(|claim| claim["name"] == outcome.name.as_str());
        let mut proofs: Vec<Proof> = of_it.map(|claim| self.proof(outcome, claim)).collect();
        let best = proofs.iter().position(|proof| proof.status == ProofStatus::Proven).unwrap_or(0);
        if proofs.is_empty() {
            let name = outcome.name.clone();
            return Proof {
                name,
                status: ProofStatus::NotClaimed,
                reason: None,
                evidence: None,
                fields: Vec::new(),
            };
        }
        proofs.swap_remove(best)
    }

    fn proof(&self, outcome: &Outcome, claim: &Value) -> Proof {
        let (evidence, doubt) = self.evidence(outcome, claim);
        let own = doubt.or_else(|| {
            let found = self.find(claim).ok()?;
            self.words_doubt(outcome, &found)
        });
        let given: Vec<&Value> = claim["fields"].as_array().into_iter().flatten().take(MAX_FIELDS).collect();
        let fields: Vec<FieldProof> =
            outcome.fields.iter().map(|field| self.field(outcome, field, (&given, claim))).collect();
        let required = outcome.fields.iter().zip(&fields).filter(|(field, _)| field.required);
        let lacks = required.into_iter().any(|(_, proof)| proof.status != ProofStatus::Proven);
        let reason = own.or_else(|| lacks.then_some(Doubt::FieldUnproven));
        let status = if reason.is_none() { ProofStatus::Proven } else { ProofStatus::Unproven };
        Proof { name: outcome.name.clone(), status, reason, evidence, fields }
    }

    fn field(&self, outcome: &Outcome, field: &OutcomeField, (given, of): (&[&Value], &Value)) -> FieldProof {
        let name = field.name.clone();
        // A model that says nothing of it, or says so with nothing.
        let claim = given
            .iter()
            .find(|claim| claim["name"] == name.as_str() && !text(&claim["value"]).trim().is_empty());
        let Some(claim) = claim else {
            return FieldProof {
                name,
                status: ProofStatus::NotClaimed,
                value: None,
                reason: None,
                evidence: None,
            };
        };
        let value = text(&claim["value"]);
        let (evidence, doubt) = self.evidence(outcome, claim);
        let checked = match (doubt, self.find(claim)) {
            (Some(doubt), _) | (None, Err(doubt)) => Err(doubt),
            (None, Ok(found)) if self.find(of).is_ok_and(|of| of.place.abs_diff(found.place) > NEAR) => {
                Err(Doubt::TooFar)
            }
            (None, Ok(found)) => {
                let said = Said { quote: &found.quote, utterance: &found.utterance, day: self.record.day };
                proven(field, &value, said)
            }
        };
        let (status, value, reason) = match checked {
            Ok(value) => (ProofStatus::Proven, value, None),
            Err(doubt) => (ProofStatus::Unproven, value, Some(doubt)),
        };
        FieldProof { name, status, value: Some(short(&value)), reason, evidence }
    }

    /// Where a claim rests, as far as that is there, and what speaks against the words.
    fn evidence(&self, outcome: &Outcome, claim: &Value) -> (Option<Evidence>, Option<Doubt>) {
        let found = match self.find(claim) {
            Ok(found) => found,
            Err(doubt) => return (None, Some(doubt)),
        };
        let evidence = Evidence {
            utterance: u32::try_from(found.place + 1).unwrap_or(u32::MAX),
            turn: found.entry.turn,
            speaker: found.entry.speaker,
            started_ms: found.entry.started_ms,
            ended_ms: found.entry.ended_ms,
            quote: short(&text(&claim["quote"])),
        };
        (Some(evidence), self.doubt(outcome, &found))
    }

    /// The utterance that a claim names, with its words in it.
    fn find(&self, claim: &Value) -> Result<Found<'_>, Doubt> {
        let quote = Words::of(&text(&claim["quote"]));
        let number = claim["utterance"].as_u64().filter(|number| *number > 0).ok_or(Doubt::NoEvidence)?;
        if quote.is_empty() {
            return Err(Doubt::NoEvidence);
        }
        let place = usize::try_from(number - 1).map_err(|_| Doubt::NoSuchUtterance)?;
        let entry = self.record.transcript.get(place).ok_or(Doubt::NoSuchUtterance)?;
        let utterance = Words::of(&entry.text);
        if !utterance.holds(&quote) {
            return Err(Doubt::NotSaid);
        }
        // What stands behind the words that are looked at may take them back.
        if Words::first(&entry.text, LONGEST_UTTERANCE + 1).len() > LONGEST_UTTERANCE {
            return Err(Doubt::NoEvidence);
        }
        Ok(Found { place, entry, quote, utterance })
    }

    fn doubt(&self, outcome: &Outcome, found: &Found<'_>) -> Option<Doubt> {
        let wanted = match outcome.speaker {
            OutcomeSpeaker::Caller => Speaker::Caller,
            OutcomeSpeaker::Agent => Speaker::Agent,
        };
        if found.entry.speaker != wanted {
            return Some(Doubt::WrongSpeaker);
        }
        if wanted == Speaker::Caller {
            match self.voice(found.place) {
                Voice::Person => {}
                Voice::Machine(_) => return Some(Doubt::Announcement),
                Voice::Echo => return Some(Doubt::Echo),
                Voice::Nobody => return Some(Doubt::NoEvidence),
            }
            if *self.third_party.get_or_init(|| self.third_party()) {
                return Some(Doubt::ThirdParty);
            }
        }
        if let Some(doubt) = self.doubt_of_words(found.place) {
            return Some(doubt);
        }
        self.is_retracted(outcome, found).then_some(Doubt::Retracted)
    }

    fn doubt_of_words(&self, place: usize) -> Option<Doubt> {
        *self.doubts.borrow_mut().entry(place).or_insert_with(|| {
            let breath = self.breath(place);
            doubt::of(&breath, &Words::first(&breath, usize::MAX))
        })
    }

    /// What the outcome itself asks of the words that it rests on.
    fn words_doubt(&self, outcome: &Outcome, found: &Found<'_>) -> Option<Doubt> {
        let of = |texts: &[String]| texts.iter().map(|text| Words::of(text)).collect::<Vec<_>>();
        if found.utterance.any(&of(&outcome.needs)).is_none() {
            return Some(Doubt::WordsMissing);
        }
        let breath = Words::first(&self.breath(found.place), usize::MAX);
        breath.any(&of(&outcome.unless)).map(|_| Doubt::ExcludedWord)
    }

    fn voice(&self, place: usize) -> Voice {
        let voices = self.voices.get_or_init(|| voices(self.record.transcript));
        // Beyond what is looked at nobody knows.
        voices.iter().find(|(at, _)| *at == place).map_or(Voice::Nobody, |(_, voice)| *voice)
    }

    fn third_party(&self) -> bool {
        let callers = self.record.transcript.iter().filter(|entry| entry.speaker == Speaker::Caller);
        callers.into_iter().any(|entry| doubt::is_third_party(&Words::of(&entry.text)))
    }

    /// The utterance with what the same one said right before and after it: up to [`BREATH_WORDS`] on each side of it.
    fn breath(&self, place: usize) -> String {
        let all = self.record.transcript;
        let goes_on = |one: usize, other: usize| {
            all[one].speaker == all[other].speaker
                && all[other].started_ms <= all[one].ended_ms.saturating_add(BREATH_MS)
        };
        let words = |place: usize| all[place].text.split_whitespace().count();
        let (mut first, mut last, mut before, mut behind) = (place, place, 0, 0);
        while first > 0 && goes_on(first - 1, first) && before < BREATH_WORDS {
            first -= 1;
            before += words(first);
        }
        while last + 1 < all.len() && goes_on(last, last + 1) && behind < BREATH_WORDS {
            last += 1;
            behind += words(last);
        }
        let texts: Vec<&str> = all[first..=last].iter().map(|entry| entry.text.as_str()).collect();
        texts.join(" ")
    }

    fn is_retracted(&self, outcome: &Outcome, found: &Found<'_>) -> bool {
        let which = (outcome.name.clone(), found.place);
        *self.retracted.borrow_mut().entry(which).or_insert_with(|| self.retracts(outcome, found))
    }

    /// Whether the same one took it back later: in so many words, or with a no to the bot's asking again.
    fn retracts(&self, outcome: &Outcome, found: &Found<'_>) -> bool {
        let later = &self.record.transcript[found.place + 1..];
        let mut asked = false;
        let needs: Vec<Words> = outcome.needs.iter().map(|text| Words::of(text)).collect();
        let values = number::numbers(&found.utterance);
        for entry in later {
            let words = Words::of(&entry.text);
            if entry.speaker == found.entry.speaker {
                if doubt::retracts(&words) || (asked && doubt::begins_with_no(&words)) {
                    return true;
                }
                asked = false;
            } else {
                asked = words.any(&needs).is_some()
                    || number::numbers(&words).iter().any(|value| values.contains(value));
            }
        }
        false
    }
}

/// A model may give a number where a text is asked for.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn short(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}
