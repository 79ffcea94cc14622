//! What every Vox process must agree on: identifiers, the clock, the wire messages between bridge, core and dialler,
//! the on-disk outbox. No network (but the look for a free port), no database.

pub mod application_key;
pub mod catalogue;
pub mod clock;
pub mod dial;
pub mod egress;
pub mod env;
pub mod forwarded;
pub mod ids;
pub mod json;
pub mod labels;
pub mod livekit;
pub mod model;
pub mod numerals;
pub mod outbox;
pub mod phone;
pub mod phrases;
pub mod ports;
pub mod price;
pub mod private;
pub mod redact;
pub mod redaction;
pub mod rsa;
pub mod scripts;
pub mod sealed;
pub mod sealing;
pub mod service;
pub mod spoken;
pub mod telemetry;
pub mod trace;
pub mod typed;
pub mod wire;
