//! A SIP user agent with RTP for telephone calls (RFC 3261, RFC 3550): both sides of a call, keys, transfers, passwords.
//!
//! ```no_run
//! use vox_sip::{Agent, Settings};
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let (agent, mut calls) = Agent::bind(Settings::default()).await?;
//! while let Some(mut incoming) = calls.next().await {
//!     let mut sound = incoming.events.sound().expect("taken once");
//!     incoming.call.ring().await?;
//!     incoming.call.answer(Vec::new()).await?;
//!     tokio::spawn(async move {
//!         // Say back what is heard, 20 ms at 8 kHz each time.
//!         while let Some(frame) = sound.next().await {
//!             if incoming.call.write(frame).await.is_err() {
//!                 break;
//!             }
//!         }
//!         drop(incoming.events);
//!     });
//! }
//! # drop(agent);
//! # Ok(())
//! # }
//! ```
//!
//! `docs/sip.md` tells what it does and what it does not.

mod agent;
mod codec;
mod dialog;
mod digest;
mod event;
pub mod message;
pub mod rtp;
mod rules;
pub mod sdp;
mod settings;
mod transaction;
mod transport;

pub use agent::{Agent, BindError, Call, CallError, Calls, Dial, DialError, Events, Incoming, Sound};
pub use codec::Codec;
pub use digest::{Credentials, Proved};
pub use event::{Ending, Event, Failure, Status, Transfer};
pub use rules::Counts;
pub use settings::{Hold, Settings};
pub use transport::{Flow, Transport};
