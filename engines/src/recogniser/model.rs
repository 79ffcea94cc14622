//! The en-us model on disk and the three decoders made of it.

use std::ffi::{CString, NulError};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use vox_engines::message::{Failure, FailureKind};

use super::grammar::Grammar;
use crate::ffi::pocketsphinx::{CEPSTRUM, Decoder, Pocketsphinx, Refused};

/// Mean cepstrum of speech on a telephone line, upsampled from 8 kHz. Measured over 80 s of prompts by a human
/// speaker and two synthetic voices, which lie close together.
const TELEPHONE_MEAN: [f32; CEPSTRUM] =
    [48.9, 25.1, -23.3, 37.2, -25.9, 12.6, -6.9, -0.7, 0.9, -0.7, -0.5, 0.0, 3.6];

/// How much speech with that mean a decoder is told to have heard: 2 s.
const PRIMING_FRAMES: usize = 200;

/// Word insertion penalty where a row of digits is expected; without it breath becomes another "eight".
const DIGITS_PENALTY: &[u8] = b"0.05";

/// Have every frame scored against the best of all sounds and not only of those that the search still follows.
/// Without it a grammar that has nothing left but silence to follow takes any speech for it at no cost, and
/// the scores of two decoders mean nothing beside one another.
const COMPARABLE: (&str, &[u8]) = ("-compallsen", b"yes");

/// What the audio went through before it came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// 8 kHz, upsampled: nothing above 4 kHz.
    Telephone,
    /// 16 kHz.
    Wideband,
}

/// Where the model's files are, and what speech from its channel is like.
#[derive(Debug)]
pub struct Model {
    mean: [f32; CEPSTRUM],
    acoustic: PathBuf,
    dictionary: PathBuf,
    language: PathBuf,
    phones: PathBuf,
}

impl Model {
    /// The model in this directory, laid out as Debian's `pocketsphinx-en-us` does.
    pub fn at(dir: &Path, channel: Channel) -> Result<Self, Failure> {
        let acoustic = dir.join("en-us");
        let mean = match channel {
            Channel::Telephone => TELEPHONE_MEAN,
            Channel::Wideband => model_mean(&acoustic.join("feat.params"))?,
        };
        let model = Self {
            mean,
            acoustic,
            dictionary: dir.join("cmudict-en-us.dict"),
            language: dir.join("en-us.lm.bin"),
            phones: dir.join("en-us-phone.lm.bin"),
        };
        for path in [&model.acoustic.join("mdef"), &model.dictionary, &model.phones] {
            require(path)?;
        }
        Ok(model)
    }

    pub fn dictionary(&self) -> &Path {
        &self.dictionary
    }

    /// The large language model is only needed for free recognition.
    pub fn has_language_model(&self) -> Result<(), Failure> {
        require(&self.language)
    }

    /// A decoder of the expected phrases, with no other words in its dictionary.
    pub fn expected(
        &self,
        library: &Rc<Pocketsphinx>,
        grammar: &Grammar,
        jsgf: &str,
    ) -> Result<Decoder, Refused> {
        let with_penalty = [COMPARABLE, ("-wip", DIGITS_PENALTY)];
        let options = if grammar.has_digits { &with_penalty[..] } else { &with_penalty[..1] };
        let mut decoder = self.decoder(library, options)?;
        for (word, variants) in &grammar.pronunciations {
            for (index, phones) in variants.iter().enumerate() {
                let name = if index == 0 { word.clone() } else { format!("{word}({})", index + 1) };
                decoder.add_word(&c_string(name)?, &c_string(phones.as_str())?)?;
            }
        }
        decoder.use_grammar(&c_string(jsgf)?)?;
        self.primed(decoder)
    }

    /// A decoder of any sounds of English, the yardstick for whether words fit better than just anything.
    pub fn phone_loop(&self, library: &Rc<Pocketsphinx>) -> Result<Decoder, Refused> {
        let phones = self.phones.as_os_str().as_bytes();
        // Context-independent phones cost a third of the work and judge as well; the weak language weight
        // keeps likely sequences of phones from outweighing what was heard.
        let options: [(&str, &[u8]); 5] =
            [COMPARABLE, ("-allphone", phones), ("-allphone_ci", b"yes"), ("-lw", b"0.1"), ("-pip", b"1")];
        self.primed(self.decoder(library, &options)?)
    }

    /// A decoder of open speech.
    pub fn free(&self, library: &Rc<Pocketsphinx>) -> Result<Decoder, Refused> {
        // The flat second pass takes 200 ms after the caller has finished and mends 2 words of 100.
        let options: [(&str, &[u8]); 3] = [
            ("-lm", self.language.as_os_str().as_bytes()),
            ("-dict", self.dictionary.as_os_str().as_bytes()),
            ("-fwdflat", b"no"),
        ];
        self.primed(self.decoder(library, &options)?)
    }

    fn decoder(&self, library: &Rc<Pocketsphinx>, options: &[(&str, &[u8])]) -> Result<Decoder, Refused> {
        let acoustic = self.acoustic.as_os_str().as_bytes();
        let mut arguments = Vec::new();
        for (name, value) in [("-hmm", acoustic)].iter().chain(options) {
            arguments.push(c_string(*name)?);
            arguments.push(c_string(*value)?);
        }
        let arguments: Vec<_> = arguments.iter().map(CString::as_c_str).collect();
        Decoder::new(library, &arguments)
    }

    /// A decoder that has heard this channel before. pocketsphinx takes its first estimate of the channel from
    /// whatever comes first; where that is a second of noise, the first phrases of a call are lost.
    fn primed(&self, mut decoder: Decoder) -> Result<Decoder, Refused> {
        decoder.start_utterance()?;
        decoder.process_cepstrum(&self.mean, PRIMING_FRAMES)?;
        decoder.end_utterance()?;
        Ok(decoder)
    }
}

fn c_string(text: impl Into<Vec<u8>>) -> Result<CString, Refused> {
    CString::new(text).map_err(|_: NulError| Refused::new("read a text with a NUL in it"))
}

/// The mean that the model's own features start from.
fn model_mean(file: &Path) -> Result<[f32; CEPSTRUM], Failure> {
    let text = std::fs::read_to_string(file).map_err(|_| missing(file))?;
    parse_mean(&text).ok_or_else(|| {
        let message = format!("{} has no -cmninit of {CEPSTRUM} numbers", file.display());
        Failure { id: None, kind: FailureKind::NotInstalled, message }
    })
}

fn parse_mean(parameters: &str) -> Option<[f32; CEPSTRUM]> {
    let value = parameters.split_whitespace().skip_while(|token| *token != "-cmninit").nth(1)?;
    let numbers: Result<Vec<f32>, _> = value.split(',').map(str::parse).collect();
    numbers.ok()?.try_into().ok()
}

fn require(path: &Path) -> Result<(), Failure> {
    if path.is_file() { Ok(()) } else { Err(missing(path)) }
}

fn missing(path: &Path) -> Failure {
    let message = format!("there is no {}", path.display());
    Failure { id: None, kind: FailureKind::NotInstalled, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_found_among_the_other_parameters() {
        let numbers = "41.00,-5.29,-0.12,5.09,2.48,-4.07,-1.37,-1.78,-5.08,-2.05,-6.45,-1.42,1.17";
        let found = parse_mean(&format!("-lowerf 130\n-cmn batch\n-cmninit {numbers}\n")).unwrap();
        assert_eq!((found[0], found[12]), (41.0, 1.17));
        assert_eq!(parse_mean("-cmninit 40,3,-1\n"), None);
        assert_eq!(parse_mean("-lowerf 130\n"), None);
    }
}
