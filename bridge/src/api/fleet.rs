//! Workers and the capacity they give.

pub mod add_host;
pub mod drain;
pub mod register;
pub mod release;
pub mod remove_host;
pub mod reservation;
pub mod reserve;
pub mod status;
pub mod view;
