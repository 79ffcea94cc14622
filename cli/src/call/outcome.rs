//! What is told and kept when a call is over.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use vox_caller::{End, Heard, Report, Violation};
use vox_shared::private;

use super::CallError;
use super::record::{Stored, patient};
use crate::bridge::Bridge;
use crate::terminal::{Style, Terminal, plain};

/// For the recording to be there after the record.
const RECORDING_DEADLINE: Duration = Duration::from_secs(20);
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// Files of a call, each as far as it is there.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Paths {
    /// Stereo, caller left and bot right, made by the worker.
    pub recording: Option<PathBuf>,
    /// The record as the bridge has it.
    pub result: Option<PathBuf>,
    /// Stereo, as this caller spoke and heard.
    pub heard: Option<PathBuf>,
    #[serde(skip)]
    directory: Option<PathBuf>,
}

impl Paths {
    /// Make the directory, if one was named, and say where the caller's own recording goes.
    pub fn prepare(directory: Option<&Path>) -> Result<Self, CallError> {
        let Some(directory) = directory else { return Ok(Self::default()) };
        let failed = |source| CallError::Save { path: directory.to_owned(), source };
        private::make_directory(directory).map_err(failed)?;
        let directory = std::path::absolute(directory).map_err(failed)?;
        Ok(Self { heard: Some(directory.join("heard.wav")), directory: Some(directory), ..Self::default() })
    }

    /// Keep the record and the recording.
    pub async fn keep(
        mut self,
        bridge: &Bridge,
        report: &Report,
        call: Option<&Stored>,
    ) -> Result<Self, CallError> {
        let Some(directory) = &self.directory else { return Ok(self) };
        if let Some(fault) = &report.recording_fault {
            return Err(CallError::NotRecorded(fault.clone()));
        }
        let Some(call) = call else { return Ok(self) };
        let result = directory.join("result.json");
        let text = serde_json::to_vec_pretty(&call.whole).expect("JSON that was read can be written");
        self.result = Some(keep(result, &text)?);
        if let Some(token) = &call.record.recording_access_token {
            let recording = download(bridge, token).await?;
            self.recording =
                recording.map(|bytes| keep(directory.join("recording.wav"), &bytes)).transpose()?;
        }
        Ok(self)
    }
}

fn keep(path: PathBuf, bytes: &[u8]) -> Result<PathBuf, CallError> {
    match private::write(&path, bytes) {
        Ok(()) => Ok(path),
        Err(source) => Err(CallError::Save { path, source }),
    }
}

async fn download(bridge: &Bridge, token: &str) -> Result<Option<Vec<u8>>, CallError> {
    let deadline = Instant::now() + RECORDING_DEADLINE;
    loop {
        let found = patient(bridge.find_recording(token).await)?;
        if found.is_some() || Instant::now() >= deadline {
            return Ok(found);
        }
        sleep(LOOK_PAUSE).await;
    }
}

/// A call in one JSON object, for scripts.
#[derive(Debug, Serialize)]
pub struct Outcome<'a> {
    call_id: Option<&'a str>,
    bot_id: &'a str,
    protocol: &'a str,
    /// The bridge's word; null while it has no terminal record.
    disconnected_by: Option<&'a str>,
    duration_ms: f64,
    end: &'a End,
    transcript: &'a Value,
    latency: &'a Value,
    latency_samples: &'a Value,
    /// What the caller's ear measured.
    heard: &'a Heard,
    paths: Paths,
    /// Rules of the protocol that the server broke.
    violations: &'a [Violation],
}

impl<'a> Outcome<'a> {
    pub fn new(bot_id: &'a str, report: &'a Report, call: Option<&'a Stored>, paths: Paths) -> Self {
        let of_record = |name: &str| call.and_then(|call| call.whole.get(name)).unwrap_or(&Value::Null);
        Self {
            call_id: call.map(|call| call.record.session_id.as_str()).or(report.session_id.as_deref()),
            bot_id,
            protocol: &report.protocol,
            disconnected_by: call.and_then(|call| call.record.disconnected_by.as_deref()),
            duration_ms: report.duration_ms,
            end: &report.end,
            transcript: of_record("transcript"),
            latency: of_record("latency"),
            latency_samples: of_record("latency_samples"),
            heard: &report.heard,
            paths,
            violations: &report.violations,
        }
    }

    /// The bridge has the terminal record.
    pub fn is_complete(&self) -> bool {
        self.disconnected_by.is_some()
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("figures, texts and lists always serialise")
    }

    /// The end of the call, for people.
    pub fn show(&self, bridge: &Bridge, call: Option<&Stored>, terminal: &Terminal) {
        terminal.line("");
        if let Some(call) = call {
            self.show_record(bridge, call, terminal);
        }
        self.show_heard(terminal);
        let files = [
            ("recording", &self.paths.recording),
            ("result", &self.paths.result),
            ("heard", &self.paths.heard),
        ];
        for (name, path) in files.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?))) {
            row(terminal, name, &path.display().to_string());
        }
        for violation in self.violations {
            let example =
                violation.examples.first().map(|text| format!(" ({})", plain(text))).unwrap_or_default();
            terminal.warning(&format!(
                "the server broke the protocol's rule {:?}, {} times{example}",
                violation.rule, violation.count
            ));
        }
    }

    fn show_record(&self, bridge: &Bridge, call: &Stored, terminal: &Terminal) {
        let record = &call.record;
        let by = record.disconnected_by.as_deref().unwrap_or("unknown");
        let seconds = record.call_duration_seconds.unwrap_or(self.duration_ms / 1_000.0);
        row(terminal, "ended", &format!("by {by} after {seconds:.1} s"));
        if let Some(error) = &record.error {
            row(terminal, "error", &plain(error));
        }
        let id = &record.session_id;
        row(terminal, "record", &bridge.address(&format!("/api/v1/calls/{id}")));
        match &record.recording_access_token {
            Some(token) => {
                row(terminal, "listen", &bridge.address(&format!("/api/v1/public/recordings/{token}")))
            }
            None if record.recording_key.is_some() => {
                row(terminal, "listen", &bridge.address(&format!("/api/v1/recordings/{id}")));
            }
            None => row(terminal, "listen", "there is no recording"),
        }
    }

    fn show_heard(&self, terminal: &Terminal) {
        let first = self.heard.answer_to_first_audio_ms;
        let replies: Vec<String> =
            self.heard.turns.iter().filter_map(|turn| Some(format!("{:.0}", turn.reply_ms?))).collect();
        let barge_ins: Vec<String> =
            self.heard.barge_ins.iter().map(|barge| format!("{:.0}", barge.silence_ms)).collect();
        let mut said = vec![
            first.map_or("the bot was never audible".to_owned(), |ms| format!("first audio {ms:.0} ms")),
        ];
        if !replies.is_empty() {
            said.push(format!("replies after {} ms", replies.join(", ")));
        }
        if !barge_ins.is_empty() {
            said.push(format!("silent {} ms after being interrupted", barge_ins.join(", ")));
        }
        if self.heard.gaps > 0 {
            said.push(format!("{} gaps", self.heard.gaps));
        }
        row(terminal, "by ear", &said.join("; "));
    }
}

fn row(terminal: &Terminal, name: &str, text: &str) {
    terminal.line(&format!("  {} {text}", terminal.styled(Style::Faint, &format!("{name:<9}"))));
}
