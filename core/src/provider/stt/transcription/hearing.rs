//! A stream over questions and answers, without the requests: segments are asked for as soon as they are over, their words are told in
//! the order in which they were said, however the answers come, and a segment that goes on is looked at now and then.

use std::collections::VecDeque;

use vox_shared::wire::result::Word;

use super::super::fit::Fit;
use super::super::owed::nothing_more;
use super::super::{SttEvent, SttInput};
use super::answer::Transcript;
use super::segments::{Change, Cuts, Segment, Segmenter};
use crate::provider::Failure;

/// Segments whose words are not there yet; with so many nothing more is taken.
const WAITING_MOST: usize = 4;
/// What Whisper was made for.
const RATE_HZ: u32 = 16_000;

/// What came of an order.
#[derive(Debug, Default, PartialEq)]
pub struct Told {
    pub events: Vec<SttEvent>,
    /// Segments to ask the server for, each with the number that its answer is given back with.
    pub asks: Vec<(u64, Segment)>,
}

/// What an answer will be told as.
#[derive(Debug)]
struct Awaited {
    number: u64,
    began_ms: u64,
    sent_s: f64,
    /// Silence followed.
    is_end: bool,
    /// It answers a request for the final words.
    asked: bool,
    /// It is there, and waits for those before it.
    answer: Option<Result<Transcript, Failure>>,
}

/// The state of one stream.
#[derive(Debug)]
pub struct Hearing {
    fit: Fit,
    segmenter: Segmenter,
    awaited: VecDeque<Awaited>,
    look: Option<u64>,
    last: u64,
    billed_s: f64,
}

impl Hearing {
    /// Of a line at `rate_hz`.
    pub fn new(rate_hz: u32, cuts: Cuts) -> Self {
        let fit = Fit::new(rate_hz, &[RATE_HZ]);
        Self {
            segmenter: Segmenter::new(fit.rate_hz(), cuts),
            fit,
            awaited: VecDeque::new(),
            look: None,
            last: 0,
            billed_s: 0.0,
        }
    }

    /// The rate of the segments.
    pub fn rate_hz(&self) -> u32 {
        self.fit.rate_hz()
    }

    /// Whether another order can be taken.
    pub fn takes_orders(&self) -> bool {
        self.awaited.len() < WAITING_MOST
    }

    /// The question that is only a look at a segment that goes on, while its answer is wanted. Earlier ones are not any more.
    pub fn look(&self) -> Option<u64> {
        self.look
    }

    /// Do what is ordered.
    pub fn order(&mut self, order: SttInput) -> Told {
        let mut told = Told::default();
        match order {
            SttInput::Audio(samples) => self.hear(&samples, &mut told),
            SttInput::Finalize => self.finalize(&mut told),
        }
        told
    }

    /// The answer to a question has come, or will not. What it means for the reader goes into `events`.
    ///
    /// # Errors
    /// When the stream is over.
    pub fn answered(
        &mut self,
        number: u64,
        answer: Result<Transcript, Failure>,
        events: &mut Vec<SttEvent>,
    ) -> Result<(), Failure> {
        if self.look == Some(number) {
            self.look = None;
            return self.glimpse(answer, events);
        }
        if let Some(awaited) = self.awaited.iter_mut().find(|awaited| awaited.number == number) {
            awaited.answer = Some(answer);
        }
        while let Some(answer) = self.awaited.front_mut().and_then(|awaited| awaited.answer.take()) {
            let Some(awaited) = self.awaited.pop_front() else { break };
            self.words(answer?, &awaited, events);
        }
        Ok(())
    }

    fn hear(&mut self, samples: &[i16], told: &mut Told) {
        let fitted = self.fit.fit(samples);
        for change in self.segmenter.push(&fitted) {
            match change {
                Change::Began { at_ms } => told.events.push(SttEvent::SpeechStarted { at_ms }),
                Change::Over { segment, by_silence } => self.ask(segment, (by_silence, false), told),
            }
        }
        if self.look.is_none()
            && let Some(segment) = self.segmenter.look()
        {
            self.look = Some(self.question(segment, told));
        }
    }

    /// The words of what is open, else of what is on its way, else there are none.
    fn finalize(&mut self, told: &mut Told) {
        if let Some(segment) = self.segmenter.finish() {
            self.ask(segment, (false, true), told);
        } else if let Some(last) = self.awaited.back_mut() {
            last.asked = true;
        } else {
            told.events.push(nothing_more());
        }
    }

    fn ask(&mut self, segment: Segment, (is_end, asked): (bool, bool), told: &mut Told) {
        // What it looked like so far does not matter any more.
        self.look = None;
        let sent_s = segment.pcm.len() as f64 / f64::from(self.fit.rate_hz());
        let began_ms = segment.began_ms;
        let number = self.question(segment, told);
        self.awaited.push_back(Awaited { number, began_ms, sent_s, is_end, asked, answer: None });
    }

    fn question(&mut self, segment: Segment, told: &mut Told) -> u64 {
        self.last += 1;
        told.asks.push((self.last, segment));
        self.last
    }

    fn words(&mut self, transcript: Transcript, awaited: &Awaited, events: &mut Vec<SttEvent>) {
        self.billed_s += transcript.seconds.unwrap_or(awaited.sent_s);
        if transcript.text.is_empty() && !awaited.asked {
            // A sound without words; what was seen of it is taken back.
            events.push(SttEvent::Partial { text: String::new() });
        } else {
            events.push(SttEvent::Final {
                utterance_end: awaited.is_end && !transcript.text.is_empty(),
                text: transcript.text,
                confidence: transcript.confidence,
                words: placed(transcript.words, awaited.began_ms),
                from_finalize: awaited.asked,
            });
        }
        events.push(SttEvent::Usage { seconds: self.billed_s });
    }

    /// A look that failed is none; only what will not pass ends the stream.
    fn glimpse(
        &mut self,
        answer: Result<Transcript, Failure>,
        events: &mut Vec<SttEvent>,
    ) -> Result<(), Failure> {
        match answer {
            Ok(transcript) => {
                self.billed_s += transcript.seconds.unwrap_or_default();
                events.push(SttEvent::Partial { text: transcript.text });
                Ok(())
            }
            Err(failure) if failure.class.is_transient() => {
                tracing::debug!(%failure, "a segment could not be looked at before its end");
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }
}

/// Words on the stream's clock.
fn placed(words: Vec<Word>, began_ms: u64) -> Vec<Word> {
    let place = |word: Word| Word {
        started_ms: word.started_ms + began_ms,
        ended_ms: word.ended_ms + began_ms,
        ..word
    };
    words.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::FailureClass;

    fn hearing(interim_ms: Option<u64>) -> Hearing {
        Hearing::new(RATE_HZ, Cuts { silence_ms: 400, interim_ms })
    }

    /// So much sound, and then so much silence, milliseconds; the questions that come of it.
    fn say(hearing: &mut Hearing, sound_ms: usize, silence_ms: usize) -> Vec<u64> {
        let samples = |ms: usize| ms * RATE_HZ as usize / 1000;
        let mut pcm: Vec<i16> =
            (0..samples(sound_ms)).map(|at| if at % 2 == 0 { 8_000 } else { -8_000 }).collect();
        pcm.resize(pcm.len() + samples(silence_ms), 0);
        let frames = pcm.chunks(320).map(|frame| SttInput::Audio(frame.into()));
        frames.flat_map(|frame| hearing.order(frame).asks).map(|(number, _)| number).collect()
    }

    fn answer(text: &str) -> Result<Transcript, Failure> {
        Ok(Transcript { text: text.into(), seconds: Some(1.0), ..Transcript::default() })
    }

    fn texts(events: &[SttEvent]) -> Vec<(&str, bool)> {
        let finals = events.iter().filter_map(|event| match event {
            SttEvent::Final { text, from_finalize, .. } => Some((text.as_str(), *from_finalize)),
            _ => None,
        });
        finals.collect()
    }

    #[test]
    fn words_are_told_in_the_order_in_which_they_were_said() {
        let mut hearing = hearing(None);
        assert_eq!((say(&mut hearing, 600, 600), say(&mut hearing, 600, 600)), (vec![1], vec![2]));
        assert_eq!(hearing.order(SttInput::Finalize), Told::default(), "the last ones are on their way");
        let mut events = Vec::new();
        assert_eq!(hearing.answered(2, answer("second"), &mut events), Ok(()));
        assert_eq!(events, []);
        assert_eq!(hearing.answered(1, answer("first"), &mut events), Ok(()));
        assert_eq!(texts(&events), [("first", false), ("second", true)]);
        assert_eq!(events.last(), Some(&SttEvent::Usage { seconds: 2.0 }));
        assert_eq!(hearing.answered(1, answer("again"), &mut events), Ok(()));
        assert_eq!(texts(&events).len(), 2, "nobody asked");
        assert_eq!(hearing.order(SttInput::Finalize).events, [nothing_more()]);
    }

    #[test]
    fn what_was_said_before_a_failure_is_told_before_it() {
        let mut hearing = hearing(None);
        say(&mut hearing, 600, 600);
        say(&mut hearing, 600, 600);
        let failure = Failure::new(FailureClass::Unavailable, "503");
        let mut events = Vec::new();
        assert_eq!(hearing.answered(2, Err(failure.clone()), &mut events), Ok(()));
        assert_eq!(hearing.answered(1, answer("first"), &mut events), Err(failure));
        assert_eq!(texts(&events), [("first", false)]);
    }

    #[test]
    fn a_look_is_words_so_far_and_is_not_wanted_after_the_end() {
        let mut hearing = hearing(Some(1_000));
        assert_eq!((say(&mut hearing, 1_200, 0), hearing.look()), (vec![1], Some(1)));
        let mut events = Vec::new();
        let failure = Failure::new(FailureClass::OverLimit, "429");
        assert_eq!(hearing.answered(1, Err(failure), &mut events), Ok(()), "one look less");
        assert_eq!((say(&mut hearing, 1_200, 0), hearing.look()), (vec![2], Some(2)));
        assert_eq!((say(&mut hearing, 0, 600), hearing.look()), (vec![3], None));
        assert_eq!(hearing.answered(2, answer("so far"), &mut events), Ok(()));
        assert_eq!(events, []);
        assert_eq!(hearing.answered(3, answer("so far and to the end"), &mut events), Ok(()));
        assert_eq!(texts(&events), [("so far and to the end", false)]);
    }

    #[test]
    fn with_many_answers_outstanding_nothing_more_is_taken() {
        let mut hearing = hearing(None);
        for _ in 0..WAITING_MOST {
            assert!(hearing.takes_orders());
            say(&mut hearing, 600, 600);
        }
        assert!(!hearing.takes_orders());
        hearing.answered(1, answer("first"), &mut Vec::new()).unwrap();
        assert!(hearing.takes_orders());
    }
}
