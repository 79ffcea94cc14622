//! Wrong arguments and missing parts get an error that says what to do.

use super::platform::{run, text};

fn check(arguments: &[&str], expected: &str) {
    let output = run(arguments);
    let said = text(&output.stderr);
    assert!(!output.status.success(), "{arguments:?} must fail");
    assert!(said.contains(expected), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "errors are not on standard output");
}

#[test]
fn what_contradicts_is_refused() {
    check(&["call", "faq", "--say", "x", "--wav", "y.wav"], "cannot be used with");
    check(&["call", "faq", "--via", "telegraph"], "use talk, ws, exotel");
    check(&["up", "--workers", "zero"], "--workers");
    check(&["frobnicate"], "unrecognized subcommand");
}

#[test]
fn a_call_without_a_platform_says_how_to_start_one() {
    check(
        &["call", "faq", "--data-dir", "/nonexistent/vox", "--say", "x"],
        "vox up --data-dir /nonexistent/vox",
    );
}

#[test]
fn up_without_models_names_the_script() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    check(&["up", "--data-dir", path, "--models-dir", path], "scripts/fetch-models.sh");
}

#[test]
fn a_platform_that_is_gone_is_told_apart_from_none() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("run")).unwrap();
    // Port 1 is nobody's.
    let stale = r#"{"bridge_url":"http://127.0.0.1:1","calls_url":"http://127.0.0.1:1","admin_email":"a","admin_password":null,"internal_secret":"s","bots":[]}"#;
    std::fs::write(directory.path().join("run/up.json"), stale).unwrap();
    check(
        &["call", "faq", "--data-dir", directory.path().to_str().unwrap(), "--say", "x"],
        "does not answer",
    );
}
