//! English phrase sets that every script can use as `<yes>`, `<no>`, ... A script's own set of the same name replaces it.

use std::sync::Arc;

use super::pattern::{Pattern, Sets};

const YES: &[&str] = &[
    "(yes|yeah|yep|yup|yea|yas|aye|haan)",
    "(sure|certainly|definitely|absolutely|correct|right|okay|ok|alright|perfect|exactly|affirmative|indeed)",
    "of course",
    "(sounds|thats|that is|its|it is|would be|all) (good|great|fine|right|correct|perfect|okay|ok|true)",
    "(i can|i will|ill|i do|i am|i did|it does|it is|it was|you can|you may|we can|we will)$",
    "(i can|i will|ill|we can|we will|well) (make it|be there|come|do (that|it))",
    "(that|it) works",
    "go (ahead|on)",
    "(please|yes) do",
    "(no|not a) problem",
    "why not",
    "sound good",
    "^(fine|good|great|true|please)$",
    "works for me",
];

const NO: &[&str] = &[
    "(no|nope|nah|naw|negative|never|nahi)",
    "^know$",
    "not (really|at all|now|today|yet|right|correct|quite|good|anymore|particularly|sure|possible)",
    "no (thanks|thank you|thats (all|it|fine|okay|ok|right|everything)|im (fine|good|okay|ok)|im not|i am not)",
    "(yeah|yes) no",
    "(i|we) (cant|cannot|wont|dont|didnt|couldnt|wouldnt|can not|will not|do not|did not|am not|shant)",
    "im (not|afraid not|unable|busy|out of town|away)",
    "(that|it) (doesnt|does not|wont|will not) work",
    "(thats|that is|its|it is|it was|it wasnt|that isnt|it isnt) (not|wrong|incorrect|all|it)",
    "(dont|do not|doesnt|didnt|did not) (think so|want|need|like)",
    "nothing (else|more)",
    "(no way|of course not|certainly not|definitely not|absolutely not|not possible|impossible|wrong)",
    "unfortunately",
];

const BYE: &[&str] = &[
    "(goodbye|bye|cheerio|see (you|ya)|talk to you later|have a (good|nice|great) (day|one|evening|afternoon))",
    "(hang up|end the call|thats all|that is all|thats it|that will be all|thatll be all|im done|i am done)",
    "(nothing|no) (else|more)",
    "i (have to|got to|must|need to) go",
];

const REPEAT: &[&str] = &[
    "(repeat|again please|once more|one more time|come again|pardon|pardon me|excuse me|say again)",
    "say (that|it) again",
    "(what|sorry what|whats that|what was that)$",
    "what did you (say|ask)",
    "(didnt|did not|couldnt|could not|cant|cannot) (hear|catch|understand|get) (you|that|it|what)",
    "^(sorry|huh|hmm what|eh)$",
];

const PERSON: &[&str] = &[
    "(talk|speak|speaking|talking) (to|with) (a|an|the|some|somebody|someone|anyone) [real|actual|live] \
     (person|human|agent|operator|receptionist|manager|representative|someone|nurse|doctor|staff)",
    "(talk|speak|talking|speaking) (to|with) (someone|somebody|anyone|people|reception)",
    "(real|actual|live|human) (person|human|agent|being|operator)",
    "(agent|operator|representative|receptionist|human|customer service)",
    "(a person|somebody|a human) please",
    "(transfer|connect|put) me",
    "(not|isnt) (a|this a) (machine|robot|bot|computer)",
    "(are|is) (you|this) (a|an) (robot|machine|computer|bot|recording)",
];

const HELP: &[&str] = &[
    "^(help|help me|help please)$",
    "(what can (you|i)|how does this|what do i) (do|work|say|ask)",
    "what (are my|are the) (options|choices)",
    "(im|i am) (lost|confused)",
    "i (dont|do not) (understand|get it)",
];

const THANKS: &[&str] = &["(thanks|thank you|thankyou|cheers|much appreciated)"];

const HELLO: &[&str] = &["(hello|hi|hey|good (morning|afternoon|evening|day)|namaste)"];

const CORRECTION: &[&str] =
    &["(i mean|i meant|actually|sorry|wait|or rather|make that|scratch that|correction|instead|no no)"];

/// The sets by name.
pub(super) fn sets() -> Sets {
    let lists = [
        ("yes", YES),
        ("no", NO),
        ("bye", BYE),
        ("repeat", REPEAT),
        ("person", PERSON),
        ("help", HELP),
        ("thanks", THANKS),
        ("hello", HELLO),
        ("correction", CORRECTION),
    ];
    lists.into_iter().map(|(name, list)| (name.to_owned(), patterns(list))).collect()
}

fn patterns(list: &[&str]) -> Arc<[Pattern]> {
    let none = Sets::new();
    list.iter()
        .map(|text| Pattern::parse(text, &none).expect("a built-in pattern, read by the tests"))
        .collect()
}
