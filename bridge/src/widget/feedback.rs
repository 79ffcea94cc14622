//! What a visitor thought of a call. Who may say it has the call's token, which the page was given with the way to the bot.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vox_shared::ids::{BotId, SessionId};

use super::admission::Visitor;
use super::{WidgetDesk, WidgetError};
use crate::auth::token::SigningFailed;
use crate::coordination::{Rate, Taken};
use crate::redaction;
use crate::store::Stamp;
use crate::store::calls::visit::{Feedback, Rating};

/// Who reads the token.
const AUDIENCE: &str = "vox-widget-feedback";
/// After the longest call, seconds.
const AFTER_CALL: i64 = 60 * 60;
/// Words that one call may be given in a window.
pub const OF_A_CALL: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60 * 60);

/// The one call that may be spoken about, from pages of one origin.
#[derive(Debug, Serialize, Deserialize)]
struct OneVisit {
    #[serde(rename = "sub")]
    session: SessionId,
    bot: BotId,
    origin: String,
}

impl WidgetDesk {
    pub(super) fn feedback_token(
        &self,
        visitor: &Visitor,
        session: SessionId,
    ) -> Result<String, SigningFailed> {
        let longest = i64::from(visitor.bot.settings.max_call_duration_seconds);
        let what = OneVisit { session, bot: visitor.bot_id.clone(), origin: visitor.visit.origin.clone() };
        self.tokens.sign(&what, AUDIENCE, (self.clock.now(), longest + AFTER_CALL))
    }

    /// Of which pages this token is.
    pub fn origin_of(&self, token: &str) -> Option<String> {
        self.read(token).map(|visit| visit.origin)
    }

    fn read(&self, token: &str) -> Option<OneVisit> {
        self.tokens.open(token, AUDIENCE, self.clock.now())
    }

    /// Keep what the visitor says; of two words the later one stays. Somebody else's page has no business with it.
    pub async fn keep(
        &self,
        (token, origin): (&str, Option<&str>),
        rating: Rating,
        comment: Option<&str>,
    ) -> Result<(), WidgetError> {
        let visit = self.read(token).ok_or(WidgetError::BadToken)?;
        if origin != Some(visit.origin.as_str()) {
            return Err(WidgetError::Origin(origin.map(str::to_owned)));
        }
        let rate =
            Rate { key: format!("widget:feedback:{}", visit.session), most: OF_A_CALL, window: WINDOW };
        if let Taken::Refused(standing) = self.limiter.take(vec![rate]).await {
            return Err(WidgetError::TooMany { wait_seconds: standing.wait_seconds() });
        }
        let call = self.stores.all_calls().find_call(&visit.session).await?;
        let call = call.filter(|call| call.value.bot_id == visit.bot).ok_or(WidgetError::NoCall)?.value;
        let mut known = call.visit.clone().ok_or(WidgetError::NoCall)?;
        let comment = comment.map(str::trim).filter(|text| !text.is_empty());
        known.feedback = Some(Feedback {
            rating,
            comment: comment.map(|text| redaction::for_transcript(&call, text)),
            given_at: Stamp(self.clock.now()),
        });
        Ok(self.stores.all_calls().set_visit(&visit.session, &known).await?)
    }
}
