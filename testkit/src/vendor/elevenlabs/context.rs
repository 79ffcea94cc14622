//! One context: text in, audio out at its pace.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{
    habit::Habit,
    message::Settings,
    script::Script,
    speech::{Manner, Piece},
};

/// What a context does when its moment has come.
pub(crate) enum Step {
    Audio(Piece),
    /// Everything has been said and the context is closed.
    Final,
}

/// The state of one context.
pub(crate) struct Context {
    manner: Manner,
    schedule: Vec<usize>,
    generations: usize,
    auto_mode: bool,
    /// Text that no generation has taken yet.
    buffered: String,
    /// Text being spoken.
    speaking: VecDeque<char>,
    due: Option<Instant>,
    closing: bool,
    /// The context is given up after its first generation, of which so many characters are left.
    gives_up_in: Option<usize>,
    pub(crate) last_heard: Instant,
}

impl Context {
    pub(crate) fn new(manner: Manner, settings: Settings, auto_mode: bool) -> Self {
        let manner = Manner { ms_per_char: manner.ms_per_char / settings.speed, ..manner };
        Self {
            manner,
            schedule: settings.schedule,
            generations: 0,
            auto_mode,
            buffered: String::new(),
            speaking: VecDeque::new(),
            due: None,
            closing: false,
            gives_up_in: None,
            last_heard: Instant::now(),
        }
    }

    /// Give it up after the first text that is generated.
    pub(crate) fn give_up_early(&mut self) {
        self.gives_up_in = Some(usize::MAX);
    }

    /// Append text, and generate what the schedule allows.
    pub(crate) fn append(&mut self, text: &str, script: &Script) {
        self.buffered.push_str(text);
        let wanted =
            self.schedule.get(self.generations).or(self.schedule.last()).copied().unwrap_or_default();
        if self.auto_mode || self.buffered.chars().count() >= wanted {
            self.flush(script);
        }
    }

    /// Generate everything buffered.
    pub(crate) fn flush(&mut self, script: &Script) {
        let text = std::mem::take(&mut self.buffered);
        if text.trim().is_empty() {
            return;
        }
        self.generations += 1;
        if self.generations == 1 {
            self.gives_up_in = self.gives_up_in.map(|_| text.chars().count());
        }
        if !script.habits.contains(&Habit::Mute) {
            self.speaking.extend(text.chars());
        }
        self.due.get_or_insert_with(|| Instant::now() + Duration::from_millis(script.first_audio_ms));
    }

    /// Characters that wait for a generation.
    pub(crate) fn unspoken(&self) -> usize {
        self.buffered.trim().chars().count()
    }

    /// No more text; what was never flushed is dropped, what is being spoken is finished.
    pub(crate) fn close(&mut self) {
        self.buffered.clear();
        self.closing = true;
        self.due.get_or_insert_with(Instant::now);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing
    }

    /// When [`Context::step`] has something to do.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What falls due now, if anything.
    pub(crate) fn step(&mut self, now: Instant, script: &Script) -> Option<Step> {
        let due = self.due.filter(|due| *due <= now)?;
        if self.speaking.is_empty() || self.gives_up_in == Some(0) {
            self.due = None;
            return (self.closing || self.gives_up_in == Some(0)).then_some(Step::Final);
        }
        let most = self.speaking.len().min(self.gives_up_in.unwrap_or(usize::MAX));
        let count = self.manner.chars_per_piece().min(most);
        self.gives_up_in = self.gives_up_in.map(|left| left - count);
        let piece = self.manner.piece(self.speaking.drain(..count).collect());
        let wait_ms =
            if script.realtime_factor > 0.0 { piece.duration_ms / script.realtime_factor } else { 0.0 };
        let next = due + Duration::from_secs_f64(wait_ms / 1_000.0);
        let goes_on = self.closing || !self.speaking.is_empty() || self.gives_up_in == Some(0);
        self.due = goes_on.then_some(next);
        self.last_heard = now;
        Some(Step::Audio(piece))
    }
}
