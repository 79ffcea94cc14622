//! One channel's recognition: audio in, findings out, no clock but the audio's own.

use std::sync::Arc;

use super::{
    gate::{Gate, Sound, WINDOW_MS},
    script::{Hearing, Utterance, Word},
};

/// With `endpointing=false` a text still becomes final after this much silence, without `speech_final`.
const FINAL_WITHOUT_ENDPOINTING_MS: u32 = 1_000;
/// After this much silence `Finalize` takes the utterance as complete.
const FINALIZE_COMPLETES_MS: u32 = 50;
const DEFAULT_CONFIDENCE: f64 = 0.99;

/// A word with its times on the session's clock.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimedWord {
    pub(crate) word: String,
    pub(crate) start_ms: u32,
    pub(crate) end_ms: u32,
    pub(crate) confidence: f64,
}

/// The content of one `Results` message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) start_ms: u32,
    pub(crate) end_ms: u32,
    pub(crate) words: Vec<TimedWord>,
    pub(crate) confidence: f64,
    pub(crate) is_final: bool,
    pub(crate) speech_final: bool,
    pub(crate) from_finalize: bool,
}

/// What the audio led to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Finding {
    SpeechStarted { at_ms: u32 },
    Results(Heard),
    UtteranceEnd { last_word_end_ms: Option<u32> },
}

/// Which findings a session asked for, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) interims: bool,
    pub(crate) endpointing_ms: Option<u32>,
    pub(crate) utterance_end_ms: Option<u32>,
    pub(crate) vad_events: bool,
}

/// The recogniser of one channel.
pub(crate) struct Recogniser {
    script: Arc<Hearing>,
    rules: Rules,
    gate: Gate,
    /// Audio judged so far.
    now_ms: u32,
    /// Everything before this is final.
    final_until_ms: u32,
    utterances: usize,
    open: Option<Open>,
    /// The end of the last speech, while its `UtteranceEnd` is still owed.
    owes_end_since_ms: Option<u32>,
    last_word_end_ms: Option<u32>,
}

/// The utterance being spoken.
struct Open {
    what: Utterance,
    words: Vec<String>,
    start_ms: u32,
    last_loud_ms: u32,
    next_interim_ms: u32,
    /// How many words are final, and where the last of them ended.
    said: usize,
    said_until_ms: u32,
}

impl Recogniser {
    pub(crate) fn new(script: Arc<Hearing>, rules: Rules, sample_rate: u32) -> Self {
        Self {
            gate: Gate::new(sample_rate, script.gate_rms),
            script,
            rules,
            now_ms: 0,
            final_until_ms: 0,
            utterances: 0,
            open: None,
            owes_end_since_ms: None,
            last_word_end_ms: None,
        }
    }

    /// Take samples of this channel.
    pub(crate) fn push(&mut self, samples: &[i16]) -> Vec<Finding> {
        let mut found = Vec::new();
        for sound in self.gate.push(samples) {
            self.now_ms += WINDOW_MS;
            self.judge(sound, &mut found);
        }
        found
    }

    /// `Finalize`: make what is buffered final. Nothing buffered, nothing said.
    pub(crate) fn finalize(&mut self) -> Vec<Finding> {
        if self.now_ms == self.final_until_ms {
            return Vec::new();
        }
        let complete = self.silence_ms() >= FINALIZE_COMPLETES_MS;
        vec![self.make_final(complete, true)]
    }

    /// `CloseStream`: the last result.
    pub(crate) fn close(&mut self) -> Vec<Finding> {
        vec![self.make_final(true, false)]
    }

    fn judge(&mut self, sound: Sound, found: &mut Vec<Finding>) {
        match sound {
            Sound::Onset { ago_ms } => self.begin(ago_ms, found),
            Sound::Loud => {
                if let Some(open) = &mut self.open {
                    open.last_loud_ms = self.now_ms;
                }
            }
            Sound::Quiet => {}
        }
        if self.open.is_some() {
            self.advance(found);
        } else if self.now_ms - self.final_until_ms >= self.script.segment_ms {
            found.push(self.make_final(true, false));
        }
        self.pay_utterance_end(found);
    }

    fn begin(&mut self, ago_ms: u32, found: &mut Vec<Finding>) {
        let start_ms = self.now_ms.saturating_sub(ago_ms).max(self.final_until_ms);
        let what = self.script.utterance(self.utterances);
        self.utterances += 1;
        self.owes_end_since_ms = None;
        let words = match &what.words {
            Some(words) => words.iter().map(|word| word.word.clone()).collect(),
            None => what.text.split_whitespace().map(str::to_owned).collect(),
        };
        self.open = Some(Open {
            what,
            words,
            start_ms,
            last_loud_ms: self.now_ms,
            next_interim_ms: start_ms + self.script.interim_ms.max(WINDOW_MS),
            said: 0,
            said_until_ms: start_ms,
        });
        if self.rules.vad_events {
            found.push(Finding::SpeechStarted { at_ms: start_ms });
        }
    }

    fn advance(&mut self, found: &mut Vec<Finding>) {
        let silence_ms = self.silence_ms();
        if silence_ms >= self.end_gap_ms() {
            found.push(self.make_final(true, false));
        } else if self.now_ms - self.final_until_ms >= self.script.segment_ms && silence_ms == 0 {
            found.push(self.make_final(false, false));
        } else if self.rules.interims {
            found.extend(self.interim());
        }
    }

    /// The silence that makes an utterance final: the endpointing asked for, unless `UtteranceEnd` comes sooner.
    fn end_gap_ms(&self) -> u32 {
        let endpoint = self.rules.endpointing_ms.unwrap_or(FINAL_WITHOUT_ENDPOINTING_MS);
        endpoint.min(self.rules.utterance_end_ms.unwrap_or(u32::MAX)).max(self.script.min_gap_ms)
    }

    fn silence_ms(&self) -> u32 {
        let spoke_until = self.open.as_ref().map_or(self.final_until_ms, |open| open.last_loud_ms);
        self.now_ms - spoke_until
    }

    fn interim(&mut self) -> Option<Finding> {
        let (now_ms, script) = (self.now_ms, &self.script);
        let open = self.open.as_mut().filter(|open| now_ms >= open.next_interim_ms)?;
        open.next_interim_ms += script.interim_ms.max(WINDOW_MS);
        let words = open.spoken_by_now(script.word_ms);
        Some(Finding::Results(Heard {
            start_ms: self.final_until_ms,
            end_ms: now_ms,
            words,
            confidence: open.confidence(),
            is_final: false,
            speech_final: false,
            from_finalize: false,
        }))
    }

    /// Everything up to now becomes final. `complete` ends the utterance and says its remaining words.
    fn make_final(&mut self, complete: bool, from_finalize: bool) -> Finding {
        let silence_ms = self.silence_ms();
        let mut heard = Heard {
            start_ms: self.final_until_ms,
            end_ms: self.now_ms,
            words: Vec::new(),
            confidence: 0.0,
            is_final: true,
            speech_final: false,
            from_finalize,
        };
        if let Some(open) = &mut self.open {
            heard.words = if complete { open.all_words() } else { open.spoken_by_now(self.script.word_ms) };
            heard.confidence = if heard.words.is_empty() { 0.0 } else { open.confidence() };
            let endpoint = self.rules.endpointing_ms.map(|gap_ms| gap_ms.max(self.script.min_gap_ms));
            heard.speech_final =
                endpoint.is_some_and(|gap_ms| silence_ms >= gap_ms) && !open.what.no_speech_final;
            open.said += heard.words.len();
            if let Some(last) = heard.words.last() {
                open.said_until_ms = last.end_ms;
                self.last_word_end_ms = Some(last.end_ms);
            }
            if complete {
                self.owes_end_since_ms = Some(open.last_loud_ms);
                self.open = None;
                self.gate.rest();
            }
        }
        self.final_until_ms = self.now_ms;
        Finding::Results(heard)
    }

    fn pay_utterance_end(&mut self, found: &mut Vec<Finding>) {
        let (Some(gap_ms), Some(since_ms)) = (self.rules.utterance_end_ms, self.owes_end_since_ms) else {
            return;
        };
        if self.now_ms - since_ms >= gap_ms {
            self.owes_end_since_ms = None;
            found.push(Finding::UtteranceEnd { last_word_end_ms: self.last_word_end_ms.take() });
        }
    }
}

impl Open {
    fn confidence(&self) -> f64 {
        self.what.confidence.unwrap_or(DEFAULT_CONFIDENCE)
    }

    /// The words that a speaker of the usual pace has begun by now.
    fn spoken_by_now(&self, word_ms: u32) -> Vec<TimedWord> {
        let spoken_ms = self.last_loud_ms - self.said_until_ms.min(self.last_loud_ms);
        if self.what.words.is_some() {
            let by_now = |word: &TimedWord| word.start_ms < self.last_loud_ms;
            return self.scripted_words().into_iter().take_while(by_now).collect();
        }
        let count = spoken_ms.div_ceil(word_ms.max(1)) as usize;
        let rest = &self.words[self.said..];
        self.spread(&rest[..count.min(rest.len())], spoken_ms.min(count as u32 * word_ms))
    }

    fn all_words(&self) -> Vec<TimedWord> {
        if self.what.words.is_some() {
            return self.scripted_words();
        }
        let spoken_ms = self.last_loud_ms - self.said_until_ms.min(self.last_loud_ms);
        self.spread(&self.words[self.said..], spoken_ms)
    }

    /// The words over `length_ms` from the end of the last final word, with a tenth of each slot as the gap.
    fn spread(&self, words: &[String], length_ms: u32) -> Vec<TimedWord> {
        let slot = f64::from(length_ms) / words.len().max(1) as f64;
        let at = |slots: f64| self.said_until_ms + (slot * slots).round() as u32;
        let timed = |(index, word): (usize, &String)| TimedWord {
            word: word.clone(),
            start_ms: at(index as f64),
            end_ms: at(index as f64 + 0.9),
            confidence: self.confidence(),
        };
        words.iter().enumerate().map(timed).collect()
    }

    /// The remaining words at the times of the script, cut to the audio there was.
    fn scripted_words(&self) -> Vec<TimedWord> {
        let words = self.what.words.as_deref().unwrap_or_default();
        let timed = |word: &Word| TimedWord {
            word: word.word.clone(),
            start_ms: (self.start_ms + word.start_ms).min(self.last_loud_ms),
            end_ms: (self.start_ms + word.end_ms).min(self.last_loud_ms),
            confidence: word.confidence.unwrap_or_else(|| self.confidence()),
        };
        words[self.said.min(words.len())..].iter().map(timed).collect()
    }
}

#[cfg(test)]
#[path = "recogniser/tests.rs"]
mod tests;
