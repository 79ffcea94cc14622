//! The en-us model on disk and the three decoders made of it.

use std::ffi::{CString, NulError};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use vox_engines::message::{Failure, FailureKind};

use super::grammar::Grammar;
use crate::ffi::pocketsphinx::{Decoder, Pocketsphinx, Refused};

/// Where the model's files are.
pub struct Model {
    acoustic: PathBuf,
    dictionary: PathBuf,
    language: PathBuf,
    phones: PathBuf,
}

impl Model {
    /// The model in this directory, laid out as Debian's `pocketsphinx-en-us` does.
    pub fn at(dir: &Path) -> Result<Self, Failure> {
        let model = Self {
            acoustic: dir.join("en-us"),
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
        let mut decoder = self.decoder(library, &[])?;
        for (word, variants) in &grammar.pronunciations {
            for (index, phones) in variants.iter().enumerate() {
                let name = if index == 0 { word.clone() } else { format!("{word}({})", index + 1) };
                decoder.add_word(&c_string(name)?, &c_string(phones.as_str())?)?;
            }
        }
        decoder.use_grammar(&c_string(jsgf)?)?;
        Ok(decoder)
    }

    /// A decoder of any sounds of English, the yardstick for whether words fit better than just anything.
    pub fn phone_loop(&self, library: &Rc<Pocketsphinx>) -> Result<Decoder, Refused> {
        let phones = self.phones.as_os_str().as_bytes();
        // Context-independent phones cost a third of the work and judge as well; the weak language weight
        // keeps likely sequences of phones from outweighing what was heard.
        let options: [(&str, &[u8]); 4] =
            [("-allphone", phones), ("-allphone_ci", b"yes"), ("-lw", b"0.1"), ("-pip", b"1")];
        self.decoder(library, &options)
    }

    /// A decoder of open speech.
    pub fn free(&self, library: &Rc<Pocketsphinx>) -> Result<Decoder, Refused> {
        let files = [("-lm", self.language.as_os_str()), ("-dict", self.dictionary.as_os_str())];
        self.decoder(library, &files.map(|(option, path)| (option, path.as_bytes())))
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
}

fn c_string(text: impl Into<Vec<u8>>) -> Result<CString, Refused> {
    CString::new(text).map_err(|_: NulError| Refused::new("read a text with a NUL in it"))
}

fn require(path: &Path) -> Result<(), Failure> {
    if path.is_file() {
        return Ok(());
    }
    let message = format!("there is no {}", path.display());
    Err(Failure { id: None, kind: FailureKind::NotInstalled, message })
}
