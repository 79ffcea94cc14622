//! Settings of a tenant and of the deployment, and the rotation of the keys that their secrets are under.

pub mod api_keys;
pub mod display;
pub mod fleet;
pub mod holidays;
pub mod owner;
pub mod quiet_hours;
pub mod read;
pub mod recording_links;
pub mod retention;
pub mod rotate;
pub mod rotation;
pub mod routing;
pub mod sign_in;
pub mod timezone;
pub mod vendor_limits;
pub mod vendor_rows;
pub mod vendor_targets;
pub mod view;
