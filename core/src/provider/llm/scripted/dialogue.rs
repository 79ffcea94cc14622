//! Walks a script through the turns of a conversation.

use std::collections::BTreeMap;

use vox_shared::model::script::template::{Part, Template};
use vox_shared::model::script::words::{replace, words};
use vox_shared::model::script::{Action, Condition, Intent, Rule, Script, Slot, SlotKind, State, Test, Then};

use super::history::Turn;
use super::matching::best;
use super::slots::{Mention, Said, Value, find};

/// Longest turn that is understood, words; the rest is not looked at.
const MAX_WORDS: usize = 200;

/// Most states entered in one turn. Scripts cannot go round in a circle without filling a slot, but may clear it again.
const MAX_HOPS: usize = 16;

/// What the bot answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub text: String,
    /// What is done when that was said.
    pub act: Option<Act>,
    /// These words were said before: a repetition of them leaves out what introduced them.
    is_repetition: bool,
}

/// What a script does beside speaking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    EndCall,
    /// To a target of this id or label, or to the usual one; and what is said if the caller comes back.
    Transfer {
        to: Option<String>,
        failed: String,
    },
    Voicemail,
}

/// Where a conversation stands.
#[derive(Debug)]
pub(super) struct Dialogue<'s> {
    script: &'s Script,
    at: &'s str,
    slots: BTreeMap<&'s str, Value>,
    misses: usize,
    /// How often each list of variants was used, by the address of the list.
    uses: BTreeMap<usize, usize>,
    hops: usize,
    last: String,
}

/// What the words of a turn mean in a state.
struct Understood<'s> {
    slots: BTreeMap<&'s str, Value>,
    rule: Option<&'s Rule>,
    filled: bool,
    /// How many words are accounted for.
    score: u32,
}

impl<'s> Dialogue<'s> {
    /// A conversation before its first turn, and what the bot opens it with.
    pub fn begin(script: &'s Script) -> (Self, Answer) {
        let mut dialogue = Self {
            script,
            at: &script.start,
            slots: BTreeMap::new(),
            misses: 0,
            uses: BTreeMap::new(),
            hops: 0,
            last: String::new(),
        };
        let mut answer = Answer::default();
        dialogue.enter(&script.start, &mut answer);
        dialogue.last.clone_from(&answer.text);
        (dialogue, answer)
    }

    /// One turn of the caller.
    pub fn hear(&mut self, turn: &Turn) -> Answer {
        self.hops = 0;
        let mut answer = Answer::default();
        match turn {
            Turn::Said(text) => {
                let said = self.said(text);
                if said.words.is_empty() {
                    self.miss(&mut answer, true)
                } else {
                    self.understand(said, &mut answer)
                }
            }
            Turn::Silent => self.miss(&mut answer, true),
        }
        if answer.text.is_empty() && answer.act.is_none() {
            self.question(&mut answer, true);
        }
        if !answer.is_repetition {
            self.last.clone_from(&answer.text);
        }
        answer
    }

    /// The question that is open, for a bot that is asked to speak again.
    pub fn ask_again(&mut self) -> Answer {
        let mut answer = Answer::default();
        self.question(&mut answer, true);
        answer
    }

    fn said(&self, text: &str) -> Said {
        let mut heard = words(text);
        heard.truncate(MAX_WORDS);
        for correction in &self.script.corrections {
            heard = replace(heard, &correction.heard, &correction.meant);
        }
        Said { text: text.to_owned(), words: heard }
    }

    fn state(&self) -> &'s State {
        self.script.states.get(self.at).expect("the script was checked: every state it names exists")
    }

    /// The reading that accounts for more words wins, the state's own before an intent.
    fn understand(&mut self, said: Said, answer: &mut Answer) {
        let intent = self.intent(&said);
        let understood = self.in_state(&said);
        let of_state = understood.rule.is_some() || understood.filled;
        if let Some((intent, score)) = intent
            && (!of_state || score > understood.score)
        {
            return self.perform(&intent.action, answer);
        }
        self.slots = understood.slots;
        match understood.rule {
            Some(rule) => self.perform(&rule.action, answer),
            None if understood.filled => self.go_on(answer),
            None => self.miss(answer, false),
        }
    }

    fn intent(&self, said: &Said) -> Option<(&'s Intent, u32)> {
        let heard_here =
            |name: &String| self.state().intents.as_ref().is_none_or(|names| names.contains(name));
        let mut chosen: Option<(&'s Intent, u32)> = None;
        for intent in &self.script.intents {
            if heard_here(&intent.name)
                && holds(&intent.when, &self.slots)
                && let Some(found) = best(&intent.patterns, &said.words)
                && chosen.is_none_or(|(_, score)| found.score > score)
            {
                chosen = Some((intent, found.score));
            }
        }
        chosen
    }

    fn in_state(&self, said: &Said) -> Understood<'s> {
        let state = self.state();
        let mentions = self.mentions(state, said.clone());
        let mut slots = self.slots.clone();
        slots.extend(mentions.iter().map(|(name, mention)| (*name, mention.value.clone())));
        let filled = state.fill.iter().any(|slot| mentions.iter().any(|(name, _)| name == slot));
        let mentioned: u32 = mentions.iter().map(|(_, mention)| mention.score).sum();
        let answer = find(self.script, &SlotKind::YesNo, said);
        let matched = state.on.iter().find_map(|rule| {
            let answered = match rule.answer {
                None => 0,
                Some(wanted) => answer.as_ref().filter(|answer| answer.value.value == wanted.name())?.score,
            };
            let matched = match rule.patterns.as_slice() {
                [] => 0,
                patterns => best(patterns, &said.words)?.score,
            };
            let heard = |slot: &String| mentions.iter().any(|(name, _)| name == slot);
            let fires = (rule.heard.is_empty() || rule.heard.iter().any(heard)) && holds(&rule.when, &slots);
            fires.then_some((rule, answered.max(matched)))
        });
        let score = mentioned.max(matched.map_or(0, |(_, score)| score));
        Understood { slots, rule: matched.map(|(rule, _)| rule), filled, score }
    }

    /// The slots that were mentioned: the missing ones choose first.
    fn mentions(&self, state: &'s State, mut said: Said) -> Vec<(&'s str, Mention)> {
        let is_filled = |slot: &&'s String| self.slots.contains_key(slot.as_str());
        let missing = state.fill.iter().filter(|slot| !is_filled(slot));
        let order = missing.chain(&state.notice).chain(state.fill.iter().filter(is_filled));
        let mut mentions = Vec::new();
        for slot in order {
            if let Some(mention) = find(self.script, &self.slot(slot).kind, &said) {
                said.take(&mention);
                mentions.push((slot.as_str(), mention));
            }
        }
        mentions
    }

    fn slot(&self, name: &str) -> &'s Slot {
        self.script.slots.get(name).expect("the script was checked: every slot it names exists")
    }

    fn perform(&mut self, action: &'s Action, answer: &mut Answer) {
        self.slots.extend(action.set.iter().map(|(slot, value)| (slot.as_str(), Value::plain(value))));
        // The line may name the slots that it is about to forget.
        self.say(&action.say, answer);
        action.clear.iter().for_each(|slot| drop(self.slots.remove(slot.as_str())));
        match &action.then {
            Then::Ask => self.question(answer, true),
            Then::Wait => {}
            Then::Repeat => {
                push(&mut answer.text, &self.last);
                answer.is_repetition = true;
            }
            Then::EndCall => answer.act = Some(Act::EndCall),
            Then::Transfer(transfer) => {
                let mut failed = Answer::default();
                self.say(&transfer.failed, &mut failed);
                answer.act = Some(Act::Transfer { to: transfer.to.clone(), failed: failed.text });
            }
            Then::Voicemail => answer.act = Some(Act::Voicemail),
            Then::Go(state) => self.enter(state, answer),
        }
    }

    fn enter(&mut self, name: &'s str, answer: &mut Answer) {
        self.at = name;
        self.misses = 0;
        let state = self.state();
        self.say(&state.say, answer);
        if state.end_call {
            answer.act = Some(Act::EndCall);
        } else {
            self.go_on(answer);
        }
    }

    /// Ask for what is missing, or leave the state if nothing is.
    fn go_on(&mut self, answer: &mut Answer) {
        let state = self.state();
        let complete = state.fill.iter().all(|slot| self.slots.contains_key(slot.as_str()));
        let route = state.next.iter().find(|route| holds(&route.when, &self.slots));
        match route {
            Some(route) if complete && self.hops < MAX_HOPS => {
                self.hops += 1;
                self.perform(&route.action, answer);
            }
            _ => self.question(answer, false),
        }
    }

    fn question(&mut self, answer: &mut Answer, again: bool) {
        let state = self.state();
        if state.end_call {
            answer.act = Some(Act::EndCall);
            return self.say(&state.say, answer);
        }
        let missing = state.fill.iter().find(|slot| !self.slots.contains_key(slot.as_str()));
        let begun = state.fill.iter().any(|slot| self.slots.contains_key(slot.as_str()));
        match missing.or(state.fill.first()).map(|slot| &self.slot(slot).ask) {
            Some(ask) if (begun || state.ask.is_empty()) && !ask.is_empty() => self.say(ask, answer),
            _ if again && !state.again.is_empty() => self.say(&state.again, answer),
            _ => self.say(&state.ask, answer),
        }
    }

    /// Nothing fitted: reprompt, and in the end give up.
    fn miss(&mut self, answer: &mut Answer, silent: bool) {
        let (script, state) = (self.script, self.state());
        if state.end_call {
            return self.question(answer, true);
        }
        let reprompts = if state.reprompts.is_empty() { &script.reprompts } else { &state.reprompts };
        let tries = reprompts.len();
        if self.misses >= tries {
            self.misses = 0;
            return self.perform(state.give_up.as_ref().unwrap_or(&script.give_up), answer);
        }
        let lines = if silent { &script.silence } else { reprompts };
        let line = &lines[self.misses.min(lines.len() - 1)];
        self.misses += 1;
        let text = self.render(line);
        push(&mut answer.text, &text);
    }

    /// Say the next variant of a line.
    fn say(&mut self, variants: &'s [Template], answer: &mut Answer) {
        let Some(first) = variants.first() else { return };
        let uses = self.uses.entry(std::ptr::from_ref(first).addr()).or_insert(0);
        let line = &variants[*uses % variants.len()];
        *uses += 1;
        let text = self.render(line);
        push(&mut answer.text, &text);
    }

    fn render(&mut self, line: &'s Template) -> String {
        let mut text = String::new();
        for part in &line.parts {
            match part {
                Part::Text(words) => text.push_str(words),
                Part::Slot { name, otherwise } => {
                    text.push_str(self.slots.get(name.as_str()).map_or(otherwise, |value| &value.says));
                }
                Part::Ask => {
                    let mut question = Answer::default();
                    self.question(&mut question, true);
                    text.push_str(&question.text);
                }
            }
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn push(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

fn holds(when: &Condition, slots: &BTreeMap<&str, Value>) -> bool {
    when.iter().all(|(slot, test)| passes(test, slots.get(slot.as_str()).map(|value| value.value.as_str())))
}

fn passes(test: &Test, value: Option<&str>) -> bool {
    let number = || value.and_then(|value| value.parse::<i64>().ok());
    match test {
        Test::Filled(filled) => value.is_some() == *filled,
        Test::Is(wanted) => value.is_some_and(|value| value.eq_ignore_ascii_case(wanted)),
        Test::Not(unwanted) => value.is_none_or(|value| !value.eq_ignore_ascii_case(unwanted)),
        Test::OneOf(list) => {
            value.is_some_and(|value| list.iter().any(|one| value.eq_ignore_ascii_case(one)))
        }
        Test::Has(word) => {
            value.is_some_and(|value| value.split(' ').any(|one| one.eq_ignore_ascii_case(word)))
        }
        Test::AtLeast(least) => number().is_some_and(|number| number >= *least),
        Test::AtMost(most) => number().is_some_and(|number| number <= *most),
    }
}
