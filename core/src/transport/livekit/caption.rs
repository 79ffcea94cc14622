//! What is said in the room as texts, and what the bot is doing, as front ends for LiveKit's agents expect them: text streams of the
//! topic `lk.transcription`, and the attribute `lk.agent.state`.

use std::collections::BTreeMap;

use vox_livekit::TextHead;
use vox_shared::wire::result::{Speaker, TranscriptEntry};

use crate::session::event::Notice;

const TOPIC: &str = "lk.transcription";
/// Of a line that the caller broke off. LiveKit's clients have no word for it; our widget knows this one.
const INTERRUPTED: &str = "vox.interrupted";

/// What the room knows already, and whose voice is whose.
#[derive(Debug)]
pub(super) struct Captions {
    state: &'static str,
    /// Ids of the bot's track and of the caller's.
    pub(super) bot_track: String,
    pub(super) caller_track: Option<String>,
}

/// What the room is to be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) text: Option<(TextHead, String)>,
    pub(super) state: Option<&'static str>,
}

impl Captions {
    pub(super) fn new(bot_track: String) -> Self {
        Self { state: "initializing", bot_track, caller_track: None }
    }

    /// The bot listens from now on.
    pub(super) fn begin(&mut self) -> Told {
        Told { text: None, state: self.change("listening") }
    }

    /// Something happened in the conversation.
    pub(super) fn of(&mut self, notice: &Notice) -> Told {
        match notice {
            Notice::Transcript { entry, is_final } => {
                let thinks = *is_final && entry.speaker == Speaker::Caller && self.state == "listening";
                let state = if thinks { self.change("thinking") } else { None };
                Told { text: Some((self.head(entry, *is_final), entry.text.clone())), state }
            }
            Notice::BotStarted { .. } => Told { text: None, state: self.change("speaking") },
            Notice::BotStopped { .. } | Notice::Interrupted { .. } => {
                Told { text: None, state: self.change("listening") }
            }
            Notice::Metrics(_) => Told::default(),
        }
    }

    fn change(&mut self, state: &'static str) -> Option<&'static str> {
        (std::mem::replace(&mut self.state, state) != state).then_some(state)
    }

    /// Each telling of a line is a stream of its own with the whole text so far; its segment is the same.
    fn head(&self, entry: &TranscriptEntry, is_final: bool) -> TextHead {
        let (who, track) = match entry.speaker {
            Speaker::Bot | Speaker::System => ("bot", Some(&self.bot_track)),
            Speaker::Caller => ("caller", self.caller_track.as_ref()),
            Speaker::Agent => ("agent", None),
        };
        let mut attributes = BTreeMap::from([
            ("lk.segment_id".to_owned(), format!("SG_{who}_{}_{}", entry.turn, entry.started_ms)),
            ("lk.transcription_final".to_owned(), is_final.to_string()),
        ]);
        if let Some(track) = track {
            attributes.insert("lk.transcribed_track_id".to_owned(), track.clone());
        }
        if entry.interrupted {
            attributes.insert(INTERRUPTED.to_owned(), true.to_string());
        }
        TextHead { topic: TOPIC.to_owned(), attributes, to: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(speaker: Speaker, text: &str, is_final: bool) -> Notice {
        let entry = TranscriptEntry {
            turn: 2,
            speaker,
            text: text.into(),
            confidence: None,
            started_ms: 1_200,
            ended_ms: 2_000,
            interrupted: false,
            words: Vec::new(),
            bot_id: None,
        };
        Notice::Transcript { entry, is_final }
    }

    #[test]
    fn tellings_of_a_line_share_its_segment_and_name_whose_voice_it_was() {
        let mut captions = Captions::new("TR_bot".into());
        captions.caller_track = Some("TR_ada".into());
        let mut head = |notice: &Notice| captions.of(notice).text.unwrap().0.attributes;
        let (interim, whole) =
            (head(&line(Speaker::Caller, "I would", false)), head(&line(Speaker::Caller, "I would.", true)));
        assert_eq!(interim["lk.segment_id"], whole["lk.segment_id"]);
        assert_eq!(
            (interim["lk.transcription_final"].as_str(), whole["lk.transcription_final"].as_str()),
            ("false", "true")
        );
        assert_eq!(whole["lk.transcribed_track_id"], "TR_ada");
        let bot = head(&line(Speaker::Bot, "Good day", true));
        assert_eq!(bot["lk.transcribed_track_id"], "TR_bot");
        assert_ne!(bot["lk.segment_id"], whole["lk.segment_id"]);
        assert!(!bot.contains_key(INTERRUPTED));
        let Notice::Transcript { mut entry, is_final } = line(Speaker::Bot, "Good", true) else {
            unreachable!()
        };
        entry.interrupted = true;
        assert_eq!(head(&Notice::Transcript { entry, is_final })[INTERRUPTED], "true");
    }

    #[test]
    fn the_state_is_told_when_it_is_another() {
        let mut captions = Captions::new("TR_bot".into());
        assert_eq!(captions.begin().state, Some("listening"));
        assert_eq!(captions.of(&Notice::BotStopped { turn: 1 }).state, None);
        assert_eq!(captions.of(&line(Speaker::Caller, "Yes", false)).state, None);
        assert_eq!(captions.of(&line(Speaker::Caller, "Yes.", true)).state, Some("thinking"));
        assert_eq!(captions.of(&Notice::BotStarted { turn: 1 }).state, Some("speaking"));
        assert_eq!(captions.of(&line(Speaker::Caller, "No.", true)).state, None, "it speaks still");
        assert_eq!(
            captions.of(&Notice::Interrupted { turn: 1, heard: String::new() }).state,
            Some("listening")
        );
    }
}
