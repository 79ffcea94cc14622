//! Another bot goes on with the caller, in the same call. It is called as soon as the model wants it, and takes over when the caller has
//! heard that they are connected: what was said so far is carried over, and the voice, the model, the tools and the rules are the other
//! bot's from then on. Where it does not come the bot goes on itself, and its model is told why. Decision 0083.

use std::time::Duration;

use serde_json::json;
use vox_shared::ids::BotId;
use vox_shared::wire::config::RuntimeConfig;

use super::Session;
use super::event::{BotEvent, Command};
use super::guardrails::Guardrails;
use super::handing::{Handing, Target, Way};
use super::kind::EventKind;
use super::ladder::Ladders;
use super::last_steps::LastSteps;
use super::next_bot::NextBot;
use super::party::Party;
use super::report::TurnClock;
use super::rules::Rules;
use super::spending::object;
use super::thinking::Seconds;
use crate::provider::llm::TAKEN_OVER;

/// How often a call goes from bot to bot at most: two that send a caller to each other end there.
pub const MOST_HAND_OVERS: u32 = 5;
/// A caller who has heard that they are connected waits so long for the other bot.
const PATIENCE: Duration = Duration::from_secs(10);
/// The method of the contract.
pub(super) const BOT: &str = "bot";

/// The bot that was called.
#[derive(Debug)]
pub(super) struct Successor {
    bot: String,
    state: State,
}

#[derive(Debug)]
enum State {
    Called,
    Ready(Box<NextBot>),
    Missing(String),
}

impl Session {
    /// By the time the caller has heard that they are connected it is there, mostly.
    pub(super) fn call_bot(&mut self, bot: &str, out: &mut Vec<Command>) {
        self.successor = Some(Successor { bot: bot.to_owned(), state: State::Called });
        out.push(Command::CallBot { bot: bot.to_owned() });
    }

    /// Or why there is none any more.
    pub(super) fn may_hand_over(&self) -> Result<(), String> {
        if self.hand_overs < MOST_HAND_OVERS {
            return Ok(());
        }
        Err(format!(
            "this call went from bot to bot {MOST_HAND_OVERS} times already; go on with the caller yourself"
        ))
    }

    /// It is there, or will not come. Whoever is not waited for any more is of no interest.
    pub(super) fn on_bot(&mut self, event: BotEvent) {
        let (bot, state) = match event {
            BotEvent::Ready(next) => (next.bot.clone(), State::Ready(next)),
            BotEvent::Missing { bot, why } => (bot, State::Missing(why)),
        };
        if let Some(successor) = self.successor.as_mut().filter(|successor| successor.bot == bot) {
            successor.state = state;
        }
    }

    /// Nobody waits for it any more.
    pub(super) fn drop_successor(&mut self) {
        if self.successor.take().is_some() {
            self.course.not_waiting_for_bot();
        }
    }

    /// The caller was told that they are connected, and the other bot is not there yet.
    pub(super) fn owes_bot(&self) -> bool {
        self.handing.is_some() && self.successor.is_some()
    }

    /// Everything before was heard, and nobody speaks: it takes over, or is waited for a little.
    pub(super) fn begin_bot(&mut self, handing: Handing, out: &mut Vec<Command>) {
        match self.successor.take() {
            Some(Successor { state: State::Ready(next), .. }) => {
                self.course.not_waiting_for_bot();
                self.note_hand_over(&handing, out);
                self.go_over(&handing, &next, out);
            }
            Some(Successor { state: State::Missing(why), .. }) => self.bot_missing(&handing, &why, out),
            Some(called) => {
                self.successor = Some(called);
                self.handing = Some(handing);
                self.course.wait_for_bot(self.now + PATIENCE);
            }
            None => {}
        }
    }

    /// The caller waited long enough.
    pub(super) fn bot_is_late(&mut self, out: &mut Vec<Command>) {
        if let Some(handing) = self.handing.take_if(|handing| handing.target.way == Way::Bot) {
            self.bot_missing(&handing, "it did not come in time", out);
        }
    }

    /// The bot goes on itself.
    fn bot_missing(&mut self, handing: &Handing, why: &str, out: &mut Vec<Command>) {
        self.drop_successor();
        self.course.not_waiting_for_bot();
        self.note_hand_over(handing, out);
        let Target { to, label, .. } = &handing.target;
        let data = object(json!({"transfer_type": BOT, "target": to, "label": label}));
        self.report.event_with(self.now, EventKind::TransferFailed, (why.to_owned(), data), out);
        self.context.note(&format!(
            "The transfer to '{label}' failed: {why}. The caller is still with you; go on yourself."
        ));
        // Whoever speaks just now is answered, and that is soon enough.
        if !self.listening.is_active() {
            self.think_anew(out);
        }
    }

    fn note_hand_over(&mut self, handing: &Handing, out: &mut Vec<Command>) {
        let Handing { target: Target { to, label, .. }, reason, summary } = handing;
        let data =
            json!({"transfer_type": BOT, "target": to, "label": label, "reason": reason, "context": summary});
        let told = (BOT.to_owned(), object(data));
        self.report.event_with(self.now, EventKind::TransferRequested, told, out);
    }

    /// The other bot has the call.
    fn go_over(&mut self, handing: &Handing, next: &NextBot, out: &mut Vec<Command>) {
        self.let_first_bot_go(out);
        let config = &next.config;
        let rules = Rules::from_config(config, self.rules.transport_delay).on_the_line_of(&self.rules);
        let before = std::mem::replace(&mut self.rules, rules);
        self.hand_overs += 1;
        self.bot_since = self.turn;
        self.course.change_longest((before.max_duration, self.rules.max_duration), self.now);
        self.spending.go_over(self.rules.limits.clone(), self.rules.rates.clone());
        self.guard.set_most(self.rules.limits.max_tool_calls);
        self.guardrails = Guardrails::new(&self.rules.guardrails, &self.rules.language);
        self.ladders = Ladders::default();
        self.seconds = Seconds::default();
        self.last_steps = LastSteps::default();
        self.on_standing(next.standing.clone());
        let names = self.rules.tools.iter().map(|tool| tool.name.clone()).collect();
        self.thinking.go_over(&self.rules.language, names);
        self.speaking.go_over(self.rules.wording.clone());
        for ear in [&mut self.listening, &mut self.agent_ear] {
            ear.go_over(self.rules.vad.clone(), self.rules.turn.clone());
        }
        let (tools, key) = (self.rules.tools.clone(), self.rules.cache_key.clone());
        self.context.go_over(self.rules.system_prompt.clone(), tools, key);
        self.context.note(&taken_over(&handing.reason, &handing.summary));
        self.note_gone_over(handing, (before.bot_id.as_ref(), config), out);
        out.push(Command::ChangeBot { bot: next.bot.clone() });
        self.open_first_voice(out);
        self.change_bots_ear(out);
        self.listening.begin_anew(self.now);
        self.open_stt(Party::Caller, out);
        // What was used up before ends the call, as it would have with this bot.
        self.keep_to_limits(out);
        if self.course.is_live() {
            self.think_anew(out);
        }
    }

    /// Nothing more comes of what the bot before had under way. What the caller said over its last words the other one answers.
    fn let_first_bot_go(&mut self, out: &mut Vec<Command>) {
        self.cancel_thought(out);
        self.drop_recap(out);
        self.end_tools(out);
        self.note_unsaid(out);
        let unanswered = self.plan.take_unanswered().unwrap_or_default();
        self.context.caller(&unanswered);
        self.context.drop_promises();
        self.sources.clear();
        self.from_sources = 0;
        self.untold = false;
        self.switching = None;
        self.cut = None;
        self.prompts_used = 0;
        self.idle_since = None;
        self.clock = TurnClock::default();
    }

    /// In the record: who has the call from now on, and with which vendors.
    fn note_gone_over(
        &mut self,
        handing: &Handing,
        (from, config): (Option<&BotId>, &RuntimeConfig),
        out: &mut Vec<Command>,
    ) {
        let Target { to, label, .. } = &handing.target;
        let (stt, llm, tts) = (&config.stt, &config.llm, &config.tts);
        let data = object(json!({
            "transfer_type": BOT, "method": BOT, "transferred_to": to, "label": label, "from_bot": from,
            "bot_version": config.bot_version,
            "stt": {"provider": stt.provider, "model": stt.model, "language": stt.language},
            "llm": {"provider": llm.provider, "model": llm.model},
            "tts": {"provider": tts.provider, "model": tts.model, "voice": tts.voice, "language": tts.language},
        }));
        self.report.event_with(self.now, EventKind::Transferred, (BOT.to_owned(), data), out);
        self.report.bot = to.parse().ok();
    }
}

impl Rules {
    /// The rules of another bot, on the line that the call is on.
    fn on_the_line_of(self, before: &Self) -> Self {
        Self {
            transfers: before.transfers,
            no_transfer: before.no_transfer.clone(),
            consults: before.consults,
            has_rooms: before.has_rooms,
            presses_keys: before.presses_keys,
            judges_turns: before.judges_turns,
            // Who answered is looked at once in a call.
            answering: before.answering.clone(),
            ..self
        }
    }
}

/// What the other bot's model is told.
fn taken_over(reason: &str, summary: &str) -> String {
    let mut text = format!(
        "{TAKEN_OVER} from another assistant of the same company, in the middle of it. All that was said before, by the caller and by \
         that assistant, stands above. You speak next, in a voice that the caller has not heard yet: say in a few words who you are and go on \
         with what the caller wants. Do not greet them as at the beginning of a call, and do not ask for what was said already."
    );
    for (name, told) in [("Why", reason), ("In short", summary)] {
        if !told.is_empty() {
            text.push_str(&format!(" {name}: {told}"));
        }
    }
    text
}
