//! Sounds of a tenant's bots: music for those who wait, a background, phrases that a person has recorded. Each is decoded once, when it is
//! sent, into the one form that workers read (decision 0082).

pub mod clear;
pub mod decode;
pub mod desk;
pub mod named;
