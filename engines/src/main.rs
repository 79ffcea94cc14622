//! `vox-engine`: one C speech library in one process, spoken to over stdin and stdout.
//!
//! Not for people, except with `--check`. The protocol is described in `engines/README.md`.

mod ffi;
mod pipe;
mod recogniser;
mod voice;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use vox_engines::binary::CheckAnswer;
use vox_engines::message::Failure;
use vox_engines::{EngineInfo, FliteVoice};

/// Where Debian's `pocketsphinx-en-us` puts the model.
const MODEL_DIR: &str = "/usr/share/pocketsphinx/model/en-us";

#[derive(Parser)]
#[command(version, about = "One local speech engine for one call, over stdin and stdout")]
struct Arguments {
    #[command(subcommand)]
    engine: Engine,
}

#[derive(Subcommand)]
enum Engine {
    /// Speak texts.
    Flite {
        #[arg(long, value_enum, default_value = "kal")]
        voice: Voice,
        #[command(flatten)]
        place: Place,
    },
    /// Recognise speech.
    Pocketsphinx {
        /// Directory with the acoustic model `en-us`, `cmudict-en-us.dict` and `en-us.lm.bin`.
        #[arg(long, default_value = MODEL_DIR)]
        model_dir: PathBuf,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Args)]
struct Place {
    /// Load the C libraries from here instead of where the system's loader looks.
    #[arg(long)]
    library_dir: Option<PathBuf>,
    /// Load everything, print what was found as one line of JSON, and end.
    #[arg(long)]
    check: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Voice {
    Kal,
    Slt,
}

impl From<Voice> for FliteVoice {
    fn from(voice: Voice) -> Self {
        match voice {
            Voice::Kal => Self::Kal8k,
            Voice::Slt => Self::Slt16k,
        }
    }
}

fn main() -> ExitCode {
    match Arguments::parse().engine {
        Engine::Flite { place, .. } if place.check => answer(voice::check(place.library_dir.as_deref())),
        Engine::Flite { voice, place } => {
            finish(|pipes| voice::run(voice.into(), place.library_dir.as_deref(), pipes))
        }
        Engine::Pocketsphinx { model_dir, place } if place.check => {
            answer(recogniser::check(place.library_dir.as_deref(), &model_dir))
        }
        Engine::Pocketsphinx { model_dir, place } => {
            finish(|pipes| recogniser::run(place.library_dir.as_deref(), &model_dir, pipes))
        }
    }
}

/// Print what a check found. Nobody reads it if stdout is closed, so that is no failure of its own.
fn answer(found: Result<EngineInfo, Failure>) -> ExitCode {
    let code = if found.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    let answer = found.map_or_else(CheckAnswer::Failed, CheckAnswer::Found);
    let line = serde_json::to_string(&answer).expect("the answer has string keys only");
    let _ = writeln!(std::io::stdout(), "{line}");
    code
}

/// Run an engine on the pipes until its client is gone or it fails, and tell the client why it failed.
fn finish(run: impl FnOnce(&mut pipe::Pipes) -> Result<(), Failure>) -> ExitCode {
    let Ok(mut pipes) = pipe::Pipes::take_stdio() else { return ExitCode::FAILURE };
    match run(&mut pipes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // The client may be gone; then there is nobody to tell.
            let _ = pipes.replies.send(&vox_engines::message::Reply::Failed(failure));
            ExitCode::FAILURE
        }
    }
}
