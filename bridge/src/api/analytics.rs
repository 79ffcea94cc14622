//! Sums over calls, and the calls behind them.

pub mod asked;
pub mod calls;
pub mod ids;
pub mod vendors;
mod view;

pub use view::AnalyticsView;
