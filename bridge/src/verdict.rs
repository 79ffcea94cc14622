//! What came of a call, by rule: whether somebody was reached, and the word for it (contracts, section 5). Nothing here asks a
//! model, and nothing of it is a model's to decide (decision 0038). Pure: a transcript goes in, a verdict comes out.

pub mod day;
pub mod disposition;
pub mod doubt;
pub mod echo;
pub mod evidence;
pub mod hearing;
pub mod machine;
pub mod number;
pub mod value;
pub mod words;

pub use disposition::{Facts, Verdict, judge};
