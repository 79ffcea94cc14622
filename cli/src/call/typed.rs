//! Lines of standard input.

use std::io::BufRead as _;

use tokio::sync::mpsc;

/// Lines that wait to be spoken.
const MAX_LINES: usize = 64;

/// Lines as they come, until standard input ends. The thread that reads them cannot be stopped while it waits for the
/// keyboard; it ends with the program.
pub fn lines() -> mpsc::Receiver<String> {
    let (to, lines) = mpsc::channel(MAX_LINES);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if to.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}
