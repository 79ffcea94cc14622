//! What belongs to this installation: the programs beside this one, and the models.

use std::path::{Path, PathBuf};

/// The control plane's program.
pub const BRIDGE: &str = "vox-bridge";
/// The worker's program.
pub const CORE: &str = "vox-core";
/// The program that runs campaigns, where it was built.
pub const DIALLER: &str = "vox-dialler";
/// The local voice's and recogniser's program.
pub const ENGINE: &str = "vox-engine";
/// What plays a carrier.
pub const TESTKIT: &str = "vox-testkit";
/// The weights of the voice activity detector, as scripts/fetch-models.sh names them.
pub const WEIGHTS: &str = "silero_vad_v6.bin";
/// What a weight file begins with; scripts/export-silero.py describes the format.
const WEIGHTS_MAGIC: &[u8] = b"VOXVAD6\0";

/// What is missing, and what brings it.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    #[error(
        "the program {name} is not beside {exe}: build all of them with `cargo build --release --workspace --bins`"
    )]
    Program { name: &'static str, exe: PathBuf },
    #[error("this program's own path is unknown")]
    Exe(#[source] std::io::Error),
    #[error("the speech detector's weights are missing; looked in {}: run scripts/fetch-models.sh", shown(.looked))]
    Weights { looked: Vec<PathBuf> },
    #[error("{path} is no weight file or was cut short: run scripts/fetch-models.sh to replace it")]
    Damaged { path: PathBuf },
}

fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A program beside this one.
pub fn program(name: &'static str) -> Result<PathBuf, Missing> {
    let exe = std::env::current_exe().map_err(Missing::Exe)?;
    let found = exe.with_file_name(name);
    if found.is_file() { Ok(found) } else { Err(Missing::Program { name, exe }) }
}

/// The directory of the models: the one that is named, else `models` here, beside the programs, at the root of the
/// sources they were built from, or where a package has them.
pub fn models(named: Option<&Path>) -> Result<PathBuf, Missing> {
    let looked = match named {
        Some(path) => vec![path.to_owned()],
        None => usual_places(),
    };
    let found = looked.iter().find(|directory| directory.join(WEIGHTS).is_file()).cloned();
    let Some(directory) = found else { return Err(Missing::Weights { looked }) };
    let directory = std::path::absolute(&directory).unwrap_or(directory);
    check_weights(&directory.join(WEIGHTS))?;
    Ok(directory)
}

fn usual_places() -> Vec<PathBuf> {
    let mut places = vec![PathBuf::from("models")];
    if let Ok(exe) = std::env::current_exe() {
        // target/release/vox: the sources are three levels up.
        places.extend(exe.ancestors().skip(1).take(3).map(|folder| folder.join("models")));
        // /usr/bin/vox of a package: /usr/share/vox/models.
        places.extend(exe.ancestors().nth(2).map(|folder| folder.join("share/vox/models")));
    }
    places
}

/// The worker checks the whole file by its checksum; this tells early what is plainly wrong.
fn check_weights(path: &Path) -> Result<(), Missing> {
    let damaged = || Missing::Damaged { path: path.to_owned() };
    let bytes = std::fs::read(path).map_err(|_| damaged())?;
    let said = bytes.get(16..24).and_then(|field| field.try_into().ok()).map(u64::from_le_bytes);
    let is_whole = bytes.starts_with(WEIGHTS_MAGIC) && said == Some(bytes.len() as u64);
    if is_whole { Ok(()) } else { Err(damaged()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: Option<&[u8]>, expected: &str) {
        let directory = tempfile::tempdir().unwrap();
        if let Some(content) = content {
            std::fs::write(directory.path().join(WEIGHTS), content).unwrap();
        }
        let error = models(Some(directory.path())).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("scripts/fetch-models.sh"), "{error}");
    }

    #[test]
    fn missing_and_damaged_weights_say_which_script_to_run() {
        check(None, "missing");
        check(Some(b"<html>not found</html>"), "no weight file");
        let mut short = WEIGHTS_MAGIC.to_vec();
        short.extend([0; 8]);
        short.extend(1_000u64.to_le_bytes());
        check(Some(&short), "cut short");
    }

    #[test]
    fn a_whole_file_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let mut whole = WEIGHTS_MAGIC.to_vec();
        whole.extend([0; 8]);
        whole.extend(24u64.to_le_bytes());
        std::fs::write(directory.path().join(WEIGHTS), whole).unwrap();
        assert_eq!(models(Some(directory.path())).unwrap(), directory.path());
    }
}
