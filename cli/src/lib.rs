//! The command line of Vox: `vox up` runs the whole platform on one machine, `vox call` talks to a bot, `vox doctor` says
//! what is wrong and how to mend it, `vox campaign` calls the people of a file.

pub mod arguments;
mod bridge;
pub mod call;
pub mod campaign;
pub mod dispatch;
pub mod doctor;
pub mod installation;
pub mod platform;
pub mod scale;
pub mod terminal;
pub mod up;
