//! The bot presses keys of the telephone: for a menu that answered, or a door. One key after the other, with the pauses that the model
//! wrote, and never into the bot's own words: a gateway would cut them out of the sound.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;

use super::Session;
use super::event::{Command, ToolAnswer, ToolRunId, ToolStatus};
use super::keypad::{Step, steps};
use super::rules::SEND_DTMF;
use super::text::argument;
use crate::provider::llm::ToolCall;

/// While the bot speaks it is looked at again after this.
const WHILE_SPEAKING: Duration = Duration::from_millis(100);

/// A row of keys that is being pressed.
#[derive(Debug)]
pub struct Keying {
    run: ToolRunId,
    left: VecDeque<Step>,
    pressed: usize,
    due: Duration,
}

impl Session {
    /// Why the model's call cannot be made whatever else is so: the line has no keys, or these are none.
    pub(super) fn cannot_press(&self, call: &ToolCall) -> Option<String> {
        if call.name != SEND_DTMF {
            return None;
        }
        if !self.rules.presses_keys {
            return Some("no key can be pressed on this call: this line cannot".into());
        }
        let digits = argument(&call.arguments, "digits").unwrap_or_default();
        steps(&digits).err()
    }

    /// Begin to press, behind what is being pressed already.
    pub(super) fn press(&mut self, run: ToolRunId, call: &ToolCall) {
        let digits = argument(&call.arguments, "digits").unwrap_or_default();
        let left = steps(&digits).unwrap_or_default();
        self.keying.push_back(Keying { run, left, pressed: 0, due: self.now });
    }

    /// When the next key is due.
    pub(super) fn press_due(&self) -> Option<Duration> {
        self.keying.front().map(|keying| keying.due)
    }

    /// The next key, or the end of the row.
    pub(super) fn press_next(&mut self, out: &mut Vec<Command>) {
        if !self.course.is_live() {
            return self.keys_failed("the call is not with the bot any more", out);
        }
        let speaks = self.speaking.is_busy();
        let (now, Some(keying)) = (self.now, self.keying.front_mut()) else { return };
        if speaks {
            keying.due = now + WHILE_SPEAKING;
            return;
        }
        let Some(step) = keying.left.pop_front() else {
            let (run, pressed) = (keying.run, keying.pressed);
            self.keying.pop_front();
            let told =
                json!({"pressed": pressed, "note": "All keys were pressed. Wait for what the line answers."});
            return self.keyed(run, told.into(), out);
        };
        keying.due = now + step.takes();
        if let Step::Press(key) = step {
            keying.pressed += 1;
            out.push(Command::PressKey { key });
        }
    }

    /// The line did not press a key, or has no keys any more: nothing more of the row is pressed.
    pub(super) fn keys_failed(&mut self, why: &str, out: &mut Vec<Command>) {
        let Some(keying) = self.keying.pop_front() else { return };
        let result = format!("error: not all keys were pressed: {why}.").into();
        self.keyed(keying.run, ToolAnswer { status: ToolStatus::Failed, code: None, result }, out);
    }

    fn keyed(&mut self, run: ToolRunId, answer: ToolAnswer, out: &mut Vec<Command>) {
        if let Some(next) = self.keying.front_mut() {
            next.due = next.due.max(self.now);
        }
        self.on_tool_done(run, answer, out);
    }
}
