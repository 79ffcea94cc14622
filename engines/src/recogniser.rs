//! The pocketsphinx engine: hears the caller's audio, says what of the expected it was.

mod dictionary;
mod ear;
mod grammar;
mod hearing;
mod model;
mod phrase;
mod score;
mod upsample;

use std::path::Path;
use std::rc::Rc;

use vox_engines::message::{
    Failure, FailureKind, MAX_PHRASE_BYTES, MAX_PHRASES, Reply, Request, SphinxSettings,
};
use vox_engines::{EngineInfo, EngineKind};

use crate::ffi::Missing;
use crate::ffi::pocketsphinx::{Pocketsphinx, Refused};
use crate::pipe::{Pipes, bad_request};
use hearing::Hearing;
use model::{Channel, Model};

/// The library has no version call; its soname and Debian's package stand for this interface.
const VERSION: &str = "5prealpha (libpocketsphinx.so.3)";

/// Load the libraries and the acoustic model once and say what was found.
pub fn check(library_dir: Option<&Path>, model_dir: &Path) -> Result<EngineInfo, Failure> {
    let library = Rc::new(Pocketsphinx::load(library_dir).map_err(|error| no_library(&error))?);
    let model = Model::at(model_dir, Channel::Wideband)?;
    model.has_language_model()?;
    model.phone_loop(&library).map_err(|error| refused(&error))?;
    Ok(EngineInfo {
        kind: EngineKind::Pocketsphinx,
        version: VERSION.to_owned(),
        libraries: library.library_names(),
        voices: Vec::new(),
        model_dir: Some(model_dir.to_owned()),
    })
}

/// Hear what the client sends until it closes its end.
pub fn run(library_dir: Option<&Path>, model_dir: &Path, pipes: &mut Pipes) -> Result<(), Failure> {
    let library = Rc::new(Pocketsphinx::load(library_dir).map_err(|error| no_library(&error))?);
    let settings = match pipes.requests.next()? {
        Some(Request::Configure(settings)) => settings,
        Some(_) => return Err(bad_request("a recogniser wants its settings before anything else")),
        None => return Ok(()),
    };
    validate(&settings)?;
    let channel = if settings.rate == 8_000 { Channel::Telephone } else { Channel::Wideband };
    let model = Model::at(model_dir, channel)?;
    let (mut hearing, readiness) = Hearing::start(&library, &model, &settings)?;
    // The client is gone when a reply cannot be written; that is an end like any other.
    let mut told = pipes.replies.send(&Reply::Ready(readiness));
    while told.is_ok() {
        let Some(request) = pipes.requests.next()? else { break };
        let reply = match request {
            Request::Hear(pcm) => hearing.hear(&pcm).map_err(|error| refused(&error))?,
            Request::Finalize => Some(Reply::Final(hearing.finalize().map_err(|error| refused(&error))?)),
            Request::Configure(_) => return Err(bad_request("a recogniser takes its settings once")),
            Request::Synthesise { .. } | Request::Cancel { .. } => {
                return Err(bad_request("a recogniser does not speak"));
            }
        };
        if let Some(reply) = reply {
            told = pipes.replies.send(&reply);
        }
    }
    Ok(())
}

fn validate(settings: &SphinxSettings) -> Result<(), Failure> {
    if !matches!(settings.rate, 8_000 | 16_000) {
        return Err(bad_request(format!(
            "audio at {} Hz cannot be heard; send 8000 or 16000",
            settings.rate
        )));
    }
    if settings.expected.is_empty() && !settings.free {
        return Err(bad_request("give expected phrases, or allow free recognition"));
    }
    if settings.expected.len() > MAX_PHRASES {
        return Err(bad_request(format!("more than {MAX_PHRASES} expected phrases")));
    }
    if settings.expected.iter().any(|phrase| phrase.len() > MAX_PHRASE_BYTES) {
        return Err(bad_request(format!("an expected phrase is longer than {MAX_PHRASE_BYTES} bytes")));
    }
    Ok(())
}

fn no_library(error: &Missing) -> Failure {
    Failure { id: None, kind: FailureKind::NotInstalled, message: error.to_string() }
}

fn refused(error: &Refused) -> Failure {
    Failure { id: None, kind: FailureKind::Engine, message: error.to_string() }
}
