//! The query of the WebSocket endpoints.

use super::{format::Format, refusal::Trouble};

/// Models, and whether they take `language_code`.
const MODELS: &[(&str, bool)] = &[
    ("eleven_flash_v2_5", true),
    ("eleven_flash_v2", false),
    ("eleven_turbo_v2_5", true),
    ("eleven_turbo_v2", false),
    ("eleven_multilingual_v2", false),
    ("eleven_multilingual_v1", false),
    ("eleven_monolingual_v1", false),
    ("eleven_v3", true),
    ("eleven_v3_conversational", true),
    ("eleven_v4", true),
    ("eleven_v4_turbo", true),
];
const DEFAULT_MODEL: &str = "eleven_flash_v2_5";
const DEFAULT_INACTIVITY_S: u32 = 20;
const MAX_INACTIVITY_S: u32 = 180;
const BOOLEANS: &[&str] = &[
    "auto_mode",
    "sync_alignment",
    "enable_ssml_parsing",
    "enable_logging",
    "apply_language_text_normalization",
];
const KNOWN: &[&str] = &[
    "model_id",
    "output_format",
    "language_code",
    "inactivity_timeout",
    "apply_text_normalization",
    "seed",
    "authorization",
    "single_use_token",
    "optimize_streaming_latency",
];

/// What a session asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) format: Format,
    pub(crate) auto_mode: bool,
    pub(crate) inactivity_s: u32,
    /// Parameters the vendor does not have.
    pub(crate) unknown: Vec<String>,
}

impl Wanted {
    /// # Errors
    /// What the vendor objects to.
    pub(crate) fn parse(pairs: &[(String, String)]) -> Result<Self, Trouble> {
        let first = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        for name in BOOLEANS {
            if first(name).is_some_and(|value| truth(value).is_none()) {
                return Err(Trouble::new("invalid_parameters", format!("{name} must be true or false.")));
            }
        }
        check_model(first("model_id"), first("language_code"))?;
        if first("apply_text_normalization").is_some_and(|value| !matches!(value, "auto" | "on" | "off")) {
            return Err(Trouble::new(
                "invalid_parameters",
                "apply_text_normalization must be auto, on or off.",
            ));
        }
        if first("seed").is_some_and(|value| value.parse::<u32>().is_err()) {
            return Err(Trouble::new("invalid_parameters", "seed must be an integer from 0 to 4294967295."));
        }
        let format = Format::parse(first("output_format"))
            .map_err(|reason| Trouble::new("invalid_output_format", reason))?;
        let known = |name: &str| KNOWN.contains(&name) || BOOLEANS.contains(&name);
        Ok(Self {
            format,
            auto_mode: first("auto_mode").and_then(truth).unwrap_or(false),
            inactivity_s: inactivity(first("inactivity_timeout"))?,
            unknown: pairs.iter().filter(|(name, _)| !known(name)).map(|(name, _)| name.clone()).collect(),
        })
    }
}

/// Also used for the bodies of HTTP requests.
pub(crate) fn check_model(model: Option<&str>, language: Option<&str>) -> Result<(), Trouble> {
    let model = model.unwrap_or(DEFAULT_MODEL);
    let Some((_, takes_language)) = MODELS.iter().find(|(name, _)| *name == model) else {
        return Err(Trouble::new(
            "model_not_found",
            format!("A model with model_id '{model}' does not exist."),
        ));
    };
    match language {
        Some(code) if !takes_language => Err(Trouble::new(
            "unsupported_language",
            format!("Model '{model}' does not support the language_code parameter (got '{code}')."),
        )),
        Some(code) if code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_lowercase()) => {
            Err(Trouble::new("unsupported_language", format!("'{code}' is not an ISO 639-1 language code.")))
        }
        _ => Ok(()),
    }
}

/// The vendor's server takes every usual spelling of a boolean, whatever the case.
fn truth(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "y" | "on" | "t" => Some(true),
        "false" | "0" | "no" | "n" | "off" | "f" => Some(false),
        _ => None,
    }
}

fn inactivity(given: Option<&str>) -> Result<u32, Trouble> {
    let Some(given) = given else { return Ok(DEFAULT_INACTIVITY_S) };
    match given.parse() {
        Ok(seconds @ 1..=MAX_INACTIVITY_S) => Ok(seconds),
        _ => Err(Trouble::new(
            "invalid_parameters",
            format!("inactivity_timeout must be an integer from 1 to {MAX_INACTIVITY_S}, not '{given}'."),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<Wanted, Trouble> {
        Wanted::parse(&url::form_urlencoded::parse(query.as_bytes()).into_owned().collect::<Vec<_>>())
    }

    fn check_refused(query: &str, because: &str) {
        let trouble = parse(query).unwrap_err();
        assert!(trouble.message.contains(because), "{query}: {}", trouble.message);
    }

    #[test]
    fn a_telephone_agents_query_is_understood() {
        let wanted = parse(
            "model_id=eleven_flash_v2_5&output_format=ulaw_8000&auto_mode=true&inactivity_timeout=60&sync_alignment=true\
             &language_code=en",
        )
        .unwrap();
        assert!(wanted.auto_mode && wanted.unknown.is_empty());
        assert_eq!((wanted.format.sample_rate, wanted.inactivity_s), (8_000, 60));
        assert_eq!(parse("output_format=pcm_8000&speed=2").unwrap().unknown, ["speed"]);
    }

    #[test]
    fn what_the_vendor_refuses_is_refused() {
        check_refused("output_format=pcm_9000", "Invalid output format");
        check_refused("output_format=pcm_8000&model_id=eleven_flash_v9", "does not exist");
        check_refused(
            "output_format=pcm_8000&model_id=eleven_multilingual_v2&language_code=en",
            "does not support",
        );
        check_refused("output_format=pcm_8000&inactivity_timeout=181", "1 to 180");
        check_refused("output_format=pcm_8000&auto_mode=maybe", "true or false");
        check_refused("output_format=pcm_8000&seed=-1", "seed");
    }
}
