//! What belongs to one vendor of telephone lines.

pub mod exotel;
