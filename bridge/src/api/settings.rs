//! What a super_admin sees to for the whole deployment. Only the rotation of keys yet.

pub mod rotate;
pub mod rotation;
pub mod view;
