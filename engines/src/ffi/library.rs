//! Loading a C library at run time, so that building needs none and a machine without it gets a clear error.

use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW, Symbol};
use thiserror::Error;

/// A library, or a function in it, that this machine does not have.
#[derive(Debug, Error)]
#[error("{name}: {reason}")]
pub struct Missing {
    name: String,
    reason: String,
}

/// A loaded library and where it came from.
#[derive(Debug)]
pub struct Loaded {
    library: Library,
    pub name: String,
}

/// Load `name` from `dir`, or from where the system's loader looks.
///
/// Its symbols become visible to what is loaded later: the voices of flite expect those of its core.
pub fn open(name: &str, dir: Option<&Path>) -> Result<Loaded, Missing> {
    let path = dir.map_or_else(|| PathBuf::from(name), |dir| dir.join(name));
    #[expect(unsafe_code, reason = "a library can only be loaded by running its initialisers")]
    // SAFETY: the libraries named here (flite, sphinxbase, pocketsphinx) have no initialisers of their own
    // beyond what the C compiler adds, and they are never unloaded while in use: their owner keeps `Loaded`.
    let opened = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) };
    let library = opened.map_err(|error| Missing { name: name.to_owned(), reason: reason(&error) })?;
    Ok(Loaded { library, name: path.display().to_string() })
}

/// The function or variable `symbol` of a library.
///
/// # Safety
/// `T` must be what the library's header declares for this symbol.
#[expect(unsafe_code, reason = "the type of a C symbol cannot be checked")]
pub unsafe fn symbol<T>(loaded: &Loaded, symbol: &str) -> Result<Symbol<T>, Missing> {
    // SAFETY: the caller vouches for the type; a missing symbol is an error and not a null pointer.
    let found = unsafe { loaded.library.get::<T>(symbol.as_bytes()) };
    found.map_err(|error| Missing { name: loaded.name.clone(), reason: reason(&error) })
}

/// What the loader said: `libloading` keeps it as the source of an error that itself only says "dlopen failed".
fn reason(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}
