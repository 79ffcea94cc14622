//! Writing from a thread of its own. A pipe that nobody reads takes 64 KiB and then blocks whoever writes to it.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Pieces of text that may wait to be written.
const MAX_WAITING: usize = 1024;
/// Between two looks at a queue that is full.
const PAUSE: Duration = Duration::from_millis(10);

/// A stream that is written in the background. The thread ends when the last handle is gone.
#[derive(Clone, Debug)]
pub struct Background {
    queue: SyncSender<Piece>,
}

enum Piece {
    Text(String),
    /// Tell when everything before is out.
    Mark(SyncSender<()>),
}

impl Background {
    pub fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, pieces) = sync_channel(MAX_WAITING);
        thread::Builder::new().name("terminal".into()).spawn(move || write_all(to, &pieces))?;
        Ok(Self { queue })
    }

    /// Queue a text; it is lost when too many wait already.
    pub fn write(&self, text: &str) {
        let _ = self.queue.try_send(Piece::Text(text.to_owned()));
    }

    /// Wait until everything is out, or until the time is over.
    pub fn finish(&self, within: Duration) {
        let (tell, told) = sync_channel(1);
        let (until, mut mark) = (Instant::now() + within, Piece::Mark(tell));
        while let Err(TrySendError::Full(back)) = self.queue.try_send(mark) {
            if Instant::now() >= until {
                return;
            }
            mark = back;
            thread::sleep(PAUSE);
        }
        // Whether it came or the time was over: nothing else can be done for these lines.
        let _ = told.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

fn write_all(mut to: impl Write, pieces: &Receiver<Piece>) {
    for piece in pieces {
        // Neither a stream that is closed nor somebody who stopped waiting is told anything.
        match piece {
            Piece::Text(text) => drop(super::all(&mut to, text.as_bytes())),
            Piece::Mark(tell) => drop(tell.try_send(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, pipe};

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn a_pipe_that_nobody_reads_stops_nobody() {
        let (reader, writer) = pipe().unwrap();
        let background = Background::start(writer).unwrap();
        for n in 0..10_000 {
            background.write(&format!("{n:04} {}\n", "x".repeat(200)));
        }
        let began = Instant::now();
        background.finish(Duration::from_millis(50));
        assert!(began.elapsed() < LONG);
        drop(background);
        let lines: Vec<String> = BufReader::new(reader).lines().map(Result::unwrap).collect();
        assert!((MAX_WAITING..10_000).contains(&lines.len()), "{} lines", lines.len());
        assert!(
            lines.is_sorted() && lines.iter().all(|line| line.len() == 205),
            "whole lines, in their order"
        );
    }

    #[test]
    fn what_was_written_is_out_when_it_is_finished() {
        let (reader, writer) = pipe().unwrap();
        let background = Background::start(writer).unwrap();
        for n in 0..100 {
            background.write(&format!("{n}\n"));
        }
        background.finish(LONG);
        let lines = BufReader::new(reader).lines().map(Result::unwrap);
        assert!(lines.take(100).eq((0..100).map(|n| n.to_string())));
    }
}
