//! Opus (RFC 6716) with its in-band forward error correction, concealment and discontinuous transmission.
//!
//! Mono throughout: a voice is. A stereo packet is mixed down by the decoder.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusty_opus::{Application, OpusDecoder, OpusEncoder, SignalType};

use super::Rate;

/// The largest packet that is made, bytes (RFC 7587 leaves it to the path: far below any).
const PACKET: usize = 1275;
/// The longest packet there is, in frames of 20 ms (RFC 6716, 3.1).
const LONGEST_FRAMES: usize = 6;

/// The codec refused.
#[derive(Debug, thiserror::Error)]
#[error("Opus: {0}")]
pub(crate) struct Fault(String);

impl From<rusty_opus::Error> for Fault {
    fn from(error: rusty_opus::Error) -> Self {
        Self(error.to_string())
    }
}

/// One voice out.
pub(crate) struct Encoder {
    inner: Box<OpusEncoder>,
    rate: Rate,
    samples: Vec<f32>,
    packet: Vec<u8>,
}

/// How a voice is coded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coding {
    pub rate: Rate,
    /// Bits a second; `None` for what speech needs at this rate.
    pub bitrate: Option<u32>,
    /// Fall silent in silence.
    pub dtx: bool,
}

impl Coding {
    fn bits(self) -> u32 {
        self.bitrate.unwrap_or(match self.rate {
            Rate::Hz8000 => 12_000,
            Rate::Hz16000 => 20_000,
            Rate::Hz24000 => 28_000,
            Rate::Hz48000 => 32_000,
        })
    }
}

impl Encoder {
    pub(crate) fn new(coding: Coding) -> Result<Self, Fault> {
        let mut inner = Box::new(OpusEncoder::new(coding.rate.hz() as i32, 1, Application::Voip)?);
        inner.bitrate_bps = coding.bits().clamp(6000, 128_000) as i32;
        // Half of what a higher one costs, and not heard in speech.
        inner.complexity = 5;
        inner.use_inband_fec = true;
        inner.use_dtx = coding.dtx;
        inner.signal_type = Some(SignalType::Voice);
        inner.lsb_depth = 16;
        let mut encoder = Self { inner, rate: coding.rate, samples: Vec::new(), packet: vec![0; PACKET] };
        encoder.expect_loss(5);
        Ok(encoder)
    }

    /// How many packets in a hundred are lost: with more, more bits go into what repairs them.
    pub(crate) fn expect_loss(&mut self, percent: u8) {
        self.inner.packet_loss_perc = i32::from(percent.min(30));
    }

    /// One frame of 20 ms. A packet of one or two bytes says "silence", and need not be sent (RFC 7587, 3.1.3).
    pub(crate) fn encode(&mut self, pcm: &[i16]) -> Result<&[u8], Fault> {
        self.samples.clear();
        self.samples.extend(pcm.iter().map(|sample| f32::from(*sample) / 32_768.0));
        let length = self.inner.encode(&self.samples, self.rate.frame(), &mut self.packet)?;
        Ok(&self.packet[..length])
    }
}

/// One voice in.
pub(crate) struct Decoder {
    inner: Box<OpusDecoder>,
    rate: Rate,
    samples: Vec<f32>,
}

impl Decoder {
    pub(crate) fn new(rate: Rate) -> Self {
        let inner = OpusDecoder::new(rate.hz() as i32, 1).expect("a rate of the codec, one channel");
        Self { inner: Box::new(inner), rate, samples: vec![0.0; rate.frame() * LONGEST_FRAMES] }
    }

    /// The sound of a packet, behind what is in `out`.
    pub(crate) fn decode(&mut self, packet: &[u8], out: &mut Vec<i16>) -> Result<(), Fault> {
        let longest = self.samples.len();
        self.ask(out, |inner, samples| inner.decode(packet, longest, samples))
    }

    /// The sound of a lost packet of 20 ms from the one behind it, if that has it; else invented.
    pub(crate) fn recover(&mut self, next: &[u8], out: &mut Vec<i16>) -> Result<(), Fault> {
        // The codec reads the redundancy of mono packets alone.
        let stereo = next.first().is_some_and(|toc| toc & 0x04 != 0);
        if stereo {
            return self.conceal(out);
        }
        let frame = self.rate.frame();
        self.ask(out, |inner, samples| inner.decode_fec(next, frame, samples))
    }

    /// 20 ms that nobody sent: the voice goes on and fades.
    pub(crate) fn conceal(&mut self, out: &mut Vec<i16>) -> Result<(), Fault> {
        let frame = self.rate.frame();
        self.ask(out, |inner, samples| inner.decode(&[], frame, samples))
    }

    /// Have the codec make sound. It reads what strangers send: should it panic over that, it costs a frame and not the call, and another
    /// one takes its place, for what is left of its state is not to be trusted.
    fn ask(
        &mut self,
        out: &mut Vec<i16>,
        work: impl FnOnce(&mut OpusDecoder, &mut [f32]) -> Result<usize, rusty_opus::Error>,
    ) -> Result<(), Fault> {
        let (inner, samples) = (&mut self.inner, &mut self.samples[..]);
        let Ok(made) = catch_unwind(AssertUnwindSafe(|| work(inner, samples))) else {
            *self = Self::new(self.rate);
            return Err(Fault("the decoder failed over a packet and was begun anew".to_owned()));
        };
        let samples = &self.samples[..made?.min(self.samples.len())];
        out.extend(samples.iter().map(|sample| (sample * 32_767.0).clamp(-32_768.0, 32_767.0) as i16));
        Ok(())
    }
}

/// How long a packet sounds, ticks of 48 kHz (RFC 6716, 3.1 and 3.2). `None` for one that is no packet.
pub(crate) fn ticks(packet: &[u8]) -> Option<u64> {
    let toc = *packet.first()?;
    let frame = match toc >> 3 {
        config @ 0..12 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..16 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u64::from(packet.get(1)? & 0x3f),
    };
    let all = frame * count;
    (all > 0 && all <= 5760).then_some(all)
}

/// Whether a packet may hold what repairs the one before it: only SILK's part does (RFC 6716, 2.1.7).
pub(crate) fn may_repair(packet: &[u8]) -> bool {
    packet.first().is_some_and(|toc| toc >> 3 < 16 && toc & 3 == 0)
        && ticks(packet) == Some(super::FRAME_TICKS)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::f32::consts::TAU;

    use proptest::prelude::*;

    use super::*;

    /// Something like a voice: a buzz with a melody.
    pub(crate) fn voice(rate: Rate, frames: usize) -> Vec<i16> {
        let mut phase = 0.0_f32;
        let hz = rate.hz() as f32;
        (0..frames * rate.frame())
            .map(|at| {
                let time = at as f32 / hz;
                phase += (140.0 + 30.0 * (time * 3.0).sin()) / hz;
                let buzz: f32 = (1..12).map(|n| (TAU * phase * n as f32).sin() / n as f32).sum();
                (buzz * 5000.0 * (0.6 + 0.4 * (time * 9.0).sin())) as i16
            })
            .collect()
    }

    fn coding(rate: Rate) -> Coding {
        Coding { rate, bitrate: None, dtx: false }
    }

    fn energy(pcm: &[i16]) -> f64 {
        pcm.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / pcm.len() as f64
    }

    #[test]
    fn a_voice_survives_at_every_rate() {
        for rate in [Rate::Hz8000, Rate::Hz16000, Rate::Hz24000, Rate::Hz48000] {
            let said = voice(rate, 50);
            let (mut encoder, mut decoder) = (Encoder::new(coding(rate)).unwrap(), Decoder::new(rate));
            let mut heard = Vec::new();
            for frame in said.chunks(rate.frame()) {
                let packet = encoder.encode(frame).unwrap().to_vec();
                assert_eq!(ticks(&packet), Some(960));
                decoder.decode(&packet, &mut heard).unwrap();
            }
            assert_eq!(heard.len(), said.len());
            let ratio = energy(&heard) / energy(&said);
            assert!((0.6..1.4).contains(&ratio), "{rate:?}: {ratio}");
        }
    }

    /// The redundancy in the packet behind is nearer to what was lost than invention is.
    #[test]
    fn a_lost_frame_comes_back_from_the_next_packet() {
        let rate = Rate::Hz16000;
        let said = voice(rate, 100);
        let mut encoder = Encoder::new(coding(rate)).unwrap();
        encoder.expect_loss(20);
        let packets: Vec<_> =
            said.chunks(rate.frame()).map(|frame| encoder.encode(frame).unwrap().to_vec()).collect();
        let run = |lose: &dyn Fn(usize) -> bool, repair: bool| {
            let mut decoder = Decoder::new(rate);
            let mut heard = Vec::new();
            for at in 0..packets.len() {
                if !lose(at) {
                    decoder.decode(&packets[at], &mut heard).unwrap();
                } else if repair && may_repair(&packets[at + 1]) {
                    decoder.recover(&packets[at + 1], &mut heard).unwrap();
                } else {
                    decoder.conceal(&mut heard).unwrap();
                }
            }
            heard
        };
        let lost = |at: usize| at % 5 == 3 && at < 95;
        let (whole, repaired, invented) = (run(&|_| false, false), run(&lost, true), run(&lost, false));
        let error = |heard: &[i16]| {
            let difference = |at: usize| {
                let place = at * rate.frame()..(at + 1) * rate.frame();
                let pairs = whole[place.clone()].iter().zip(&heard[place]);
                pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>()
            };
            (20..95).filter(|at| lost(*at)).map(difference).sum::<f64>()
        };
        assert!(error(&repaired) < 0.7 * error(&invented), "{} {}", error(&repaired), error(&invented));
    }

    #[test]
    fn a_codec_that_fails_costs_a_frame() {
        let mut decoder = Decoder::new(Rate::Hz16000);
        let mut out = Vec::new();
        let failed = decoder.ask(&mut out, |_, _| panic!("as over a packet of a stranger"));
        assert!(failed.is_err() && out.is_empty());
        let mut encoder = Encoder::new(coding(Rate::Hz16000)).unwrap();
        let packet = encoder.encode(&voice(Rate::Hz16000, 1)).unwrap().to_vec();
        decoder.decode(&packet, &mut out).unwrap();
        assert_eq!(out.len(), 320);
    }

    #[test]
    fn silence_becomes_short_packets_where_it_may() {
        let rate = Rate::Hz16000;
        let mut encoder = Encoder::new(Coding { dtx: true, ..coding(rate) }).unwrap();
        let mut short = 0;
        for _ in 0..100 {
            short += usize::from(encoder.encode(&vec![0; rate.frame()]).unwrap().len() <= 2);
        }
        assert!(short > 50, "{short}");
    }

    #[test]
    fn lengths_are_those_of_the_standard() {
        assert_eq!(ticks(&[]), None);
        assert_eq!(ticks(&[1 << 3]), Some(960));
        assert_eq!(ticks(&[3 << 3 | 1]), Some(5760));
        assert_eq!(ticks(&[31 << 3 | 3, 2]), Some(1920));
        assert_eq!(ticks(&[31 << 3 | 3]), None, "no count");
        assert_eq!(ticks(&[3 << 3 | 3, 63]), None, "longer than there is");
        assert_eq!(ticks(&[3, 0]), None, "no frame");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Packets come from strangers.
        #[test]
        fn any_bytes_are_survived(packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..8)) {
            let mut decoder = Decoder::new(Rate::Hz16000);
            let mut out = Vec::new();
            for packet in &packets {
                let _any = decoder.decode(packet, &mut out);
                let _any = decoder.recover(packet, &mut out);
            }
        }
    }

    /// What the reference implementation (libopus 1.3.1) coded, and what it decoded of it: of 30 frames every fifth was lost and
    /// repaired from the next one, three were concealed.
    #[test]
    fn packets_of_the_reference_sound_as_they_do_there() {
        let packets = packets(include_bytes!("opus/reference-16k.packets"));
        let pcm: Vec<i16> = include_bytes!("opus/reference-16k.pcm")
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| i16::from_le_bytes(*pair))
            .collect();
        let mut decoder = Decoder::new(Rate::Hz16000);
        let mut heard = Vec::new();
        for at in 20..50 {
            if at % 5 == 4 {
                assert!(may_repair(&packets[at + 1]));
                decoder.recover(&packets[at + 1], &mut heard).unwrap();
            } else if at % 10 == 2 {
                decoder.conceal(&mut heard).unwrap();
            } else {
                decoder.decode(&packets[at], &mut heard).unwrap();
            }
        }
        assert_eq!(heard.len(), pcm.len());
        let error: f64 = heard.iter().zip(&pcm).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
        let ratio = 10.0 * (energy(&pcm) * pcm.len() as f64 / error.max(1.0)).log10();
        assert!(ratio > 30.0, "{ratio} dB apart");
    }

    /// Each behind its length, two bytes.
    fn packets(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut rest = bytes;
        let mut packets = Vec::new();
        while let Some((length, behind)) = rest.split_first_chunk::<2>() {
            let (packet, behind) = behind.split_at(usize::from(u16::from_le_bytes(*length)));
            packets.push(packet.to_vec());
            rest = behind;
        }
        packets
    }
}
