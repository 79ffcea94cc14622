//! A child's log: a file that is rotated by size, and its warnings on the terminal.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::time::Instant;

use crate::terminal::{Style, Terminal, plain};

/// Size at which a log is set aside.
const MAX_FILE_BYTES: u64 = 10 * 1024 * 1024;
/// Old logs kept, as `NAME.log.1` and so on.
const OLD_FILES: u32 = 3;
/// Longest line taken in one piece.
const MAX_LINE_BYTES: u64 = 64 * 1024;
/// Lines remembered for the moment when the child dies.
const LAST_LINES: usize = 4;
/// Lines of one child shown in a while; the rest is in its file.
const SHOWN_PER_WHILE: u32 = 8;
const WHILE: Duration = Duration::from_secs(10);
/// Longest text shown of one line, characters.
const MAX_SHOWN_CHARS: usize = 300;

/// What a process of ours writes, as far as it is shown.
#[derive(Deserialize)]
struct Line {
    level: String,
    message: String,
    #[serde(default)]
    data: Map<String, Value>,
}

/// The log of one child.
#[derive(Debug)]
pub struct Log {
    name: String,
    file: RotatingFile,
    terminal: Terminal,
    last: VecDeque<String>,
    shown: u32,
    while_began: Instant,
}

impl Log {
    pub fn open(name: &str, path: &Path, terminal: Terminal) -> io::Result<Self> {
        let file = RotatingFile::open(path, MAX_FILE_BYTES)?;
        let (last, while_began) = (VecDeque::new(), Instant::now());
        Ok(Self { name: name.to_owned(), file, terminal, last, shown: 0, while_began })
    }

    /// Take lines until the stream ends.
    pub async fn pump(&mut self, from: impl AsyncRead + Unpin) {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut from).take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await;
            if !matches!(read, Ok(1..)) {
                return;
            }
            if line.last() != Some(&b'\n') {
                line.push(b'\n');
            }
            self.take(&line);
        }
    }

    /// What the child said last, for the moment when it is dead.
    pub fn last_words(&self) -> String {
        let words: Vec<&str> = self.last.iter().map(String::as_str).collect();
        if words.is_empty() { "it said nothing".to_owned() } else { words.join(" | ") }
    }

    /// Begin anew with a new process.
    pub fn forget_last_words(&mut self) {
        self.last.clear();
    }

    fn take(&mut self, line: &[u8]) {
        // A disk that is full must not stop the child; its warnings are on the terminal.
        let _ = self.file.write(line);
        let text = String::from_utf8_lossy(line);
        let Some((level, shown)) = shown(text.trim_end()) else { return };
        if self.last.len() == LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(shown.clone());
        self.show(level, &shown);
    }

    fn show(&mut self, level: Level, text: &str) {
        if self.while_began.elapsed() >= WHILE {
            (self.shown, self.while_began) = (0, Instant::now());
        }
        self.shown += 1;
        match self.shown {
            0..=SHOWN_PER_WHILE => {
                let style = if level == Level::Error { Style::Bad } else { Style::Warning };
                self.terminal
                    .line(&format!("{} {text}", self.terminal.styled(style, &format!("{}:", self.name))));
            }
            n if n == SHOWN_PER_WHILE + 1 => {
                self.terminal.line(&format!("{}: more of this in {}", self.name, self.file.path.display()));
            }
            _ => {}
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Warning,
    Error,
}

/// A line as it is shown; `None` for what is only in the file. Whatever is no log line (a panic, a fault of the settings)
/// matters.
fn shown(text: &str) -> Option<(Level, String)> {
    let cut = |text: String| plain(&text).chars().take(MAX_SHOWN_CHARS).collect();
    let Ok(line) = serde_json::from_str::<Line>(text) else {
        return (!text.trim().is_empty()).then(|| (Level::Error, cut(text.to_owned())));
    };
    let level = match line.level.as_str() {
        "warn" => Level::Warning,
        "error" => Level::Error,
        _ => return None,
    };
    let data: Vec<String> = line
        .data
        .iter()
        .filter(|(name, _)| *name != "target")
        .map(|(name, value)| {
            format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        })
        .collect();
    let data = if data.is_empty() { String::new() } else { format!(" ({})", data.join(", ")) };
    Some((level, cut(line.message + &data)))
}

#[derive(Debug)]
struct RotatingFile {
    path: PathBuf,
    file: File,
    size_bytes: u64,
    max_bytes: u64,
}

impl RotatingFile {
    fn open(path: &Path, max_bytes: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let size_bytes = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, size_bytes, max_bytes })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let line_bytes = line.len() as u64;
        if self.size_bytes > 0 && self.size_bytes + line_bytes > self.max_bytes {
            for age in (1..OLD_FILES).rev() {
                // The first rotations have nothing old to move.
                let _ = fs::rename(self.old(age), self.old(age + 1));
            }
            fs::rename(&self.path, self.old(1))?;
            *self = Self::open(&self.path, self.max_bytes)?;
        }
        self.size_bytes += line_bytes;
        self.file.write_all(line)
    }

    fn old(&self, age: u32) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{age}"));
        name.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_shown_compactly_and_the_rest_is_not() {
        let check = |text: &str, expected: Option<(Level, &str)>| {
            assert_eq!(shown(text), expected.map(|(level, text)| (level, text.to_owned())), "{text}");
        };
        check(r#"{"level":"info","message":"call answered","data":{}}"#, None);
        check(
            r#"{"level":"warn","message":"slow","data":{"target":"x","ms":12,"vendor":"acme"}}"#,
            Some((Level::Warning, "slow (ms=12, vendor=acme)")),
        );
        check(r#"{"level":"error","message":"lost"}"#, Some((Level::Error, "lost")));
        check("thread 'main' panicked\tat x", Some((Level::Error, "thread 'main' panicked at x")));
        check("  ", None);
    }

    #[test]
    fn a_log_is_set_aside_at_its_size_and_few_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("w1.log");
        let mut file = RotatingFile::open(&path, 10).unwrap();
        for n in 0..7 {
            file.write(format!("line {n}\n").as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "line 6\n");
        assert_eq!(fs::read_to_string(file.old(1)).unwrap(), "line 5\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1 + OLD_FILES as usize);
    }

    #[tokio::test]
    async fn the_last_words_of_a_child_are_remembered() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.log");
        let terminal = Terminal::stderr(&vox_shared::env::Env::from_vars([]));
        let mut log = Log::open("x", &path, terminal).unwrap();
        assert_eq!(log.last_words(), "it said nothing");
        log.pump(&b"{\"level\":\"info\",\"message\":\"hello\"}\nError: no disk\n\nCaused by: x"[..]).await;
        assert_eq!(log.last_words(), "Error: no disk | Caused by: x");
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 4);
    }
}
