//! Who has answered: what goes between the detector, the session and the bot's model.

use std::time::Duration;

use super::Actor;
use crate::call::screener::Screener;

/// Sound may be late by so much before the line counts as silent.
const LATE_SOUND: Duration = Duration::from_secs(1);

/// The model's answer to the detector's question. Waits for ever without one; cancel-safe.
pub(super) async fn answered(screener: Option<&mut Screener>) {
    match screener {
        Some(screener) => screener.answered().await,
        None => std::future::pending().await,
    }
}

impl Actor {
    /// The detector learns what is heard of the bot and how time passes, and says what it has found.
    pub(super) fn look_at_screener(&mut self) {
        let now = self.elapsed_samples();
        let Some(screener) = &mut self.screener else { return };
        screener.speaks(self.mouth.is_heard(now));
        screener.passes(self.began.elapsed().saturating_sub(LATE_SOUND));
        screener.news(&mut self.events);
        // What is over its limit, or stands in for another, is asked for the conversation alone.
        if !self.parts.session.may_ask_beside() {
            return;
        }
        let Some(mut ask) = screener.question() else { return };
        self.parts.veil.request(&mut ask);
        let told = ask.messages.iter().map(|message| message.text.chars().count() as u64).sum();
        match self.parts.vendors.ask_beside(ask) {
            Ok(stream) => screener.asks(stream, told),
            Err(error) => tracing::debug!(%error, "the model is not asked who has answered"),
        }
    }
}
