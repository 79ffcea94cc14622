//! The carrier Exotel: what is set for a tenant's account (`settings`), and calls that are placed through it (`connect`). Its calls come to
//! the workers' line `/exotel/{bot_id}`.

pub mod connect;
pub mod settings;

use std::sync::Arc;

use url::Url;
use vox_egress::Egress;
use vox_shared::clock::Clock;
use vox_shared::ids::BotId;

use crate::auth::call_token::CallTokens;
use crate::store::Stores;

/// What the requests of the integration need. Cheap to clone.
#[derive(Clone)]
pub struct Exotel {
    pub stores: Stores,
    pub clock: Clock,
    pub egress: Arc<Egress>,
    /// How carriers reach the workers' lines, without a '/' at the end.
    pub media_url: String,
    /// Signs what a line is opened with.
    pub tokens: Arc<CallTokens>,
}

impl Exotel {
    /// Where a bot answers Exotel's Voicebot applet.
    pub fn websocket_url(&self, bot: &BotId) -> String {
        format!("{}/exotel/{bot}", self.media_url)
    }

    /// The same with a token for the bot's line, which Exotel sends in a header; `None` when it makes no address.
    pub fn guarded_url(&self, bot: &BotId, token: &str) -> Option<Url> {
        let mut url = Url::parse(&self.websocket_url(bot)).ok()?;
        if !token.is_empty() {
            url.set_username("vox").ok()?;
            url.set_password(Some(token)).ok()?;
        }
        Some(url)
    }
}
