//! A transfer that was under way when the worker died: nobody is asked any more, and whoever had the call is gone.

use std::time::Duration;

use vox_shared::wire::result::CallEvent;

use super::field;
use crate::session::Session;
use crate::session::event::{Command, Transfer};
use crate::session::kind::EventKind;
use crate::session::successor::BOT;

const BROKE_OFF: &str = "the line broke off";

impl Session {
    /// The newest try, as far as the journal knows it.
    pub(super) fn remember_transfer(&mut self, events: &[CallEvent]) {
        let to_a_bot = |event: &&CallEvent| field(event, "transfer_type").as_str() == Some(BOT);
        // To a bot the call goes on, and nobody else has it.
        let handed = |event: &&CallEvent| event.event == EventKind::Transferred.as_str() && to_a_bot(event);
        self.hand_overs = u32::try_from(events.iter().filter(handed).count()).unwrap_or(u32::MAX);
        for event in events.iter().filter(|event| !to_a_bot(event)) {
            let text = |name: &str| field(event, name).as_str().unwrap_or_default().to_owned();
            match (event.event.as_str(), &mut self.transfer) {
                (word, transfer) if word == EventKind::TransferRequested.as_str() => {
                    // A kind, and the method after it.
                    let method = event.why.rsplit(", ").next().unwrap_or_default().to_owned();
                    let at = Duration::from_millis(event.at_ms);
                    *transfer = Some(Transfer { to: text("target"), method, at, failed: None, done: false });
                }
                (word, Some(transfer)) if word == EventKind::TransferFailed.as_str() => {
                    transfer.failed = Some(event.why.clone());
                }
                (word, Some(transfer)) if word == EventKind::Transferred.as_str() => {
                    transfer.done = true;
                    transfer.at = Duration::from_millis(event.at_ms);
                }
                _ => {}
            }
        }
    }

    /// The caller is with the bot: the model knows what became of the person, and so does the record.
    pub(super) fn take_caller_back(&mut self, out: &mut Vec<Command>) {
        let Some(transfer) = self.transfer.as_mut().filter(|transfer| transfer.failed.is_none()) else {
            return;
        };
        if transfer.done {
            // Who stayed with a person as the bot did has an event of its own for their leaving.
            return self.context.note("A person had taken the call, and is not on the line any more. You talk with the caller again.");
        }
        transfer.failed = Some(BROKE_OFF.to_owned());
        self.report.event(self.now, EventKind::TransferFailed, BROKE_OFF, out);
        self.context.note("The transfer failed: the line broke off. The caller is still on the line.");
    }
}
