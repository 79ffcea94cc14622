//! What is asked for, or the reason the vendor refuses it.

use serde::Deserialize;
use serde_json::{Map, Value};

const RATES: [u32; 5] = [8_000, 16_000, 22_050, 32_000, 44_100];

/// One message. Null counts as absent.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    voice_uuid: Option<String>,
    project_uuid: Option<String>,
    data: Option<String>,
    pub(crate) request_id: Option<u64>,
    binary_response: Option<bool>,
    output_format: Option<String>,
    sample_rate: Option<u32>,
    precision: Option<String>,
    no_audio_header: Option<bool>,
    #[serde(flatten)]
    pub(crate) unknown: Map<String, Value>,
}

/// What is to be said.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) request: u64,
    pub(crate) text: String,
    pub(crate) voice: String,
    pub(crate) sample_rate: u32,
}

impl Request {
    /// # Errors
    /// The sentence that the vendor's error carries.
    pub(crate) fn check(&self) -> Result<Wanted, String> {
        let voice =
            self.voice_uuid.clone().filter(|voice| !voice.is_empty()).ok_or("voice_uuid is missing")?;
        let text = self.data.clone().filter(|text| !text.trim().is_empty()).ok_or("data is missing")?;
        let sample_rate =
            self.sample_rate.filter(|rate| RATES.contains(rate)).ok_or("invalid sample_rate")?;
        if self.binary_response != Some(false) || self.no_audio_header != Some(true) {
            return Err("this scripted server answers with objects, and sound without a header".into());
        }
        if self.output_format.as_deref() != Some("wav") || self.precision.as_deref() != Some("PCM_16") {
            return Err("this scripted server produces PCM_16 only".into());
        }
        if self.project_uuid.as_deref() == Some("") {
            return Err("invalid project_uuid".into());
        }
        Ok(Wanted { request: self.request_id.ok_or("request_id is missing")?, text, voice, sample_rate })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_vendor_refuses_is_refused() {
        let check = |changes: Value, because: &str| {
            let mut request = json!({
                "voice_uuid": "v", "data": "Hi.", "request_id": 1, "binary_response": false, "output_format": "wav",
                "sample_rate": 22050, "precision": "PCM_16", "no_audio_header": true
            });
            for (name, value) in changes.as_object().unwrap() {
                request[name] = value.clone();
            }
            let request: Request = serde_json::from_value(request).unwrap();
            let reason = request.check().err().unwrap_or_default();
            assert!(reason.contains(because), "{changes}: {reason}");
            assert_eq!(reason.is_empty(), because.is_empty(), "{changes}: {reason}");
        };
        check(json!({}), "");
        check(json!({"voice_uuid": ""}), "voice_uuid");
        check(json!({"data": " "}), "data");
        check(json!({"request_id": null}), "request_id");
        check(json!({"sample_rate": 24000}), "sample_rate");
        check(json!({"precision": "MULAW"}), "PCM_16");
        check(json!({"binary_response": true}), "objects");
        let by_name = json!({"request_id": "one"});
        assert!(serde_json::from_value::<Request>(by_name).is_err());
    }
}
