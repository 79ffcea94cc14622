//! The catalogue for people.

use std::fmt::{Result, Write as _};

use serde_json::Map;

use super::{Ability, Key, Kind, Rhythm, Vendor, VoiceRule, regions};

const HEAD: &str = "# Providers

What a bot's `stt`, `llm` and `tts` may name as `provider`, and what may stand in their `extra`. The same catalogue checks a bot when it is saved: a wrong
setting is answered 422 with its field and what is allowed. Null counts as absent; a setting that another vendor of the section has is ignored, so that a bot
can change its vendor and go back.

This file is written from `shared/src/catalogue`; a test compares them. Prices and latencies are the vendors' and other people's figures, not measured here: a recogniser's latency is the
median from the end of speech to the final words in an independent benchmark of June 2026 (Pipecat's) or on the vendor's pages, a voice's the time to its first sound as the vendor or a survey of August 2026 says it. What a deployment measures itself is in `GET /api/v1/analytics/vendors` (docs/routing.md), and what it pays is what it enters as prices (docs/billing.md). `-` is not known.
";

/// `docs/providers.md`.
pub fn markdown() -> String {
    let mut text = HEAD.to_owned();
    for (kind, heading) in [
        (Kind::Recogniser, "Recognisers (`stt`)"),
        (Kind::LanguageModel, "Language models (`llm`)"),
        (Kind::Voice, "Voices (`tts`)"),
    ] {
        section(&mut text, kind, heading).expect("writing to a text does not fail");
    }
    text
}

fn section(text: &mut String, kind: Kind, heading: &str) -> Result {
    writeln!(text, "\n## {heading}\n")?;
    writeln!(text, "| `provider` | what | model | price | latency | cannot |")?;
    writeln!(text, "| --- | --- | --- | --- | --- | --- |")?;
    for vendor in kind.vendors() {
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} |",
            vendor.name,
            vendor.title,
            if vendor.model.is_empty() { "-".to_owned() } else { format!("`{}`", vendor.model) },
            vendor.figures.price.unwrap_or("-"),
            latency(vendor),
            words(&lacks(vendor)),
        )?;
    }
    for vendor in kind.vendors() {
        one(text, vendor)?;
    }
    Ok(())
}

fn one(text: &mut String, vendor: &Vendor) -> Result {
    writeln!(text, "\n### `{}`\n", vendor.name)?;
    writeln!(text, "{}.\n", vendor.title)?;
    writeln!(text, "```json\n{}\n```\n", example(vendor))?;
    writeln!(text, "| | |\n| --- | --- |")?;
    writeln!(text, "| key | {} |", key(vendor))?;
    if !vendor.is_local() {
        writeln!(text, "| address | `{}`{} |", vendor.home, elsewhere(vendor))?;
    }
    if !vendor.model.is_empty() {
        let others = vendor.models.iter().map(|model| format!(", `{model}`")).collect::<String>();
        writeln!(
            text,
            "| model | `{}` where none is named{others}; newer ones are passed on |",
            vendor.model
        )?;
    }
    match vendor.voice {
        VoiceRule::None => {}
        VoiceRule::OneOf(voices) => writeln!(text, "| voice | {} |", voices.join(" or "))?,
        VoiceRule::Known(voices) => writeln!(
            text,
            "| voice | {}, or another that the vendor has; the first where none is named |",
            voices.join(", ")
        )?,
        VoiceRule::Id => writeln!(text, "| voice | a voice id of the account; there is no default |")?,
    }
    if !vendor.languages.is_empty() {
        writeln!(text, "| language | {} |", vendor.languages.join(", "))?;
    }
    writeln!(text, "| can | {} |", words(vendor.abilities))?;
    writeln!(text, "| cannot | {} |", words(&lacks(vendor)))?;
    if vendor.kind == Kind::Recogniser {
        writeln!(text, "| counts as silent after | {} |", Rhythm::of(vendor.name, &Map::new()).words())?;
    }
    writeln!(text, "| price | {} |", vendor.figures.price.unwrap_or("-"))?;
    writeln!(text, "| latency | {} |", latency(vendor))?;
    writeln!(text, "| limits | {} |\n", vendor.figures.limits.unwrap_or("-"))?;
    if vendor.settings.is_empty() {
        return writeln!(text, "No `extra` settings.");
    }
    writeln!(text, "| `extra` | must be | what |\n| --- | --- | --- |")?;
    for setting in vendor.settings {
        writeln!(text, "| `{}` | {} | {} |", setting.name, setting.form, setting.about)?;
    }
    Ok(())
}

/// What a bot's section says at least.
fn example(vendor: &Vendor) -> String {
    let section = match vendor.kind {
        Kind::Recogniser => "stt",
        Kind::LanguageModel => "llm",
        Kind::Voice => "tts",
    };
    let mut fields = vec![format!(r#""provider": "{}""#, vendor.name)];
    if vendor.key != Key::Never {
        fields.push(r#""api_key": "YOUR KEY""#.to_owned());
    }
    if !vendor.model.is_empty() {
        fields.push(format!(r#""model": "{}""#, vendor.model));
    }
    match vendor.voice {
        VoiceRule::None => {}
        VoiceRule::OneOf(voices) | VoiceRule::Known(voices) => {
            fields.push(format!(r#""voice": "{}""#, voices[0]))
        }
        VoiceRule::Id => fields.push(r#""voice": "YOUR VOICE""#.to_owned()),
    }
    format!(r#""{section}": {{{}}}"#, fields.join(", "))
}

fn key(vendor: &Vendor) -> String {
    let needed = match vendor.key {
        Key::Never => return "none".to_owned(),
        Key::UnlessOwnServer => "needed, unless `base_url` names a server of your own",
        Key::Always => "needed",
    };
    let account = super::account(vendor.name);
    let whose = if account == vendor.name { String::new() } else { format!("; the same as `{account}`") };
    let form = if vendor.takes_key_file() { ": the whole JSON of a service account's key file" } else { "" };
    let tried = match super::find_tried(vendor.name, None).is_some() {
        true => "`vox doctor` and the bridge try it",
        false => "nothing is there to try it with but a call",
    };
    format!("{needed}{form}{whose}; {tried}")
}

/// The vendor's hosts by region.
fn elsewhere(vendor: &Vendor) -> String {
    let hosts = regions(vendor);
    let told: Vec<String> = hosts.iter().map(|(host, region)| format!("{region}: `{host}`")).collect();
    if told.is_empty() {
        return "; the vendor names no region for it".to_owned();
    }
    format!(" ({})", told.join(", "))
}

fn latency(vendor: &Vendor) -> String {
    vendor.figures.latency_ms.map_or("-".to_owned(), |ms| format!("{ms} ms"))
}

/// What others of the kind can.
fn lacks(vendor: &Vendor) -> Vec<Ability> {
    let of_the_kind: &[Ability] = match vendor.kind {
        Kind::Recogniser => &[
            Ability::Interim,
            Ability::TurnEnd,
            Ability::EagerEnd,
            Ability::SpeechStart,
            Ability::FinalOnDemand,
            Ability::WordTimes,
            Ability::UsageTold,
        ],
        Kind::LanguageModel => {
            &[Ability::Tools, Ability::UsageTold, Ability::CachedTokens, Ability::ReasoningShown]
        }
        Kind::Voice => &[
            Ability::ManyReplies,
            Ability::CancelReply,
            Ability::WordTimes,
            Ability::UsageTold,
            Ability::VoicesFromClips,
        ],
    };
    of_the_kind.iter().filter(|ability| !vendor.abilities.contains(ability)).copied().collect()
}

fn words(abilities: &[Ability]) -> String {
    let words: Vec<&str> = abilities.iter().map(|ability| ability.words()).collect();
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

impl Ability {
    fn words(self) -> &'static str {
        match self {
            Self::Interim => "words while they are spoken",
            Self::TurnEnd => "end of an utterance",
            Self::EagerEnd => "likely end of an utterance, early",
            Self::SpeechStart => "start of speech",
            Self::FinalOnDemand => "final words on demand",
            Self::WordTimes => "times of words",
            Self::UsageTold => "tells usage",
            Self::Tools => "tools",
            Self::ReasoningShown => "shows that it reasons",
            Self::CachedTokens => "counts cached tokens",
            Self::ManyReplies => "several replies at once",
            Self::CancelReply => "cancels a reply",
            Self::VoicesFromClips => "makes voices from clips",
        }
    }
}
