//! Who may do what: passwords, access and refresh tokens, roles, keys of the API, the internal secret, and the limit on login
//! attempts.

pub mod allowed;
pub mod call_token;
pub mod internal;
pub mod invitations;
pub mod keys;
pub mod limits;
pub mod livekit;
pub mod of_call;
pub mod oidc;
pub mod others;
pub mod password;
pub mod people;
pub mod permission;
pub mod proof;
pub mod role;
pub mod rules;
pub mod scope;
pub mod second_factor;
pub mod secret_token;
pub mod session;
pub mod standing;
pub mod tenants;
pub mod throttle;
pub mod token;
pub mod totp;
