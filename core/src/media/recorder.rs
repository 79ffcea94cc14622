//! The stereo recording: caller left, bot right, on the call's media clock, written as it happens. The file is a valid
//! WAV after every block, so a killed worker leaves what was heard. Memory is constant: only the newest seconds are
//! held, because a carrier's buffer can still be cleared. Of a bot that hides what is said more of them are, so that most of it
//! is known before it is on disk; a tone stands in its place.

mod disk;

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use disk::{Work, tone, write_file};

/// Held back before it is written: longer than any carrier's queue.
const HOLD_SECS: u64 = 2;
/// The same where words are hidden: a turn, and the recogniser's last word on it. A killed worker loses as much.
const CHECKED_HOLD_SECS: u64 = 20;
/// Audio further ahead of the clock than this is not kept.
const AHEAD_SECS: u64 = 8;
/// Blocks waiting for the disk. At a second each the disk may stall this long before sound is lost.
const BLOCKS_WAITING: usize = 16;

/// Where the caller's samples go on the clock: they arrive in bursts, late, or not at all.
#[derive(Debug, Default)]
pub struct CallerTrack {
    cursor: u64,
}

impl CallerTrack {
    /// The place of `length` samples that arrived at media time `now`. `rate_hz` scales the tolerances: up to 60 ms of
    /// lag is jitter and stays contiguous; more is a gap. When more than 60 ms ahead (a burst after a stall), a quiet
    /// piece (one without speech) is dropped (`None`) to come back to the clock.
    pub fn place(&mut self, now: u64, length: u64, is_quiet: bool, rate_hz: u32) -> Option<u64> {
        let slack = u64::from(rate_hz) * 60 / 1000;
        let due = now.saturating_sub(length);
        if self.cursor + slack < due {
            self.cursor = due;
        }
        if is_quiet && self.cursor > due + slack {
            return None;
        }
        let at = self.cursor;
        self.cursor += length;
        Some(at)
    }

    /// Where the newest sound ends: after a burst ahead of the clock.
    pub fn end(&self) -> u64 {
        self.cursor
    }
}

/// Whether something may have to be hidden in a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked(pub bool);

/// What became of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Stereo frames on disk.
    pub frames: u64,
    /// Why it is not whole, if it is not.
    pub fault: Option<String>,
}

/// A recording whose call is over: it is closed where nobody waits for the disk.
#[derive(Debug)]
pub struct Unfinished {
    pub recorder: Recorder,
    /// Media time at which the call ended, samples.
    pub until: u64,
}

/// A recording in progress.
pub struct Recorder {
    held: VecDeque<[i16; 2]>,
    /// Media clock of the first held frame.
    base: u64,
    rate_hz: u64,
    block: Vec<[i16; 2]>,
    disk: SyncSender<Work>,
    writer: Option<JoinHandle<Finished>>,
    /// Frames that found no room in the writer's queue, in all and since the last block that did.
    lost: u64,
    newly_lost: u64,
    /// How long frames are held, seconds.
    hold_secs: u64,
    /// Stretches that are hidden when they are written, and those that the writer has still to go back for.
    hidden: Vec<Range<u64>>,
    late: Vec<Range<u64>>,
    /// All that was to be hidden.
    seen: Vec<Range<u64>>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder")
            .field("base", &self.base)
            .field("held", &self.held.len())
            .finish_non_exhaustive()
    }
}

impl Recorder {
    /// Begin a recording at `rate_hz`. The file must not exist yet; it is made by the writer, for a disk may take long over it.
    /// Whether it could be made is known at the end. Fails when no thread can be had.
    pub fn create(path: PathBuf, rate_hz: u32) -> io::Result<Self> {
        Self::begin(path, (rate_hz, HOLD_SECS), 0)
    }

    /// The same for a call in which something may have to be hidden: see [`Recorder::cover`].
    pub fn create_checked(path: PathBuf, rate_hz: u32) -> io::Result<Self> {
        Self::begin(path, (rate_hz, CHECKED_HOLD_SECS), 0)
    }

    /// Go on with the recording of a worker that died, from media time `from` on, samples: what it had not written is silence. Without
    /// a file all before is. `checked` as for [`Recorder::create_checked`].
    pub fn resume(path: PathBuf, rate_hz: u32, from: u64, checked: Checked) -> io::Result<Self> {
        let hold_secs = if checked.0 { CHECKED_HOLD_SECS } else { HOLD_SECS };
        Self::begin(path, (rate_hz, hold_secs), from)
    }

    fn begin(path: PathBuf, (rate_hz, hold_secs): (u32, u64), from: u64) -> io::Result<Self> {
        let (disk, work) = sync_channel::<Work>(BLOCKS_WAITING);
        let writer = std::thread::Builder::new()
            .name("recorder".into())
            .stack_size(128 * 1024)
            .spawn(move || write_file(&path, (rate_hz, from), &work))?;
        Ok(Self { hold_secs, base: from, ..Self::over(disk, Some(writer), rate_hz) })
    }

    fn over(disk: SyncSender<Work>, writer: Option<JoinHandle<Finished>>, rate_hz: u32) -> Self {
        Self {
            held: VecDeque::with_capacity((u64::from(rate_hz) * (HOLD_SECS + 1)) as usize),
            hold_secs: HOLD_SECS,
            hidden: Vec::new(),
            late: Vec::new(),
            seen: Vec::new(),
            base: 0,
            rate_hz: u64::from(rate_hz),
            block: Vec::new(),
            disk,
            writer,
            lost: 0,
            newly_lost: 0,
        }
    }

    /// The caller was heard at media time `at` (samples).
    pub fn caller(&mut self, at: u64, pcm: &[i16]) {
        self.put(0, at, pcm);
    }

    /// The bot is heard at media time `at` (samples).
    pub fn bot(&mut self, at: u64, pcm: &[i16]) {
        self.put(1, at, pcm);
    }

    /// The carrier dropped the bot's audio from `at` on.
    pub fn clear_bot(&mut self, at: u64) {
        let from = usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.held.len());
        for frame in self.held.range_mut(from..) {
            frame[1] = 0;
        }
    }

    /// Whether it was made for a call in which something may have to be hidden.
    pub fn is_checked(&self) -> bool {
        self.hold_secs == CHECKED_HOLD_SECS
    }

    /// Something was said in these frames that must not be heard: a tone takes its place, on both channels. What is on disk
    /// already is written over.
    pub fn cover(&mut self, frames: Range<u64>) {
        // It is said again with every line that follows.
        if self.seen.iter().any(|seen| seen.start <= frames.start && frames.end <= seen.end) {
            return;
        }
        self.seen.push(frames.clone());
        let settled = frames.start..frames.end.min(self.base);
        if !settled.is_empty() {
            self.late.push(settled);
        }
        if frames.end > self.base {
            self.hidden.push(frames);
        }
    }

    /// The clock stands at `now`: write what can no longer change.
    pub fn advance(&mut self, now: u64) {
        self.extend_to(now);
        let settled = now.saturating_sub(self.hold_secs * self.rate_hz);
        self.write_until(settled);
    }

    /// Write everything up to `now` and close the file. Waits for the disk: not for the audio path.
    pub fn finish(mut self, now: u64) -> Finished {
        self.extend_to(now);
        self.settle(now);
        // A full queue means a stuck disk: the writer's own end tells how far it came.
        let last = Work::Block { lost: self.newly_lost, block: std::mem::take(&mut self.block) };
        let late = Work::Cover(std::mem::take(&mut self.late));
        let _closed = [last, late, Work::Finish].into_iter().try_for_each(|work| self.disk.send(work));
        let writer = self.writer.take().expect("finish is called once");
        let mut finished = writer
            .join()
            .unwrap_or(Finished { frames: 0, fault: Some("the recording's writer panicked".into()) });
        if self.lost > 0 && finished.fault.is_none() {
            let seconds = self.lost.div_ceil(self.rate_hz);
            finished.fault = Some(format!("the disk was too slow: {seconds} s of sound are missing"));
        }
        finished
    }

    fn put(&mut self, channel: usize, at: u64, pcm: &[i16]) {
        let skip = usize::try_from(self.base.saturating_sub(at)).unwrap_or(usize::MAX).min(pcm.len());
        let start = usize::try_from((at + skip as u64).saturating_sub(self.base)).unwrap_or(usize::MAX);
        if start as u64 > (AHEAD_SECS + self.hold_secs - HOLD_SECS) * self.rate_hz {
            return;
        }
        let end = start + pcm.len() - skip;
        if self.held.len() < end {
            self.held.resize(end, [0, 0]);
        }
        for (frame, sample) in self.held.range_mut(start..end).zip(&pcm[skip..]) {
            frame[channel] = *sample;
        }
    }

    fn extend_to(&mut self, now: u64) {
        let length = usize::try_from(now.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let limit = ((self.hold_secs + AHEAD_SECS) * self.rate_hz) as usize;
        while self.held.len() < length {
            let step = (length - self.held.len()).min(limit);
            self.held.resize(self.held.len() + step, [0, 0]);
            if self.held.len() > limit {
                self.write_until(self.base + (self.held.len() - limit) as u64);
                return self.extend_to(now);
            }
        }
    }

    /// Nothing before `until` changes any more.
    fn settle(&mut self, until: u64) {
        let count =
            usize::try_from(until.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.held.len());
        let (base, rate_hz) = (self.base, self.rate_hz);
        let first = self.block.len();
        self.block.extend(self.held.drain(..count));
        self.base += count as u64;
        for hidden in &self.hidden {
            let (from, to) = (hidden.start.max(base), hidden.end.min(self.base));
            for at in from..to {
                self.block[first + (at - base) as usize] = [tone(at, rate_hz); 2];
            }
        }
        self.hidden.retain(|hidden| hidden.end > self.base);
    }

    fn write_until(&mut self, until: u64) {
        self.settle(until);
        if self.block.len() as u64 >= self.rate_hz {
            self.send_block();
        }
    }

    fn send_block(&mut self) {
        let (lost, block) = (self.newly_lost, std::mem::take(&mut self.block));
        let length = block.len() as u64;
        match self.disk.try_send(Work::Block { lost, block }) {
            Err(TrySendError::Full(_)) => {
                self.lost += length;
                self.newly_lost += length;
            }
            // Without a writer nothing is recorded any more, as its end will say.
            Ok(()) | Err(TrySendError::Disconnected(_)) => self.newly_lost = 0,
        }
        // Behind the sound that they are for. What finds no room is tried with the next block.
        if self.late.is_empty() {
            return;
        }
        let late = Work::Cover(std::mem::take(&mut self.late));
        if let Err(TrySendError::Full(Work::Cover(late))) = self.disk.try_send(late) {
            self.late = late;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn frames(path: &Path) -> Vec<[i16; 2]> {
        let bytes = std::fs::read(path).unwrap();
        let data = u32::from_le_bytes(bytes[40..44].try_into().unwrap()) as usize;
        bytes[44..44 + data]
            .chunks(4)
            .map(|c| [i16::from_le_bytes([c[0], c[1]]), i16::from_le_bytes([c[2], c[3]])])
            .collect()
    }

    #[test]
    fn both_directions_stand_where_they_were_heard() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("call.wav");
        let mut recorder = Recorder::create(path.clone(), 8_000).unwrap();
        for tick in 0..500u64 {
            let now = tick * 160;
            recorder.advance(now);
            recorder.caller(now, &[i16::try_from(tick).unwrap(); 160]);
            if tick >= 100 {
                recorder.bot(now + 80, &[-1; 160]);
            }
        }
        let finished = recorder.finish(500 * 160);
        assert_eq!(finished, Finished { frames: 80_000, fault: None });
        let frames = frames(&path);
        assert_eq!(frames.len(), 80_000);
        assert_eq!((frames[0], frames[160 * 99], frames[160 * 499]), ([0, 0], [99, 0], [499, -1]));
        assert_eq!((frames[16_079], frames[16_080]), ([100, 0], [100, -1]));
    }

    #[test]
    fn what_the_carrier_cleared_is_not_in_the_recording() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("call.wav");
        let mut recorder = Recorder::create(path.clone(), 8_000).unwrap();
        recorder.bot(0, &[9; 3_200]);
        recorder.advance(800);
        recorder.clear_bot(800);
        recorder.finish(3_200);
        let frames = frames(&path);
        assert_eq!((frames[799], frames[800], frames[3_199]), ([0, 9], [0, 0], [0, 0]));
    }

    /// Before it is written, after it was, and across the two.
    #[test]
    fn a_tone_stands_where_something_is_hidden() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("call.wav");
        let mut recorder = Recorder::create_checked(path.clone(), 8_000).unwrap();
        for second in 0..32u64 {
            recorder.caller(second * 8_000, &[5; 8_000]);
            recorder.bot(second * 8_000, &[7; 8_000]);
            recorder.advance((second + 1) * 8_000);
            match second {
                22 => recorder.cover(21 * 8_000..22 * 8_000),
                28 => recorder.cover(4 * 8_000..6 * 8_000),
                31 => recorder.cover(10 * 8_000..13 * 8_000),
                _ => {}
            }
        }
        assert_eq!(recorder.finish(32 * 8_000), Finished { frames: 32 * 8_000, fault: None });
        let frames = frames(&path);
        let hidden = [21, 4, 5, 10, 11, 12];
        for (second, sound) in frames.chunks(8_000).enumerate() {
            let is_clear = sound.iter().all(|frame| *frame == [5, 7]);
            let crossings = sound.windows(2).filter(|pair| (pair[0][0] < 0) != (pair[1][0] < 0)).count();
            let is_tone =
                sound.iter().all(|[left, right]| left == right) && (1_990..=2_010).contains(&crossings);
            assert!(if hidden.contains(&second) { is_tone } else { is_clear }, "second {second}");
        }
    }

    /// What the killed worker held in memory is silence, and what comes then stands where it was heard.
    #[test]
    fn a_recording_is_gone_on_with_after_its_worker_died() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("call.wav");
        let mut recorder = Recorder::create(path.clone(), 8_000).unwrap();
        for second in 0..10u64 {
            recorder.caller(second * 8_000, &[5; 8_000]);
            recorder.advance((second + 1) * 8_000);
        }
        let writer = recorder.writer.take().unwrap();
        drop(recorder);
        let before = writer.join().unwrap().frames;
        assert!((7 * 8_000..10 * 8_000).contains(&before), "{before}");
        let from = 12 * 8_000 + 160;
        let mut recorder = Recorder::resume(path.clone(), 8_000, from, Checked(false)).unwrap();
        recorder.bot(from + 160, &[9; 160]);
        recorder.advance(from + 320);
        assert_eq!(recorder.finish(from + 8_000), Finished { frames: from + 8_000, fault: None });
        let frames = frames(&path);
        let (sound, rest) = frames.split_at(before as usize);
        assert!(sound.iter().all(|frame| *frame == [5, 0]));
        let heard = rest.iter().position(|frame| *frame == [0, 9]).unwrap() as u64 + before;
        assert_eq!(heard, from + 160);
        assert_eq!(rest.iter().filter(|frame| **frame != [0, 0]).count(), 160);
        // A worker that died before it had made a file.
        let path = dir.path().join("other.wav");
        let recorder = Recorder::resume(path.clone(), 8_000, 800, Checked(true)).unwrap();
        assert_eq!(recorder.finish(1_600), Finished { frames: 1_600, fault: None });
    }

    /// Nothing younger is on disk, for it may have to be hidden.
    #[test]
    fn what_may_have_to_be_hidden_waits_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("call.wav");
        let mut recorder = Recorder::create_checked(path.clone(), 8_000).unwrap();
        for second in 0..30u64 {
            recorder.caller(second * 8_000, &[5; 8_000]);
            recorder.advance((second + 1) * 8_000);
        }
        let writer = recorder.writer.take().unwrap();
        drop(recorder);
        writer.join().unwrap();
        assert_eq!(frames(&path).len(), 10 * 8_000);
    }

    /// What came after a second that the disk did not take stood a second too early.
    #[test]
    fn what_a_slow_disk_lost_is_silence_and_moves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("call.wav");
        let (disk, work) = sync_channel(1);
        let mut recorder = Recorder::over(disk, None, 8_000);
        for second in 1..=6_i16 {
            recorder.caller(u64::from(second.unsigned_abs() - 1) * 8_000, &[second; 8_000]);
            recorder.advance(u64::from(second.unsigned_abs()) * 8_000);
        }
        let file = path.clone();
        recorder.writer = Some(std::thread::spawn(move || write_file(&file, (8_000, 0), &work)));
        let finished = recorder.finish(6 * 8_000);
        assert_eq!(finished.frames, 6 * 8_000);
        assert_eq!(finished.fault.as_deref(), Some("the disk was too slow: 3 s of sound are missing"));
        let seconds: Vec<i16> = frames(&path).chunks(8_000).map(|second| second[0][0]).collect();
        assert_eq!(seconds, [1, 0, 0, 0, 5, 6]);
    }

    /// The call begins without waiting for the disk.
    #[test]
    fn a_recording_begins_although_its_file_cannot_be_made_and_says_so_at_the_end() {
        let mut recorder = Recorder::create("/proc/no/such/call.wav".into(), 8_000).unwrap();
        for second in 0..30u64 {
            recorder.caller(second * 8_000, &[5; 8_000]);
            recorder.advance((second + 1) * 8_000);
        }
        let finished = recorder.finish(30 * 8_000);
        assert_eq!(finished.frames, 0);
        assert!(finished.fault.is_some_and(|fault| fault.contains("could not be begun")));
    }

    #[test]
    fn the_file_is_playable_while_it_grows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("call.wav");
        let mut recorder = Recorder::create(path.clone(), 8_000).unwrap();
        for second in 0..10u64 {
            recorder.caller(second * 8_000, &[5; 8_000]);
            recorder.advance((second + 1) * 8_000);
        }
        // The writer thread owns the file; dropping the recorder without finish is what a kill looks like to it.
        let writer = recorder.writer.take().unwrap();
        drop(recorder);
        writer.join().unwrap();
        let frames = frames(&path);
        assert!(frames.len() >= 7 * 8_000, "{}", frames.len());
        assert!(frames.iter().all(|f| *f == [5, 0]));
    }

    #[test]
    fn a_burst_after_a_stall_comes_back_to_the_clock() {
        let mut track = CallerTrack::default();
        assert_eq!(track.place(160, 160, false, 8_000), Some(0));
        assert_eq!(track.place(400, 160, false, 8_000), Some(160), "60 ms late is jitter");
        assert_eq!(track.place(8_000, 160, false, 8_000), Some(7_840), "more is a gap");
        for _ in 0..10 {
            track.place(8_000, 160, false, 8_000);
        }
        assert_eq!(track.place(8_000, 160, true, 8_000), None, "a quiet piece is dropped to catch up");
    }
}
