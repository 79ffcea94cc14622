//! The data directory: what lies where, the lock that keeps a second platform out, and the secrets.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use secrecy::SecretString;
use vox_shared::private;

use super::UpError;
use crate::dispatch::Addresses;
use crate::platform::{Platform, UP_FILE};

/// Random bytes of a secret; written in hexadecimal.
const SECRET_BYTES: usize = 32;
/// Shortest text taken for a secret: what bridge and workers insist on.
const MIN_SECRET_CHARS: usize = 32;
/// What the simulated carrier is opened with.
pub const SIMULATED_LIVEKIT: &str = "simulated-livekit";
/// Longest path of a unix socket on Linux, its end included.
const MAX_SOCKET_PATH_BYTES: usize = 107;
/// Longest name of a worker's socket below the run directory.
const LONGEST_SOCKET: &str = "workers/w256.sock";

/// The data directory of a running platform. Nobody else can open it until this is dropped, and then nothing tells of a
/// running platform any more.
#[derive(Debug)]
pub struct Home {
    root: PathBuf,
    /// Sockets: below the root, or elsewhere when the root's path is too long for them.
    sockets: PathBuf,
    _lock: File,
}

impl Home {
    /// Make what is missing and take the lock.
    pub fn open(data_dir: &Path) -> Result<Self, UpError> {
        let failed = |what, path: &Path| {
            let path = path.to_owned();
            move |source| UpError::DataDir { what, path, source }
        };
        let root = std::path::absolute(data_dir).map_err(failed("cannot name", data_dir))?;
        for folder in ["", "secrets", "logs", "run", "bridge", "core"] {
            let path = root.join(folder);
            private::make_directory(&path).map_err(failed("cannot make", &path))?;
        }
        let lock_file = root.join("run/lock");
        let lock = lock(&lock_file).map_err(failed("cannot lock", &lock_file))?;
        let Some(lock) = lock else { return Err(locked(data_dir)) };
        let sockets = sockets(&root).map_err(failed("cannot make the sockets' directory of", &root))?;
        let home = Self { root, sockets, _lock: lock };
        for name in ["jwt", "internal", "tools", SIMULATED_LIVEKIT] {
            home.make_secret(name)?;
        }
        Ok(home)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn bridge_dir(&self) -> PathBuf {
        self.root.join("bridge")
    }

    pub fn core_dir(&self) -> PathBuf {
        self.root.join("core")
    }

    pub fn worker_sockets(&self) -> PathBuf {
        self.sockets.join("workers")
    }

    /// Where the bridge says that it listens.
    pub fn bridge_file(&self) -> PathBuf {
        self.root.join("run/bridge.json")
    }

    /// Where `vox call` finds this platform.
    pub fn up_file(&self) -> PathBuf {
        self.root.join(UP_FILE)
    }

    pub fn log_file(&self, name: &str) -> PathBuf {
        self.root.join("logs").join(format!("{name}.log"))
    }

    pub fn secret_file(&self, name: &str) -> PathBuf {
        self.root.join("secrets").join(name)
    }

    /// Where the dispatcher listens.
    pub fn dispatch(&self, port: u16) -> Addresses {
        Addresses { port, workers: self.sockets.join("dispatch.sock") }
    }

    /// The secret that opens the bridge to the command line. The workers have another one.
    pub fn tools_secret(&self) -> Result<SecretString, UpError> {
        let path = self.secret_file("tools");
        match fs::read_to_string(&path) {
            Ok(text) if text.trim().len() >= MIN_SECRET_CHARS => Ok(text.trim().to_owned().into()),
            Ok(_) => Err(UpError::Secret { path }),
            Err(source) => Err(UpError::DataDir { what: "cannot read", path, source }),
        }
    }

    /// Take back what tells others that the platform runs.
    pub fn forget_running(&self) {
        for path in [self.up_file(), self.bridge_file(), self.sockets.join("dispatch.sock")] {
            // It may not be there; and a stale file is recognised by whoever finds nobody answering.
            let _ = fs::remove_file(path);
        }
    }

    fn make_secret(&self, name: &str) -> Result<(), UpError> {
        let path = self.secret_file(name);
        if path.exists() {
            return Ok(());
        }
        private::write(&path, random_hex::<SECRET_BYTES>().as_bytes()).map_err(|source| UpError::DataDir {
            what: "cannot write",
            path,
            source,
        })
    }
}

/// However the platform ends, a start that failed included: `up.json` holds the secret of all that run here.
impl Drop for Home {
    fn drop(&mut self) {
        self.forget_running();
        if !self.sockets.starts_with(&self.root) {
            // Made for this platform alone; what cannot be removed is an empty directory of this user.
            let _ = fs::remove_dir_all(&self.sockets);
        }
    }
}

fn random_hex<const BYTES: usize>() -> String {
    let mut random = [0u8; BYTES];
    rand::fill(&mut random);
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `None` when another process holds it. The file tells whose it is.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    file.set_len(0)?;
    file.write_all(std::process::id().to_string().as_bytes())?;
    Ok(Some(file))
}

fn locked(data_dir: &Path) -> UpError {
    let pid = fs::read_to_string(data_dir.join("run/lock")).unwrap_or_default();
    let pid = pid.trim().parse::<u32>().map(|pid| format!("process {pid}"));
    let url = Platform::find(data_dir).map(|platform| format!("bridge {}", platform.bridge_url));
    let told: Vec<String> = pid.into_iter().chain(url).collect();
    let told = if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) };
    UpError::Locked { data_dir: data_dir.to_owned(), told }
}

/// The kernel's limit on a socket's path is short; a deep data directory gets its sockets elsewhere.
fn sockets(root: &Path) -> io::Result<PathBuf> {
    let usual = root.join("run");
    let fits = usual.join(LONGEST_SOCKET).as_os_str().len() <= MAX_SOCKET_PATH_BYTES;
    let sockets = if fits { usual } else { std::env::temp_dir().join(format!("vox-{}", random_hex::<8>())) };
    private::make_directory(&sockets.join("workers"))?;
    Ok(sockets)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn secrets_are_made_once_and_differ() {
        let directory = tempfile::tempdir().unwrap();
        let read = |name: &str| fs::read_to_string(directory.path().join("secrets").join(name)).unwrap();
        let home = Home::open(directory.path()).unwrap();
        let made = || ["jwt", "internal", "tools"].map(read);
        let secrets = made();
        let [jwt, internal, tools] = &secrets;
        assert_eq!(home.tools_secret().unwrap().expose_secret(), tools);
        assert!(tools.len() == 64 && jwt != internal && internal != tools && jwt != tools);
        drop(home);
        Home::open(directory.path()).unwrap();
        assert_eq!(made(), secrets);
        fs::write(directory.path().join("secrets/tools"), "short").unwrap();
        let error = Home::open(directory.path()).unwrap().tools_secret().unwrap_err();
        assert!(error.to_string().contains("remove it"), "{error}");
    }

    #[test]
    fn a_second_platform_is_kept_out_and_told_of_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let first = Home::open(directory.path()).unwrap();
        let error = Home::open(directory.path()).unwrap_err().to_string();
        assert!(
            error.contains("already running") && error.contains(&std::process::id().to_string()),
            "{error}"
        );
        drop(first);
        Home::open(directory.path()).unwrap();
    }

    #[test]
    fn a_deep_directory_gets_its_sockets_elsewhere() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("d".repeat(100));
        let home = Home::open(&deep).unwrap();
        let socket = home.dispatch(0).workers;
        assert!(
            !socket.starts_with(&deep) && socket.as_os_str().len() <= MAX_SOCKET_PATH_BYTES,
            "{socket:?}"
        );
        home.forget_running();
        std::os::unix::net::UnixListener::bind(&socket)
            .expect("an earlier platform's files went, the place stays");
        drop(home);
        assert!(!socket.parent().unwrap().exists(), "nothing is left behind");
    }

    #[test]
    fn whatever_ends_a_platform_takes_its_secret_back() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::open(directory.path()).unwrap();
        let (up, bridge) = (home.up_file(), home.bridge_file());
        for file in [&up, &bridge] {
            fs::write(file, "{}").unwrap();
        }
        assert!(Home::open(directory.path()).is_err() && up.exists(), "one that is kept out takes nothing");
        drop(home);
        assert!(!up.exists() && !bridge.exists());
        assert!(directory.path().join("secrets/internal").exists(), "the next start uses it");
    }
}
