//! The widget's files, and a page that shows a bot's widget.

pub mod file;
pub mod page;
mod shelf;

pub use shelf::WidgetFiles;
