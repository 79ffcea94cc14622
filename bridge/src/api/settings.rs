//! Settings of a tenant and of the deployment, and the rotation of the keys that their secrets are under.

pub mod api_keys;
pub mod display;
pub mod fleet;
pub mod owner;
pub mod read;
pub mod recording_links;
pub mod retention;
pub mod rotate;
pub mod rotation;
pub mod routing;
pub mod sign_in;
pub mod timezone;
pub mod view;
