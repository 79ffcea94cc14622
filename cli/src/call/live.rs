//! The conversation on the screen as it happens.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use vox_caller::{End, EndedBy, Event, Metrics, Transcript};

use super::waterfall;
use crate::terminal::{Style, Terminal, plain};

/// Pieces of the bot's audio that wait for the loudspeaker: two seconds.
pub const MAX_AUDIO_PIECES: usize = 100;

/// Show events until the call is over. The bot's audio goes to `audio`, where somebody may play it; `elsewhere` learns that the bot
/// wants the caller connected elsewhere.
pub async fn show(
    mut events: mpsc::Receiver<Event>,
    terminal: Terminal,
    audio: mpsc::Sender<Arc<[i16]>>,
    elsewhere: Arc<Notify>,
) {
    let screen = Screen { terminal };
    while let Some(event) = events.recv().await {
        if matches!(event, Event::Transfer { .. }) {
            elsewhere.notify_one();
        }
        if let Event::BotAudio(samples) = event {
            // A loudspeaker that does not keep up skips, rather than lag behind the call.
            let _ = audio.try_send(samples);
            continue;
        }
        screen.show(event);
    }
}

struct Screen {
    terminal: Terminal,
}

impl Screen {
    fn show(&self, event: Event) {
        match event {
            Event::Answered => self.terminal.fleeting("answered"),
            Event::Ready { session_id } => self.note(0.0, &format!("answered, call {}", plain(&session_id))),
            Event::Transcript(line) => self.said(&line),
            Event::Interrupted { heard, .. } => self.interrupted(&heard),
            Event::Metrics(metrics) => self.latency(&metrics),
            Event::Transfer { to } => self.terminal.line(&format!("         transfer to {}", plain(&to))),
            Event::ServerError { code, detail } => {
                self.terminal.warning(&format!("{}: {}", plain(&code), plain(&detail)));
            }
            Event::Ended(end) => self.ended(&end),
            Event::BotAudio(_)
            | Event::BotAudible { .. }
            | Event::BotSilent { .. }
            | Event::Cleared { .. }
            | Event::BotStarted { .. }
            | Event::BotStopped { .. } => {}
        }
    }

    fn said(&self, line: &Transcript) {
        let text = line_of(line.started_ms, &line.speaker, &plain(&line.text));
        if !line.is_final {
            return self.terminal.fleeting(&text);
        }
        self.terminal.line(&text);
    }

    fn interrupted(&self, heard: &str) {
        let heard = if heard.is_empty() { "nothing".to_owned() } else { format!("“{}”", plain(heard)) };
        let text = format!("{:>16}⏹ interrupted; heard so far: {heard}", "");
        self.terminal.line(&self.terminal.styled(Style::Warning, &text));
    }

    fn latency(&self, metrics: &Metrics) {
        let parts: Vec<(&str, f64)> = metrics.parts.iter().map(|(name, ms)| (name.as_str(), *ms)).collect();
        for line in waterfall::draw(metrics.turn, &parts, metrics.total_ms) {
            self.terminal.line(&self.terminal.styled(Style::Faint, &line));
        }
    }

    fn ended(&self, end: &End) {
        let who = match end.by {
            EndedBy::Caller => "the caller hung up",
            EndedBy::Bot => "the bot hung up",
            EndedBy::Server => "the server closed the call",
            EndedBy::Carrier => "a deadline passed and the carrier gave up",
            EndedBy::Lost => "the connection broke",
        };
        let reason = if end.reason.is_empty() || end.is_regular() {
            String::new()
        } else {
            format!(": {}", plain(&end.reason))
        };
        self.note(end.at_ms, &format!("{who}{reason}"));
    }

    fn note(&self, at_ms: f64, text: &str) {
        self.terminal.line(&self.terminal.styled(Style::Faint, &format!("{} {text}", time(at_ms))));
    }
}

/// One line of the conversation.
pub fn line_of(at_ms: f64, speaker: &str, text: &str) -> String {
    format!("{} {speaker:<6} {text}", time(at_ms))
}

fn time(at_ms: f64) -> String {
    format!("{:>6.1} s", at_ms / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_when_and_who() {
        assert_eq!(line_of(12_340.0, "bot", "Hello."), "  12.3 s bot    Hello.");
        assert_eq!(line_of(0.0, "caller", "hi"), "   0.0 s caller hi");
    }
}
