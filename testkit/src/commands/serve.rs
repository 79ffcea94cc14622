//! `vox-testkit serve`: one scripted vendor in the foreground.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde::de::DeserializeOwned;
use serde_json::json;
use vox_testkit::vendor::{
    Cut, Faults, Lie, Server, Vendor, anthropic, assemblyai, aura, bulbul, cartesia, chatterbox, deepgram,
    elevenlabs, flux, gemini, openai, resemble, sarvam, soniox, soniox_voices, speech, transcription,
};

/// Which vendor, and how it behaves.
#[derive(Args)]
pub struct Arguments {
    /// The vendor to play.
    vendor: Name,
    /// The loopback port; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// What it says, as JSON (see the test kit's README).
    #[arg(long)]
    script: Option<PathBuf>,
    /// The key it accepts.
    #[arg(long)]
    api_key: Option<String>,
    /// Stop when standard input ends, so that the server dies with whoever started it.
    #[arg(long)]
    until_eof: bool,
    /// Write what the clients did to this file when stopping.
    #[arg(long)]
    report: Option<PathBuf>,
    #[command(flatten)]
    faults: FaultArguments,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    Anthropic,
    Deepgram,
    Openai,
    Elevenlabs,
    Soniox,
    Assemblyai,
    Flux,
    Sarvam,
    Transcription,
    Gemini,
    Cartesia,
    /// Deepgram's voices: Aura and Flux.
    Aura,
    /// Sarvam's voices.
    Bulbul,
    SonioxVoices,
    Resemble,
    Speech,
    Chatterbox,
}

/// Faults; each given one overrides the script's.
#[derive(Args)]
#[command(next_help_heading = "Fault options")]
struct FaultArguments {
    /// Seed of every random choice.
    #[arg(long)]
    seed: Option<u64>,
    /// Wait before the handshake or response head.
    #[arg(long)]
    accept_delay_ms: Option<u64>,
    /// Wait before the first message or body byte.
    #[arg(long)]
    first_byte_delay_ms: Option<u64>,
    /// Hold each message back for a random time up to this.
    #[arg(long)]
    jitter_ms: Option<u64>,
    /// Accept, then say nothing.
    #[arg(long)]
    silent: bool,
    /// Accept, then neither read nor write.
    #[arg(long)]
    half_open: bool,
    /// Write this many bytes in a second.
    #[arg(long)]
    drip_bytes_per_s: Option<u32>,
    /// Cut after this many messages.
    #[arg(long, group = "cut")]
    cut_after_messages: Option<u32>,
    /// Cut after this many bytes.
    #[arg(long, group = "cut")]
    cut_after_bytes: Option<u64>,
    /// Cut after this many milliseconds.
    #[arg(long, group = "cut")]
    cut_after_ms: Option<u64>,
    /// Refuse with this HTTP status.
    #[arg(long, value_parser = clap::value_parser!(u16).range(400..600))]
    status: Option<u16>,
    /// Close the WebSocket with this code, at the cut or at once; for a streamed model answer, a status from 500 to
    /// 599 ends it with the vendor's error event at the cut.
    #[arg(long, value_parser = clap::value_parser!(u16).range(500..5000))]
    close_code: Option<u16>,
    /// Tell this lie; repeat for more: malformed_json, wrong_types, unknown_event, out_of_order, duplicate,
    /// unknown_context, wrong_sequence.
    #[arg(long = "lie", value_name = "KIND", value_parser = parse_lie)]
    lies: Vec<Lie>,
    /// One lie before every n-th message.
    #[arg(long)]
    lie_every: Option<u32>,
    /// Begin with a message of this many megabytes.
    #[arg(long)]
    oversized_mb: Option<u32>,
    /// The wait that a refusal asks for.
    #[arg(long)]
    retry_after_ms: Option<u64>,
    /// Let only the first n requests suffer.
    #[arg(long)]
    fail_first: Option<u32>,
    /// Spare the first n requests.
    #[arg(long)]
    after: Option<u32>,
}

/// Serve until told to stop.
///
/// # Errors
/// When the script is wrong, the port is taken, or the report cannot be written.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.vendor {
        Name::Anthropic => serve::<anthropic::Script>(arguments).await,
        Name::Deepgram => serve::<deepgram::Script>(arguments).await,
        Name::Openai => serve::<openai::Script>(arguments).await,
        Name::Gemini => serve::<gemini::Script>(arguments).await,
        Name::Elevenlabs => serve::<elevenlabs::Script>(arguments).await,
        Name::Assemblyai => serve::<assemblyai::Script>(arguments).await,
        Name::Flux => serve::<flux::Script>(arguments).await,
        Name::Sarvam => serve::<sarvam::Script>(arguments).await,
        Name::Soniox => serve::<soniox::Script>(arguments).await,
        Name::Transcription => serve::<transcription::Script>(arguments).await,
        Name::Cartesia => serve::<cartesia::Script>(arguments).await,
        Name::Aura => serve::<aura::Script>(arguments).await,
        Name::Bulbul => serve::<bulbul::Script>(arguments).await,
        Name::SonioxVoices => serve::<soniox_voices::Script>(arguments).await,
        Name::Resemble => serve::<resemble::Script>(arguments).await,
        Name::Speech => serve::<speech::Script>(arguments).await,
        Name::Chatterbox => serve::<chatterbox::Script>(arguments).await,
    }
}

async fn serve<S: Vendor + Default + DeserializeOwned>(arguments: Arguments) -> anyhow::Result<()> {
    let mut script = match &arguments.script {
        Some(path) => super::read_json(path, "the script")?,
        None => S::default(),
    };
    if let Some(key) = &arguments.api_key {
        script = script.with_api_key(key.clone());
    }
    let faults = arguments.faults.over(script.faults().clone());
    let server = Server::start_on(script, arguments.port).await?;
    server.set_faults(faults);
    super::announce(&json!({"url": server.url(), "api_key": server.api_key()}))?;
    super::until_told(arguments.until_eof).await?;
    if let Some(path) = &arguments.report {
        let report = serde_json::to_vec_pretty(&server.observed())?;
        fs::write(path, report).with_context(|| format!("write the report to {}", path.display()))?;
    }
    Ok(())
}

fn parse_lie(text: &str) -> Result<Lie, String> {
    serde_json::from_value(json!(text)).map_err(|error| error.to_string())
}

impl FaultArguments {
    fn over(self, script: Faults) -> Faults {
        let cut = self.cut_after_messages.map(Cut::Messages);
        let cut = cut.or(self.cut_after_bytes.map(Cut::Bytes)).or(self.cut_after_ms.map(Cut::Ms));
        Faults {
            seed: self.seed.unwrap_or(script.seed),
            accept_delay_ms: self.accept_delay_ms.unwrap_or(script.accept_delay_ms),
            first_byte_delay_ms: self.first_byte_delay_ms.unwrap_or(script.first_byte_delay_ms),
            jitter_ms: self.jitter_ms.unwrap_or(script.jitter_ms),
            silent: self.silent || script.silent,
            half_open: self.half_open || script.half_open,
            drip_bytes_per_s: self.drip_bytes_per_s.or(script.drip_bytes_per_s),
            cut_after: cut.or(script.cut_after),
            status: self.status.or(script.status),
            close_code: self.close_code.or(script.close_code),
            lies: if self.lies.is_empty() { script.lies } else { self.lies },
            lie_every: self.lie_every.unwrap_or(script.lie_every),
            oversized_mb: self.oversized_mb.or(script.oversized_mb),
            retry_after_ms: self.retry_after_ms.or(script.retry_after_ms),
            after: self.after.unwrap_or(script.after),
            fail_first: self.fail_first.or(script.fail_first),
        }
    }
}
