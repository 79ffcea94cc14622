//! Spoken forms: how numbers, money, dates, times, telephone numbers, units, e-mail addresses and codes are said aloud. A voice that is
//! given words says what was meant: `₹1,25,000` is "one lakh twenty-five thousand rupees", and neither its digits nor a hundred and
//! twenty-five thousand.
//!
//! A language is a table of words ([`Tongue`]) in a file of its own and a row of [`TONGUES`]; what the written forms look like is known
//! to [`find()`] alone. What nobody can be sure of (`5/7`, `v2beta`) is left as it is written.

pub mod date;
mod english;
mod find;
mod hindi;
pub mod money;
pub mod number;
mod tongue;

pub use english::ENGLISH;
pub use find::{Form, find};
pub use hindi::HINDI;
pub use tongue::{Clock, Counting, Currency, Half, Magnitude, Manner, TONGUES, Tongue, Unit};
