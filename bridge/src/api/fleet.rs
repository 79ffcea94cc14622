//! Workers and the capacity they give.

pub mod register;
pub mod status;
pub mod view;
