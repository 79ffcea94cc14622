//! The set: which clips there are, and how each is made. The same each time.

use vox_amd::{Class, SitKind};

use crate::RATE_HZ;
use crate::line::{Line, Noise};
use crate::random::Random;
use crate::texts::{Part, Text};
use crate::tones::{self, Beeping};
use crate::voices::{Spoken, Voices, Word};

/// Kinds of clips, how many of each, and who it is. Sizes are those of the dialler's reference, 2.13.
pub const KINDS: &[(&str, usize, Class)] = &[
    ("human short", 350, Class::Human),
    ("human long", 120, Class::Human),
    ("human after silence", 60, Class::Human),
    ("human in noise", 70, Class::Human),
    ("voicemail long", 120, Class::Voicemail),
    ("voicemail short", 60, Class::Voicemail),
    ("voicemail hello and pause", 80, Class::Voicemail),
    ("voicemail numbers only", 30, Class::Voicemail),
    ("mailbox full", 30, Class::Voicemail),
    ("carrier", 60, Class::Carrier),
    ("menu or queue", 70, Class::Ivr),
    ("screening", 60, Class::Screening),
    ("fax", 20, Class::Tone),
    ("carrier's tones", 24, Class::Carrier),
    ("ringing and busy", 40, Class::Tone),
    ("beep", 150, Class::Voicemail),
    ("silence", 30, Class::Silent),
    ("music", 30, Class::Ivr),
];

/// The line stays open for so long after what is said, ms: a person's reply has to fit.
const TAIL_MS: u32 = 17_000;

/// One call.
pub struct Clip {
    pub kind: &'static str,
    pub class: Class,
    pub name: String,
    /// What is said in it, for who looks at errors.
    pub text: String,
    pub language: String,
    pub pcm: Vec<i16>,
    pub words: Vec<Word>,
    pub onset_ms: u32,
    pub greeting_end_ms: u32,
    pub beep: Option<(Beeping, u32)>,
    /// Its length and how loud it is, for who looks at errors.
    pub beep_is: String,
    pub sit: Option<SitKind>,
    /// When a called fax begins.
    pub fax_ms: Option<u32>,
    /// What a person says after our opener, over the same line.
    pub reply: Option<Spoken>,
    pub mobile: bool,
    pub seed: u64,
}

/// What is to be put on a line.
#[derive(Default)]
struct Score {
    spoken: Spoken,
    text: String,
    language: String,
    onset_ms: u32,
    beep: Option<(Beeping, u32)>,
    beep_is: String,
    sit: Option<SitKind>,
    fax_ms: Option<u32>,
    /// No voice: without the handset's band and tilt.
    is_tone: bool,
}

/// Makes clips.
pub struct Recipe<'a> {
    pub part: Part,
    pub texts: Vec<Text>,
    pub voices: &'a mut Voices,
    pub babble: Vec<i16>,
}

impl Recipe<'_> {
    /// Four voices at once, for the background.
    pub fn with_babble(mut self) -> anyhow::Result<Self> {
        let mut random = Random::new(if self.part == Part::Tuning { 71 } else { 72 });
        let mut sum = vec![0_i32; RATE_HZ as usize * 12];
        for _ in 0..4 {
            let mut at = 0;
            while at < sum.len() {
                let text = self.text(&["human_long", "vm_long"], &mut random).clone();
                let spoken = self.voices.speak(&text, self.part, &mut random)?;
                for sample in &spoken.pcm {
                    if let Some(to) = sum.get_mut(at) {
                        *to += i32::from(*sample) / 4;
                    }
                    at += 1;
                }
            }
        }
        self.babble = sum.into_iter().map(|sample| sample as i16).collect();
        Ok(self)
    }

    /// The clip of a kind with this number.
    pub fn clip(&mut self, kind: &'static str, class: Class, number: usize) -> anyhow::Result<Clip> {
        let place = KINDS.iter().position(|(name, ..)| *name == kind).unwrap_or_default() as u64;
        let part = if self.part == Part::Tuning { 1 } else { 2 };
        let seed = part * 1_000_000 + place * 1_000 + number as u64;
        let mut random = Random::new(seed);
        let mut line = Line::any(&mut random);
        if kind == "human in noise" {
            line.noise = *random.pick(&[Noise::Babble, Noise::Cries, Noise::Brown]);
            line.snr_db = random.within(8.0, 16.0);
        }
        if kind == "silence" {
            line.noise = *random.pick(&[Noise::White, Noise::Brown]);
        }
        if matches!(kind, "ringing and busy" | "carrier's tones" | "fax") {
            line.noise = Noise::White;
            line.snr_db = random.within(24.0, 40.0);
            line.level_db = random.within(-24.0, -12.0);
        }
        let score = self.score(kind, number, &mut random)?;
        let before = (score.onset_ms * RATE_HZ / 1000) as usize;
        let tail = if score.is_tone { 6_000 } else { TAIL_MS };
        let samples = before + score.spoken.pcm.len() + (tail * RATE_HZ / 1000) as usize;
        let mut sound = line.noise(samples, &self.babble, &mut random);
        let voice = if score.is_tone {
            let mut voice: Vec<f32> = score.spoken.pcm.iter().map(|sample| f32::from(*sample)).collect();
            crate::line::to_level(&mut voice, line.level_db);
            voice
        } else {
            line.voice(&score.spoken.pcm)
        };
        sound[before..].iter_mut().zip(voice).for_each(|(to, sample)| *to += sample);
        // Silence of the network comes before, not into, what is said.
        line.silence_ms = line.silence_ms.min(score.onset_ms);
        let pcm = line.carry(&sound, &mut random)?;
        let reply = if class == Class::Human { self.reply(&line, &mut random)? } else { None };
        let later = |word: &Word| Word {
            text: word.text.clone(),
            from: word.from + score.onset_ms,
            to: word.to + score.onset_ms,
        };
        let words: Vec<Word> = score.spoken.words.iter().map(later).collect();
        Ok(Clip {
            kind,
            class,
            name: format!("{} {kind} {number}", self.part.name()),
            text: score.text,
            language: score.language,
            greeting_end_ms: words.last().map_or(score.onset_ms, |word| word.to),
            words,
            pcm,
            onset_ms: score.onset_ms,
            beep: score.beep.map(|(beeping, at)| (beeping, at + score.onset_ms)),
            beep_is: score.beep_is,
            sit: score.sit,
            fax_ms: score.fax_ms.map(|at| at + score.onset_ms),
            reply,
            mobile: line.mobile,
            seed,
        })
    }

    fn reply(&mut self, line: &Line, random: &mut Random) -> anyhow::Result<Option<Spoken>> {
        if random.chance(0.1) {
            return Ok(None);
        }
        let text = self.text(&["reply"], random).clone();
        let mut spoken = self.voices.speak(&text, self.part, random)?;
        spoken.pcm = line.carry_more(&line.voice(&spoken.pcm));
        Ok(Some(spoken))
    }

    fn text(&self, kinds: &[&str], random: &mut Random) -> &Text {
        let all: Vec<&Text> = self.texts.iter().filter(|text| kinds.contains(&text.kind.as_str())).collect();
        all[random.place(all.len())]
    }

    fn score(&mut self, kind: &str, number: usize, random: &mut Random) -> anyhow::Result<Score> {
        let onset_ms = if kind == "human after silence" {
            random.within(3_000.0, 7_000.0) as u32
        } else if random.chance(0.1) {
            random.within(2_000.0, 5_500.0) as u32
        } else {
            random.within(100.0, 1_500.0) as u32
        };
        let onset_ms = onset_ms.max(100);
        let tones = |pcm: Vec<i16>| Score {
            spoken: Spoken { pcm, words: Vec::new() },
            onset_ms,
            is_tone: true,
            text: kind.to_owned(),
            language: "en".to_owned(),
            ..Score::default()
        };
        let texts: &[&str] = match kind {
            "human short" => &["human_short"],
            "human long" => &["human_long"],
            "human after silence" | "human in noise" => &["human_short", "human_short", "human_long"],
            "voicemail long" => &["vm_long"],
            "voicemail short" => &["vm_short"],
            "voicemail hello and pause" => &["vm_hello"],
            "voicemail numbers only" => &["vm_numeric"],
            "mailbox full" => &["vm_full"],
            "carrier" => &["carrier"],
            "menu or queue" => &["ivr"],
            "screening" => &["screening"],
            "beep" => &["vm_short", "vm_long"],
            "fax" => {
                let (pcm, fax_ms) = fax(random);
                return Ok(Score { fax_ms, ..tones(pcm) });
            }
            "ringing and busy" => {
                let (name, rings, hertz, period) = tones::CALLS[number % tones::CALLS.len()];
                let text = format!("{name} {}", if rings { "ringing" } else { "busy" });
                return Ok(Score { text, ..tones(tones::calls(hertz, period, 13_000)) });
            }
            "carrier's tones" => {
                let (sit, is_long, is_high) = tones::SITS[number % tones::SITS.len()];
                return Ok(Score { sit: Some(sit), ..tones(tones::sit(is_long, is_high, random)) });
            }
            "music" => return Ok(tones(tones::music(14_000, random))),
            _ => return Ok(tones(Vec::new())),
        };
        let text = self.text(texts, random).clone();
        let mut spoken = self.voices.speak(&text, self.part, random)?;
        let (mut beep, mut beep_is) = (None, String::new());
        let has_beep = match kind {
            "beep" => true,
            "voicemail long" | "voicemail short" | "voicemail hello and pause" | "voicemail numbers only" => {
                random.chance(0.75)
            }
            _ => false,
        };
        if kind == "carrier" && random.chance(0.5) {
            // Carriers say it again.
            let again = spoken.clone();
            spoken.then(tones::pause(900), again);
        } else if has_beep {
            let beeping = match (kind, number % 10) {
                ("beep", 0) => Beeping::Two,
                ("beep", 1) => Beeping::Glide,
                _ => Beeping::One,
            };
            spoken.pcm.extend(tones::pause(random.within(250.0, 1_200.0) as u32));
            // It is as loud as the voice, or a little less or more.
            let mut pcm: Vec<f32> = tones::beep(beeping, random).iter().map(|s| f32::from(*s)).collect();
            crate::line::to_level(&mut pcm, level_db(&spoken.pcm) + random.within(-6.0, 5.0));
            spoken.pcm.extend(pcm.iter().map(|sample| *sample as i16));
            beep_is = format!(
                "{} ms of {:.0} dBFS",
                pcm.len() * 1000 / RATE_HZ as usize,
                crate::tones::level_of(&pcm)
            );
            beep = Some((beeping, spoken.ms()));
        }
        let said: Vec<&str> = text.parts.iter().map(|(piece, _)| piece.as_str()).collect();
        Ok(Score {
            spoken,
            text: said.join(" | "),
            language: text.language,
            onset_ms,
            beep,
            beep_is,
            ..Score::default()
        })
    }
}

impl Spoken {
    fn then(&mut self, pause: Vec<i16>, other: Self) {
        self.pcm.extend(pause);
        let from = self.ms();
        let later = |word: Word| Word { from: word.from + from, to: word.to + from, ..word };
        self.words.extend(other.words.into_iter().map(later));
        self.pcm.extend(other.pcm);
    }
}

fn level_db(pcm: &[i16]) -> f32 {
    let loud: Vec<i16> = pcm.iter().copied().filter(|sample| sample.saturating_abs() > 300).collect();
    vox_audio::level::rms_db(&loud).clamp(-40.0, -9.0)
}

/// A called fax and when its tone begins, or one that calls.
fn fax(random: &mut Random) -> (Vec<i16>, Option<u32>) {
    if random.chance(0.7) {
        let before = random.within(1_800.0, 2_500.0) as u32;
        let tone = tones::tone(&[random.within(2_087.0, 2_113.0)], random.within(2_600.0, 4_000.0) as u32);
        ([tones::pause(before), tone].concat(), Some(before))
    } else {
        let hertz = random.within(1_064.0, 1_136.0);
        ((0..4).flat_map(|_| [tones::tone(&[hertz], 500), tones::pause(3_000)].concat()).collect(), None)
    }
}
