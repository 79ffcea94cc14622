//! Logging in and out, and the own profile.

pub mod email;
pub mod login;
pub mod logout;
pub mod me;
pub mod oidc;
pub mod password;
pub mod refresh;
pub mod register;
pub mod second_factor;
pub mod view;
