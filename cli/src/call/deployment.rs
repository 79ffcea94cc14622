//! Where the call goes: the platform on this machine, or another one.

use crate::arguments::CallArguments;
use crate::bridge::Bridge;
use crate::platform::{BotName, Platform};

use super::CallError;

/// A bridge and the address of its calls.
#[derive(Clone, Debug)]
pub struct Deployment {
    pub bridge: Bridge,
    pub calls_url: String,
}

impl Deployment {
    /// What the arguments name, else the platform that runs on the data directory.
    pub fn find(arguments: &CallArguments) -> Result<Self, CallError> {
        if let (Some(url), Some(secret)) = (&arguments.url, &arguments.secret) {
            let calls_url = arguments.calls_url.as_ref().unwrap_or(url).to_string();
            return Ok(Self { bridge: Bridge::new(url.as_str(), secret.clone())?, calls_url });
        }
        let platform = Platform::find(&arguments.data_dir)?;
        let bridge = Bridge::new(&platform.bridge_url, platform.internal_secret)?;
        Ok(Self { bridge, calls_url: platform.calls_url })
    }

    /// The bot with this id or, whatever its case, this name.
    pub async fn bot(&self, wanted: &str) -> Result<BotName, CallError> {
        choose(self.bridge.bots().await?, wanted)
    }
}

fn choose(bots: Vec<BotName>, wanted: &str) -> Result<BotName, CallError> {
    if let Some(bot) = bots.iter().find(|bot| bot.id == wanted) {
        return Ok(bot.clone());
    }
    let ids = |bots: &[&BotName]| bots.iter().map(|bot| bot.id.as_str()).collect::<Vec<_>>().join(", ");
    let folded = wanted.to_lowercase();
    let named: Vec<&BotName> = bots.iter().filter(|bot| bot.name.to_lowercase() == folded).collect();
    match named.as_slice() {
        [bot] => Ok((*bot).clone()),
        [] => {
            let known = ids(&bots.iter().collect::<Vec<_>>());
            Err(CallError::UnknownBot { wanted: wanted.to_owned(), known })
        }
        several => {
            Err(CallError::Ambiguous { wanted: wanted.to_owned(), count: several.len(), ids: ids(several) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wanted: &str, expected: &str) {
        let bot = |id: &str, name: &str| BotName { id: id.into(), name: name.into() };
        let bots =
            vec![bot("faq", "Questions"), bot("b1", "Survey"), bot("b2", "survey"), bot("Questions", "x")];
        let got = choose(bots, wanted).map_or_else(|error| error.to_string(), |bot| bot.id);
        assert!(got.contains(expected), "{wanted}: {got}");
    }

    #[test]
    fn a_bot_is_found_by_id_before_name() {
        check("faq", "faq");
        check("Questions", "Questions");
        check("questions", "faq");
    }

    #[test]
    fn who_is_not_found_is_told_what_there_is() {
        check("faqs", "there are: faq, b1, b2");
        check("SURVEY", "ids b1, b2");
    }
}
