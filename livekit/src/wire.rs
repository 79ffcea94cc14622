//! LiveKit's messages, as far as a voice client needs them: protocol buffers with the field numbers of the public definitions
//! (`livekit_rtc.proto`, `livekit_models.proto`, Apache-2.0).
//!
//! Written here because the generated crate is five megabytes of source, nearly all of it for services that are not spoken. A field that
//! is not named is skipped when it is read; nothing is read and sent on.

pub(crate) mod data;
pub(crate) mod model;
pub(crate) mod signal;

pub(crate) use prost::Message;
