//! Who may open a bot's carrier lines.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use vox_shared::egress::Range;
use vox_shared::ids::BotId;
use vox_shared::model::bot::{BotSettings, Carrier, LineAccess};
use vox_shared::wire::config::ConfigRequest;

use super::signature;
use crate::auth::call_token::CallTokens;
use crate::auth::token::SigningFailed;

/// What a caller has shown to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Has the bot's token, or one of a call that we had placed, or calls from one of its addresses, or is its carrier by its
    /// signature: its dialler.
    Known,
    /// The bot's lines are open to anybody.
    Stranger,
    /// The bot's lines are guarded, and this is none of those that may.
    Forbidden,
}

fn caller(access: &LineAccess, token: Option<&str>, peer: Option<&str>) -> Caller {
    if !access.is_guarded() {
        return Caller::Stranger;
    }
    let has_token = !access.token.is_empty() && token.is_some_and(|t| is_equal(t, access.token.expose()));
    let peer = peer.and_then(|p| p.trim().parse::<IpAddr>().ok()).map(|ip| ip.to_canonical());
    let is_listed = || {
        let mut ranges = access.addresses.iter().filter_map(|text| text.parse::<Range>().ok());
        peer.is_some_and(|ip| ranges.any(|range| range.contains(ip)))
    };
    if has_token || is_listed() { Caller::Known } else { Caller::Forbidden }
}

/// The line of one bot, opened by a call that we have a carrier place: what the carrier is told instead of the bot's own token, which is
/// good for as long as nobody changes it.
#[derive(Serialize, Deserialize)]
struct OneLine {
    #[serde(rename = "sub")]
    bot: BotId,
}

/// Who reads it.
const AUDIENCE: &str = "vox-line";
/// How long it is good, seconds: a call rings for less than a minute, and may wait at the carrier before.
pub const LIFE_SECONDS: i64 = 600;

/// A token of one call for a bot's line.
pub fn token_of_call(tokens: &CallTokens, bot: &BotId, now: Timestamp) -> Result<String, SigningFailed> {
    tokens.sign(&OneLine { bot: bot.clone() }, AUDIENCE, (now, LIFE_SECONDS))
}

/// Judge what the caller presented at a line of this bot, and where the line came from. An account with the line's carrier guards the
/// line too, where the carrier signs with it: a call needs its signature, or else the bot's token or an address on its list. The lines
/// of carriers without an account are closed to strangers then; what is no carrier's is open until there is a token or a list.
pub fn opened_by(
    tokens: &CallTokens,
    (bot, settings): (&BotId, &BotSettings),
    request: &ConfigRequest,
    now: Timestamp,
) -> Caller {
    let token = request.line_token.as_deref();
    let ours = token.and_then(|text| tokens.open::<OneLine>(text, AUDIENCE, now));
    if ours.is_some_and(|line| line.bot == *bot) {
        return Caller::Known;
    }
    match (signed(settings, request), caller(&settings.line_access, token, request.peer.as_deref())) {
        (Some(true), _) => Caller::Known,
        (Some(false), Caller::Stranger) => Caller::Forbidden,
        // Else whoever has no signature for the one line would take the next.
        (None, Caller::Stranger) if is_beside_a_signed_line(settings, request) => Caller::Forbidden,
        (_, caller) => caller,
    }
}

/// Whether the line is that of a carrier without an account, of a bot with an account at one that signs.
fn is_beside_a_signed_line(settings: &BotSettings, request: &ConfigRequest) -> bool {
    let has_account = |carrier: Carrier| !settings.carriers.of(carrier).is_empty();
    let carrier = request.transport.as_deref().and_then(Carrier::of_transport);
    carrier.is_some_and(|carrier| !has_account(carrier))
        && Carrier::ALL.into_iter().any(|carrier| carrier.signs() && has_account(carrier))
}

/// Whether the line's carrier signed it; `None` where there is nothing to check it with.
fn signed(settings: &BotSettings, request: &ConfigRequest) -> Option<bool> {
    let carrier = Carrier::of_transport(request.transport.as_deref()?).filter(|carrier| carrier.signs())?;
    let account = Some(settings.carriers.of(carrier)).filter(|account| !account.is_empty())?;
    let is_good = |shown| signature::is_good(carrier, &account.secret, shown);
    Some(request.signature.as_ref().is_some_and(is_good))
}

/// In constant time whatever the lengths are.
fn is_equal(one: &str, other: &str) -> bool {
    Sha256::digest(one).ct_eq(&Sha256::digest(other)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vox_shared::model::bot::ApiKey;

    fn check(access: &LineAccess, token: Option<&str>, peer: Option<&str>, expected: Caller) {
        assert_eq!(caller(access, token, peer), expected, "{token:?} {peer:?}");
    }

    #[test]
    fn a_bot_without_token_and_addresses_is_open_to_strangers() {
        check(&LineAccess::default(), None, None, Caller::Stranger);
        check(&LineAccess::default(), Some("x"), Some("10.0.0.1"), Caller::Stranger);
    }

    #[test]
    fn a_token_or_an_address_is_enough_and_nothing_else_is() {
        let token = LineAccess { token: ApiKey::new("secret-token"), addresses: Vec::new() };
        check(&token, Some("secret-token"), None, Caller::Known);
        for wrong in [None, Some(""), Some("secret-toke"), Some("secret-token ")] {
            check(&token, wrong, Some("10.0.0.1"), Caller::Forbidden);
        }
        let addresses =
            LineAccess { addresses: vec!["10.1.0.0/16".into(), "fd00::1".into()], ..LineAccess::default() };
        for good in ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1"] {
            check(&addresses, None, Some(good), Caller::Known);
        }
        for wrong in [None, Some("10.2.0.1"), Some("fd00::2"), Some("nowhere"), Some("")] {
            check(&addresses, Some(""), wrong, Caller::Forbidden);
        }
        let both = LineAccess { addresses: addresses.addresses, ..token };
        check(&both, Some("secret-token"), Some("192.0.2.1"), Caller::Known);
        check(&both, Some("wrong"), Some("10.1.0.9"), Caller::Known);
        check(&both, Some("wrong"), Some("192.0.2.1"), Caller::Forbidden);
    }
}
