//! What a key of the API may be for. The set is closed: a permission without a scope is for people only.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident => $word:literal;)*) => {
        /// One thing that a key opens.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
        )]
        pub enum Scope {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl Scope {
            /// Every scope.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word in requests and answers.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

scopes! {
    /// See bots.
    BotsRead => "bots:read";
    /// Make, change and delete bots.
    BotsWrite => "bots:write";
    /// Make, hear and delete voices from clips.
    VoicesWrite => "voices:write";
    /// See calls and their transcripts.
    CallsRead => "calls:read";
    /// Give orders to running calls.
    CallsControl => "calls:control";
    /// Sit in running calls: listen, whisper, talk with the caller.
    CallsSupervise => "calls:supervise";
    /// Have models asked about calls again.
    CallsAnalyse => "calls:analyse";
    /// Delete calls.
    CallsDelete => "calls:delete";
    /// Listen to recordings.
    RecordingsRead => "recordings:read";
    /// Make and revoke links that open recordings without a login.
    RecordingsShare => "recordings:share";
    /// Get tickets to talk to bots.
    TalkWrite => "talk:write";
    /// See the capacity of the deployment.
    FleetRead => "fleet:read";
    /// Read and follow events.
    EventsRead => "events:read";
    /// See endpoints of webhooks and what was sent to them.
    WebhooksRead => "webhooks:read";
    /// Make, change, try and delete endpoints of webhooks, and send again.
    WebhooksWrite => "webhooks:write";
    /// See what was used and what it cost.
    UsageRead => "usage:read";
    /// See which numbers there are.
    NumbersRead => "numbers:read";
    /// Have bots call numbers.
    DialoutWrite => "dialout:write";
    /// See campaigns, their contacts and what came of their calls.
    CampaignsRead => "campaigns:read";
    /// Make, fill and run campaigns.
    CampaignsWrite => "campaigns:write";
    /// See which numbers are not called.
    DncRead => "dnc:read";
    /// Say which numbers are not called.
    DncWrite => "dnc:write";
}

impl Scope {
    /// The scope of that word.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == word)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_same_everywhere() {
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
            assert_eq!(Scope::find(scope.as_str()), Some(*scope));
        }
        assert_eq!(Scope::find("Bots:read"), None);
    }
}
