//! The body of an answer: an object a line, each with sound and the times of the characters in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::provider::tts::asked::{Body, BodyError, Heard};
use crate::provider::tts::sound::samples;
use crate::provider::tts::spelling::{Spelling, TimedChar};

/// Longest line: minutes of sound.
const LINE_MAX: usize = 16 << 20;

/// Reads one answer.
#[derive(Debug)]
pub struct TimedBody {
    hz: u32,
    line: Vec<u8>,
    odd: Option<u8>,
    spelling: Spelling,
}

impl TimedBody {
    /// Sound at the rate that was asked for.
    pub fn new(hz: u32) -> Self {
        Self { hz, line: Vec::new(), odd: None, spelling: Spelling::default() }
    }

    fn read(&mut self, line: &[u8], heard: &mut Vec<Heard>) -> Result<(), BodyError> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let value: Value = serde_json::from_slice(line)
            .ok()
            .filter(Value::is_object)
            .ok_or(BodyError::Malformed("a line of the answer is no JSON object"))?;
        let given = [&value["alignment"], &value["normalized_alignment"]].into_iter().find(|a| a.is_object());
        let words: Vec<_> = given
            .and_then(chars)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|c| self.spelling.take(&c.text, c.started_ms, c.ended_ms))
            .collect();
        if !words.is_empty() {
            heard.push(Heard::Words(words));
        }
        if let Some(audio) = value["audio_base64"].as_str() {
            let bytes =
                STANDARD.decode(audio).map_err(|_| BodyError::Malformed("the sound is not base64"))?;
            let samples = samples(&bytes, &mut self.odd);
            if !samples.is_empty() {
                heard.push(Heard::Sound { hz: self.hz, samples });
            }
        }
        Ok(())
    }
}

impl Body for TimedBody {
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<Heard>, BodyError> {
        let mut heard = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut self.line);
            self.read(&line, &mut heard)?;
        }
        self.line.extend_from_slice(rest);
        if self.line.len() > LINE_MAX {
            return Err(BodyError::Malformed("a line of the answer is too long"));
        }
        Ok(heard)
    }

    fn end(&mut self) -> Result<Vec<Heard>, BodyError> {
        let mut heard = Vec::new();
        let line = std::mem::take(&mut self.line);
        self.read(&line, &mut heard)?;
        heard.extend(self.spelling.end().map(|word| Heard::Words(vec![word])));
        Ok(heard)
    }
}

fn chars(alignment: &Value) -> Option<Vec<TimedChar>> {
    let list = |name: &str| alignment[name].as_array();
    TimedChar::list(
        list("characters")?,
        list("character_start_times_seconds")?,
        list("character_end_times_seconds")?,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::tts::WordMark;

    fn line(audio: &str, text: &str, from: f64) -> String {
        let chars: Vec<String> = text.chars().map(String::from).collect();
        let time = |at: usize| from + at as f64 * 0.1;
        let starts: Vec<f64> = (0..chars.len()).map(time).collect();
        let ends: Vec<f64> = (1..=chars.len()).map(time).collect();
        let alignment = json!({
            "characters": chars, "character_start_times_seconds": starts, "character_end_times_seconds": ends
        });
        json!({"audio_base64": audio, "alignment": alignment, "normalized_alignment": null}).to_string()
    }

    #[test]
    fn sound_and_words_come_out_wherever_the_body_is_cut() {
        let body = format!("{}\n\n{}", line("AQAC", "Hi t", 0.0), line("AAMA", "here.", 0.4));
        for cut in 0..=body.len() {
            let mut reader = TimedBody::new(16_000);
            let mut heard = reader.take(&body.as_bytes()[..cut]).unwrap();
            heard.extend(reader.take(&body.as_bytes()[cut..]).unwrap());
            heard.extend(reader.end().unwrap());
            let (mut samples, mut words) = (Vec::new(), Vec::new());
            for one in heard {
                match one {
                    Heard::Sound { hz, samples: more } => {
                        assert_eq!(hz, 16_000);
                        samples.extend(more);
                    }
                    Heard::Words(more) => words.extend(more),
                }
            }
            assert_eq!(samples, [1, 2, 3], "cut at {cut}");
            let word =
                |text: &str, started_ms, ended_ms| WordMark { text: text.into(), started_ms, ended_ms };
            assert_eq!(words, [word("Hi", 0, 200), word("there.", 300, 900)], "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_answer_is_told() {
        let check = |text: &str| TimedBody::new(8000).take(text.as_bytes()).unwrap_err();
        assert_eq!(check("<html>\n"), BodyError::Malformed("a line of the answer is no JSON object"));
        assert_eq!(check("{\"audio_base64\":\"%\"}\n"), BodyError::Malformed("the sound is not base64"));
        assert_eq!(TimedBody::new(8000).take(b"{\"audio_base64\":7}\n").unwrap(), []);
    }
}
