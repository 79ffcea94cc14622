//! What somebody says who wants a voice made, and whether it can be.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;
use vox_shared::catalogue::{Ability, Given, Kind, Vendor};
use vox_shared::model::bot::ApiKey;
use vox_shared::typed::{Alphabet, fault, trimmed};

use super::clip::MAX_CLIP_BYTES;
use crate::bot::keys::is_masked;
use crate::fields::FieldError;

/// Largest body of a request: the largest clip in base64, and what is said of it.
pub const MAX_BODY_BYTES: usize = MAX_CLIP_BYTES / 3 * 4 + 64 * 1024;
/// Longest name, characters: at the vendor the voice's id stands behind it.
const MAX_NAME: usize = 60;
/// Longest language tag, bytes.
const MAX_LANGUAGE: usize = 35;
/// Longest key or address, bytes.
const MAX_WORD: usize = 2_048;
/// Shortest and longest statement of consent, characters.
const STATEMENT: std::ops::RangeInclusive<usize> = 20..=2_000;
/// Longest name of who consented, characters.
const MAX_GIVEN_BY: usize = 200;

/// A voice to be made from a clip.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVoice {
    /// One line, 1 to 60 characters; it stands in the vendor's list too.
    pub name: String,
    /// Who makes it: `elevenlabs`.
    pub provider: String,
    /// The language that is spoken in the clip, as a tag like `en-IN`.
    #[serde(default)]
    pub language: String,
    /// WAV, MP3 or Ogg (Vorbis) in base64: 5 s to 5 min, at most 8 MiB.
    pub clip: String,
    /// Have the vendor take the noise out of the clip first.
    #[serde(default)]
    pub remove_background_noise: bool,
    pub consent: NewConsent,
    /// Of the vendor's account that gets the voice; the key of the settings without it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub api_key: Option<ApiKey>,
    /// Another host of the vendor, such as a region's. It needs an `api_key`: the settings' keys are sent to nobody else.
    #[serde(default)]
    pub base_url: Option<String>,
}

/// That whoever is heard in the clip agreed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConsent {
    /// What they agreed to, 20 to 2,000 characters.
    pub statement: String,
    /// Who they are.
    pub given_by: String,
    /// When, in RFC 3339; not in the future.
    pub given_at: String,
}

/// A wish that can be tried: everything but the clip, which is not looked at yet.
pub struct Wish {
    pub asked: NewVoice,
    pub clip: Vec<u8>,
    pub consented_at: Timestamp,
}

/// Whether it can be tried, or all that is wrong with it. `held` says whether the settings have a key of a vendor.
pub fn checked(
    mut asked: NewVoice,
    held: impl Fn(&str) -> bool,
    now: Timestamp,
) -> Result<Wish, Vec<FieldError>> {
    let mut faults = Vec::new();
    tidy(&mut asked);
    check_words(&asked, &mut faults);
    match Kind::Voice.find(&asked.provider) {
        Some(vendor) if vendor.abilities.contains(&Ability::VoicesFromClips) => {
            check_account(&asked, vendor, held, &mut faults);
        }
        known => faults.push(FieldError::new("provider", no_maker(known))),
    }
    let consented_at = consented_at(&asked.consent, now, &mut faults);
    let clip = STANDARD.decode(asked.clip.trim());
    match &clip {
        Ok(clip) if clip.is_empty() => faults.push(FieldError::new("clip", "is empty")),
        Ok(_) => {}
        Err(_) => faults.push(FieldError::new("clip", "must be base64 (RFC 4648, section 4, padded)")),
    }
    asked.clip = String::new();
    match (faults.is_empty(), clip, consented_at) {
        (true, Ok(clip), Some(consented_at)) => Ok(Wish { asked, clip, consented_at }),
        _ => Err(faults),
    }
}

fn tidy(asked: &mut NewVoice) {
    asked.name = asked.name.trim().to_owned();
    for text in [&mut asked.provider, &mut asked.language].into_iter().chain(&mut asked.base_url) {
        *text = trimmed(text).to_owned();
    }
    asked.base_url = asked.base_url.take().filter(|url| !url.is_empty());
    let key = asked.api_key.take().map(|key| ApiKey::new(trimmed(key.expose())));
    asked.api_key = key.filter(|key| !key.is_empty());
    let NewConsent { statement, given_by, .. } = &mut asked.consent;
    for text in [statement, given_by] {
        *text = text.trim().to_owned();
    }
}

fn check_words(asked: &NewVoice, faults: &mut Vec<FieldError>) {
    let mut unless = |good: bool, path: &str, message: String| {
        if !good {
            faults.push(FieldError::new(path, message));
        }
    };
    let length = asked.name.chars().count();
    unless((1..=MAX_NAME).contains(&length), "name", format!("must have 1 to {MAX_NAME} characters"));
    if let Some(wrong) = fault(&asked.name, Alphabet::Line) {
        unless(false, "name", wrong);
    }
    let is_tag = asked.language.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let language = "must be a language tag like en-IN, or left out".to_owned();
    unless(is_tag && asked.language.len() <= MAX_LANGUAGE, "language", language);
    let consent = &asked.consent;
    let statement = format!("must have {} to {} characters", STATEMENT.start(), STATEMENT.end());
    unless(STATEMENT.contains(&consent.statement.chars().count()), "consent.statement", statement);
    let given_by = format!("must be the name of a person, 1 to {MAX_GIVEN_BY} characters");
    unless((1..=MAX_GIVEN_BY).contains(&consent.given_by.chars().count()), "consent.given_by", given_by);
}

/// A key and an address that can be used. An address without a key is refused: whoever may make voices could have the settings' key sent to a
/// server of theirs.
fn check_account(
    asked: &NewVoice,
    vendor: &Vendor,
    held: impl Fn(&str) -> bool,
    faults: &mut Vec<FieldError>,
) {
    let mut add = |path: &str, message: String| faults.push(FieldError::new(path, message));
    let key = asked.api_key.as_ref().map_or("", ApiKey::expose);
    if is_masked(key) {
        add("api_key", "this is a masked key; send the whole key".into());
    } else if let Some(wrong) = fault(key, Alphabet::Ascii) {
        add("api_key", wrong);
    } else if key.len() > MAX_WORD {
        add("api_key", format!("at most {MAX_WORD} bytes"));
    } else if key.is_empty() && asked.base_url.is_some() {
        add(
            "api_key",
            "must be given with base_url: keys of the settings go to the vendor's own host alone".into(),
        );
    } else if key.is_empty() && !held(vendor.name) {
        add("api_key", format!("{} needs a key: here, or in the settings of the tenant", vendor.name));
    }
    if let Some(url) = &asked.base_url {
        let extra = serde_json::Map::from_iter([("base_url".to_owned(), url.as_str().into())]);
        let wrong = vendor.setting_faults(&extra).into_iter().next().map(|fault| fault.message);
        let wrong = wrong.or_else(|| fault(url, Alphabet::Ascii));
        let wrong = wrong.or_else(|| (url.len() > MAX_WORD).then(|| format!("at most {MAX_WORD} bytes")));
        wrong.into_iter().for_each(|wrong| add("base_url", wrong));
    }
    let extra = serde_json::Map::new();
    let given = Given { key: "any", language: Some(&asked.language), voice: None, extra: &extra };
    for wrong in vendor.faults(given) {
        add(&wrong.field, wrong.message);
    }
}

fn no_maker(known: Option<&Vendor>) -> String {
    let makers: Vec<&str> = Kind::Voice
        .vendors()
        .iter()
        .filter(|vendor| vendor.abilities.contains(&Ability::VoicesFromClips))
        .map(|vendor| vendor.name)
        .collect();
    let makers = makers.join(" or ");
    match known {
        Some(vendor) => format!("{} makes no voices from clips; use {makers}", vendor.name),
        None => format!("must be {makers}: voices are made nowhere else"),
    }
}

fn consented_at(consent: &NewConsent, now: Timestamp, faults: &mut Vec<FieldError>) -> Option<Timestamp> {
    let at: Option<Timestamp> = consent.given_at.trim().parse().ok();
    let wrong = match at {
        None => "must be RFC 3339, like 2026-11-20T10:00:00Z",
        Some(at) if at > now => "must not be in the future",
        Some(_) => return at,
    };
    faults.push(FieldError::new("consent.given_at", wrong));
    None
}

/// The address that a wish names, as egress rules look at it.
pub fn address(asked: &NewVoice) -> Option<Url> {
    asked.base_url.as_deref().and_then(|url| Url::parse(url).ok())
}
