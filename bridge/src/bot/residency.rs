//! The vendors of a bot and of voices, and whether each is in the region that its tenant is pinned to (`shared`'s catalogue says where they are).

use vox_shared::catalogue::{Kind, Pin};
use vox_shared::model::bot::BotSettings;

use super::keys::Keyed;
use crate::fields::FieldError;

/// The vendors that are elsewhere, fallbacks among them.
pub fn refused(settings: &BotSettings, pin: Option<&Pin>) -> Vec<FieldError> {
    let mut faults = Vec::new();
    if let Some(pin) = pin {
        of_vendor(&settings.stt, (Kind::Recogniser, "stt"), pin, &mut faults);
        of_vendor(&settings.llm, (Kind::LanguageModel, "llm"), pin, &mut faults);
        of_vendor(&settings.tts, (Kind::Voice, "tts"), pin, &mut faults);
    }
    faults
}

/// Why a voice, of which a clip or a text is sent to this address or else to the vendor's own, is elsewhere; `None` when it is not.
pub fn of_voice(pin: Option<&Pin>, provider: &str, base_url: Option<&str>) -> Option<String> {
    let address = base_url.map(|url| ("base_url".to_owned(), url.into()));
    pin?.fault(Kind::Voice, provider, &address.into_iter().collect())
}

fn of_vendor<T: Keyed>(vendor: &T, (kind, path): (Kind, &str), pin: &Pin, faults: &mut Vec<FieldError>) {
    if let Some(fault) = pin.fault(kind, vendor.provider(), vendor.extra()) {
        let field = if vendor.extra().contains_key("base_url") { "extra.base_url" } else { "provider" };
        faults.push(FieldError::new(format!("{path}.{field}"), fault));
    }
    for (place, fallback) in vendor.fallbacks().iter().enumerate() {
        of_vendor(fallback, (kind, &format!("{path}.fallbacks.{place}")), pin, faults);
    }
}
