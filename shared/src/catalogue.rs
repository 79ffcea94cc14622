//! Which vendors there are, and what can be set for each: one row for each vendor and kind of service. The bridge checks a bot's
//! settings against it when they are saved, core reads them by it when a call begins and has an implementation for every row,
//! `vox doctor` asks vendors about keys by it, and `docs/providers.md` is written from it. A vendor's name stands here and nowhere
//! else.

mod allowance;
mod form;
mod knock;
mod language_models;
mod markdown;
mod recognisers;
mod residence;
mod rhythm;
mod voices;

use serde_json::{Map, Value};
use url::Url;

pub use allowance::Allowance;
pub use form::{Form, is_address};
pub use knock::{Knock, find_tried};
pub use language_models::{
    ANTHROPIC, ANTHROPIC_OPTIONAL_FIELDS, GEMINI, GROQ, KEY_FILE_BYTES_MAX, LANGUAGE_MODELS, OPENAI,
    OPENAI_OPTIONAL_FIELDS, RESPONSES, SCRIPTED, VERTEX, vertex_host,
};
pub use markdown::markdown;
pub use recognisers::{
    ASSEMBLYAI, DEEPGRAM, DEEPGRAM_FLUX, POCKETSPHINX, RECOGNISERS, SARVAM, SARVAM_REALTIME, SONIOX,
    TRANSCRIPTION,
};
pub use residence::{Pin, Region, regions};
pub use rhythm::Rhythm;
pub use voices::{
    AURA, CARTESIA, CHATTERBOX, Cues, ELEVENLABS, ELEVENLABS_HTTP, FLITE, FLUX_VOICES, IPA_CHARS, Ipa,
    RESEMBLE, SARVAM_VOICES, SONIOX_VOICES, SPEECH, VOICES,
};

/// What a vendor does for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Recogniser,
    LanguageModel,
    Voice,
}

/// One vendor of one kind.
#[derive(Debug)]
pub struct Vendor {
    pub kind: Kind,
    /// As it stands in a bot's settings, in events, usage and metrics.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    pub key: Key,
    /// Its own address; empty for what runs on the machine itself. For model servers with the version.
    pub home: &'static str,
    /// The model taken where the bot names none; empty where there is nothing to choose.
    pub model: &'static str,
    /// Other models that are known to work. Vendors bring new ones, so others are not refused.
    pub models: &'static [&'static str],
    pub voice: VoiceRule,
    /// Primary language subtags that can be used; empty where the vendor or its model decides.
    pub languages: &'static [&'static str],
    pub abilities: &'static [Ability],
    /// What may stand in `extra`.
    pub settings: &'static [Setting],
    /// How it is asked whether a key is good.
    pub key_check: Option<KeyCheck>,
    pub figures: Figures,
}

/// Whether a key is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Never,
    /// Not by a server of one's own behind `base_url`.
    UnlessOwnServer,
    Always,
}

/// What `voice` may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoiceRule {
    /// There is nothing to choose.
    None,
    /// One of these; the first where none is given.
    OneOf(&'static [&'static str]),
    /// One of these or of others that the vendor has; the first where none is given, or one that only another vendor has.
    Known(&'static [&'static str]),
    /// An id of the account: letters, digits, `-` and `_`.
    Id,
}

/// What a vendor can do, in the words of `docs/providers.md`. The conversation works without any of them; it is better with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    Interim,
    TurnEnd,
    /// It says early that an utterance has probably ended, and takes that back where it has not.
    EagerEnd,
    SpeechStart,
    FinalOnDemand,
    WordTimes,
    UsageTold,
    Tools,
    ReasoningShown,
    CachedTokens,
    ManyReplies,
    CancelReply,
    VoicesFromClips,
}

/// A setting in `extra`.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    pub form: Form,
    pub about: &'static str,
}

/// The cheapest request that needs a key: a GET of `path` below the vendor's address, the key in `header` after `prefix`. The last
/// part of `path` may have a query behind a `?`.
#[derive(Clone, Copy, Debug)]
pub struct KeyCheck {
    pub path: &'static [&'static str],
    pub header: &'static str,
    pub prefix: &'static str,
}

/// What it costs, how fast it is and how much of it there is, where that is known from a source that can be named.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// In words with the unit and the date of the source.
    pub price: Option<&'static str>,
    /// Median from the end of speech to the final words, from the request to the first token, or to the first sound.
    pub latency_ms: Option<u32>,
    pub limits: Option<&'static str>,
}

impl Figures {
    const OWN_MACHINE: Self =
        Self { price: Some("none"), latency_ms: None, limits: Some("the processors of the machine") };
}

/// What a bot gives for one vendor.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    pub key: &'a str,
    pub language: Option<&'a str>,
    pub voice: Option<&'a str>,
    pub extra: &'a Map<String, Value>,
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Below the vendor's section, such as `extra.speed`.
    pub field: String,
    /// What is allowed.
    pub message: String,
}

/// Vendors of one company that take the same key, and the name under which settings keep it.
const ACCOUNTS: &[(&str, &str)] =
    &[("deepgram_flux", "deepgram"), ("elevenlabs_http", "elevenlabs"), ("sarvam_realtime", "sarvam")];

/// The name under which the key of a vendor is kept: its own, or another of the same company's.
pub fn account(name: &str) -> &str {
    ACCOUNTS.iter().find(|(vendor, _)| *vendor == name).map_or(name, |(_, account)| *account)
}

/// Whether a vendor of this name takes a key, whatever it is used for.
pub fn takes_key(name: &str) -> bool {
    let kinds = [Kind::Recogniser, Kind::LanguageModel, Kind::Voice];
    kinds.into_iter().filter_map(|kind| kind.find(name)).any(|vendor| vendor.key != Key::Never)
}

/// The row by which a vendor is asked about a key, whatever it is used for.
pub fn find_keyed(name: &str) -> Option<&'static Vendor> {
    let kinds = [Kind::Recogniser, Kind::LanguageModel, Kind::Voice];
    kinds.into_iter().filter_map(|kind| kind.find(name)).find(|vendor| vendor.can_be_tried())
}

impl Kind {
    /// All vendors of the kind.
    pub fn vendors(self) -> &'static [&'static Vendor] {
        match self {
            Self::Recogniser => RECOGNISERS,
            Self::LanguageModel => LANGUAGE_MODELS,
            Self::Voice => VOICES,
        }
    }

    /// The vendor with this name.
    pub fn find(self, name: &str) -> Option<&'static Vendor> {
        self.vendors().iter().find(|vendor| vendor.name == name).copied()
    }

    /// All names, as a sentence lists them.
    pub fn names(self) -> String {
        self.vendors().iter().map(|vendor| vendor.name).collect::<Vec<_>>().join(", ")
    }

    /// In a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Recogniser => "recogniser",
            Self::LanguageModel => "language model",
            Self::Voice => "voice",
        }
    }
}

impl Vendor {
    /// What is wrong with a bot's settings for this vendor. A setting that another vendor of the kind has is left over from a
    /// change of the vendor, and ignored; one that nobody has is misspelt.
    pub fn faults(&self, given: Given<'_>) -> Vec<Fault> {
        let of = |field: &str, message: Option<String>| {
            message.map(|message| Fault { field: field.into(), message })
        };
        let fields = [
            of("api_key", self.key_fault(given.key, given.extra)),
            of("language", given.language.and_then(|language| self.language_fault(language))),
            of("voice", given.voice.and_then(|voice| self.voice_fault(voice))),
        ];
        let known = |name: &str| self.kind.vendors().iter().any(|vendor| vendor.setting(name).is_some());
        let misspelt = given.extra.keys().filter(|name| !known(name)).map(|name| Fault {
            field: format!("extra.{name}"),
            message: format!("there is no such setting; {}", self.setting_names()),
        });
        fields.into_iter().flatten().chain(self.setting_faults(given.extra)).chain(misspelt).collect()
    }

    /// What is wrong with those settings in `extra` that this vendor has.
    pub fn setting_faults(&self, extra: &Map<String, Value>) -> Vec<Fault> {
        let fault = |setting: &Setting| {
            let value = extra.get(setting.name)?;
            let message = || format!("must be {}", setting.form);
            (!setting.form.allows(value))
                .then(|| Fault { field: format!("extra.{}", setting.name), message: message() })
        };
        self.settings.iter().filter_map(fault).collect()
    }

    /// The setting with this name.
    pub fn setting(&self, name: &str) -> Option<&'static Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }

    /// Whether a voice writes numbers and the like out by itself: it is given them as they are written.
    pub fn writes_out(&self, model: &str, extra: &Map<String, Value>) -> bool {
        voices::writes_out(self.name, self.model_or_own(model), extra)
    }

    /// Which directions this model of a voice takes, with these settings.
    pub fn cues(&self, model: &str, extra: &Map<String, Value>) -> Cues {
        voices::cues(self.name, self.model_or_own(model), extra)
    }

    /// How this model of a voice takes phonetic signs.
    pub fn ipa(&self, model: &str) -> Ipa {
        voices::ipa(self.name, self.model_or_own(model))
    }

    /// The model that a bot names, or the one that is taken where it names none.
    fn model_or_own<'a>(&self, model: &'a str) -> &'a str {
        Some(model.trim()).filter(|model| !model.is_empty()).unwrap_or(self.model)
    }

    /// Whether it has this ability.
    pub fn can(&self, ability: Ability) -> bool {
        self.abilities.contains(&ability)
    }

    /// Whether it runs on the machine itself.
    pub fn is_local(&self) -> bool {
        self.home.is_empty()
    }

    /// Whether somebody can be asked about a key of it: the vendor, or the token server of a key file.
    pub fn can_be_tried(&self) -> bool {
        self.key_check.is_some() || self.takes_key_file() || self.knock().is_some()
    }

    /// The address of [`KeyCheck`], below a bot's `base_url` or the vendor's own. Speech vendors are configured by the address of
    /// their WebSocket; the same server speaks HTTP. `None` where there is nothing to ask, or no address.
    pub fn key_check_url(&self, base_url: Option<&str>) -> Option<Url> {
        self.http_url(base_url, self.key_check?.path)
    }

    /// An HTTP address below a bot's `base_url` or the vendor's own; `None` where there is none.
    pub fn http_url(&self, base_url: Option<&str>, path: &[&str]) -> Option<Url> {
        let text = base_url.map(str::trim).filter(|base| !base.is_empty()).unwrap_or(self.home);
        let mut url = Url::parse(text).ok()?;
        let scheme = match url.scheme() {
            "ws" | "http" => "http",
            "wss" | "https" => "https",
            _ => return None,
        };
        url.set_scheme(scheme).ok()?;
        let last = url.path_segments()?.rfind(|part| !part.is_empty()).map(str::to_owned);
        // An address that was copied with its version does not get it twice.
        let rest = if last.as_deref() == path.first().copied() { &path[1..] } else { path };
        let (name, query) = rest.last().and_then(|last| last.split_once('?')).unzip();
        let whole = &rest[..rest.len() - usize::from(name.is_some())];
        url.path_segments_mut().ok()?.pop_if_empty().extend(whole).extend(name);
        url.set_query(query);
        Some(url)
    }

    /// Why it does not work with this key, which may be none.
    pub fn key_fault(&self, key: &str, extra: &Map<String, Value>) -> Option<String> {
        let own_server = extra.get("base_url").is_some_and(|url| !matches!(url.as_str(), None | Some("")));
        let without = key.trim().is_empty();
        match self.key {
            Key::Always if without => Some(format!("{} needs a key", self.name)),
            Key::UnlessOwnServer if without && !own_server => {
                Some(format!("{} needs a key, unless extra.base_url names a server of your own", self.name))
            }
            _ if without => None,
            _ => self.key_file_fault(key),
        }
    }

    /// Why a language cannot be used.
    pub fn language_fault(&self, language: &str) -> Option<String> {
        let primary = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let known = self.languages.is_empty() || self.languages.contains(&primary.as_str());
        (!known).then(|| {
            format!("there is no \"{language}\"; use {}, or another provider", self.languages.join(" or "))
        })
    }

    /// Why a voice cannot be used.
    pub fn voice_fault(&self, voice: &str) -> Option<String> {
        let voice = voice.trim();
        match self.voice {
            VoiceRule::None => None,
            VoiceRule::OneOf(voices) => (!voice.is_empty() && !voices.contains(&voice))
                .then(|| format!("there is no voice \"{voice}\"; use {}", voices.join(" or "))),
            VoiceRule::Known(_) => {
                let plain = voice.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
                (!plain).then(|| "must be the name of a voice: letters, digits, -, _ and .".into())
            }
            VoiceRule::Id => {
                let plain = voice.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
                (voice.is_empty() || !plain)
                    .then(|| "must be a voice id of the account, letters and digits".into())
            }
        }
    }

    /// The voice that a bot names, or the vendor's first where it names none or one that was left over from another vendor.
    pub fn voice_or_default<'a>(&self, voice: &'a str) -> &'a str {
        let VoiceRule::Known(known) = self.voice else { return voice.trim() };
        let voice = voice.trim();
        let left = Kind::Voice
            .vendors()
            .iter()
            .any(|other| matches!(other.voice, VoiceRule::OneOf(voices) if voices.contains(&voice)));
        match known.first() {
            Some(first) if voice.is_empty() || left => first,
            _ => voice,
        }
    }

    fn setting_names(&self) -> String {
        let names: Vec<&str> = self.settings.iter().map(|setting| setting.name).collect();
        match names.is_empty() {
            true => format!("{} has none", self.name),
            false => format!("{} has {}", self.name, names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests;
