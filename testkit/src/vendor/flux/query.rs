//! The query of `/v2/listen`: what a session asked for, or the reason the vendor refuses it.

use crate::vendor::hearing::Encoding;

const ENGLISH: &str = "flux-general-en";
const MULTILINGUAL: &str = "flux-general-multi";
const RATES: [u32; 5] = [8_000, 16_000, 24_000, 44_100, 48_000];
const HINTS: [&str; 10] = ["en", "es", "fr", "de", "hi", "ru", "pt", "ja", "it", "nl"];
const BOOLEANS: [&str; 3] = ["numerals", "profanity_filter", "mip_opt_out"];
const REPEATED: [&str; 4] = ["keyterm", "language_hint", "redact", "tag"];
/// What the vendor takes where a session names none.
const EOT_THRESHOLD: f64 = 0.7;
const EOT_TIMEOUT_MS: u32 = 5_000;

/// What a session asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) encoding: Encoding,
    pub(crate) sample_rate: u32,
    pub(crate) thresholds: Thresholds,
    pub(crate) multilingual: bool,
    pub(crate) hints: Vec<String>,
    pub(crate) keyterms: Vec<String>,
}

/// When a turn ends. A running session may change them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Thresholds {
    pub(crate) end: f64,
    pub(crate) eager: Option<f64>,
    pub(crate) timeout_ms: u32,
}

impl Thresholds {
    /// Check that they make sense.
    ///
    /// # Errors
    /// The sentence that the vendor's refusal carries.
    pub(crate) fn check(self) -> Result<Self, String> {
        if !(0.5..=1.0).contains(&self.end) {
            return Err("eot_threshold must be between 0.5 and 1.0".into());
        }
        if self.eager.is_some_and(|eager| !(0.3..=0.9).contains(&eager)) {
            return Err("eager_eot_threshold must be between 0.3 and 0.9".into());
        }
        if self.eager.is_some_and(|eager| eager > self.end) {
            return Err("eager_eot_threshold must be less than or equal to eot_threshold".into());
        }
        if !(500..=60_000).contains(&self.timeout_ms) {
            return Err("eot_timeout_ms must be between 500 and 60000".into());
        }
        Ok(self)
    }
}

impl Wanted {
    /// Check the pairs of the query.
    ///
    /// # Errors
    /// The sentence that the vendor's 400 carries.
    pub(crate) fn parse(pairs: &[(String, String)]) -> Result<Self, String> {
        let first = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let all = |name: &str| -> Vec<String> {
            pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
        };
        let number = |name: &str| -> Result<Option<f64>, String> {
            let parse = |text: &str| {
                text.parse().map_err(|_| format!("Invalid query string: {name} must be a number"))
            };
            first(name).map(parse).transpose()
        };
        let model = first("model").unwrap_or_default();
        if model != ENGLISH && model != MULTILINGUAL {
            return Err("No such model/version combination found.".into());
        }
        let hints = all("language_hint");
        if model == ENGLISH && !hints.is_empty() {
            return Err("language_hint is only supported for flux-general-multi.".into());
        }
        if let Some(bad) = hints.iter().find(|hint| !HINTS.contains(&hint.as_str())) {
            return Err(format!("Unsupported language_hint '{bad}'."));
        }
        let thresholds = Thresholds {
            end: number("eot_threshold")?.unwrap_or(EOT_THRESHOLD),
            eager: number("eager_eot_threshold")?,
            timeout_ms: number("eot_timeout_ms")?.map_or(EOT_TIMEOUT_MS, |ms| ms as u32),
        };
        check_the_rest(pairs)?;
        let (encoding, sample_rate) = audio(first("encoding"), number("sample_rate")?)?;
        Ok(Self {
            encoding,
            sample_rate,
            thresholds: thresholds.check()?,
            multilingual: model == MULTILINGUAL,
            hints,
            keyterms: all("keyterm"),
        })
    }
}

fn audio(encoding: Option<&str>, rate: Option<f64>) -> Result<(Encoding, u32), String> {
    let encoding = match encoding {
        None => return Ok((Encoding::Container, 0)),
        Some("linear16") => Encoding::Linear16,
        Some("linear32") => Encoding::Linear32,
        Some("mulaw") => Encoding::Mulaw,
        Some("alaw") => Encoding::Alaw,
        Some(other) => return Err(format!("This server does not decode '{other}'.")),
    };
    let rate = rate.ok_or("sample_rate is required for raw audio.")? as u32;
    if RATES.contains(&rate) { Ok((encoding, rate)) } else { Err(format!("Unsupported sample_rate {rate}.")) }
}

fn check_the_rest(pairs: &[(String, String)]) -> Result<(), String> {
    const SINGLE: [&str; 6] =
        ["model", "encoding", "sample_rate", "eot_threshold", "eager_eot_threshold", "eot_timeout_ms"];
    for (name, value) in pairs {
        if BOOLEANS.contains(&name.as_str()) && !matches!(value.as_str(), "true" | "false") {
            return Err(format!("Invalid query string: {name} must be true or false."));
        }
        let known = [&SINGLE[..], &BOOLEANS[..], &REPEATED[..]].concat();
        if !known.contains(&name.as_str()) {
            return Err(format!("Unknown query parameter '{name}'."));
        }
        if name == "redact" && !matches!(value.as_str(), "numbers" | "aggressive_numbers") {
            return Err(format!("Unknown redact value '{value}'."));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<Wanted, String> {
        Wanted::parse(&url::form_urlencoded::parse(query.as_bytes()).into_owned().collect::<Vec<_>>())
    }

    #[test]
    fn what_the_vendor_refuses_is_refused() {
        let check = |query: &str, because: &str| {
            let reason = parse(&format!("encoding=linear16&sample_rate=16000&{query}")).unwrap_err();
            assert!(reason.contains(because), "{query}: {reason}");
        };
        check("model=nova-3", "No such model");
        check("model=flux-general-en&language_hint=en", "only supported");
        check("model=flux-general-multi&language_hint=pl", "Unsupported language_hint");
        check("model=flux-general-en&eot_threshold=0.4", "between 0.5");
        check("model=flux-general-en&eager_eot_threshold=0.2", "between 0.3");
        check("model=flux-general-en&eager_eot_threshold=0.8", "less than or equal");
        check("model=flux-general-en&eot_timeout_ms=100", "between 500");
        check("model=flux-general-en&numerals=1", "true or false");
        check("model=flux-general-en&interim_results=true", "Unknown query parameter");
        check("model=flux-general-en&eot_threshold=high", "number");
        assert!(parse("model=flux-general-en&encoding=linear16").unwrap_err().contains("required"));
        assert!(parse("model=flux-general-en&encoding=linear16&sample_rate=11025").is_err());
    }
}
