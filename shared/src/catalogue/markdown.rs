//! The catalogue for people.

use std::fmt::Write as _;

use super::{Ability, Key, Kind, Vendor, VoiceRule};

const HEAD: &str = "# Vendors

What a bot's `stt`, `llm` and `tts` may name, and what may stand in their `extra`. The same catalogue checks a bot when it is saved: a wrong
setting is answered 422 with its field and what is allowed. Null counts as absent; a setting that another vendor of the section has is ignored, so that a bot
can change its vendor and go back.

This file is written from `shared/src/catalogue`; a test compares them. Prices, latencies and limits stand there only with a source that can be named.
";

/// `docs/vendors.md`.
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

fn section(text: &mut String, kind: Kind, heading: &str) -> std::fmt::Result {
    writeln!(text, "\n## {heading}\n")?;
    writeln!(text, "| `provider` | what | key | model | abilities | price | latency | limits |")?;
    writeln!(text, "| --- | --- | --- | --- | --- | --- | --- | --- |")?;
    for vendor in kind.vendors() {
        let latency = vendor.figures.latency_ms.map_or("-".to_owned(), |ms| format!("{ms} ms"));
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} | {latency} | {} |",
            vendor.name,
            vendor.title,
            key(vendor.key),
            models(vendor),
            abilities(vendor),
            vendor.figures.price.unwrap_or("-"),
            vendor.figures.limits.unwrap_or("-"),
        )?;
    }
    for vendor in kind.vendors() {
        settings(text, vendor)?;
    }
    Ok(())
}

fn settings(text: &mut String, vendor: &Vendor) -> std::fmt::Result {
    writeln!(text, "\n### `{}`\n", vendor.name)?;
    match vendor.voice {
        VoiceRule::None => {}
        VoiceRule::OneOf(voices) => writeln!(text, "`voice`: {}.\n", voices.join(" or "))?,
        VoiceRule::Id => writeln!(text, "`voice`: a voice id of the account; there is no default.\n")?,
    }
    if !vendor.languages.is_empty() {
        writeln!(text, "`language`: {}.\n", vendor.languages.join(", "))?;
    }
    if vendor.settings.is_empty() {
        return writeln!(text, "No `extra` settings.");
    }
    writeln!(text, "| `extra` | must be | what |\n| --- | --- | --- |")?;
    for setting in vendor.settings {
        writeln!(text, "| `{}` | {} | {} |", setting.name, setting.form, setting.about)?;
    }
    Ok(())
}

fn key(key: Key) -> &'static str {
    match key {
        Key::Never => "none",
        Key::UnlessOwnServer => "needed, unless `base_url` names a server of your own",
        Key::Always => "needed",
    }
}

fn models(vendor: &Vendor) -> String {
    if vendor.model.is_empty() {
        return "-".to_owned();
    }
    format!("`{}`; also {}, and newer ones", vendor.model, vendor.models.join(", "))
}

fn abilities(vendor: &Vendor) -> String {
    let words: Vec<&str> = vendor.abilities.iter().map(|ability| ability.words()).collect();
    words.join(", ")
}

impl Ability {
    fn words(self) -> &'static str {
        match self {
            Self::Interim => "words while they are spoken",
            Self::TurnEnd => "end of an utterance",
            Self::SpeechStart => "start of speech",
            Self::FinalOnDemand => "final words on demand",
            Self::WordTimes => "times of words",
            Self::UsageTold => "tells usage",
            Self::Tools => "tools",
            Self::ReasoningShown => "shows that it reasons",
            Self::CachedTokens => "counts cached tokens",
            Self::ManyReplies => "several replies on one connection",
            Self::CancelReply => "cancels a reply",
            Self::VoicesFromClips => "makes voices from clips",
        }
    }
}
