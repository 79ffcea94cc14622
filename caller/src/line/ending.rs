//! The end of a call: by the caller, the bot, a deadline or a broken connection; then the closing of the socket.

use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use super::{Ending, Line};
use crate::{
    ear::{OwnTiming, measure},
    event::{End, EndedBy, Event},
    report::Report,
    violation::Rule,
};

const NORMAL: u16 = 1_000;
/// The close frame had no code.
const NO_STATUS: u16 = 1_005;

impl Line {
    /// The carrier ends the call, for the caller or for itself.
    pub(super) async fn hang_up(&mut self, by: EndedBy, reason: &str) {
        if let Some(message) = self.codec.hangup() {
            self.send(message).await;
        }
        if self.ending.is_none() {
            self.begin_ending(by, reason.to_owned());
        }
        if self.codec.carrier_closes() {
            self.close().await;
        }
    }

    /// The carrier connects the caller elsewhere, as the bot asked: the bot's stream ends. A protocol without transfers has no word
    /// for it, and the caller hangs up.
    pub(super) async fn take_over(&mut self) {
        if !self.codec.takes_over() {
            return self.hang_up(EndedBy::Caller, "the caller hung up").await;
        }
        if let Some(message) = self.codec.taken_over() {
            self.send(message).await;
        }
        if self.ending.is_none() {
            self.begin_ending(EndedBy::Carrier, "the caller was handed over".to_owned());
        }
        if self.codec.carrier_closes() {
            self.close().await;
        }
    }

    /// The bot hung up in its protocol's way. The server closes the socket.
    pub(super) async fn bot_hung_up(&mut self, reason: String) {
        self.begin_ending(EndedBy::Bot, reason);
        if let Some(message) = self.codec.confirm_hangup() {
            self.send(message).await;
        }
    }

    /// The connection is gone.
    pub(super) fn lose(&mut self, why: String) {
        if self.ending.is_none() {
            self.begin_ending(EndedBy::Lost, why);
        }
        if let Some(ending) = &mut self.ending {
            ending.closed = true;
        }
    }

    pub(super) fn on_close(&mut self, frame: Option<CloseFrame>) {
        let (code, reason) = match frame {
            Some(frame) => (u16::from(frame.code), frame.reason.to_string()),
            None => (NO_STATUS, String::new()),
        };
        let is_normal = matches!(code, NORMAL | NO_STATUS);
        if self.ending.is_some() {
            if !is_normal {
                self.note(Rule::CloseCode, || format!("{code} {reason:?} after the end of the call"));
            }
        } else if self.codec.closing_is_a_hangup() && is_normal {
            self.begin_ending(EndedBy::Bot, reason);
        } else {
            if is_normal {
                self.note(Rule::ClosedWithoutHangup, || {
                    format!("closed with {code} in the middle of the call")
                });
            }
            let why = self.log.last_error.take().unwrap_or(reason);
            self.begin_ending(EndedBy::Server, why);
        }
        if let Some(ending) = &mut self.ending {
            ending.end.close_code = Some(code);
            ending.closed = true;
        }
    }

    /// The server left the socket open: close it for it.
    pub(super) fn give_up_closing(&mut self) {
        self.note(Rule::NotClosedAfterHangup, || "the socket stayed open".to_owned());
        if let Some(ending) = &mut self.ending {
            ending.closed = true;
        }
    }

    async fn close(&mut self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        // The server may have closed already; the end of the call is known either way.
        let _ = timeout(self.options.deadlines.write, self.socket.close(Some(frame))).await;
    }

    fn begin_ending(&mut self, by: EndedBy, reason: String) {
        let now = Instant::now();
        let position = self.position(now);
        if let Some(turn) = self.mouth.cut_off(self.frames * self.frame.len() as u64) {
            self.ear.caller_said(turn);
        }
        let end = End { by, at_ms: self.at_ms(now), close_code: None, reason };
        self.shared.state.send_modify(|state| state.is_ended = true);
        self.ending = Some(Ending { end, position, since: now, closed: false });
    }

    pub(super) fn into_report(mut self) -> Report {
        let at = Instant::now();
        let ending = self.ending.take().unwrap_or_else(|| Ending {
            end: End { by: EndedBy::Lost, at_ms: self.at_ms(at), close_code: None, reason: String::new() },
            position: self.position(at),
            since: at,
            closed: true,
        });
        self.tell(Event::Ended(ending.end.clone()));
        let (tracks, saved) = self.ear.finish(ending.position);
        Report {
            protocol: self.options.protocol.to_string(),
            rate_hz: tracks.rate_hz,
            duration_ms: ending.end.at_ms,
            heard: measure(&tracks),
            violations: self.shared.ledger.violations(),
            own_timing: OwnTiming { frame_late_ms: self.own_lateness.spread() },
            session_id: self.log.session_id,
            transcript: self.log.transcript,
            metrics: self.log.metrics,
            events_dropped: self.log.events_dropped,
            recording: self.options.hearing.save.filter(|_| saved.is_ok()),
            recording_fault: saved.err().map(|error| error.to_string()),
            end: ending.end,
            tracks,
        }
    }
}
