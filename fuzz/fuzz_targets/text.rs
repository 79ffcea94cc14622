//! A model's reply: no panic, how its tokens are cut does not matter, nothing waits without an end, and what is kept lies
//! beside what is said. The first byte says where to cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vox_core::session::text::{Item, Splitter};

/// Longest text that may be held back, characters: a tool call that turns out to be none, and a piece.
const HELD_MAX: usize = 6_000;

fn read(tokens: &[&str]) -> Vec<Item> {
    let mut splitter = Splitter::new("en", vec!["end_call".to_owned()]);
    let mut items: Vec<Item> = tokens.iter().flat_map(|token| splitter.push(token)).collect();
    items.extend(splitter.finish());
    items
}

fuzz_target!(|input: (u8, &str)| {
    let (cut, text) = input;
    let cut = (0..=usize::from(cut).min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let items = read(&[text]);
    assert_eq!(items, read(&[&text[..cut], &text[cut..]]));
    for item in items {
        let Item::Piece(piece) = item else { continue };
        assert!(piece.chars() <= HELD_MAX && piece.say().contains(char::is_alphanumeric));
        for at in 0..=piece.chars().min(64) {
            let (before, after) = piece.split(at);
            assert!(before.is_some() || after.is_some());
        }
    }
});
