//! A telephone caller in software.
//!
//! It speaks the media protocols from the carrier's side, strictly: `/ws` (iCallMate's dialler), `/exotel` (Exotel's
//! Voicebot), the media streams of `/twilio`, `/plivo`, `/telnyx` and `/vonage`, and `/talk` (ours). It sends in real time, plays what the bot says as the carrier would, notes every
//! rule that the server breaks, and measures what the caller hears.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use vox_caller::{Options, Protocol, connect, synthetic};
//!
//! let mut options = Options::new(Protocol::Ws, "ws://127.0.0.1:8080")?;
//! options.bot_id = Some("bot_1".to_owned());
//! let call = connect(options).await?;
//! call.say(&synthetic(1, 8)).await?;
//! let report = call.finish().await;
//! assert!(report.violations.is_empty());
//! # Ok(())
//! # }
//! ```

mod call;
mod connect;
mod ear;
mod event;
mod line;
mod mouth;
mod options;
mod protocol;
mod report;
mod scenario;
mod speech;
mod state;
mod stats;
mod violation;

pub use call::{Call, CallError, Saying, Spoken, connect, connect_over};
pub use connect::ConnectError;
pub use ear::{Barge, Change, Ear, Gate, Heard, Hearing, OwnTiming, Placed, Span, Tracks, Turn, measure};
pub use event::{End, EndedBy, Event, Metrics, Transcript};
pub use options::{Deadlines, Direction, Options, OptionsError, Protocol};
pub use report::Report;
pub use scenario::{Outcome, Scenario, ScenarioReport, Step, StepReport, Talker, run};
pub use speech::{Clip, ClipError, synthetic};
pub use state::State;
pub use stats::{LatenessHistogram, Spread};
pub use violation::{Rule, Violation};
pub use vox_audio::resample::resample;
pub use vox_audio::wav::{Wav, WavError, WavWriter};
