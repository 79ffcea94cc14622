//! `output_format`: which names exist, and which of them this server can produce.

use vox_audio::g711::{linear_to_alaw, linear_to_ulaw};

/// Compressed formats of the vendor, which need a codec library.
const COMPRESSED: &[&str] = &[
    "mp3_22050_32",
    "mp3_24000_48",
    "mp3_44100",
    "mp3_44100_32",
    "mp3_44100_64",
    "mp3_44100_96",
    "mp3_44100_128",
    "mp3_44100_192",
    "opus_48000_32",
    "opus_48000_64",
    "opus_48000_96",
    "opus_48000_128",
    "opus_48000_192",
];
const PCM_RATES: &[u32] = &[8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
const TELEPHONE_RATE: u32 = 8_000;

/// Audio as it goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) sample_rate: u32,
    packing: Packing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Pcm,
    Ulaw,
    Alaw,
}

impl Format {
    /// # Errors
    /// A sentence saying what to ask for instead.
    pub(crate) fn parse(name: Option<&str>) -> Result<Self, String> {
        let Some(name) = name else {
            return Err(
                "Without output_format the vendor sends MP3, which this scripted server cannot produce; ask \
                        for pcm_8000 to pcm_48000, ulaw_8000 or alaw_8000."
                    .into(),
            );
        };
        let telephone = |packing| Ok(Self { sample_rate: TELEPHONE_RATE, packing });
        match name {
            "ulaw_8000" => telephone(Packing::Ulaw),
            "alaw_8000" => telephone(Packing::Alaw),
            _ if COMPRESSED.contains(&name) => Err(format!(
                "This scripted server cannot produce '{name}'; ask for pcm_8000 to pcm_48000, ulaw_8000 or alaw_8000."
            )),
            _ => {
                let rate = name.strip_prefix("pcm_").and_then(|rate| rate.parse().ok());
                match rate.filter(|rate| PCM_RATES.contains(rate)) {
                    Some(sample_rate) => Ok(Self { sample_rate, packing: Packing::Pcm }),
                    None => Err(format!("Invalid output format '{name}'.")),
                }
            }
        }
    }

    pub(crate) fn encode(self, samples: &[i16]) -> Vec<u8> {
        match self.packing {
            Packing::Pcm => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
            Packing::Ulaw => samples.iter().map(|&sample| linear_to_ulaw(sample)).collect(),
            Packing::Alaw => samples.iter().map(|&sample| linear_to_alaw(sample)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_names_are_known() {
        for (name, rate) in
            [("pcm_8000", 8_000), ("pcm_24000", 24_000), ("ulaw_8000", 8_000), ("alaw_8000", 8_000)]
        {
            assert_eq!(Format::parse(Some(name)).unwrap().sample_rate, rate);
        }
        assert!(Format::parse(Some("pcm_11025")).unwrap_err().contains("Invalid output format"));
        assert!(Format::parse(Some("mp3_44100_128")).unwrap_err().contains("cannot produce"));
        assert!(Format::parse(None).unwrap_err().contains("MP3"));
    }
}
