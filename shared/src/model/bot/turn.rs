//! When the caller speaks, when their turn is over, and what interrupts the bot.

use serde::{Deserialize, Serialize};

/// When a sound counts as speech.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VadSettings {
    /// Speech begins at this probability, 0 to 1.
    pub confidence: f32,
    /// Speech ends below this probability.
    pub off_confidence: f32,
    /// How long speech must last to count, seconds.
    pub start_secs: f32,
    /// How long silence must last to end speech, seconds.
    pub stop_secs: f32,
    /// How far above the measured noise floor a window must be, decibels; 0 switches the gate off.
    pub min_volume: f32,
}

impl Default for VadSettings {
    fn default() -> Self {
        Self { confidence: 0.5, off_confidence: 0.35, start_secs: 0.1, stop_secs: 0.2, min_volume: 6.0 }
    }
}

/// When the caller's turn is over, and what interrupts the bot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TurnSettings {
    /// Silence after speech that ends a turn whose transcript reads complete, seconds.
    pub complete_secs: f32,
    /// The same for a transcript that reads incomplete ("and my number is").
    pub incomplete_secs: f32,
    /// The same for a number that is read in groups, spelled letters, an address that is dictated, seconds.
    pub spelling_secs: f32,
    /// Longest wait for the final transcript after the turn's end, seconds.
    pub transcript_secs: f32,
    /// Longest turn without a decision, seconds of silence.
    pub watchdog_secs: f32,
    /// Speech of this length interrupts the bot even without a transcript, seconds.
    pub interrupt_secs: f32,
    /// Whether the caller may interrupt at all.
    pub interruptible: bool,
    /// An interruption with no words resumes the bot's reply after this pause, seconds.
    pub resume_secs: f32,
    /// Words that never interrupt.
    pub backchannels: Vec<String>,
    /// Words that always interrupt.
    pub stop_words: Vec<String>,
}

impl Default for TurnSettings {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect();
        Self {
            complete_secs: 0.35,
            incomplete_secs: 1.2,
            spelling_secs: 2.0,
            transcript_secs: 0.8,
            watchdog_secs: 5.0,
            interrupt_secs: 0.4,
            interruptible: true,
            resume_secs: 1.5,
            backchannels: words(&[
                "mm-hmm",
                "mm",
                "mhm",
                "hm",
                "uh-huh",
                "uhum",
                "aha",
                "ah",
                "oh",
                "ok",
                "okay",
                "yeah",
                "yep",
                "yup",
                "right",
                "all right",
                "alright",
                "sure",
                "i see",
                "got it",
                "go on",
                "of course",
                "exactly",
                "that's right",
                "i understand",
                "understood",
                "great",
                "good",
                "nice",
                "cool",
                "perfect",
                "really",
                "wow",
                "uh",
                "um",
                "er",
                "eh",
                "haan",
                "haan ji",
                "achha",
                "accha",
                "ji",
                "theek",
                "theek hai",
                "thik hai",
                "हाँ",
                "हां",
                "हा",
                "जी",
                "ठीक",
                "ठीक है",
                "अच्छा",
                "हम्म",
                "हूँ",
                "ओके",
                "சரி",
                "ஆமா",
                "అవును",
                "సరే",
                "ಹೌದು",
                "ಸರಿ",
                "হ্যাঁ",
                "ঠিক আছে",
                "ja",
                "genau",
                "stimmt",
                "sí",
                "ajá",
                "vale",
                "claro",
                "d'accord",
                "oui",
                "ouais",
                "certo",
                "sim",
                "はい",
                "うん",
                "ええ",
                "嗯",
                "好的",
            ]),
            stop_words: words(&[
                "stop",
                "wait",
                "hold on",
                "excuse me",
                "no no",
                "one moment",
                "just a moment",
                "ruko",
                "rukiye",
                "रुको",
                "रुकिए",
                "एक मिनट",
                "stopp",
                "warte",
                "moment mal",
                "espera",
                "un momento",
                "attendez",
                "aspetta",
                "espere",
            ]),
        }
    }
}
