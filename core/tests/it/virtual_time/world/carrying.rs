//! What the session orders, done.

use vox_core::media::tone::LENGTH;
use vox_core::provider::llm::LlmEvent;
use vox_core::provider::tts::TtsInput;
use vox_core::session::event::{Command, Event, RequestId, Span};

use super::{Happening, World};

impl World {
    pub(super) fn carry_out(&mut self, command: Command) {
        match command {
            Command::OpenStt { provider, .. } => self.open_stt(provider),
            Command::FinalizeStt if self.wires.is_some() => self.ear_finalize(),
            Command::FinalizeStt => self.finalize(),
            Command::CloseStt => {
                self.stt_stream += 1;
                self.close_ear();
            }
            Command::Ask { request, provider, heard, ask } => {
                let is_told = |span: &Span| ask.messages.iter().any(|m| m.text.contains(&span.as_text()));
                let is_known = |span: &Span| self.is_written(*span) || is_told(span);
                assert!(heard.iter().all(is_known), "seed {}: {heard:?} is not in {ask:?}", self.seed);
                let has_tools = !ask.tools.is_empty();
                self.ask((request, provider), &heard, has_tools);
            }
            Command::AskSecond { request, provider, ask } => {
                let has_tools = !ask.tools.is_empty();
                self.bad_day.iter_mut().for_each(|day| day.second_requests += 1);
                self.ask((request, provider), &[], has_tools);
            }
            Command::Vendor { service, place, did } => self.note_vendor(service, place, &did),
            Command::Transfer { to } if self.bad_day.is_some() => {
                self.watch_transfer(&to);
                self.hand_over();
            }
            Command::HangUp { by } => self.hung_up(by),
            Command::Consult(order) => self.consult_order(&order),
            Command::Agent(command) => self.agent_command(&command),
            Command::Utter { request, utterance } => self.utter(request, utterance),
            Command::Recite { utterance, text, .. } => self.recite(utterance, &text),
            Command::RunTool { run, call } => self.run_tool(run, &call),
            Command::CancelTool { run } => {
                self.toolbox.answered(run);
                self.watch_cancelled(run);
            }
            Command::PressKey { key } => self.key_pressed(key),
            Command::JournalTurn(line) => self.watch_line(&line),
            Command::CancelAsk { request } => {
                self.drop_answer(request);
                self.cancel_ask(request);
            }
            Command::OpenVoice { provider } => self.open_voice(provider),
            Command::Say { utterance, text } => self.speak(utterance, &text),
            Command::EndSay { utterance } => self.speak_no_more(utterance),
            Command::Phrase { utterance, text } => {
                if self.random.chance(60) {
                    self.note_said(&text);
                    self.cached(utterance, &text);
                } else {
                    self.speak(utterance, &text);
                    self.speak_no_more(utterance);
                }
            }
            Command::StopSaying { utterance, .. } => {
                self.mouth_order(TtsInput::Cancel { utterance });
                if let Some((_, heard)) = self.ear.iter_mut().find(|(id, _)| *id == utterance) {
                    heard.stopped = true;
                }
            }
            Command::HoldTone => self.tone_until = self.now + LENGTH.as_millis() as u64,
            Command::JournalEvent(event) => self.note_agent(&event.event),
            Command::Finish(outcome) => self.outcome = Some(outcome),
            Command::CallBot { bot } => self.call_bot(bot),
            Command::ChangeBot { .. } => self.change_bot(),
            Command::ChangeLanguage { .. }
            | Command::KeepSilent { .. }
            | Command::JudgeTurn { .. }
            | Command::OrderTaken { .. }
            | Command::OrderRefused { .. }
            | Command::Transfer { .. }
            | Command::Supervisor(_)
            | Command::Supervise { .. }
            | Command::Notify(_) => {}
        }
    }

    /// A model that was given no tools calls none.
    fn ask(&mut self, (request, place): (RequestId, usize), heard: &[Span], has_tools: bool) {
        let ends = self.random.chance(15);
        let (mut events, faulty) = self.model_answers(place, ends);
        self.add_hostile_calls(&mut events);
        self.add_hand_over(&mut events);
        events.retain(|(_, event)| has_tools || !matches!(event, LlmEvent::ToolCall(_)));
        self.faults += usize::from(faulty);
        self.llm.insert(request, true);
        self.write_down(heard);
        if self.own_voice.speaks {
            self.sound_of(request, &events);
        }
        self.open_answer(request, place);
        for (after, event) in events {
            let happening = match self.wires {
                Some(_) => Happening::AnswerMeans { request, meaning: event },
                None => Happening::Session(Event::Llm { request, event }),
            };
            self.at(self.now + after, happening);
        }
    }
}
