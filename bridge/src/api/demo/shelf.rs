//! The folder that the widget was built into.

use std::io;
use std::path::PathBuf;

use actix_web::http::StatusCode;

use crate::error::{ApiError, ApiResult};

/// Largest file that is given out, bytes: LiveKit's client is half a megabyte.
const MAX_FILE: u64 = 4 * 1024 * 1024;
/// Longest name that is looked for.
const MAX_NAME: usize = 80;
/// The file that is there when any is.
pub const SCRIPT: &str = "vox-widget.js";

/// The built widget. It is looked for when it is asked for: a new build needs no new start.
#[derive(Clone, Debug)]
pub struct WidgetFiles {
    /// `VOX_WIDGET_DIR`.
    pub directory: PathBuf,
}

impl WidgetFiles {
    /// A file of this name: its type and content. Names that no build makes are not looked for.
    pub async fn get(&self, name: &str) -> ApiResult<(&'static str, Vec<u8>)> {
        let kind = kind_of(name).ok_or_else(|| ApiError::not_found("file of the widget"))?;
        let path = self.directory.join(name);
        let found = async {
            let about = tokio::fs::metadata(&path).await?;
            if !about.is_file() || about.len() > MAX_FILE {
                return Err(io::ErrorKind::NotFound.into());
            }
            tokio::fs::read(&path).await
        };
        match found.await {
            Ok(content) => Ok((kind, content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.is_built().await?;
                Err(ApiError::not_found("file of the widget"))
            }
            Err(error) => Err(ApiError::internal("read a file of the widget", &error)),
        }
    }

    /// Or what to do about it.
    pub async fn is_built(&self) -> ApiResult<()> {
        const DETAIL: &str = "the widget is not built here: run scripts/widget/build.sh, and let VOX_WIDGET_DIR name the folder that it makes (widget/dist)";
        match tokio::fs::try_exists(self.directory.join(SCRIPT)).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(ApiError::new(StatusCode::NOT_FOUND, "widget_not_built", DETAIL)),
        }
    }
}

/// The type of a file by its name; none for what is no name of one.
fn kind_of(name: &str) -> Option<&'static str> {
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || b"-_.".contains(&c);
    let is_name = name.len() <= MAX_NAME && name.bytes().all(is_plain) && !name.starts_with('.');
    let (_, ending) = name.rsplit_once('.').filter(|_| is_name)?;
    match ending {
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "txt" => Some("text/plain; charset=utf-8"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_a_build_are_files() {
        for (name, is_file) in [
            ("vox-widget.js", true),
            ("vox-livekit-5QX7ZK2A.js", true),
            ("vox-widget.js.LEGAL.txt", true),
            ("demo.css", true),
            ("../secret.js", false),
            ("a/b.js", false),
            (".hidden.js", false),
            ("vox-widget", false),
            ("page.html", false),
            ("x\0.js", false),
            ("ä.js", false),
            ("", false),
        ] {
            assert_eq!(kind_of(name).is_some(), is_file, "{name}");
        }
        assert!(kind_of(&format!("{}.js", "x".repeat(MAX_NAME))).is_none());
    }
}
