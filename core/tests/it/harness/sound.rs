//! What can be heard in a recording.

use serde_json::Value;
use vox_caller::Wav;

use super::Stage;

/// Above this a 20 ms piece counts as sound, RMS of 16-bit samples.
const AUDIBLE_RMS: f64 = 150.0;

/// A stereo recording: the caller left, the bot right.
pub struct Recording(Wav);

impl Recording {
    pub async fn fetch(stage: &Stage, record: &Value) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), stage.bridge.recording(record).await).unwrap();
        let wav = Wav::read(file.path()).unwrap();
        assert_eq!(wav.channels.len(), 2, "stereo");
        Self(wav)
    }

    pub fn rate_hz(&self) -> u32 {
        self.0.rate_hz
    }

    pub fn caller(&self) -> &[i16] {
        &self.0.channels[0]
    }

    pub fn bot(&self) -> &[i16] {
        &self.0.channels[1]
    }

    /// The share of a time, in milliseconds, in which a channel can be heard.
    pub fn audible(&self, channel: &[i16], from_ms: u64, to_ms: u64) -> f64 {
        let at = |ms: u64| ((ms * u64::from(self.0.rate_hz) / 1_000) as usize).min(channel.len());
        let pieces = channel[at(from_ms)..at(to_ms).max(at(from_ms))].chunks(self.0.rate_hz as usize / 50);
        let (all, loud) = (pieces.len().max(1), pieces.filter(|piece| rms(piece) > AUDIBLE_RMS).count());
        loud as f64 / all as f64
    }

    /// Each line of the transcript can be heard when it says, from the one who said it.
    pub fn assert_holds(&self, record: &Value) {
        let lines = record["transcript"].as_array().expect("a record has a transcript");
        for line in lines {
            let channel = if line["speaker"] == "bot" { self.bot() } else { self.caller() };
            let (from, to) = (line["started_ms"].as_u64().unwrap(), line["ended_ms"].as_u64().unwrap());
            let share = self.audible(channel, from, to);
            assert!(to > from && share > 0.6, "audible for {share:.2} of {line}");
        }
    }
}

fn rms(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    (sum / samples.len().max(1) as f64).sqrt()
}
