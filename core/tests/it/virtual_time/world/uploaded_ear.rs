//! The caller's recogniser where it is asked over HTTP: the line's sound holds what is said, and every question is answered as its
//! server is minded to.

use std::sync::Arc;

use vox_core::provider::stt::transcription::Question;

use super::super::vendors::SttMood;
use super::super::wire::ears::transcription::{self, Manner};
use super::super::wire::frame::Frame;
use super::{Happening, World};

/// What the line gives at a time.
const WINDOW_MS: u64 = 32;
/// How long a caller takes for a letter.
const LETTER_MS: u64 = 65;

impl World {
    /// The line's sound since the window before.
    pub(super) fn sound(&mut self) -> Arc<[i16]> {
        let since = self.now.saturating_sub(WINDOW_MS);
        let word = self.saying.and_then(|(text, began)| word_between(text, began, (since, self.now)));
        let number = self.wires.as_mut().zip(word).map(|(wires, word)| {
            wires.spoken.push(word);
            wires.spoken.len() - 1
        });
        transcription::sound(self.speaking, number)
    }

    /// A question has come to the server.
    pub(super) fn ear_is_asked(&mut self, request: u64, question: &Question) {
        let (stream, is_deaf) = (self.stt_stream, self.stt_mood == SttMood::Deaf);
        let Some(wires) = &mut self.wires else { return };
        let Some(ear) = &wires.ear else { return };
        let heard = transcription::heard(question);
        let words: Vec<(&str, f64)> = heard.iter().map(|(number, at)| (wires.spoken[*number], *at)).collect();
        let manner = match transcription::has_route(question) {
            _ if is_deaf => Manner::Silent,
            _ if ear.is_broken => Manner::Down,
            false => Manner::NoRoute,
            true => Manner::drawn(ear.liar.percent(), &mut self.random),
        };
        *wires.answers_of_ears.entry(manner).or_default() += 1;
        let parts = transcription::parts((question, words.as_slice()), manner, &mut self.random);
        // It was heard in the sound, and need not be asked for.
        self.unfinalised.clear();
        for (after, part) in parts {
            self.at(self.now + after, Happening::EarFrame { stream, frame: Frame::Answer { request, part } });
        }
    }
}

/// The word that begins at or after the first of these moments and before the second, of a text whose first does at `began`.
fn word_between(text: &'static str, began: u64, (from, to): (u64, u64)) -> Option<&'static str> {
    let mut begins = began;
    text.split(' ').find(|word| {
        let is_it = (from..to).contains(&begins);
        begins += (word.len() as u64 + 1) * LETTER_MS;
        is_it
    })
}
