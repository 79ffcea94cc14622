//! What a carrier's word for the end of a call means when nobody had answered it.

use vox_shared::wire::result::DisconnectedBy;

use super::field::plain;

/// Words as carriers and SIP servers write them, in their plainest form (`No Answer`, `NOANSWER` and `no-answer` are one). A
/// number is a SIP status or a cause of Q.850.
const WORDS: [(DisconnectedBy, &[&str]); 3] = [
    (DisconnectedBy::Busy, &["busy", "engaged", "486", "600", "17"]),
    (
        DisconnectedBy::Rejected,
        &["reject", "decline", "refuse", "deny", "denied", "block", "dnd", "603", "607", "21"],
    ),
    (
        DisconnectedBy::Error,
        &[
            "fail",
            "error",
            "congest",
            "invalid",
            "unallocated",
            "unassigned",
            "unreachable",
            "notreachable",
            "switchedoff",
            "outofservice",
            "outoforder",
            "404",
            "484",
            "500",
            "502",
            "503",
            "1",
            "3",
            "27",
            "34",
            "38",
            "41",
            "42",
        ],
    ),
];

/// How a call ended that was never answered. Whatever else the carrier says (`customer` too: the caller gave up), it is a
/// call without an answer.
pub fn outcome(word: &str) -> DisconnectedBy {
    let word = plain(word);
    let is_number = word.bytes().all(|b| b.is_ascii_digit());
    let means = |name: &&str| if is_number { word == *name } else { word.contains(*name) };
    let known = WORDS.iter().find(|(_, names)| !word.is_empty() && names.iter().any(&means));
    known.map_or(DisconnectedBy::NoAnswer, |(by, _)| *by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriers_words_have_their_meaning_in_any_spelling() {
        for (by, words) in [
            (DisconnectedBy::Busy, "busy|BUSY|user_busy|User Busy|line-busy|486|486 Busy Here|17"),
            (DisconnectedBy::Rejected, "rejected|Reject|call-rejected|DECLINED|refused|blocked|603|21"),
            (
                DisconnectedBy::Error,
                "failed|Call Failed|error|congestion|invalid number|Unallocated|not reachable|503",
            ),
            (
                DisconnectedBy::NoAnswer,
                "noanswer|no_answer|No Answer|NO-ANSWER|cancel|CANCELLED|originator_cancel|timeout|480|Temporarily Unavailable|487|customer|bot||?|19",
            ),
        ] {
            for word in words.split('|') {
                assert_eq!(outcome(word), by, "{word}");
            }
        }
    }
}
