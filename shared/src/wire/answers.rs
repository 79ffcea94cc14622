//! How long the vendors of a call took to answer, as its record tells.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::result::{CallResult, TurnLatency};

/// What a vendor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    Stt,
    Llm,
    Tts,
}

impl Service {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stt => "stt",
            Self::Llm => "llm",
            Self::Tts => "tts",
        }
    }
}

/// One vendor's part of the delay of one reply.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer<'a> {
    pub service: Service,
    pub provider: &'a str,
    /// Empty where the record names none.
    pub model: &'a str,
    /// Of a voice; empty otherwise.
    pub voice: &'a str,
    pub seconds: f64,
}

impl CallResult {
    /// Every vendor's part of every reply. A model or a voice that took no time gave nothing (a phrase that is kept as sound),
    /// and is left out. After a fail-over the part is that of the vendor that answered in the end.
    pub fn answers(&self) -> impl Iterator<Item = Answer<'_>> {
        let parts = |turn: &TurnLatency| {
            [
                (Service::Stt, turn.stt_place, turn.stt_ms),
                (Service::Llm, turn.llm_place, turn.llm_ms),
                (Service::Tts, turn.tts_place, turn.tts_ms),
            ]
        };
        self.latency_samples.iter().flat_map(parts).filter_map(|(service, place, ms)| {
            let vendor = self.vendor(service, place)?;
            let text = |field: &str| vendor.get(field).and_then(Value::as_str).unwrap_or_default();
            let counts = service == Service::Stt || ms > 0.0;
            (counts && ms.is_finite()).then(|| Answer {
                service,
                provider: text("provider"),
                model: text("model"),
                voice: text("voice"),
                seconds: ms / 1e3,
            })
        })
    }

    fn vendor(&self, service: Service, place: usize) -> Option<&Value> {
        self.pipeline_config.as_ref()?.get(service.as_str())?.get(place)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::result::DisconnectedBy;
    use super::*;

    #[test]
    fn the_vendor_that_answered_is_named_and_what_was_kept_is_left_out() {
        let mut result = CallResult::bare("call_1".parse().unwrap(), DisconnectedBy::Bot);
        result.pipeline_config = Some(json!({
            "stt": [{"provider": "ears", "model": "a"}],
            "llm": [{"provider": "first", "model": "b"}, {"provider": "second", "model": "c"}],
            "tts": [{"provider": "mouth", "model": "d", "voice": "anna"}],
        }));
        let turn = |llm_place, tts_ms| TurnLatency {
            stt_ms: 100.0,
            llm_ms: 250.0,
            tts_ms,
            llm_place,
            ..TurnLatency::default()
        };
        result.latency_samples = vec![turn(0, 80.0), turn(1, 0.0), turn(7, 0.0)];
        let told: Vec<_> =
            result.answers().map(|a| (a.service.as_str(), a.provider, a.voice, a.seconds)).collect();
        let expected = [
            ("stt", "ears", "", 0.1),
            ("llm", "first", "", 0.25),
            ("tts", "mouth", "anna", 0.08),
            ("stt", "ears", "", 0.1),
            ("llm", "second", "", 0.25),
            ("stt", "ears", "", 0.1),
        ];
        assert_eq!(told, expected);
    }
}
