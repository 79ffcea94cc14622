//! One clip through one detector, with a bot that speaks when it should.

use std::time::Duration;

use vox_amd::{Callee, Class, Detector, Mode, ModelSays, ModelVerdict, News, Said, Settings};

use crate::RATE_HZ;
use crate::hearing::{self, Ear};
use crate::random::Random;
use crate::recipe::Clip;
use crate::voices::Word;

/// The opener begins so long after a verdict that lets it, and takes so long; "hello?" takes less. Both end in a question.
const OPENS_AFTER_MS: u32 = 300;
const OPENER_MS: u32 = 3_000;
const HELLO_MS: u32 = 600;
/// The model answers so long after the question.
const MODEL_MS: u32 = 900;

/// A detector and what it is given.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: &'static str,
    pub settings: Settings,
    pub ear: Ear,
    /// How often the model is right about machines and about people.
    pub model: Option<(f32, f32)>,
    /// Whether it is told how long it rang.
    pub rings: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub first: Option<(Class, u32)>,
    pub last: Option<(Class, u32)>,
    pub beeps: Vec<u32>,
    pub because: String,
    /// Of the processor, all of it.
    pub took: Duration,
    pub heard_ms: u32,
    pub evidence_bytes: usize,
    pub is_replayed: bool,
    pub is_cut: bool,
    pub news: Vec<News>,
    /// Sits that were told, by the verdict's reason.
    pub sit: Option<vox_amd::SitKind>,
}

/// Run it; audio comes in pieces of so many samples.
pub fn run(clip: &Clip, case: &Case, piece: usize) -> anyhow::Result<Outcome> {
    let mut random = Random::new(clip.seed ^ 0x5EED);
    let mut said = hearing::results(&clip.words, case.ear, &mut random);
    let is_right = case
        .model
        .map(|(machines, people)| random.chance(if clip.class == Class::Human { people } else { machines }));
    let callee = Callee {
        rate_hz: RATE_HZ,
        language: clip.language.clone(),
        ring_ms: case.rings.then(|| ring_ms(clip)),
        has_words: case.ear != Ear::None,
    };
    let mut detector = Detector::new(case.settings.clone(), callee)?;
    let mut line = Line { pcm: clip.pcm.clone(), opens: None, ours_until: None, replies: true };
    let mut outcome = Outcome::default();
    let (mut at, mut waiting) = (0, Vec::<ModelVerdict>::new());
    said.reverse();
    let began = processor();
    while at < line.pcm.len() {
        let piece = piece.min(line.pcm.len() - at);
        let until_ms = ((at + piece) * 1000 / RATE_HZ as usize) as u32;
        while let Some(next) = said.pop_if(|said| said.at_ms <= until_ms) {
            detector.word(next);
        }
        line.bot(&mut detector, until_ms);
        for verdict in waiting.extract_if(.., |verdict| verdict.at_ms <= until_ms) {
            detector.model_says(verdict);
        }
        detector.hear(&line.pcm[at..at + piece]);
        at += piece;
        if let (Some(is_right), Some(_)) = (is_right, detector.question()) {
            waiting.push(opinion(clip, is_right, detector.now_ms()));
        }
        while let Some(news) = detector.news() {
            outcome.take(&news);
            line.take(&news, (clip, case.ear), &mut said, &mut random);
            outcome.news.push(news);
        }
    }
    outcome.took = processor().saturating_sub(began);
    outcome.heard_ms = detector.now_ms();
    let evidence = detector.evidence();
    outcome.evidence_bytes = serde_json::to_vec(&evidence)?.len();
    let kept: vox_amd::Evidence = serde_json::from_slice(&serde_json::to_vec(&evidence)?)?;
    let again = kept.replay(&case.settings)?.unwrap_or_default();
    let told: Vec<News> =
        outcome.news.iter().take_while(|news| !matches!(news, News::Settled(_))).cloned().collect();
    let again: Vec<News> = again.into_iter().filter(|news| !matches!(news, News::Settled(_))).collect();
    outcome.is_replayed = evidence.cut || again == told || case.settings.mode == Mode::Cadence;
    outcome.is_cut = evidence.cut;
    Ok(outcome)
}

/// What this thread has used of the processor: others may be busy beside it. Zero where the system does not say.
fn processor() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = told.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

/// The callee's side, and ours.
struct Line {
    pcm: Vec<i16>,
    /// When we are going to speak, and for how long.
    opens: Option<(u32, u32)>,
    ours_until: Option<u32>,
    replies: bool,
}

impl Line {
    fn bot(&mut self, detector: &mut Detector, until_ms: u32) {
        if let Some((from, length)) = self.opens.take_if(|(from, _)| *from <= until_ms) {
            detector.bot_speaks(from);
            self.ours_until = Some(from + length);
        }
        if let Some(end) = self.ours_until.take_if(|end| *end <= until_ms) {
            detector.bot_ends(end, true);
        }
    }

    fn take(&mut self, news: &News, (clip, ear): (&Clip, Ear), said: &mut Vec<Said>, random: &mut Random) {
        let (News::Verdict(verdict) | News::Corrected(verdict)) = news else { return };
        let length = match verdict.class {
            Class::Human | Class::Unsure => OPENER_MS,
            Class::Silent => HELLO_MS,
            _ => return,
        };
        let from = verdict.at_ms + OPENS_AFTER_MS;
        self.opens = Some((from, length));
        let Some(reply) = clip.reply.as_ref().filter(|_| length == OPENER_MS && self.replies) else { return };
        // People answer the opener; it is mixed to what is on the line.
        self.replies = false;
        let begins = from + length + random.within(300.0, 1_300.0) as u32;
        let place = (begins * RATE_HZ / 1000) as usize;
        for (i, sample) in reply.pcm.iter().enumerate() {
            if let Some(to) = self.pcm.get_mut(place + i) {
                *to = to.saturating_add(*sample);
            }
        }
        let later = reply.words.iter().map(|word| Word {
            text: word.text.clone(),
            from: word.from + begins,
            to: word.to + begins,
        });
        let later: Vec<Word> = later.collect();
        let mut more = hearing::results(&later, ear, random);
        more.reverse();
        more.append(said);
        *said = more;
    }
}

/// How long it rang, by the laws that the reference begins with: people log-normal about 9 s, machines that take over about 21 s; menus
/// answer soon, screening and networks at once.
fn ring_ms(clip: &Clip) -> u32 {
    let mut random = Random::new(clip.seed ^ 0x0121_4605);
    let mut law = |median: f32, sigma: f32| {
        let normal = (0..12).map(|_| random.unit()).sum::<f32>() - 6.0;
        (1_000.0 * median * (sigma * normal).exp()) as u32
    };
    match clip.class {
        Class::Human | Class::Silent => law(9.0, 0.55),
        Class::Voicemail => law(21.0, 0.18),
        Class::Ivr => law(4.0, 0.5),
        Class::Screening | Class::Carrier | Class::Tone => law(1.3, 0.5),
        Class::Unsure => law(9.0, 1.0),
    }
}

fn opinion(clip: &Clip, is_right: bool, asked_ms: u32) -> ModelVerdict {
    let says = match (clip.class, is_right) {
        (Class::Human, true) => ModelSays::Human,
        (Class::Human, false) => ModelSays::Voicemail,
        (_, false) => ModelSays::Human,
        (Class::Ivr, _) => ModelSays::Ivr,
        (Class::Screening, _) => ModelSays::Screening,
        (Class::Carrier, _) => ModelSays::Unavailable,
        _ => ModelSays::Voicemail,
    };
    ModelVerdict { says, probability: 0.95, asked_ms, at_ms: asked_ms + MODEL_MS }
}

impl Outcome {
    fn take(&mut self, news: &News) {
        match news {
            News::Verdict(verdict) | News::Corrected(verdict) => {
                self.first = self.first.or(Some((verdict.class, verdict.at_ms)));
                self.last = Some((verdict.class, verdict.at_ms));
                self.because = format!("{:?}", verdict.because);
                if let vox_amd::Because::Sit(kind) = verdict.because {
                    self.sit = Some(kind);
                }
            }
            News::Beep { ended_ms, .. } => self.beeps.push(*ended_ms),
            News::GreetingEnd { .. } | News::Settled(_) => {}
        }
    }
}
