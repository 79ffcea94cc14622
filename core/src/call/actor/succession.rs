//! The call goes on with another bot: its vendors and tools take the place of those of the bot before.

use tracing::Instrument;

use super::Actor;
use crate::courier::Begun;
use crate::session::event::{BotEvent, Event};
use crate::session::next_bot::NextBot;

impl Actor {
    /// Another bot's config came, or will not come.
    pub(super) fn on_bot(&mut self, (bot, answer): (String, Result<Begun, String>)) {
        let event = match answer {
            Ok(begun) => {
                let config = begun.config.as_ref().clone();
                let standing = self.parts.vendors.prepare(begun, self.began);
                BotEvent::Ready(Box::new(NextBot { bot, config, standing }))
            }
            Err(why) => {
                tracing::warn!(why, "the call stays with its bot");
                BotEvent::Missing { bot, why }
            }
        };
        self.events.push_back(Event::Bot(event));
    }

    /// That bot has the call from now on. What runs of the tools of the bot before is given up, and their servers are told beside the
    /// call.
    pub(super) fn change_bot(&mut self) {
        let Some(config) = self.parts.vendors.go_over() else {
            return tracing::error!(
                "the session wants a bot that is not ready; the call goes on with its vendors"
            );
        };
        self.parts.ears.go_over();
        self.mouth.change_voice();
        // The other bot has its own, which come when they are read, or none.
        self.mouth.lay(None);
        self.hold_music = None;
        self.parts.successors.change(config.bot_id.clone());
        let mut before = self.parts.tools.go_over(&config);
        before.stop();
        tokio::spawn(before.close().in_current_span());
    }
}
