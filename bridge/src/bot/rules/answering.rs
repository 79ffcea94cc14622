//! The rules of what a bot does about machines that answer.

use serde_json::Value;
use vox_shared::model::bot::Answering;

use super::{Faults, MAX_PHRASE_BYTES};

pub(super) fn check(answering: &Answering, faults: &mut Faults) {
    faults.text("answering.introduction", &answering.introduction, MAX_PHRASE_BYTES);
    if let Err(error) = vox_amd::Settings::read(Value::Object(answering.detector.clone())) {
        faults.add("answering.detector", error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(detector: Value) -> Option<String> {
        let answering = serde_json::from_value(json!({"detector": detector})).unwrap();
        let mut faults = Faults::default();
        check(&answering, &mut faults);
        faults.0.pop().map(|fault| format!("{} {}", fault.path, fault.message))
    }

    #[test]
    fn settings_of_the_detector_are_those_that_workers_read() {
        let phrase = json!({"class": "ivr", "text": "dial .. extension"});
        assert_eq!(fault(json!({"short_pause_ms": 900, "phrases": [phrase]})), None);
        assert_eq!(fault(json!({"mode": "cadence", "cadence": {"initial_silence": 3_000}})), None);
        let range = "answering.detector short_pause_ms is 10; give 300 to 5000";
        assert_eq!(fault(json!({"short_pause_ms": 10})).as_deref(), Some(range));
        let flat = fault(json!({"initial_silence": 3_000})).unwrap();
        assert!(flat.contains("unknown field `initial_silence`"), "{flat}");
    }
}
