//! The lines a call comes in on. Each carrier's protocol is a pure codec; one pump moves its messages.
//!
//! `line` is what the codecs and the call say to each other. A codec reads fields with `field` and audio with `media` and
//! `encoding` (the media streams of Twilio, Plivo and Telnyx share `stream`), says
//! what it cannot use with `untidy`, and gives a `reason` its protocol's form (`close` for WebSockets). Rooms of LiveKit (`livekit`)
//! have a pump of their own.

pub mod close;
pub mod encoding;
pub mod exotel;
pub mod fault;
pub mod field;
pub mod line;
#[cfg(feature = "livekit")]
pub mod livekit;
pub mod media;
pub mod patience;
pub mod plivo;
pub mod reason;
pub mod socket;
pub mod stream;
pub mod talk;
pub mod telnyx;
pub mod twilio;
pub mod unanswered;
pub mod untidy;
pub mod vonage;
pub mod ws;
