//! What must hold of a conversation that is over.

use vox_core::provider::llm::Role;
use vox_core::session::event::Outcome;
use vox_shared::catalogue::Rhythm;
use vox_shared::model::bot::{Phrases, ReEngagement};
use vox_shared::wire::result::{DisconnectedBy, Speaker, TranscriptEntry};

use super::{Heard, Verdict, WORD_TAIL_MS, World};

/// Of "That costs 3.50 euros in all.", and what the voice is given for it.
const NUMBER: &str = "3.50";
const IN_WORDS: [&str; 4] = ["three", "point", "five", "zero"];

impl World {
    /// The context must be what the ear got, word by word.
    pub(super) fn judge(self) -> Verdict {
        let outcome = self.outcome.as_ref().expect("the loop ends with an outcome");
        let in_context: Vec<String> = self
            .session
            .context()
            .history()
            .iter()
            .filter(|m| m.role == Role::Assistant)
            .flat_map(|m| m.text.split_whitespace().map(str::to_owned))
            .collect();
        let to_caller = self.ear.iter().filter(|(id, _)| !self.consult.asides.contains(id));
        let heard: Vec<String> = to_caller.flat_map(|(_, h)| words_heard(h)).collect();
        let is_exact = self.wires.is_none();
        assert!(
            !is_exact || in_context == heard,
            "seed {}: {in_context:?} in the context, {heard:?} heard",
            self.seed
        );
        let lines: Vec<_> = outcome.transcript.iter().filter(|t| t.speaker == Speaker::Bot).collect();
        let spoken: Vec<String> =
            lines.iter().flat_map(|t| t.text.split_whitespace().map(str::to_owned)).collect();
        assert!(
            !is_exact || spoken == heard,
            "seed {}: {spoken:?} in the transcript, {heard:?} heard",
            self.seed
        );
        self.judge_said(&in_context, &lines);
        self.judge_agent(&outcome.transcript);
        self.judge_consult(&outcome.events);
        self.judge_tools(&outcome.events);
        self.judge_end(outcome);
        self.judge_goodbyes(&outcome.transcript);
        self.judge_callback(outcome.callback.as_ref());
        let zombies: Vec<_> =
            self.llm.iter().filter(|(_, waits)| **waits).map(|(request, _)| *request).collect();
        assert!(zombies.is_empty(), "seed {}: nobody gave these requests up: {zombies:?}", self.seed);
        let keyed = outcome.transcript.iter().filter_map(|l| l.text.strip_prefix("[keypad: "));
        let keyed: String = keyed.map(|keys| keys.trim_end_matches(']')).collect();
        assert_eq!(keyed, self.keys, "seed {}: keys without a line", self.seed);
        for text in &self.own_voice.written {
            let is_told = outcome.transcript.iter().any(|l| l.speaker == Speaker::Caller && l.text == *text);
            assert!(is_told, "seed {}: the record does not know {text}", self.seed);
            let is_known = self.session.context().history().iter().any(|m| m.text.contains(text.as_str()));
            assert!(is_known, "seed {}: the model does not know {text}", self.seed);
        }
        for l in &outcome.latency {
            let parts = l.endpoint_ms
                + l.stt_ms
                + l.llm_ms
                + l.rag_ms
                + l.tool_ms
                + l.sentence_ms
                + l.tts_ms
                + l.platform_ms
                + l.transport_ms;
            assert!(parts + 1e-6 >= l.total_ms, "seed {}: the parts do not add up: {l:?}", self.seed);
        }
        let count = |kind: &str| outcome.events.iter().filter(|event| event.event == kind).count();
        if self.stt_is_good && self.stt_rhythm == Rhythm::Steady && self.agent.joined == 0 {
            let events = &outcome.events;
            assert_eq!(count("recogniser_failed"), 0, "seed {}: a false alarm: {events:?}", self.seed);
        }
        let day = self.bad_day.as_ref();
        Verdict {
            replies: lines.len(),
            interruptions: lines.iter().filter(|t| t.interrupted).count(),
            faults: self.faults,
            ended_by_bot: outcome.disconnected_by == DisconnectedBy::Bot,
            longest_silence_ms: self.longest_silence,
            ran: self.toolbox.ran,
            joined: self.agent.joined + self.consult.joined,
            came_back: self.consult.came_back,
            written: self.own_voice.written.len(),
            failed: day.map_or(0, |day| day.failed),
            fell_back: day.map_or(0, |day| day.fell_back),
            second_requests: day.map_or(0, |day| day.second_requests),
            common_answers: count("common_answer"),
            handed_on: count("handed_on"),
            changed: self.successors.changed,
            count: self.watch.count,
            heard: self.wires.as_ref().map(|wires| wires.heard.clone()).unwrap_or_default(),
            answers_of_ears: self
                .wires
                .as_ref()
                .map(|wires| wires.answers_of_ears.clone())
                .unwrap_or_default(),
            refused: count("tool_refused"),
        }
    }

    /// One goodbye: no second one is said to its end unless somebody has said something since the first began.
    fn judge_goodbyes(&self, transcript: &[TranscriptEntry]) {
        let (stock, prompts) = (Phrases::default(), ReEngagement::default());
        let said_before =
            ["Goodbye and take care.", "We close now. Goodbye.", "Thank you for calling. Goodbye."];
        let own = [&stock.apology, &stock.time_up, &prompts.goodbye].map(String::as_str);
        let is_goodbye = |line: &&TranscriptEntry| {
            line.speaker == Speaker::Bot
                && !line.interrupted
                && said_before.iter().chain(&own).any(|goodbye| line.text.ends_with(goodbye))
        };
        let goodbyes: Vec<_> = transcript.iter().filter(is_goodbye).collect();
        for pair in goodbyes.windows(2) {
            // Over it, or behind it.
            let is_answered =
                transcript.iter().any(|l| l.speaker != Speaker::Bot && l.ended_ms > pair[0].started_ms);
            assert!(is_answered, "seed {}: two goodbyes: {transcript:?}", self.seed);
        }
    }

    /// One goodbye, and one end.
    fn judge_end(&self, outcome: &Outcome) {
        let ends = outcome.events.iter().filter(|event| event.event == "ended").count();
        assert_eq!((ends, self.hang_ups <= 1), (1, true), "seed {}: {:?}", self.seed, outcome.events);
        let stock = Phrases::default();
        for goodbye in [&stock.apology, &stock.time_up] {
            let said = outcome.transcript.iter().filter(|line| line.text == *goodbye).count();
            assert!(said <= 1, "seed {}: {goodbye} is said {said} times", self.seed);
        }
    }
}

pub(super) fn words_heard(heard: &Heard) -> Vec<String> {
    if heard.played_ms == 0 {
        return Vec::new();
    }
    let whole = heard.complete && heard.played_ms >= heard.audio_ms;
    let words = heard.words.iter().filter(|w| whole || w.ended_ms <= heard.played_ms + WORD_TAIL_MS);
    as_written(words.map(|w| w.text.clone()).collect())
}

/// The words for the number in one of the replies are one word of the record, once all of them were heard.
pub(super) fn as_written(mut words: Vec<String>) -> Vec<String> {
    while let Some(at) = words.windows(IN_WORDS.len()).position(|here| here == IN_WORDS) {
        words.splice(at..at + IN_WORDS.len(), [NUMBER.to_owned()]);
    }
    let is_cut = |n: &usize| words.len() >= *n && words[words.len() - n..] == IN_WORDS[..*n];
    let cut = (1..IN_WORDS.len()).rev().find(is_cut);
    words.truncate(words.len() - cut.unwrap_or_default());
    words
}
