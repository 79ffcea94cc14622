//! A call whose callee is a script.

use vox_amd::{Because, Callee, Class, Detector, News, Said, Settings, Verdict};

use crate::sound::{over_a_line, quiet, samples, tone, voice};

pub struct Call {
    pub detector: Detector,
    pub news: Vec<News>,
}

impl Call {
    pub fn new() -> Self {
        Self::with(Settings::default(), true, None)
    }

    pub fn without_words() -> Self {
        Self::with(Settings::default(), false, None)
    }

    pub fn with(settings: Settings, has_words: bool, ring_ms: Option<u32>) -> Self {
        let callee = Callee { rate_hz: 8_000, language: "en".into(), ring_ms, has_words };
        Self { detector: Detector::new(settings, callee).unwrap(), news: Vec::new() }
    }

    /// In frames of 20 ms.
    pub fn hears(&mut self, pcm: &[i16]) -> &mut Self {
        for frame in over_a_line(pcm).chunks(samples(20)) {
            self.detector.hear(frame);
            self.news.extend(std::iter::from_fn(|| self.detector.news()));
        }
        self
    }

    pub fn quiet(&mut self, ms: u32) -> &mut Self {
        self.hears(&quiet(ms))
    }

    pub fn speaks(&mut self, ms: u32) -> &mut Self {
        self.hears(&voice(ms))
    }

    pub fn tone(&mut self, hertz: &[f32], ms: u32) -> &mut Self {
        self.hears(&tone(hertz, ms))
    }

    /// It was understood just now.
    pub fn said(&mut self, text: &str) -> &mut Self {
        self.result(text, true)
    }

    pub fn result(&mut self, text: &str, is_final: bool) -> &mut Self {
        let at_ms = self.detector.now_ms();
        self.detector.word(Said { text: text.into(), is_final, at_ms });
        self
    }

    pub fn we_speak(&mut self, ms: u32, over: &[i16], asked: bool) -> &mut Self {
        self.detector.bot_speaks(self.detector.now_ms());
        self.hears(over);
        let left = ms.saturating_sub((over.len() / 8) as u32);
        self.quiet(left);
        self.detector.bot_ends(self.detector.now_ms(), asked);
        self
    }

    pub fn now(&self) -> u32 {
        self.detector.now_ms()
    }

    pub fn verdicts(&self) -> Vec<Verdict> {
        let verdict = |news: &News| match news {
            News::Verdict(verdict) | News::Corrected(verdict) => Some(verdict.clone()),
            _ => None,
        };
        self.news.iter().filter_map(verdict).collect()
    }

    /// All classes that were told, in their order.
    pub fn classes(&self) -> Vec<Class> {
        self.verdicts().into_iter().map(|verdict| verdict.class).collect()
    }

    pub fn because(&self) -> Because {
        self.verdicts().last().expect("there is a verdict").because.clone()
    }

    /// When the last verdict was told.
    pub fn decided(&self) -> u32 {
        self.verdicts().last().expect("there is a verdict").at_ms
    }

    /// A person has said "hello" and we have been told so.
    pub fn greeted() -> Self {
        let mut call = Self::new();
        call.quiet(600).speaks(500).result("hello", false).quiet(1_000);
        assert_eq!(call.classes(), [Class::Human], "{:?}", call.news);
        call
    }
}
