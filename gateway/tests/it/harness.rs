//! A server, a gateway, telephones, and somebody in the room.

mod api;
mod deployment;
mod exchange;
mod guest;
#[path = "../../../sip/tests/it/harness/phone.rs"]
mod phone;
#[path = "../../../sip/tests/it/harness/tone.rs"]
mod tone;
mod webhooks;

use std::time::Duration;

pub use api::{Answer, Api};
pub use deployment::Deployment;
pub use exchange::{Exchange, Handset, eventually_within, spoken};
pub use guest::Guest;
pub use phone::Phone;
pub use tone::{power, tone};
pub use webhooks::Webhooks;

/// How long anything may take on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(20);
