//! What the keyless engines' errors mean to a call.

use std::error::Error;

use vox_engines::EngineError;

use super::{Failure, FailureClass};

/// The failure of an engine, with its causes in one line. The engines put no spoken word into their errors.
pub(super) fn failure(error: &EngineError) -> Failure {
    let class = match error {
        EngineError::NoBinary { .. } | EngineError::NotInstalled { .. } => FailureClass::NotInstalled,
        EngineError::Refused { .. } | EngineError::TextTooLong { .. } => FailureClass::Refused,
        EngineError::StartDeadline { .. } | EngineError::Stalled { .. } => FailureClass::TimedOut,
        EngineError::Protocol { .. } => FailureClass::Malformed,
        EngineError::Spawn { .. }
        | EngineError::Failed { .. }
        | EngineError::Pipe { .. }
        | EngineError::Exited { .. }
        | EngineError::TooManyOpen { .. }
        | EngineError::IdInUse { .. } => FailureClass::Unavailable,
    };
    let mut detail = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        detail = format!("{detail}: {error}");
        cause = error.source();
    }
    Failure::new(class, detail)
}

/// What a bot is told that wants an engine where there is none.
pub(super) fn no_binary(engine: &str) -> Failure {
    let detail = format!(
        "{engine}: the program vox-engine is not beside this one; build it with `cargo build -p vox-engines`"
    );
    Failure::new(FailureClass::NotInstalled, detail)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vox_engines::EngineKind;

    use super::*;

    #[test]
    fn an_engine_error_keeps_its_class_and_causes() {
        let kind = EngineKind::Flite;
        let missing = EngineError::NotInstalled { kind, detail: "libflite.so.1".into() };
        assert_eq!(failure(&missing).class, FailureClass::NotInstalled);
        assert!(failure(&missing).detail.contains("apt-get install"));
        let stalled = EngineError::Stalled { kind, within: Duration::from_secs(1) };
        assert!(failure(&stalled).class.is_transient());
        let source = std::io::Error::other("the disk is gone");
        let broken = EngineError::Pipe { kind, source };
        assert_eq!(failure(&broken).detail, "the pipe to flite broke: the disk is gone");
    }
}
