//! Voices: flite and espeak-ng as programs, and the recorded prompts of a PBX. What was spoken once is kept in a directory.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use vox_audio::resample::Resampler;
use vox_audio::wav::Wav;

use crate::RATE_HZ;
use crate::random::Random;
use crate::texts::{Part, Text};

/// Recorded prompts of the package asterisk-core-sounds-en-wav.
const PROMPTS: &str = "/usr/share/asterisk/sounds/en_US_f_Allison";
/// English voices of the two parts.
const TUNING: &[(&str, &str)] =
    &[("flite", "slt"), ("flite", "rms"), ("espeak-ng", "en-us"), ("espeak-ng", "en-us+f2")];
const HELD_OUT: &[(&str, &str)] = &[
    ("flite", "awb"),
    ("flite", "kal16"),
    ("espeak-ng", "en-gb-scotland"),
    ("espeak-ng", "en-gb+f4"),
    ("espeak-ng", "en-gb+m7"),
];
/// Timbres of the voices of other languages.
const TUNING_TIMBRES: &[&str] = &["", "+f1"];
const HELD_OUT_TIMBRES: &[&str] = &["+m3", "+f4"];
/// How fast they speak, of their own speed.
const SPEEDS: &[f32] = &[0.86, 1.0, 1.16];
/// What is quieter than this at the beginning and the end of a piece is cut off.
const QUIET: i16 = 180;

/// A word and when it is spoken, ms.
#[derive(Clone, Debug)]
pub struct Word {
    pub text: String,
    pub from: u32,
    pub to: u32,
}

/// Something that was spoken, 8 kHz.
#[derive(Clone, Debug, Default)]
pub struct Spoken {
    pub pcm: Vec<i16>,
    pub words: Vec<Word>,
}

impl Spoken {
    pub fn ms(&self) -> u32 {
        (self.pcm.len() * 1000 / RATE_HZ as usize) as u32
    }
}

/// All that can be spoken.
pub struct Voices {
    kept: PathBuf,
    known: HashMap<String, Vec<i16>>,
}

impl Voices {
    pub fn new(kept: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(kept).with_context(|| format!("could not make {}", kept.display()))?;
        Ok(Self { kept: kept.to_owned(), known: HashMap::new() })
    }

    /// A text in a voice of the part.
    pub fn speak(&mut self, text: &Text, part: Part, random: &mut Random) -> anyhow::Result<Spoken> {
        let speed = *random.pick(SPEEDS);
        let (program, voice) = voice(&text.language, part, random);
        let mut spoken = Spoken::default();
        if text.files.is_empty() {
            for (piece, pause_ms) in &text.parts {
                let pcm = self.piece(&program, &voice, speed, piece)?;
                spoken.append(&pcm, piece);
                spoken.pause(*pause_ms);
            }
        } else {
            let mut all = Vec::new();
            for file in &text.files {
                all.extend(self.prompt(file)?);
                all.extend(vec![0; RATE_HZ as usize / 10]);
            }
            spoken.append(&all, &text.parts[0].0);
        }
        if let Some(written) = &text.written {
            spoken.rewrite(written);
        }
        Ok(spoken)
    }

    fn piece(&mut self, program: &str, voice: &str, speed: f32, text: &str) -> anyhow::Result<Vec<i16>> {
        let key = format!("{program} {voice} {speed} {text}");
        if let Some(pcm) = self.known.get(&key) {
            return Ok(pcm.clone());
        }
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let path = self.kept.join(format!("{:016x}.wav", hasher.finish()));
        if !path.exists() {
            synthesise(program, voice, speed, text, &path)?;
        }
        let pcm = trimmed(read(&path)?);
        if pcm.is_empty() {
            bail!("{program} said nothing for {text:?}");
        }
        self.known.insert(key, pcm.clone());
        Ok(pcm)
    }

    fn prompt(&mut self, name: &str) -> anyhow::Result<Vec<i16>> {
        read(&Path::new(PROMPTS).join(format!("{name}.wav")))
            .map(trimmed)
            .context("scripts/amd/install.sh installs the recorded prompts")
    }
}

impl Spoken {
    /// More, whose words are spoken evenly by their letters.
    fn append(&mut self, pcm: &[i16], text: &str) {
        let from = self.ms() as f32;
        self.pcm.extend(pcm);
        let length = self.ms() as f32 - from;
        let words: Vec<&str> = text.split_whitespace().collect();
        let letters: usize = words.iter().map(|word| word.chars().count() + 1).sum();
        let mut at = from;
        for word in words {
            let to = at + length * (word.chars().count() + 1) as f32 / letters as f32;
            self.words.push(Word { text: word.to_owned(), from: at as u32, to: to as u32 });
            at = to;
        }
    }

    fn pause(&mut self, ms: u32) {
        self.pcm.extend(vec![0; (ms * RATE_HZ / 1000) as usize]);
    }

    fn rewrite(&mut self, written: &str) {
        let mut other = Self { pcm: self.pcm.clone(), words: Vec::new() };
        let pcm = std::mem::take(&mut other.pcm);
        other.append(&pcm, written);
        *self = other;
    }
}

fn voice(language: &str, part: Part, random: &mut Random) -> (String, String) {
    if language == "en" {
        let (program, voice) = *random.pick(if part == Part::Tuning { TUNING } else { HELD_OUT });
        return (program.to_owned(), voice.to_owned());
    }
    let timbre = random.pick(if part == Part::Tuning { TUNING_TIMBRES } else { HELD_OUT_TIMBRES });
    ("espeak-ng".to_owned(), format!("{language}{timbre}"))
}

fn synthesise(program: &str, voice: &str, speed: f32, text: &str, path: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    if program == "flite" {
        command.args([
            "-voice",
            voice,
            "--setf",
            &format!("duration_stretch={:.3}", 1.0 / speed),
            "-t",
            text,
            "-o",
        ]);
    } else {
        command.args(["-v", voice, "-s", &format!("{:.0}", 160.0 * speed), "-w"]);
    }
    command.arg(path);
    if program != "flite" {
        command.arg("--").arg(text);
    }
    let done = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status =
        done.with_context(|| format!("could not run {program}: scripts/amd/install.sh installs it"))?;
    if !status.success() {
        bail!("{program} could not say {text:?} ({status})");
    }
    Ok(())
}

/// A WAV file as 8 kHz mono.
fn read(path: &Path) -> anyhow::Result<Vec<i16>> {
    let audio = Wav::read(path)?;
    let mut pcm = Vec::new();
    Resampler::new(audio.rate_hz, RATE_HZ).push(&audio.mixed(), &mut pcm);
    Ok(pcm)
}

fn trimmed(pcm: Vec<i16>) -> Vec<i16> {
    let is_loud = |sample: &i16| sample.saturating_abs() > QUIET;
    let (Some(from), Some(to)) = (pcm.iter().position(is_loud), pcm.iter().rposition(is_loud)) else {
        return Vec::new();
    };
    pcm[from..=to].to_vec()
}
