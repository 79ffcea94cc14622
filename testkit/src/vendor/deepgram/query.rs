//! The query of `/v1/listen`: what a session asked for, or the reason the vendor refuses it.

use crate::vendor::hearing::{Encoding, Rules};

/// Models of the vendor's list; a dash and a digit-free suffix make the variants.
const MODELS: &[(&str, &[&str])] = &[
    ("nova-3", &["general", "medical"]),
    (
        "nova-2",
        &[
            "general",
            "meeting",
            "finance",
            "conversationalai",
            "voicemail",
            "video",
            "medical",
            "drivethru",
            "automotive",
            "phonecall",
        ],
    ),
    ("nova", &["general", "phonecall", "medical"]),
    ("enhanced", &["general", "meeting", "phonecall", "finance"]),
    ("base", &["general", "meeting", "phonecall", "finance", "conversationalai", "voicemail", "video"]),
];
const ENCODINGS: &[&str] = &[
    "linear16", "linear32", "flac", "alaw", "mulaw", "amr-nb", "amr-wb", "opus", "ogg-opus", "speex", "g729",
];
const BOOLEANS: &[&str] = &[
    "multichannel",
    "interim_results",
    "vad_events",
    "punctuate",
    "smart_format",
    "numerals",
    "profanity_filter",
    "dictation",
    "diarize",
    "detect_entities",
    "filler_words",
    "mip_opt_out",
    "no_delay",
];
const REDACTIONS: &[&str] = &["true", "false", "pci", "numbers", "aggressive_numbers", "ssn"];
/// Known parameters whose values need no check here.
const FREE: &[&str] = &["replace", "search", "tag", "extra", "version", "callback_method"];
/// The vendor's bound on a session's key terms, in tokens; a token is counted as four letters.
const MAX_KEYTERM_TOKENS: usize = 500;
const MAX_CHANNELS: u16 = 20;
/// The default end-of-speech silence.
const DEFAULT_ENDPOINTING_MS: u32 = 10;

/// What a session asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) model: String,
    pub(crate) language: String,
    pub(crate) language_hints: Vec<String>,
    pub(crate) encoding: Encoding,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u16,
    pub(crate) multichannel: bool,
    pub(crate) interim_results: bool,
    /// Silence that ends speech; `None` when `endpointing=false`.
    pub(crate) endpointing_ms: Option<u32>,
    pub(crate) utterance_end_ms: Option<u32>,
    pub(crate) vad_events: bool,
    pub(crate) punctuated: bool,
    pub(crate) diarize: bool,
    pub(crate) detect_entities: bool,
    pub(crate) keyterms: Vec<String>,
    /// Parameters the vendor does not have.
    pub(crate) unknown: Vec<String>,
}

impl Wanted {
    /// Check the pairs of the query.
    ///
    /// # Errors
    /// The sentence that the vendor's 400 carries.
    pub(crate) fn parse(pairs: &[(String, String)]) -> Result<Self, String> {
        let given = Given(pairs);
        let model = given.model()?;
        let encoding = given.encoding()?;
        let (interim_results, multichannel) = (given.truth("interim_results")?, given.truth("multichannel")?);
        let wanted = Self {
            language: given.language()?,
            language_hints: given.all("language_hint"),
            sample_rate: given.sample_rate(encoding)?,
            channels: given.channels()?,
            endpointing_ms: given.endpointing()?,
            utterance_end_ms: given.utterance_end(interim_results)?,
            vad_events: given.truth("vad_events")?,
            punctuated: given.truth("punctuate")?
                || given.truth("smart_format")?
                || given.truth("dictation")?,
            diarize: given.diarize()?,
            detect_entities: given.truth("detect_entities")?,
            keyterms: given.all("keyterm"),
            unknown: given.unknown(),
            model,
            encoding,
            multichannel,
            interim_results,
        };
        given.check_the_rest()?;
        wanted.check_together(&given)?;
        Ok(wanted)
    }

    /// Whether the model takes key terms.
    pub(crate) fn is_nova_3(&self) -> bool {
        self.model == "nova-3" || self.model.starts_with("nova-3-")
    }

    /// Which findings are wanted, and when.
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            interims: self.interim_results,
            endpointing_ms: self.endpointing_ms,
            utterance_end_ms: self.utterance_end_ms,
            vad_events: self.vad_events,
        }
    }

    fn check_together(&self, given: &Given<'_>) -> Result<(), String> {
        let nova_3 = self.is_nova_3();
        if nova_3 && given.first("keywords").is_some() {
            return Err("Keywords are not supported for nova-3. Use keyterm instead.".into());
        }
        if !nova_3 && !self.keyterms.is_empty() {
            return Err("Keyterm prompting is only supported for nova-3 models.".into());
        }
        if keyterm_tokens(&self.keyterms) > MAX_KEYTERM_TOKENS {
            return Err(format!("Keyterm limit exceeded. The maximum is {MAX_KEYTERM_TOKENS} tokens."));
        }
        let takes_hints = nova_3 && self.language == "multi";
        if !takes_hints && !self.language_hints.is_empty() {
            return Err("language_hint requires model=nova-3 and language=multi.".into());
        }
        if self.language == "multi" && !nova_3 && !self.model.starts_with("nova-2") {
            return Err("No such model/language/tier combination found.".into());
        }
        Ok(())
    }
}

/// A rough count of the tokens that key terms take.
pub(crate) fn keyterm_tokens(terms: &[String]) -> usize {
    terms.iter().map(|term| term.chars().count().div_ceil(4)).sum()
}

/// More than the vendor's key-term limit.
pub(crate) fn too_many_keyterms(terms: &[String]) -> bool {
    keyterm_tokens(terms) > MAX_KEYTERM_TOKENS
}

struct Given<'a>(&'a [(String, String)]);

impl Given<'_> {
    fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    fn truth(&self, name: &str) -> Result<bool, String> {
        match self.first(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(format!("Invalid query string: {name} must be true or false, not '{other}'.")),
        }
    }

    fn number(&self, name: &str) -> Result<Option<u32>, String> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| format!("Invalid query string: {name} must be an integer, not '{text}'."))
        };
        self.first(name).map(parse).transpose()
    }

    fn model(&self) -> Result<String, String> {
        let model = self.first("model").unwrap_or("base");
        let known = MODELS.iter().any(|(family, variants)| match model.strip_prefix(family) {
            Some("") => true,
            Some(rest) => rest.strip_prefix('-').is_some_and(|variant| variants.contains(&variant)),
            None => false,
        });
        if known { Ok(model.into()) } else { Err("No such model/language/tier combination found.".into()) }
    }

    fn language(&self) -> Result<String, String> {
        let language = self.first("language").unwrap_or("en");
        let primary = language.split('-').next().unwrap_or_default();
        let shaped = language == "multi"
            || (matches!(primary.len(), 2 | 3)
                && language.split('-').all(|part| {
                    (2..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric())
                }));
        if shaped {
            Ok(language.into())
        } else {
            Err("No such model/language/tier combination found.".into())
        }
    }

    fn encoding(&self) -> Result<Encoding, String> {
        match self.first("encoding") {
            None => Ok(Encoding::Container),
            Some("linear16") => Ok(Encoding::Linear16),
            Some("linear32") => Ok(Encoding::Linear32),
            Some("mulaw") => Ok(Encoding::Mulaw),
            Some("alaw") => Ok(Encoding::Alaw),
            Some(other) if ENCODINGS.contains(&other) => Err(format!(
                "This scripted server does not decode '{other}'; use linear16, linear32, mulaw, alaw or a WAV container."
            )),
            Some(other) => Err(format!("Invalid query string: unknown encoding '{other}'.")),
        }
    }

    fn sample_rate(&self, encoding: Encoding) -> Result<u32, String> {
        let rate = self.number("sample_rate")?;
        match (encoding, rate) {
            (Encoding::Container, _) => Ok(0),
            (_, Some(rate @ 4_000..=192_000)) => Ok(rate),
            (_, Some(rate)) => Err(format!("Unsupported sample_rate {rate}.")),
            (_, None) => Err("sample_rate is required when encoding is specified for raw audio.".into()),
        }
    }

    fn channels(&self) -> Result<u16, String> {
        match self.number("channels")?.unwrap_or(1) {
            count @ 1.. if count <= u32::from(MAX_CHANNELS) => Ok(count as u16),
            other => Err(format!("Unsupported number of channels: {other}.")),
        }
    }

    fn endpointing(&self) -> Result<Option<u32>, String> {
        match self.first("endpointing") {
            None | Some("true") => Ok(Some(DEFAULT_ENDPOINTING_MS)),
            Some("false") => Ok(None),
            Some(_) => self.number("endpointing"),
        }
    }

    fn utterance_end(&self, interim_results: bool) -> Result<Option<u32>, String> {
        let gap = self.number("utterance_end_ms")?;
        if gap.is_some() && !interim_results {
            return Err("utterance_end_ms requires interim_results=true.".into());
        }
        Ok(gap)
    }

    fn diarize(&self) -> Result<bool, String> {
        match self.first("diarize_model") {
            None => self.truth("diarize"),
            Some("latest" | "v1") => Ok(true),
            Some(other) => Err(format!("diarize_model '{other}' is not supported for streaming.")),
        }
    }

    fn check_the_rest(&self) -> Result<(), String> {
        for name in BOOLEANS {
            self.truth(name)?;
        }
        if let Some(bad) = self.all("redact").iter().find(|value| !REDACTIONS.contains(&value.as_str())) {
            return Err(format!("Invalid query string: unknown redact value '{bad}'."));
        }
        if self.first("callback").is_some() {
            return Err(
                "This scripted server does not deliver callbacks; leave the callback parameter out.".into()
            );
        }
        Ok(())
    }

    fn unknown(&self) -> Vec<String> {
        const CHECKED: &[&str] = &[
            "model",
            "language",
            "language_hint",
            "encoding",
            "sample_rate",
            "channels",
            "endpointing",
            "utterance_end_ms",
            "diarize_model",
            "keyterm",
            "keywords",
            "redact",
            "callback",
        ];
        let known = |name: &str| CHECKED.contains(&name) || BOOLEANS.contains(&name) || FREE.contains(&name);
        self.0.iter().filter(|(name, _)| !known(name)).map(|(name, _)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<Wanted, String> {
        Wanted::parse(&url::form_urlencoded::parse(query.as_bytes()).into_owned().collect::<Vec<_>>())
    }

    fn check_refused(query: &str, because: &str) {
        let reason = parse(query).unwrap_err();
        assert!(reason.contains(because), "{query}: {reason}");
    }

    #[test]
    fn a_voice_agents_query_is_understood() {
        let wanted = parse(
            "model=nova-3-general&language=en&encoding=linear16&sample_rate=16000&channels=1&interim_results=true\
             &endpointing=300&utterance_end_ms=1000&vad_events=true&punctuate=true&keyterm=Vox+Labs&keyterm=invoice",
        )
        .unwrap();
        assert!(wanted.is_nova_3() && wanted.interim_results && wanted.vad_events && wanted.punctuated);
        assert_eq!((wanted.encoding, wanted.sample_rate), (Encoding::Linear16, 16_000));
        assert_eq!((wanted.endpointing_ms, wanted.utterance_end_ms), (Some(300), Some(1000)));
        assert_eq!(wanted.keyterms, ["Vox Labs", "invoice"]);
        assert!(wanted.unknown.is_empty());
    }

    #[test]
    fn what_the_vendor_refuses_is_refused() {
        check_refused("model=nova-9", "No such model");
        check_refused("model=nova-3-finance", "No such model");
        check_refused("model=nova-3&language=english", "No such model/language");
        check_refused("model=nova-3&encoding=linear16", "sample_rate is required");
        check_refused("model=nova-3&encoding=pcm&sample_rate=8000", "unknown encoding");
        check_refused("model=nova-3&keywords=a:2", "Keywords are not supported");
        check_refused("model=nova-2&keyterm=a", "Keyterm");
        check_refused("model=nova-3&utterance_end_ms=1000", "requires interim_results");
        check_refused("model=nova-3&interim_results=yes", "true or false");
        check_refused("model=nova-3&endpointing=soon", "integer");
        check_refused("model=nova-3&diarize_model=v2", "not supported for streaming");
        check_refused("model=nova-3&language_hint=es", "language=multi");
        check_refused("model=nova-3&channels=0", "channels");
        check_refused(&format!("model=nova-3&keyterm={}", "x".repeat(2_100)), "limit");
    }

    #[test]
    fn a_parameter_the_vendor_lacks_is_noticed() {
        assert_eq!(parse("model=nova-3&interim=true").unwrap().unknown, ["interim"]);
    }
}
