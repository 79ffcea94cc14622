//! The only place that writes to the terminal. A stream that cannot be written (a closed pipe) loses its lines and stops
//! nothing.

mod background;

use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use vox_shared::env::Env;

use background::Background;

/// Widest line shown for the moment, characters; a longer one would wrap and could not be taken back.
const MAX_FLEETING: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Stdout,
    Stderr,
}

/// How a piece of text stands out, where the stream is a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Strong,
    Faint,
    Good,
    Warning,
    Bad,
}

/// One of the two output streams. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Terminal {
    stream: Stream,
    is_terminal: bool,
    has_colours: bool,
    has_fleeting: Arc<AtomicBool>,
    background: Option<Background>,
}

impl Terminal {
    /// Standard output. `NO_COLOR` switches colours off.
    pub fn stdout(env: &Env) -> Self {
        Self::new(Stream::Stdout, io::stdout().is_terminal(), env)
    }

    /// Standard error.
    pub fn stderr(env: &Env) -> Self {
        Self::new(Stream::Stderr, io::stderr().is_terminal(), env)
    }

    fn new(stream: Stream, is_terminal: bool, env: &Env) -> Self {
        let has_colours = is_terminal && env.text("NO_COLOR").is_none();
        Self { stream, is_terminal, has_colours, has_fleeting: Arc::default(), background: None }
    }

    /// The same, never waiting for whoever reads: lines that nobody takes are lost.
    pub fn in_background(self) -> Self {
        let started = match self.stream {
            Stream::Stdout => Background::start(io::stdout()),
            Stream::Stderr => Background::start(io::stderr()),
        };
        // Without another thread it waits, as it did before.
        Self { background: started.ok(), ..self }
    }

    /// Wait until what was written in the background is out, but not for ever.
    pub fn finish(&self, within: Duration) {
        if let Some(background) = &self.background {
            background.finish(within);
        }
    }

    /// A line.
    pub fn line(&self, text: &str) {
        let end = if self.has_fleeting.swap(false, Ordering::Relaxed) { "\r\x1b[2K" } else { "" };
        self.write(&format!("{end}{text}\n"));
    }

    /// A line that the next one replaces. Nothing where the stream is a file or a pipe.
    pub fn fleeting(&self, text: &str) {
        if self.is_terminal {
            self.has_fleeting.store(true, Ordering::Relaxed);
            let text: String = text.chars().take(MAX_FLEETING).collect();
            self.write(&format!("\r\x1b[2K{}", self.styled(Style::Faint, &text)));
        }
    }

    /// Something that ends the program.
    pub fn error(&self, text: &str) {
        self.line(&format!("{} {text}", self.styled(Style::Bad, "error:")));
    }

    /// Something that does not.
    pub fn warning(&self, text: &str) {
        self.line(&format!("{} {text}", self.styled(Style::Warning, "warning:")));
    }

    /// The text with its style, or as it is where the stream shows none.
    pub fn styled(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Strong => "1",
            Style::Faint => "2",
            Style::Good => "32",
            Style::Warning => "33",
            Style::Bad => "31",
        };
        if self.has_colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn write(&self, text: &str) {
        if let Some(background) = &self.background {
            return background.write(text);
        }
        let bytes = text.as_bytes();
        // Nowhere is left to tell that a line was lost.
        let _ = match self.stream {
            Stream::Stdout => all(io::stdout().lock(), bytes),
            Stream::Stderr => all(io::stderr().lock(), bytes),
        };
    }
}

fn all(mut stream: impl Write, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

/// Text from elsewhere (a bot, a caller, a log) without control characters, which could rewrite the screen.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_move_the_cursor() {
        assert_eq!(plain("a\x1b[2Jb\r\nc"), "a [2Jb  c");
        assert_eq!(plain("naïve — ₹5"), "naïve — ₹5");
    }
}
