//! What a call may use up and what it has used: money and tokens here, silence by a timer of [`super::phase`], tools by
//! [`super::thinking::ToolGuard`].

use serde_json::{Map, Value, json};
use vox_shared::model::bot::CallLimits;
use vox_shared::price::{Rate, cost};
use vox_shared::wire::result::{DisconnectedBy, Usage};

use super::Session;
use super::event::Command;
use super::kind::EventKind;

/// A model's characters for one token, where it does not say how many tokens there were.
pub const CHARS_PER_TOKEN: u64 = 4;

/// A limit that ends a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Cost,
    Tokens,
    Silence,
}

impl Limit {
    /// The setting's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cost => "max_cost_micros",
            Self::Tokens => "max_tokens",
            Self::Silence => "max_silence_secs",
        }
    }
}

/// A limit, what was used and how much that may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    pub limit: Limit,
    pub used: u64,
    pub of: u64,
}

/// What the call has used of money and tokens.
#[derive(Debug, Default)]
pub struct Spending {
    limits: CallLimits,
    rates: Vec<Rate>,
    tokens: u64,
    /// What the actor counts: the seconds of recognisers, the characters of voices.
    metered: Vec<Usage>,
    /// Something was used since the last look.
    is_news: bool,
    over: Option<Limit>,
}

impl Spending {
    pub fn new(limits: CallLimits, rates: Vec<Rate>) -> Self {
        Self { limits, rates, ..Self::default() }
    }

    /// Another bot has the call: its limits hold for all that the call uses, what was used before with it. A lower limit of money stays.
    pub fn go_over(&mut self, limits: CallLimits, rates: Vec<Rate>) {
        let cost = self.limits.max_cost_micros.into_iter().chain(limits.max_cost_micros).min();
        self.limits = CallLimits { max_cost_micros: cost, ..limits };
        for rate in rates {
            if !self.rates.contains(&rate) {
                self.rates.push(rate);
            }
        }
        self.is_news = true;
    }

    /// Whether anybody wants to know what recognisers and voices were used for.
    pub fn is_metered(&self) -> bool {
        self.limits.max_cost_micros.is_some() && !self.rates.is_empty()
    }

    /// So many were used before the call went on in this worker.
    pub fn remember(&mut self, tokens: u64) {
        self.tokens = tokens;
        self.is_news = true;
    }

    /// What models used, in and out.
    pub fn used_tokens(&self) -> u64 {
        self.tokens
    }

    /// A request to a model used so many tokens, in and out.
    pub fn tokens(&mut self, more: u64) {
        self.tokens += more;
        self.is_news = true;
    }

    /// What recognisers and voices were used for until now.
    pub fn metered(&mut self, usage: Vec<Usage>) {
        self.metered = usage;
        self.is_news = true;
    }

    /// The limit that was reached since the last look. `models` is what the models were used for. The first one counts.
    pub fn look(&mut self, models: &[Usage]) -> Option<Reached> {
        if !std::mem::take(&mut self.is_news) || self.over.is_some() {
            return None;
        }
        let reached = self.tokens_reached().or_else(|| self.cost_reached(models))?;
        self.over = Some(reached.limit);
        Some(reached)
    }

    fn tokens_reached(&self) -> Option<Reached> {
        let of = u64::from(self.limits.max_tokens?);
        (self.tokens >= of).then_some(Reached { limit: Limit::Tokens, used: self.tokens, of })
    }

    fn cost_reached(&self, models: &[Usage]) -> Option<Reached> {
        let of = self.limits.max_cost_micros?;
        let used = models.iter().chain(&self.metered).map(|usage| cost(&self.rates, usage)).sum();
        (used >= of).then_some(Reached { limit: Limit::Cost, used, of })
    }

    /// The limit that ends the call.
    pub fn over(&self) -> Option<Limit> {
        self.over
    }

    /// The call ends for the caller's silence.
    pub fn silent_for_too_long(&mut self) -> Reached {
        let of = u64::from(self.limits.max_silence_secs.unwrap_or_default());
        self.over = Some(Limit::Silence);
        Reached { limit: Limit::Silence, used: of, of }
    }
}

impl Session {
    /// What was used is looked at. A limit that is reached ends the call when what is being said was heard: the model is asked
    /// nothing more ([`Session::refuses_to_ask`]).
    pub(super) fn keep_to_limits(&mut self, out: &mut Vec<Command>) {
        if let Some(reached) = self.spending.look(&self.report.usage) {
            self.note_limit(reached, out);
        }
        let waits = !self.speaking.is_busy()
            && self.plan.is_silent()
            && !self.plan.is_paused()
            && !self.thinking.is_busy()
            && !self.listening.is_active()
            && self.keys.is_empty();
        if waits && self.course.is_live() && self.spending.over().is_some() {
            self.end_for_limit(out);
        }
    }

    /// A limit is reached, so the model is not asked: the call ends instead.
    pub(super) fn refuses_to_ask(&mut self, out: &mut Vec<Command>) -> bool {
        let refuses = self.spending.over().is_some() && self.course.is_live();
        if refuses {
            self.end_for_limit(out);
        }
        refuses
    }

    fn end_for_limit(&mut self, out: &mut Vec<Command>) {
        let text = self.rules.phrases.time_up.clone();
        self.say_goodbye(text, DisconnectedBy::Timeout, out);
    }

    /// The caller has been silent for as long as the bot allows.
    pub(super) fn on_silence(&mut self, out: &mut Vec<Command>) {
        if self.listening.is_speaking() {
            // Sound without words has an end of its own; words end the silence.
            return self.course.silence_at(self.now + super::rules::SILENCE_GRACE);
        }
        let reached = self.spending.silent_for_too_long();
        self.note_limit(reached, out);
        let by = if self.listening.ever_spoke() { DisconnectedBy::Timeout } else { DisconnectedBy::Rnr };
        let own = self.rules.re_engagement.as_ref().map(|idle| idle.goodbye.clone());
        let text = own.unwrap_or_else(|| self.rules.closing.clone());
        self.say_goodbye(text, by, out);
    }

    fn note_limit(&mut self, Reached { limit, used, of }: Reached, out: &mut Vec<Command>) {
        let name = limit.as_str();
        let data = object(json!({"limit": name, "used": used, "of": of}));
        let why = format!("{name}: {used} of {of}");
        self.report.event_with(self.now, EventKind::LimitReached, (why, data), out);
    }
}

/// The fields of an event.
pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use vox_shared::price::Counted;

    use super::*;

    #[test]
    fn the_first_limit_counts_and_is_told_once() {
        let limits = CallLimits { max_tokens: Some(10), max_cost_micros: Some(100), ..CallLimits::default() };
        let rate = |service: &str, unit| Rate {
            service: service.into(),
            provider: "v".into(),
            model: String::new(),
            unit,
            money: 10,
            per: 1,
        };
        let rates = vec![rate("llm", Counted::TokensOut), rate("tts", Counted::Characters)];
        let mut spending = Spending::new(limits, rates);
        let usage = |kind: &str, n| Usage {
            provider: "v".into(),
            kind: kind.into(),
            tokens_out: n,
            characters: n,
            ..Usage::default()
        };
        spending.tokens(4);
        spending.metered(vec![usage("tts", 5)]);
        assert_eq!(spending.look(&[usage("llm", 4)]), None, "90 of 100");
        spending.metered(vec![usage("tts", 6)]);
        let reached = Reached { limit: Limit::Cost, used: 100, of: 100 };
        assert_eq!(spending.look(&[usage("llm", 4)]), Some(reached));
        spending.tokens(40);
        assert_eq!((spending.look(&[]), spending.over()), (None, Some(Limit::Cost)));
    }
}
