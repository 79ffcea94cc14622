//! `vox doctor` asks a real LiveKit server: whether it takes our tokens, what its clock says, and whether it knows telephones.

use std::collections::HashMap;

use serde_json::Value;
use vox_harness::{LiveKitServer, RedisServer};

use crate::platform::vox;

/// The findings about LiveKit by their names.
fn examine(settings: &[(&str, &str)]) -> HashMap<String, Value> {
    let directory = tempfile::tempdir().unwrap();
    let mut command = vox();
    command.args(["doctor", "--json", "--data-dir"]).arg(directory.path());
    let output = command.envs(settings.iter().copied()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let findings = report["findings"].as_array().unwrap().iter();
    let named = findings.map(|finding| (finding["name"].as_str().unwrap().to_owned(), finding.clone()));
    named.filter(|(name, _)| name.starts_with("LiveKit")).collect()
}

#[test]
fn a_server_is_asked_for_all_that_a_call_needs() {
    let redis = RedisServer::start();
    for (server, telephones, told) in [
        (LiveKitServer::over(&redis), "ok", "calls come: 0"),
        (LiveKitServer::start(), "warn", "without Redis"),
    ] {
        let good = [
            ("LIVEKIT_URL", server.url.as_str()),
            ("LIVEKIT_API_KEY", &server.key),
            ("LIVEKIT_API_SECRET", &server.secret),
        ];
        let found = examine(&good);
        for name in ["LiveKit", "LiveKit's clock", "LiveKit's key"] {
            assert_eq!(found[name]["level"], "ok", "{found:?}");
        }
        assert_eq!(found["LiveKit's telephones"]["level"], telephones);
        assert!(found["LiveKit's telephones"]["detail"].as_str().unwrap().contains(told), "{found:?}");
        let wrong = [good[0], good[1], ("LIVEKIT_API_SECRET", "another secret of thirty-two chars")];
        let found = examine(&wrong);
        assert_eq!(found["LiveKit's key"]["level"], "fail");
        assert!(found["LiveKit's key"]["mend"].as_str().unwrap().contains("LIVEKIT_API_SECRET"));
        assert!(!format!("{found:?}").contains("eyJ"), "no token is shown");
    }
    assert_eq!(examine(&[])["LiveKit"]["level"], "ok", "none is needed");
}
