//! What is to be seen of a scene.

use vox_core::provider::llm::Role;
use vox_shared::wire::result::{CallEvent, Speaker, TranscriptEntry};

use super::Scene;

impl Scene {
    /// The texts and speakers of what was said between the bot and whoever was asked, after the end.
    pub fn asides(&self) -> Vec<(String, String)> {
        let outcome = self.outcome.as_ref().expect("the call is over");
        let asides = outcome.events.iter().filter(|event| event.event == "consult_line");
        let text = |event: &CallEvent, name: &str| event.data[name].as_str().unwrap().to_owned();
        asides.map(|event| (text(event, "speaker"), text(event, "text"))).collect()
    }

    pub fn is_recorded(&self) -> bool {
        self.session.is_recorded()
    }

    /// Whether the bot is being heard.
    pub fn bot_speaks(&self) -> bool {
        self.sounds.iter().any(|s| s.played_ms < s.length_ms)
    }

    /// What the caller has said, as the newest request tells the model.
    pub fn told(&self) -> Vec<String> {
        let (_, request) = self.asked.last().expect("the model was asked");
        let users = request.messages.iter().filter(|m| m.role == Role::User);
        users.map(|m| m.text.clone()).collect()
    }

    /// The roles and texts of the newest request, after the system prompt.
    pub fn conversation(&self) -> Vec<(Role, String)> {
        let (_, request) = self.asked.last().expect("the model was asked");
        request.messages.iter().skip(1).map(|m| (m.role, m.text.clone())).collect()
    }

    pub fn context(&self) -> Vec<(Role, String)> {
        self.session.context().history().into_iter().map(|m| (m.role, m.text)).collect()
    }

    pub fn count(&self, event: &str) -> usize {
        self.events.iter().filter(|e| *e == event).count()
    }

    /// All lines in their order, after the end.
    pub fn transcript(&self) -> Vec<(Speaker, String)> {
        let outcome = self.outcome.as_ref().expect("the call is over");
        outcome.transcript.iter().map(|l| (l.speaker, l.text.clone())).collect()
    }

    /// The lines of one side, after the end.
    pub fn lines(&self, speaker: Speaker) -> Vec<String> {
        let outcome = self.outcome.as_ref().expect("the call is over");
        let lines = outcome.transcript.iter().filter(|l| l.speaker == speaker);
        lines.map(|l: &TranscriptEntry| l.text.clone()).collect()
    }
}
