//! Stands in until the shared policy is there.
#[derive(Debug, Default)]
pub struct Policy;
impl Policy {
    pub fn check_ip(&self, _: std::net::IpAddr) -> Result<(), ()> {
        Ok(())
    }
}
