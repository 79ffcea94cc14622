//! Whether the ports are free, or taken by the platform itself.

use std::io;
use std::net::TcpListener;

use url::Url;

use super::Finding;
use crate::arguments::DoctorArguments;
use crate::platform::Platform;

/// Both ports of `vox up`.
pub fn check(arguments: &DoctorArguments, running: Option<&Platform>) -> Vec<Finding> {
    let own =
        |url: fn(&Platform) -> &str| running.and_then(|platform| Url::parse(url(platform)).ok()?.port());
    vec![
        port("calls", arguments.port, "--port", own(|platform| &platform.calls_url)),
        port("bridge", arguments.bridge_port, "--bridge-port", own(|platform| &platform.bridge_url)),
    ]
}

fn port(what: &str, number: u16, option: &str, own: Option<u16>) -> Finding {
    let name = format!("port of {what}");
    if let Some(own) = own {
        return Finding::ok(name, format!("{own}, used by the platform that runs here"));
    }
    match TcpListener::bind(("127.0.0.1", number)) {
        Ok(_) => Finding::ok(name, format!("{number} is free")),
        Err(error) => {
            let detail = match error.kind() {
                io::ErrorKind::AddrInUse => format!("{number} is used by another program"),
                _ => format!("{number} cannot be used: {error}"),
            };
            Finding::fail(
                name,
                detail,
                format!("choose another for `vox up` with {option}, or 0 for a free one"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_taken_port_is_told_apart_from_our_own() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let number = taken.local_addr().unwrap().port();
        let finding = port("calls", number, "--port", None);
        assert_eq!(finding.level, Level::Fail);
        assert!(finding.mend.unwrap().contains("--port"));
        assert_eq!(port("calls", number, "--port", Some(number)).level, Level::Ok);
        drop(taken);
        assert_eq!(port("calls", number, "--port", None).level, Level::Ok);
    }
}
