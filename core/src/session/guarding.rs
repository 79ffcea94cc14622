//! The guardrails at work: each text that the bot is about to say passes here.

use serde_json::{Value, json};

use super::Session;
use super::event::Command;
use super::guardrails::Banned;
use super::kind::EventKind;
use super::spending::object;
use super::text::Piece;

impl Session {
    /// A piece of the model's reply goes to the plan: itself, behind what must be said before it, or what is said in its place.
    pub(super) fn plan_piece(&mut self, piece: Piece, out: &mut Vec<Command>) {
        let (pieces, is_replaced) = self.guarded(piece, out);
        for piece in pieces {
            self.thinking.note_handed(piece.keep());
            self.plan.piece(piece, self.turn);
        }
        if is_replaced {
            self.guardrails.note_replaced(self.plan.open_saying().map(|line| line.id));
        }
    }

    /// The same of the last words of a reply that ends the call.
    pub(super) fn plan_last_piece(&mut self, piece: Option<Piece>, out: &mut Vec<Command>) {
        let mut pieces = self.guardrails.due_at_the_end(|duty| self.is_coming(duty));
        for due in pieces.drain(..) {
            self.plan.piece(due, self.turn);
        }
        if let Some(piece) = piece {
            pieces = self.guarded(piece, out).0;
        }
        for piece in pieces {
            self.clock.first_piece.get_or_insert(self.now);
            self.plan.piece(piece, self.turn);
        }
    }

    /// What is said, and whether that is not what was to be.
    fn guarded(&mut self, piece: Piece, out: &mut Vec<Command>) -> (Vec<Piece>, bool) {
        if self.guardrails.is_empty() {
            return (vec![piece], false);
        }
        let worded = self.rules.wording.put(&piece, self.speaking.provider());
        let line = self.plan.open_saying().map(|line| line.id);
        let (said, is_replaced) = match self.guardrails.check(&piece, &worded, line) {
            Ok(()) => (Some(piece), false),
            Err(banned) => {
                self.note_banned(&banned, piece.keep(), out);
                let is_replaced = banned.replacement.is_some();
                (banned.replacement, is_replaced)
            }
        };
        let Some(said) = said else { return (Vec::new(), false) };
        let worded = self.rules.wording.put(&said, self.speaking.provider());
        let mut pieces = self.guardrails.due(&said, &worded, self.own_turn(), |duty| self.is_coming(duty));
        pieces.push(said);
        (pieces, is_replaced)
    }

    /// A fixed text, or what is said in its place.
    pub(super) fn guarded_phrase(&mut self, piece: Piece, out: &mut Vec<Command>) -> Piece {
        if self.guardrails.is_empty() {
            return piece;
        }
        let worded = self.rules.wording.put(&piece, self.speaking.provider());
        match self.guardrails.check(&piece, &worded, None) {
            Ok(()) => piece,
            Err(banned) => {
                self.note_banned(&banned, piece.keep(), out);
                banned.replacement.unwrap_or(piece)
            }
        }
    }

    /// Why somebody may not have the bot say this.
    pub(super) fn forbidden_by(&self, piece: &Piece) -> Option<String> {
        let worded = self.rules.wording.put(piece, self.speaking.provider());
        let name = self.guardrails.forbids(piece, &worded)?;
        Some(format!("the bot's guardrail '{name}' forbids it"))
    }

    fn note_banned(&mut self, banned: &Banned, text: &str, out: &mut Vec<Command>) {
        let text = self.shown(&Value::from(text.trim()));
        let data = object(json!({"rule": banned.name, "text": text}));
        self.report.event_with(self.now, EventKind::SentenceReplaced, (banned.name.clone(), data), out);
    }

    /// The caller heard this of the bot.
    pub(super) fn note_heard(&mut self, text: &str, out: &mut Vec<Command>) {
        let (said, missed) = self.guardrails.heard(text);
        for name in said {
            let data = object(json!({"rule": name}));
            self.report.event_with(self.now, EventKind::DisclaimerSaid, (name, data), out);
        }
        self.note_missed(missed, out);
    }

    /// The call is over: what should have been said by now and was not.
    pub(super) fn note_unsaid(&mut self, out: &mut Vec<Command>) {
        let missed = self.guardrails.missed(self.own_turn());
        self.note_missed(missed, out);
    }

    /// The turn as the bot counts it that has the call: from where it took over.
    fn own_turn(&self) -> u32 {
        self.turn.saturating_sub(self.bot_since)
    }

    fn note_missed(&mut self, missed: Vec<String>, out: &mut Vec<Command>) {
        for name in missed {
            let data = object(json!({"rule": name}));
            self.report.event_with(self.now, EventKind::DisclaimerMissed, (name, data), out);
        }
    }

    /// Whether these words are on their way to the caller: planned, or being said.
    fn is_coming(&self, words: &Piece) -> bool {
        let whole = words.keep().trim();
        // What an interruption left of them is said when the bot goes on.
        let is_rest = |piece: &Piece| {
            let keep = piece.keep().trim();
            !keep.is_empty() && whole.ends_with(keep)
        };
        let in_mouth = self.speaking.utterance().into_iter().flat_map(|utterance| &utterance.sent);
        in_mouth.chain(self.plan.pieces()).any(is_rest)
    }
}
