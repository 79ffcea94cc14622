//! German.

use super::family::Family;
use super::family::Strength::{Strong, Weak};
use crate::class::Class;

pub const FAMILIES: &[Family] = &[
    Family {
        class: Class::Voicemail,
        strength: Strong,
        phrases: &[
            "hinterlassen .. nachricht",
            "hinterlassen sie/uns/mir",
            "hinterlasse/hinterlass .. nachricht",
            "nachricht .. hinterlassen",
            "nach dem ton/signalton/piepton/piep/signal",
            "mailbox von/der/des/erreicht",
            "die mailbox",
            "anrufbeantworter",
            "sprachbox/voicemail/sprachnachricht",
            "sprechen sie nach/jetzt",
            "nicht ans telefon",
            "anruf .. nicht entgegennehmen",
            "nachricht zu",
            "rufe/rufen .. so schnell .. zuruck",
        ],
    },
    Family {
        class: Class::Voicemail,
        strength: Weak,
        phrases: &[
            "nicht erreichbar",
            "gerade/momentan/zurzeit/leider nicht da",
            "nicht zu hause/erreichen",
            "rufe/rufen .. zuruck",
            "sobald wie moglich",
            "bin gerade nicht",
        ],
    },
    Family {
        class: Class::Carrier,
        strength: Strong,
        phrases: &[
            "kein anschluss unter",
            "gewahlte rufnummer",
            "rufnummer .. nicht vergeben",
            "nummer .. nicht vergeben",
            "teilnehmer ist/kann/den",
            "vorubergehend nicht erreichbar",
            "versuchen sie es spater",
            "zurzeit nicht erreichbar bitte versuchen",
            "person ist .. nicht erreichbar",
            "gesprachspartner .. nicht",
            "leitungen .. besetzt/belegt",
        ],
    },
    Family {
        class: Class::Ivr,
        strength: Strong,
        phrases: &[
            "drucken/wahlen sie .. eins/zwei/drei/vier/funf/sechs/sieben/acht/neun/null/raute/stern",
            "drucken/wahlen sie .. 0/1/2/3/4/5/6/7/8/9",
            "fur deutsch",
            "alle .. mitarbeiter",
            "nachste freie/freier",
            "bleiben sie .. leitung",
            "bitte warten sie",
            "gesprach .. aufgezeichnet",
            "anruf .. aufgezeichnet",
            "warteschleife",
            "unsere geschaftszeiten/offnungszeiten",
            "herzlich willkommen",
            "ihr anruf ist",
            "hauptmenu",
        ],
    },
    Family {
        class: Class::Screening,
        strength: Strong,
        phrases: &[
            "nennen/sagen sie .. namen und",
            "namen und .. grund",
            "grund ihres/fur anrufs/ihren/anruf",
            "grund des anrufs",
            "ob die person",
            "ob .. verfugbar ist",
        ],
    },
    Family {
        class: Class::Human,
        strength: Strong,
        phrases: &[
            "wer ist/spricht da/dort/bitte",
            "am apparat",
            "was kann ich",
            "wie kann ich",
            "horen sie mich",
            "worum geht",
            "einen moment/augenblick",
            "ja bitte",
            "sie sprechen mit",
        ],
    },
];
