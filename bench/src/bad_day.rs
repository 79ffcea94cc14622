//! Calls in virtual time whose vendors fail and whose model means harm (`just bad-day`): what its test counted, as a part of
//! `docs/benchmarks.md`. Counts and no times, so the same seeds give the same page.

use serde::Deserialize;

/// How the part begins; it is the last of its page.
const HEADING: &str = "## On a bad day";

/// What `core/tests/it/virtual_time.rs` counted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    pub conversations: u64,
    pub replies: u64,
    pub interrupted: u64,
    pub ended_by_bot: u64,
    /// Milliseconds in which the bot owed sound and gave none, the most of any conversation, and what it may be.
    pub longest_owed_silence_ms: u64,
    pub target_silence_ms: u64,
    pub failed: u64,
    pub fell_back: u64,
    pub second_requests: u64,
    pub common_answers: u64,
    pub handed_on: u64,
    pub tools_ran: u64,
    pub tools_of_servers: u64,
    pub tools_agreed: u64,
    pub callbacks: u64,
    pub keys: u64,
    pub tools_refused: u64,
    pub transfers: u64,
    pub people_joined: u64,
    pub callers_back: u64,
}

impl Counts {
    /// The part of the page.
    pub fn to_markdown(&self) -> String {
        let verdict =
            if self.longest_owed_silence_ms <= self.target_silence_ms { "met" } else { "**missed**" };
        let rows = [
            ("replies heard", self.replies),
            ("of them interrupted", self.interrupted),
            ("requests and streams that failed, were slow or mute", self.failed),
            ("answers of fall-backs", self.fell_back),
            ("second requests", self.second_requests),
            ("common answers where no model could be asked", self.common_answers),
            ("callers given to a person because nobody was left to be tried", self.handed_on),
            ("runs of tools", self.tools_ran),
            ("of them tools of a server (MCP)", self.tools_of_servers),
            ("of them after the caller had been asked", self.tools_agreed),
            ("callbacks that were wished for", self.callbacks),
            ("keys pressed", self.keys),
            ("calls of tools refused", self.tools_refused),
            ("blind transfers", self.transfers),
            ("people who took a call or joined it", self.people_joined),
            ("callers who came back off hold", self.callers_back),
            ("calls that the bot ended", self.ended_by_bot),
        ];
        let rows: String = rows.iter().map(|(what, count)| format!("| {what} | {count} |\n")).collect();
        format!(
            "{HEADING}\n\n\
             {} calls in virtual time, of the real session, ladders, breakers, books and codecs (`just bad-day`, which also writes this part). Each call \
             draws its recognisers, models and voices, with those that are tried after them, from the rows of `docs/providers.md`, and hears them \
             over the vendors' own protocols: a far end for each writes what the vendor writes and reads what the codec sends. The recogniser that \
             is asked over HTTP for each segment of speech (`openai`) is given a line's sound, in which each word has its mark: the client cuts it \
             and makes its requests as in a call, and the far end hears the marks that are in the file it is sent. Not among them is what has no \
             protocol because it runs on the machine (`pocketsphinx`, `flite`, `scripted`). One connection in eight lies: half messages, \
             duplicates, what is late or lost, other types, unknown events, text for sound, no UTF-8, a message that is too long, and the close \
             codes of the vendors' documents; over HTTP no words or made-up ones, 429 with `Retry-After`, 5xx, wrong JSON, half an answer, one \
             that is far too long, and none. Each vendor on each place of each ladder refuses its key, is away, busy, slow or mute half of the time, and changes its mood. The model means harm or \
             does not know better: it calls tools that are not there, with arguments that are not as they must be, that the caller was not asked \
             about, more often than it may, and wishes the caller handed over to strangers. In some calls a person is asked to take the call, in \
             others an agent comes and goes.\n\n\
             In none of them a line was dead, a timer or a request outlived its call, two goodbyes were said, a call had another number of results \
             than one, a key was pressed into the bot's words, or a tool ran or somebody was called that the model must not have; a call that breaks \
             such a rule ends the run and names its seed, which repeats it. The longest silence in which the bot owed sound was {} ms (at most {}: \
             {verdict}).\n\n\
             | counted | |\n| --- | --- |\n{rows}",
            self.conversations, self.longest_owed_silence_ms, self.target_silence_ms,
        )
    }

    /// The page with this part in the place of the one that it had, or at its end.
    pub fn put_into(&self, page: &str) -> String {
        let before = page.find(HEADING).map_or(page, |at| &page[..at]);
        format!("{}\n\n{}", before.trim_end(), self.to_markdown())
    }
}

/// What another run keeps of a page that it writes anew: this part.
pub fn part_of(page: &str) -> Option<&str> {
    page.find(HEADING).map(|at| &page[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(silence: u64) -> Counts {
        let text = format!(
            r#"{{"conversations": 10000, "replies": 5, "interrupted": 1, "ended_by_bot": 1, "longest_owed_silence_ms": {silence},
                "target_silence_ms": 4000, "failed": 1, "fell_back": 1, "second_requests": 1, "common_answers": 1, "handed_on": 1,
                "tools_ran": 1, "tools_of_servers": 1, "tools_agreed": 1, "callbacks": 1, "keys": 1, "tools_refused": 1,
                "transfers": 1, "people_joined": 1, "callers_back": 1}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_part_is_replaced_and_kept() {
        let page = "# Benchmarks\n\n## Once\n\nFast.\n";
        let first = counts(5000).put_into(page);
        assert!(first.starts_with(page) && first.contains("5000 ms (at most 4000: **missed**)"), "{first}");
        let second = counts(3000).put_into(&first);
        assert!(second.contains("3000 ms (at most 4000: met)") && !second.contains("5000"), "{second}");
        assert_eq!(second.matches(HEADING).count(), 1);
        assert_eq!((part_of(page), part_of(&second)), (None, Some(counts(3000).to_markdown().as_str())));
    }
}
