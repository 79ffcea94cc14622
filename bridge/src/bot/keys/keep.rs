//! Which stored key an entry without one keeps. A vendor's entry is known by what it is (vendor, address, model, voice), not
//! by its place: fallbacks change their order. A key goes only to the vendor and address it was given for, otherwise whoever
//! may edit a bot could send it to a server of their own.

use serde_json::Value;
use vox_shared::model::bot::{ApiKey, BotSettings};

use super::{KEY, Keyed, mcp, tools};
use crate::fields::FieldError;

const MOVED: &str = "give the key again: the stored one is not sent to another base_url";
const UNCLEAR: &str = "give the key again: more than one stored key could be meant";

/// Put the stored keys where the new settings name none.
pub fn keep_stored(new: &mut BotSettings, stored: &BotSettings, faults: &mut Vec<FieldError>) {
    keep(&mut new.stt, &stored.stt, "stt", faults);
    keep(&mut new.llm, &stored.llm, "llm", faults);
    keep(&mut new.tts, &stored.tts, "tts", faults);
    tools::keep_stored(new, stored, faults);
    mcp::keep_stored(new, stored, faults);
}

fn keep<T: Keyed>(new: &mut T, stored: &T, path: &str, faults: &mut Vec<FieldError>) {
    let found = chosen(&entries(new), &entries(stored));
    for (place, choice) in found.into_iter().enumerate() {
        let (entry, path) = match place.checked_sub(1) {
            None => (&mut *new, path.to_owned()),
            Some(place) => (&mut new.fallbacks_mut()[place], format!("{path}.fallbacks.{place}")),
        };
        match choice {
            Choice::None => {}
            Choice::Key(key) => *entry.key() = key,
            Choice::Refused(why) => faults.push(FieldError::new(format!("{path}.{KEY}"), why)),
        }
    }
}

/// The first choice, then its fallbacks.
fn entries<T: Keyed>(first: &T) -> Vec<&T> {
    std::iter::once(first).chain(first.fallbacks()).collect()
}

/// What becomes of an entry's key.
enum Choice {
    /// It has its own, or none was ever stored for it.
    None,
    Key(ApiKey),
    Refused(&'static str),
}

fn chosen<T: Keyed>(new: &[&T], stored: &[&T]) -> Vec<Choice> {
    let mut free: Vec<bool> = stored.iter().map(|entry| !entry.api_key().is_empty()).collect();
    let mut choices: Vec<Option<Choice>> = Vec::new();
    // First those that are stored as they are. One that brings its own key takes its place too: the old key is not free.
    for entry in new {
        let twin = (0..stored.len()).find(|at| free[*at] && is_same(*entry, stored[*at]));
        let choice = twin.map(|at| {
            free[at] = false;
            match entry.api_key().is_empty() {
                true if has_gone(*entry, new, stored) => Choice::Refused(UNCLEAR),
                true => Choice::Key(stored[at].api_key().clone()),
                false => Choice::None,
            }
        });
        choices.push(choice);
    }
    let rest = choices.into_iter().enumerate();
    rest.map(|(place, choice)| choice.unwrap_or_else(|| changed(place, new[place], stored, &mut free)))
        .collect()
}

/// For an entry that is not stored in this form: its model or voice was changed, or it is new.
fn changed<T: Keyed>(place: usize, entry: &T, stored: &[&T], free: &mut [bool]) -> Choice {
    if !entry.api_key().is_empty() {
        return Choice::None;
    }
    let candidates: Vec<usize> =
        (0..stored.len()).filter(|at| free[*at] && goes_to_same(entry, stored[*at])).collect();
    let before = stored.get(place).filter(|_| free.get(place) == Some(&true));
    let Some(first) = candidates.first().copied() else {
        let moved = before.is_some_and(|old| old.provider() == entry.provider());
        return if moved { Choice::Refused(MOVED) } else { Choice::None };
    };
    let key = stored[first].api_key();
    let is_first = place == 0 && first == 0;
    if !is_first && candidates.iter().any(|at| stored[*at].api_key().expose() != key.expose()) {
        return Choice::Refused(UNCLEAR);
    }
    free[first] = false;
    Choice::Key(key.clone())
}

fn goes_to_same<T: Keyed>(one: &T, other: &T) -> bool {
    one.provider() == other.provider() && address(one) == address(other)
}

fn is_same<T: Keyed>(one: &T, other: &T) -> bool {
    goes_to_same(one, other) && one.model() == other.model() && one.voice() == other.voice()
}

/// Without the slash at its end, which changes nothing. An empty one counts as none, as everywhere.
pub(super) fn address<T: Keyed>(entry: &T) -> Option<&str> {
    let given = entry.extra().get("base_url").and_then(Value::as_str)?;
    Some(given.trim().trim_end_matches('/')).filter(|url| !url.is_empty())
}

/// Whether there were several entries like this one with keys of their own, and one of them is gone: which one, nobody says.
fn has_gone<T: Keyed>(entry: &T, new: &[&T], stored: &[&T]) -> bool {
    let alike: Vec<&T> =
        stored.iter().copied().filter(|s| !s.api_key().is_empty() && is_same(entry, *s)).collect();
    let differ = alike.iter().any(|s| s.api_key().expose() != alike[0].api_key().expose());
    differ && new.iter().filter(|n| is_same(entry, **n)).count() < alike.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vox_shared::model::bot::LlmSettings;

    fn llm(model: &str, key: &str) -> LlmSettings {
        LlmSettings {
            provider: "openai".into(),
            model: model.into(),
            api_key: ApiKey::new(key),
            ..LlmSettings::default()
        }
    }

    fn at(url: &str, llm: LlmSettings) -> LlmSettings {
        let mut llm = llm;
        llm.extra.insert("base_url".into(), url.into());
        llm
    }

    fn bot(first: LlmSettings, fallbacks: &[LlmSettings]) -> BotSettings {
        let llm = LlmSettings { fallbacks: fallbacks.to_vec(), ..first };
        BotSettings { llm, ..BotSettings::default() }
    }

    /// The keys of the first choice and its fallbacks after the change, and the paths of what is refused.
    fn check(new: BotSettings, stored: &BotSettings, keys: &[&str], refused: &[&str]) {
        let (mut new, mut faults) = (new, Vec::new());
        keep_stored(&mut new, stored, &mut faults);
        let found: Vec<&str> = entries(&new.llm).into_iter().map(|e| e.api_key().expose()).collect();
        let paths: Vec<&str> = faults.iter().map(|f| f.path.as_str()).collect();
        assert_eq!((found, paths), (keys.to_vec(), refused.to_vec()));
    }

    fn stored() -> BotSettings {
        bot(llm("a", "key-a"), &[llm("b", "key-b"), at("https://own.example/v1", llm("c", "key-c"))])
    }

    #[test]
    fn keys_follow_their_vendors_entry_and_not_its_place() {
        let own = || at("https://own.example/v1/", llm("c", ""));
        check(bot(llm("a", ""), &[own(), llm("b", "")]), &stored(), &["key-a", "key-c", "key-b"], &[]);
        check(bot(llm("b", ""), &[llm("a", ""), own()]), &stored(), &["key-b", "key-a", "key-c"], &[]);
        check(bot(own(), &[]), &stored(), &["key-c"], &[]);
        check(bot(llm("a", "new"), &[llm("b", "")]), &stored(), &["new", "key-b"], &[]);
    }

    #[test]
    fn an_empty_address_is_none() {
        let stored = bot(llm("a", "key-a"), &[]);
        for empty in ["", " ", "/"] {
            check(bot(at(empty, llm("a", "")), &[]), &stored, &["key-a"], &[]);
        }
    }

    #[test]
    fn a_changed_model_keeps_the_key_of_its_entry() {
        check(bot(llm("z", ""), &[llm("b", "")]), &stored(), &["key-a", "key-b"], &[]);
        check(bot(llm("a", ""), &[llm("z", "")]), &stored(), &["key-a", "key-b"], &[]);
        check(bot(llm("b", ""), &[llm("z", "")]), &stored(), &["key-b", "key-a"], &[]);
    }

    #[test]
    fn a_key_is_never_guessed() {
        let both = bot(llm("a", "key-a"), &[llm("b", "key-b"), llm("c", "key-c")]);
        check(
            bot(llm("a", ""), &[llm("x", ""), llm("y", "")]),
            &both,
            &["key-a", "", ""],
            &["llm.fallbacks.0.api_key", "llm.fallbacks.1.api_key"],
        );
        let twins = bot(llm("a", "key-1"), &[llm("a", "key-2")]);
        check(bot(llm("a", ""), &[llm("a", "")]), &twins, &["key-1", "key-2"], &[]);
        check(bot(llm("a", ""), &[]), &twins, &[""], &["llm.api_key"]);
    }

    #[test]
    fn a_key_never_goes_to_another_address() {
        let evil = || at("https://evil.example/v1", llm("a", ""));
        check(bot(evil(), &[]), &stored(), &[""], &["llm.api_key"]);
        check(
            bot(llm("a", ""), &[at("https://evil.example", llm("b", ""))]),
            &stored(),
            &["key-a", ""],
            &["llm.fallbacks.0.api_key"],
        );
        let other = LlmSettings { provider: "other".into(), ..llm("a", "") };
        check(bot(other, &[]), &stored(), &[""], &[]);
    }
}
