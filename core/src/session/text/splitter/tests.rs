mod hiding;
mod markup;
mod properties;
mod sentences;

use super::*;

fn splitter() -> Splitter {
    Splitter::new("en", vec!["end_call".to_owned(), "transfer".to_owned()])
}

fn items(tokens: &[&str]) -> Vec<Item> {
    let mut splitter = splitter();
    let mut items: Vec<Item> = tokens.iter().flat_map(|t| splitter.push(t)).collect();
    items.extend(splitter.finish());
    items
}

fn says(tokens: &[&str]) -> Vec<String> {
    let said = |item: Item| if let Item::Piece(piece) = item { Some(piece.say().to_owned()) } else { None };
    items(tokens).into_iter().filter_map(said).collect()
}

fn check(tokens: &[&str], expected: &[&str]) {
    assert_eq!(says(tokens), expected, "{tokens:?}");
}
