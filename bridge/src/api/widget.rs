//! What web pages ask for their visitors. Who asks has the bot's public key and an origin that the bot allows.

pub mod feedback;
pub mod page;
pub mod ticket;
pub mod token;
