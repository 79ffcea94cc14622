//! French.

use super::family::Family;
use super::family::Strength::{Strong, Weak};
use crate::class::Class;

pub const FAMILIES: &[Family] = &[
    Family {
        class: Class::Voicemail,
        strength: Strong,
        phrases: &[
            "laissez/laisser/laisse .. message",
            "laissez/laisser .. coordonnees/nom",
            "après/apres le bip/signal/top",
            "messagerie de/vocale",
            "ma/la messagerie",
            "boîte/boite vocale",
            "repondeur",
            "ne peux/peut/pouvons pas .. repondre",
            "ne suis pas .. disponible",
            "je suis absent/absente",
            "message apres",
            "signal sonore",
        ],
    },
    Family {
        class: Class::Voicemail,
        strength: Weak,
        phrases: &[
            "pas disponible",
            "vous rappelle/rappellerai/rappellerons",
            "rappeler des que",
            "des que possible",
            "indisponible",
            "actuellement absent/absente",
        ],
    },
    Family {
        class: Class::Carrier,
        strength: Strong,
        phrases: &[
            "numero que vous avez/demandez/appelez",
            "numero .. nest pas attribue",
            "pas attribue",
            "nest plus en service",
            "votre correspondant est",
            "ne peut etre joint",
            "lignes .. occupees",
            "consulter lannuaire",
            "renouveler .. appel",
            "rappeler ulterieurement",
            "hors service",
        ],
    },
    Family {
        class: Class::Ivr,
        strength: Strong,
        phrases: &[
            "tapez/appuyez/faites .. un/deux/trois/quatre/cinq/six/sept/huit/neuf/zero/diese/etoile",
            "tapez/appuyez/faites .. 0/1/2/3/4/5/6/7/8/9",
            "restez en ligne",
            "ne quittez pas",
            "tous nos conseillers/agents",
            "appel .. enregistre",
            "conversation .. enregistree",
            "temps dattente",
            "menu principal",
            "bienvenue chez/au/a",
            "service client",
            "nos horaires",
            "un conseiller va",
        ],
    },
    Family {
        class: Class::Screening,
        strength: Strong,
        phrases: &[
            "votre nom et",
            "nom et .. motif/raison/objet",
            "motif/raison/objet de votre appel",
            "dites/indiquez .. nom",
            "voir si .. disponible",
            "filtrage dappels",
        ],
    },
    Family {
        class: Class::Human,
        strength: Strong,
        phrases: &[
            "qui est a lappareil",
            "cest qui",
            "cest de la part",
            "qui est ce",
            "a lappareil",
            "que puis je",
            "comment puis je",
            "je vous ecoute",
            "vous mentendez",
            "cest moi",
            "une minute/seconde",
        ],
    },
];
