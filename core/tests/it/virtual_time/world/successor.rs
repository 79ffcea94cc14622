//! Other bots of the tenant, which take the call over at once, late, or never.

use serde_json::json;
use vox_core::provider::llm::{LlmEvent, ToolCall};
use vox_core::session::event::{BotEvent, Event};
use vox_core::session::next_bot::NextBot;
use vox_core::session::standing::Standing;
use vox_shared::model::bot::Tool;
use vox_shared::wire::config::RuntimeConfig;

use super::{Happening, World};

/// They hand callers to each other.
const BOTS: [&str; 2] = ["bot_front", "bot_billing"];

#[derive(Debug, Default)]
pub struct Successors {
    /// Of the bot that the call begins with, where there are others.
    config: Option<RuntimeConfig>,
    /// Calls that went on with another bot.
    pub changed: usize,
}

impl Successors {
    pub fn of(config: &mut RuntimeConfig, are_there: bool) -> Self {
        if !are_there {
            return Self::default();
        }
        config.tools.push(Tool::built_in("transfer_call"));
        become_bot(config, BOTS[0]);
        Self { config: Some(config.clone()), changed: 0 }
    }
}

fn become_bot(config: &mut RuntimeConfig, bot: &str) {
    let other = if bot == BOTS[0] { BOTS[1] } else { BOTS[0] };
    config.bot_id = Some(bot.parse().unwrap());
    config.system_prompt = format!("You are {bot}.");
    config.transfer_targets = vec![json!({"id": "other", "method": "bot", "type": "bot", "value": other})];
}

impl World {
    /// Some of the model's replies hand the caller over, and do nothing else.
    pub(super) fn add_hand_over(&mut self, events: &mut Vec<(u64, LlmEvent)>) {
        if self.successors.config.is_none() || !self.random.chance(45) {
            return;
        }
        events.retain(|(_, event)| !matches!(event, LlmEvent::ToolCall(_)));
        let done = events.iter().position(|(_, event)| matches!(event, LlmEvent::Done { .. }));
        if let Some(at) = done {
            let id = format!("b{}", self.random.next());
            let arguments = json!({"target": "other", "reason": self.random.range(0, 1_000)});
            let call = ToolCall { id, name: "transfer_call".into(), arguments };
            events.insert(at, (events[at].0, LlmEvent::ToolCall(call)));
        }
    }

    pub(super) fn call_bot(&mut self, bot: String) {
        let Some(mut config) = self.successors.config.clone() else { unreachable!("there is no other bot") };
        let after = match self.random.chance(60) {
            true => self.random.range(5, 800),
            false => self.random.range(800, 12_000),
        };
        let event = match self.random.range(0, 100) {
            0..75 => {
                become_bot(&mut config, &bot);
                BotEvent::Ready(Box::new(NextBot { bot, config, standing: Standing::default() }))
            }
            75..90 => BotEvent::Missing { bot, why: "it is switched off".into() },
            // Nobody ever says anything of it.
            _ => return,
        };
        self.at(self.now + after, Happening::Session(Event::Bot(event)));
    }

    /// Runs of the bot before are given up, and nobody hears of them.
    pub(super) fn change_bot(&mut self) {
        self.successors.changed += 1;
        self.toolbox.give_up();
    }
}
