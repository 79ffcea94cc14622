//! The bot goes over to another of its languages: at the end of what is being said, with what the caller is heard by, how texts are put
//! and the voice. The model decides it with a tool; decision 0083 has the reasons.

use serde_json::json;
use vox_shared::model::bot::languages::{BotLanguage, find_language};
use vox_shared::model::bot::tool::SWITCH_LANGUAGE;

use super::Session;
use super::event::{Command, ToolAnswer, ToolRunId, ToolStatus};
use super::kind::EventKind;
use super::party::Party;
use super::spending::object;
use super::text::argument;
use super::tongue::Tongue;
use crate::provider::llm::ToolCall;

/// A language that waits for the end of what is being said.
#[derive(Debug)]
pub(super) struct Switching {
    run: ToolRunId,
    place: usize,
}

impl Session {
    /// Why the model's call cannot be made whatever else is so.
    pub(super) fn cannot_switch(&self, call: &ToolCall) -> Option<String> {
        if call.name != SWITCH_LANGUAGE {
            return None;
        }
        if self.rules.tongues.is_empty() {
            return Some("this bot has no other language: its setting `languages` is empty".into());
        }
        let wanted = argument(&call.arguments, "language").unwrap_or_default();
        self.tongue(&wanted).err()
    }

    fn tongue(&self, wanted: &str) -> Result<usize, String> {
        let tags: Vec<BotLanguage> =
            self.rules.tongues.iter().map(|tongue| named(&tongue.language)).collect();
        let found = find_language(&tags, wanted).map(|found| &found.language);
        let place = self.rules.tongues.iter().position(|tongue| Some(&tongue.language) == found);
        place.ok_or_else(|| {
            let known: Vec<&str> = self.rules.tongues.iter().map(|tongue| tongue.language.as_str()).collect();
            format!("there is no language '{wanted}'; there are: {}", known.join(", "))
        })
    }

    /// Begin to go over: it is answered when it is done, so that what the model says next is said in the new language. Of several the
    /// last one counts.
    pub(super) fn begin_switch(&mut self, run: ToolRunId, call: &ToolCall, out: &mut Vec<Command>) {
        let wanted = argument(&call.arguments, "language").unwrap_or_default();
        let next = self.tongue(&wanted).ok().map(|place| Switching { run, place });
        if let Some(before) = std::mem::replace(&mut self.switching, next) {
            let why = json!("error: another language was chosen after this one");
            let answer = ToolAnswer { status: ToolStatus::Cancelled, ..ToolAnswer::from(why) };
            self.on_tool_done(before.run, answer, out);
        }
    }

    /// Everything that was to be said is said.
    pub(super) fn switch_if_due(&mut self, out: &mut Vec<Command>) {
        if self.plan.is_paused() {
            return;
        }
        let Some(Switching { run, place }) = self.switching.take() else { return };
        let Some(tongue) = self.rules.tongues.get(place).cloned() else { return };
        let told = json!({"language": tongue.language, "note": "The caller is heard in this language, and you are said in it. Go on in it."});
        if tongue.language != self.rules.language {
            self.switch(tongue, out);
        }
        self.on_tool_done(run, ToolAnswer::from(told), out);
    }

    fn switch(&mut self, tongue: Tongue, out: &mut Vec<Command>) {
        let Tongue { language, wording, closing } = tongue;
        let data = object(json!({"language": language, "from": self.rules.language}));
        self.report.event_with(self.now, EventKind::LanguageSwitched, (language.clone(), data), out);
        self.thinking.set_language(&language);
        self.speaking.change_wording(wording.clone());
        (self.rules.wording, self.rules.closing) = (wording, closing);
        out.push(Command::ChangeLanguage { language: language.clone() });
        self.rules.language = language;
        if !self.rules.model_speaks() && !self.speaking.is_lost() {
            out.push(Command::OpenVoice { provider: self.speaking.provider() });
        }
        let place = self.listening.recogniser.provider();
        if !self.rules.hears_any.get(place).copied().unwrap_or_default() {
            self.listening.begin_anew(self.now);
            self.open_stt(Party::Caller, out);
        }
    }
}

fn named(language: &str) -> BotLanguage {
    BotLanguage { language: language.to_owned(), ..BotLanguage::default() }
}
