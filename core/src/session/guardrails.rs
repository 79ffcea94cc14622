//! What the bot may not say, and what it must: each text is looked at before it goes to the voice, together with what was said right
//! before it, so that a phrase is found however it is cut into pieces.

use vox_shared::model::bot::Guardrails as Settings;
use vox_shared::phrases::{Phrase, Words};

use super::plan::SayingId;
use super::text::{Piece, phrase};

/// Characters of what was said before that a phrase may begin in: more than the longest phrase has.
const TAIL_CHARS: usize = 600;

/// The guardrails of one call.
#[derive(Debug, Default)]
pub struct Guardrails {
    forbidden: Vec<Ban>,
    required: Vec<Duty>,
    /// What the bot said since the caller's last words, as it is written and as the voice is given it.
    tails: [Tail; 2],
    /// The last words that the caller heard.
    heard: Words,
    /// Words of the longest duty.
    longest: usize,
    /// The line that has a replacement: one is enough.
    replaced: Option<SayingId>,
}

#[derive(Debug)]
struct Ban {
    name: String,
    phrases: Vec<Phrase>,
    replacement: Option<Piece>,
}

/// Something that must be said.
#[derive(Debug)]
struct Duty {
    name: String,
    words: Words,
    piece: Piece,
    before: Vec<Phrase>,
    within_turns: Option<u32>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Owed,
    Heard,
    /// The caller heard what should have come after it, and the record says so.
    Missed,
}

/// The end of what was said.
#[derive(Debug, Default)]
struct Tail {
    text: String,
    /// The next piece goes on in the last word.
    is_open: bool,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Banned {
    /// The rule.
    pub name: String,
    /// Said in its place; `None` where the line has a replacement already.
    pub replacement: Option<Piece>,
}

impl Guardrails {
    /// By a bot's settings, for a bot that speaks this language.
    pub fn new(settings: &Settings, language: &str) -> Self {
        let stock = Some(settings.replacement.trim()).filter(|line| !line.is_empty());
        let stock = stock.unwrap_or_else(|| stock_replacement(language));
        let forbidden = settings.forbidden.iter().map(|rule| {
            let own = Some(rule.replacement.trim()).filter(|line| !line.is_empty());
            Ban {
                name: rule.name.clone(),
                phrases: phrases(&rule.phrases),
                replacement: phrase(own.unwrap_or(stock), language),
            }
        });
        let required = settings.required.iter().filter_map(|rule| {
            let piece = phrase(&rule.text, language)?;
            Some(Duty {
                name: rule.name.clone(),
                words: Words::of(piece.say()),
                piece,
                before: phrases(&rule.before),
                within_turns: rule.within_turns,
                state: State::Owed,
            })
        });
        let required: Vec<Duty> = required.collect();
        let longest = required.iter().map(|duty| duty.words.len()).max().unwrap_or_default();
        Self { forbidden: forbidden.collect(), required, longest, ..Self::default() }
    }

    /// Nothing is forbidden and nothing required.
    pub fn is_empty(&self) -> bool {
        self.forbidden.is_empty() && self.required.is_empty()
    }

    /// The rule that forbids a text, given as it is written and as the voice would be given it, behind what was said before.
    pub fn forbids(&self, piece: &Piece, worded: &Piece) -> Option<&str> {
        self.ban(&self.behind(piece, worded)).map(|ban| ban.name.as_str())
    }

    /// Let a text of the line `line` pass, or not; what passes stands before the next one. A line that has a replacement gets no other.
    pub fn check(
        &mut self,
        piece: &Piece,
        worded: &Piece,
        line: Option<SayingId>,
    ) -> Result<(), Box<Banned>> {
        let words = self.behind(piece, worded);
        if let Some(ban) = self.ban(&words) {
            let is_replaced = line.is_some() && line == self.replaced;
            let replacement = ban.replacement.clone().filter(|_| !is_replaced);
            let banned = Banned { name: ban.name.clone(), replacement };
            self.tails = Default::default();
            return Err(Box::new(banned));
        }
        for (tail, piece) in self.tails.iter_mut().zip([piece, worded]) {
            tail.add(piece);
        }
        Ok(())
    }

    /// This line has its replacement.
    pub fn note_replaced(&mut self, line: Option<SayingId>) {
        self.replaced = line;
    }

    /// The caller said something, or what was to be said is not: what comes now goes on with nothing.
    pub fn begin_anew(&mut self) {
        self.tails = Default::default();
        self.replaced = None;
    }

    /// What must be said before this text, by the reply to this turn; `is_coming` knows what is on its way already.
    pub fn due(
        &self,
        piece: &Piece,
        worded: &Piece,
        turn: u32,
        is_coming: impl Fn(&Piece) -> bool,
    ) -> Vec<Piece> {
        let owed: Vec<&Duty> = self.owed().filter(|duty| !is_coming(&duty.piece)).collect();
        if owed.is_empty() {
            return Vec::new();
        }
        let words = self.behind(piece, worded);
        // The model may say it by itself.
        let own = Words::of(piece.say());
        let is_due = |duty: &&Duty| !own.hold(&duty.words) && (duty.is_late(turn) || duty.is_before(&words));
        owed.into_iter().filter(is_due).map(|duty| duty.piece.clone()).collect()
    }

    /// What must be said before the bot ends the call: all that belongs into its beginning.
    pub fn due_at_the_end(&self, is_coming: impl Fn(&Piece) -> bool) -> Vec<Piece> {
        let owed = self.owed().filter(|duty| duty.within_turns.is_some() && !is_coming(&duty.piece));
        owed.map(|duty| duty.piece.clone()).collect()
    }

    /// The caller heard this: the rules whose words are said now, and those whose words should have come before it.
    pub fn heard(&mut self, text: &str) -> (Vec<String>, Vec<String>) {
        let owed = self.required.iter().any(|duty| duty.state != State::Heard);
        if !owed {
            return Default::default();
        }
        let new = Words::of(text);
        let most = self.longest + new.len();
        self.heard.add(new.clone(), most);
        let (mut said, mut missed) = (Vec::new(), Vec::new());
        for duty in &mut self.required {
            if duty.state != State::Heard && self.heard.hold(&duty.words) {
                duty.state = State::Heard;
                said.push(duty.name.clone());
            } else if duty.state == State::Owed && duty.is_before(&[new.without_beginning_of(&duty.words)]) {
                duty.state = State::Missed;
                missed.push(duty.name.clone());
            }
        }
        (said, missed)
    }

    /// The call is over in this turn: the rules whose words were due by then and not heard.
    pub fn missed(&mut self, turn: u32) -> Vec<String> {
        let late = self.required.iter_mut().filter(|duty| duty.state == State::Owed && duty.is_late(turn));
        let note = |duty: &mut Duty| {
            duty.state = State::Missed;
            duty.name.clone()
        };
        late.map(note).collect()
    }

    fn owed(&self) -> impl Iterator<Item = &Duty> {
        self.required.iter().filter(|duty| duty.state != State::Heard)
    }

    fn ban(&self, words: &[Words]) -> Option<&Ban> {
        let is_said = |phrase: &Phrase| words.iter().any(|words| phrase.is_in(words));
        self.forbidden.iter().find(|ban| ban.phrases.iter().any(is_said))
    }

    /// A text behind what was said, as it is written and as it is given to the voice.
    fn behind(&self, piece: &Piece, worded: &Piece) -> Vec<Words> {
        let texts = self.tails.iter().zip([piece, worded]).map(|(tail, piece)| tail.with(piece));
        let mut words: Vec<Words> = texts.map(|text| Words::of(&text)).collect();
        words.dedup();
        words
    }
}

impl Duty {
    fn is_late(&self, turn: u32) -> bool {
        self.within_turns.is_some_and(|turns| turn >= turns.max(1))
    }

    fn is_before(&self, words: &[Words]) -> bool {
        self.before.iter().any(|phrase| words.iter().any(|words| phrase.is_in(words)))
    }
}

impl Tail {
    fn with(&self, piece: &Piece) -> String {
        let goes_on = self.is_open && !piece.keep().starts_with(char::is_whitespace);
        format!("{}{}{}", self.text, if goes_on { "" } else { " " }, piece.say())
    }

    fn add(&mut self, piece: &Piece) {
        self.text = self.with(piece);
        self.is_open = !piece.keep().ends_with(char::is_whitespace);
        let surplus = self.text.chars().count().saturating_sub(TAIL_CHARS);
        if let Some((at, _)) = self.text.char_indices().nth(surplus).filter(|_| surplus > 0) {
            self.text.drain(..at);
        }
    }
}

/// One that no pattern can be made of is looked for as it stands: a bot of a newer bridge is guarded too.
fn phrases(written: &[String]) -> Vec<Phrase> {
    written.iter().filter_map(|text| Phrase::read(text).ok().or_else(|| Phrase::plain(text))).collect()
}

/// Said in place of what may not be said, where the operator has no words for it, by language (BCP-47).
fn stock_replacement(language: &str) -> &'static str {
    match language.split(['-', '_']).next().unwrap_or_default() {
        "hi" => "माफ़ कीजिए, इस बारे में मैं कुछ नहीं कह सकती।",
        "de" => "Dazu kann ich leider nichts sagen.",
        "es" => "Lo siento, sobre eso no puedo decir nada.",
        "fr" => "Désolé, je ne peux rien dire à ce sujet.",
        "it" => "Mi dispiace, su questo non posso dire nulla.",
        "pt" => "Desculpe, sobre isso não posso dizer nada.",
        "nl" => "Sorry, daar kan ik niets over zeggen.",
        "ta" => "மன்னிக்கவும், இதைப் பற்றி என்னால் எதுவும் சொல்ல முடியாது.",
        "te" => "క్షమించండి, దీని గురించి నేను ఏమీ చెప్పలేను.",
        "bn" => "দুঃখিত, এ বিষয়ে আমি কিছু বলতে পারব না।",
        "mr" => "माफ करा, याबद्दल मी काही सांगू शकत नाही.",
        "ja" => "申し訳ありませんが、それについてはお答えできません。",
        "zh" => "抱歉，这一点我无法回答。",
        _ => "I'm sorry, I can't say anything about that.",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn guardrails(settings: Value) -> Guardrails {
        Guardrails::new(&serde_json::from_value(settings).unwrap(), "en")
    }

    fn banned() -> Guardrails {
        guardrails(json!({"forbidden": [
            {"name": "promises", "phrases": ["guaranteed * returns", "risk-free"], "replacement": "Returns are never certain."},
            {"name": "politics", "phrases": ["election*"]},
        ]}))
    }

    fn check(rails: &mut Guardrails, text: &str) -> Result<(), (String, Option<String>)> {
        let piece = Piece::plain(text);
        let found = rails.check(&piece, &piece, Some(1));
        found.map_err(|banned| (banned.name, banned.replacement.map(|piece| piece.say().to_owned())))
    }

    #[test]
    fn what_is_forbidden_is_replaced_once_in_a_line_and_left_out_after_that() {
        let mut rails = banned();
        assert_eq!(check(&mut rails, "We give good returns. "), Ok(()));
        let promise = ("promises".to_owned(), Some("Returns are never certain.".to_owned()));
        assert_eq!(check(&mut rails, "They are GUARANTEED, our returns. "), Err(promise));
        rails.note_replaced(Some(1));
        assert_eq!(check(&mut rails, "It is risk free. "), Err(("promises".to_owned(), None)));
        assert_eq!(check(&mut rails, "Anything else?"), Ok(()));
        rails.begin_anew();
        let stock = Some("I'm sorry, I can't say anything about that.".to_owned());
        assert_eq!(check(&mut rails, "The elections are fair."), Err(("politics".to_owned(), stock)));
    }

    #[test]
    fn the_callers_words_part_what_the_bot_says_before_and_after() {
        let mut rails = banned();
        assert_eq!(check(&mut rails, "Delivery is guaranteed. "), Ok(()));
        let is_banned = |rails: &Guardrails| {
            let piece = Piece::plain("Returns are free.");
            rails.forbids(&piece, &piece).is_some()
        };
        assert!(is_banned(&rails));
        rails.begin_anew();
        assert!(!is_banned(&rails));
    }

    #[test]
    fn numbers_are_found_as_they_are_written_and_as_they_are_said() {
        let settings = json!({"forbidden": [{"name": "price", "phrases": ["ninety-nine dollars", "$50"]}]});
        for (written, said) in
            [("It is $99.", "It is ninety-nine dollars."), ("It is $50.", "It is fifty dollars.")]
        {
            let rails = guardrails(settings.clone());
            let (written, said) = (Piece::plain(written), Piece::plain(said));
            assert_eq!(rails.forbids(&written, &said), Some("price"));
        }
    }

    #[test]
    fn what_must_be_said_is_due_until_it_was_heard_to_its_end() {
        let mut rails = guardrails(json!({"required": [
            {"name": "risk", "text": "Funds carry risk.", "before": ["fund*"]},
            {"name": "recorded", "text": "This call is recorded.", "within_turns": 2},
        ]}));
        let due = |rails: &Guardrails, text: &str, turn| {
            let piece = Piece::plain(text);
            let due = rails.due(&piece, &piece, turn, |_| false);
            due.iter().map(|piece| piece.say().to_owned()).collect::<Vec<_>>()
        };
        assert!(due(&rails, "Hello.", 1).is_empty());
        assert_eq!(due(&rails, "Our funds are good.", 1), ["Funds carry risk."]);
        assert_eq!(due(&rails, "Hello.", 2), ["This call is recorded."]);
        assert_eq!(rails.due_at_the_end(|_| false).len(), 1);
        assert_eq!(rails.heard("This call is"), Default::default());
        assert_eq!(rails.heard("recorded. Well,"), (vec!["recorded".to_owned()], Vec::new()));
        assert!(due(&rails, "Hello.", 2).is_empty());
        // Somebody said it without the words: the record says so once, and it is still owed.
        assert_eq!(rails.heard("Our funds are"), (Vec::new(), vec!["risk".to_owned()]));
        assert_eq!(rails.heard("Our funds are"), Default::default());
        assert_eq!(due(&rails, "Our funds are good.", 3), ["Funds carry risk."]);
        assert_eq!(rails.heard("funds carry risk"), (vec!["risk".to_owned()], Vec::new()));
        assert!(rails.missed(9).is_empty());
        let mut late = guardrails(
            json!({"required": [{"name": "recorded", "text": "It is recorded.", "within_turns": 2}]}),
        );
        assert_eq!(
            (late.missed(1).len(), late.missed(2), late.missed(3).len()),
            (0, vec!["recorded".to_owned()], 0)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        /// However a reply is cut into pieces, a phrase never passes as a whole.
        #[test]
        fn no_cut_lets_a_phrase_pass(words in prop::collection::vec(prop::sample::select(vec![
            "We", "give", "guaranteed", "good", "returns", "risk", "free", "risk-free", "and", "returns.", "guaran", "teed",
        ]), 1..24), cuts in prop::collection::vec(0usize..160, 0..10)) {
            let text: Vec<char> = words.join(" ").chars().collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let mut rails = banned();
            let mut passed = String::new();
            for pair in cuts.windows(2).filter(|pair| pair[0] < pair[1]) {
                let piece = Piece::plain(&text[pair[0]..pair[1]].iter().collect::<String>());
                match rails.check(&piece, &piece, None) {
                    Ok(()) => passed.push_str(piece.keep()),
                    Err(_) => passed.push_str(" … said something else … so that nothing goes on … "),
                }
            }
            let all = Words::of(&passed);
            for phrase in ["guaranteed returns", "guaranteed good returns", "risk free"] {
                prop_assert!(!Phrase::read(phrase).unwrap().is_in(&all), "{phrase} in {passed}");
            }
        }
    }
}
