//! Whose the places of what was recognised and spoken are: places of all bots that had the call, one bot's behind those of the one
//! before it. A call that goes from bot to bot is billed for each vendor of each.

use vox_shared::wire::config::RuntimeConfig;

use crate::session::rules::with_fallbacks;

/// Provider and model.
type Vendor = (String, String);

/// The recognisers and voices of a call.
#[derive(Clone, Debug, Default)]
pub struct Billed {
    stt: Vec<Vendor>,
    tts: Vec<Vendor>,
    /// Where those of the bot begin that has the call now.
    begins: (usize, usize),
}

impl Billed {
    /// Those of the bot that a call begins with.
    pub fn of(config: &RuntimeConfig) -> Self {
        let mut billed = Self::default();
        billed.go_over(config);
        billed
    }

    /// Another bot has the call.
    pub fn go_over(&mut self, config: &RuntimeConfig) {
        self.begins = (self.stt.len(), self.tts.len());
        let stt = with_fallbacks(&config.stt, |s| (s.provider.clone(), s.model.clone()), |s| &s.fallbacks);
        let tts = with_fallbacks(&config.tts, |s| (s.provider.clone(), s.model.clone()), |s| &s.fallbacks);
        self.stt.extend(stt);
        self.tts.extend(tts);
    }

    /// The place in the call of the bot's recogniser with this index.
    pub fn hearing(&self, index: usize) -> usize {
        self.begins.0 + index
    }

    /// The same of its voice.
    pub fn speaking(&self, index: usize) -> usize {
        self.begins.1 + index
    }

    /// Provider and model of the recogniser at this place.
    pub fn recogniser(&self, place: usize) -> Option<(&str, &str)> {
        at(&self.stt, place)
    }

    /// The same of a voice.
    pub fn voice(&self, place: usize) -> Option<(&str, &str)> {
        at(&self.tts, place)
    }
}

fn at(vendors: &[Vendor], place: usize) -> Option<(&str, &str)> {
    // A place that nobody has is the first one's: nothing that was used goes without a bill.
    let (provider, model) = vendors.get(place).or(vendors.first())?;
    Some((provider, model))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn config(stt: Value) -> RuntimeConfig {
        let config = json!({"session_id": "call_1", "webhook_url": "", "system_prompt": "", "opening_message": "", "stt": stt});
        serde_json::from_value(config).unwrap()
    }

    #[test]
    fn each_bot_has_places_of_its_own() {
        let fallbacks = json!([{"provider": "soniox", "model": "b"}]);
        let mut billed =
            Billed::of(&config(json!({"provider": "deepgram", "model": "a", "fallbacks": fallbacks})));
        assert_eq!((billed.hearing(1), billed.speaking(0)), (1, 0));
        billed.go_over(&config(json!({"provider": "sarvam", "model": "c"})));
        assert_eq!((billed.hearing(0), billed.speaking(0)), (2, 1));
        let names = [0, 1, 2].map(|place| billed.recogniser(place).unwrap());
        assert_eq!(names, [("deepgram", "a"), ("soniox", "b"), ("sarvam", "c")]);
    }
}
