//! Signing in by the word of an `OpenID` provider (decision 0045).

pub mod discovery;
pub mod flow;
pub mod id_token;
