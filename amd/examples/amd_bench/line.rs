//! What a line does to a voice: the band, the handset, noise, a delay of silence, codecs, lost frames.

use std::f32::consts::TAU;
use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use vox_audio::g711;

use crate::RATE_HZ;
use crate::random::Random;

/// Samples of a frame on the line.
const FRAME: usize = 160;

/// What is behind the voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    White,
    Brown,
    Babble,
    /// A child that cries.
    Cries,
}

/// A line and its room.
#[derive(Clone, Debug)]
pub struct Line {
    pub level_db: f32,
    pub noise: Noise,
    /// Below the voice.
    pub snr_db: f32,
    /// Digital silence before anything is heard.
    pub silence_ms: u32,
    pub a_law: bool,
    pub mobile: bool,
    /// Share of frames that are lost.
    pub lost: f32,
    tilt: f32,
}

impl Line {
    /// As they are met.
    pub fn any(random: &mut Random) -> Self {
        Self {
            level_db: random.within(-30.0, -14.0),
            noise: *random.pick(&[Noise::White, Noise::Brown, Noise::Brown, Noise::Babble]),
            snr_db: random.within(14.0, 30.0),
            silence_ms: if random.chance(0.15) { random.within(500.0, 2_500.0) as u32 } else { 0 },
            a_law: random.chance(0.5),
            mobile: random.chance(0.5),
            lost: if random.chance(0.25) { random.within(0.01, 0.03) } else { 0.0 },
            tilt: random.within(-0.35, 0.35),
        }
    }

    /// A voice as the handset sends it: its band, tilt and level.
    pub fn voice(&self, pcm: &[i16]) -> Vec<f32> {
        let mut voice = band(pcm);
        let mut last = 0.0;
        for sample in &mut voice {
            let input = *sample;
            *sample += self.tilt * last;
            last = input;
        }
        to_level(&mut voice, self.level_db);
        voice
    }

    /// Noise for so many samples; `babble` is what others say.
    pub fn noise(&self, samples: usize, babble: &[i16], random: &mut Random) -> Vec<f32> {
        let mut brown = 0.0;
        let from = if babble.is_empty() { 0 } else { random.next() as usize % babble.len() };
        let mut noise: Vec<f32> = (0..samples)
            .map(|i| match self.noise {
                Noise::White => random.within(-1.0, 1.0),
                Noise::Brown => {
                    brown = 0.98 * brown + random.within(-1.0, 1.0);
                    brown
                }
                Noise::Babble if babble.is_empty() => random.within(-1.0, 1.0),
                Noise::Babble => f32::from(babble[(from + i) % babble.len()]),
                Noise::Cries => cry(i),
            })
            .collect();
        to_level(&mut noise, self.level_db - self.snr_db);
        noise
    }

    /// What arrives: codecs and losses.
    pub fn carry(&self, sound: &[f32], random: &mut Random) -> anyhow::Result<Vec<i16>> {
        let mut pcm: Vec<i16> = sound.iter().map(|sample| sample.clamp(-32_767.0, 32_767.0) as i16).collect();
        if self.mobile {
            pcm = gsm(&pcm)?;
        }
        let code = |sample: i16| {
            if self.a_law {
                g711::alaw_to_linear(g711::linear_to_alaw(sample))
            } else {
                g711::ulaw_to_linear(g711::linear_to_ulaw(sample))
            }
        };
        for sample in &mut pcm {
            *sample = code(*sample);
        }
        let silence = if self.a_law { 8 } else { 0 };
        pcm[..(self.silence_ms * RATE_HZ / 1000) as usize].fill(silence);
        for frame in 1..pcm.len() / FRAME {
            if random.chance(self.lost) {
                let at = frame * FRAME;
                if random.chance(0.5) {
                    pcm[at..at + FRAME].fill(silence);
                } else {
                    pcm.copy_within(at - FRAME..at, at);
                }
            }
        }
        Ok(pcm)
    }

    /// The same for what is said later, over a line that is there already: without the mobile's codec.
    pub fn carry_more(&self, sound: &[f32]) -> Vec<i16> {
        let plain = Self { mobile: false, lost: 0.0, silence_ms: 0, ..self.clone() };
        plain.carry(sound, &mut Random::new(1)).expect("only the mobile's codec is another program")
    }
}

/// A second of crying in every 1.6 s: a gliding tone with its harmonics.
fn cry(i: usize) -> f32 {
    let at = (i as f32 / RATE_HZ as f32) % 1.6;
    if at > 1.0 {
        return 0.0;
    }
    let phase = TAU * (420.0 * at + 60.0 * (TAU * at / 2.0).sin());
    let envelope = (at * 8.0).min(1.0) * ((1.0 - at) * 6.0).min(1.0);
    envelope * (1..5).map(|k| (phase * k as f32).sin() / k as f32).sum::<f32>()
}

/// To so many dBFS where it sounds.
pub fn to_level(sound: &mut [f32], level_db: f32) {
    let loud: Vec<f32> = sound.iter().map(|sample| sample * sample).collect();
    let peak = loud.iter().copied().fold(0.0, f32::max);
    let heard = loud.iter().filter(|power| **power > peak * 1e-4);
    let (count, sum) =
        heard.fold((0_u32, 0.0_f64), |(count, sum), power| (count + 1, sum + f64::from(*power)));
    if count == 0 {
        return;
    }
    let rms = (sum / f64::from(count)).sqrt() as f32;
    let gain = 32_768.0 * 10.0_f32.powf(level_db / 20.0) / rms;
    for sample in sound {
        *sample *= gain;
    }
}

/// 300 to 3,400 Hz: two second-order filters (Bristow-Johnson's cookbook, Q 0.707).
fn band(pcm: &[i16]) -> Vec<f32> {
    let mut sound: Vec<f32> = pcm.iter().map(|sample| f32::from(*sample)).collect();
    for (hertz, is_high_pass) in [(300.0_f32, true), (3_400.0, false)] {
        let omega = TAU * hertz / RATE_HZ as f32;
        let (sin, cos) = omega.sin_cos();
        let alpha = sin / (2.0 * 0.707);
        let edge = if is_high_pass { (1.0 + cos) / 2.0 } else { (1.0 - cos) / 2.0 };
        let middle = if is_high_pass { -2.0 * edge } else { 2.0 * edge };
        let a0 = 1.0 + alpha;
        let (b0, b1, a1, a2) = (edge / a0, middle / a0, -2.0 * cos / a0, (1.0 - alpha) / a0);
        let (mut x, mut y) = ([0.0; 2], [0.0; 2]);
        for sample in &mut sound {
            let input = *sample;
            let output = b0 * input + b1 * x[0] + b0 * x[1] - a1 * y[0] - a2 * y[1];
            (x, y) = ([input, x[0]], [output, y[0]]);
            *sample = output;
        }
    }
    sound
}

/// There and back through the codec of mobile telephones (GSM 06.10), by sox.
fn gsm(pcm: &[i16]) -> anyhow::Result<Vec<i16>> {
    let script = "sox -t raw -r 8000 -e signed -b 16 -c 1 - -t gsm - | sox -t gsm -r 8000 -c 1 - -t raw -e signed -b 16 -";
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().context("could not run sox: scripts/amd/install.sh installs it")?;
    let mut into = child.stdin.take().context("sox takes no input")?;
    let bytes: Vec<u8> = pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let writer = std::thread::spawn(move || into.write_all(&bytes));
    let out = child.wait_with_output().context("sox did not end")?;
    writer
        .join()
        .map_err(|_| anyhow::anyhow!("the writer to sox ended badly"))?
        .context("sox took no audio")?;
    let mut coded: Vec<i16> =
        out.stdout.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
    ensure!(coded.len() + 400 > pcm.len(), "sox gave {} samples for {}", coded.len(), pcm.len());
    coded.resize(pcm.len(), 0);
    Ok(coded)
}
