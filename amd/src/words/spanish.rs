//! Spanish, of both sides of the Atlantic.

use super::family::Family;
use super::family::Strength::{Strong, Weak};
use crate::class::Class;

pub const FAMILIES: &[Family] = &[
    Family {
        class: Class::Voicemail,
        strength: Strong,
        phrases: &[
            "deja/deje/dejar/dejame/dejenos/dejanos .. mensaje/recado/nombre",
            "grabe/graba/grabar .. mensaje",
            "después/despues del/de tono/la/bip/señal",
            "al escuchar/oir el/la tono/señal",
            "buzón/buzon de voz",
            "el buzon",
            "correo de voz",
            "contestador automatico",
            "contestador de",
            "no puedo/podemos .. atender*",
            "no puedo/podemos .. contestar*",
            "no puede .. atender*/contestar*",
            "mensaje después/despues",
        ],
    },
    Family {
        class: Class::Voicemail,
        strength: Weak,
        phrases: &[
            "no .. disponible",
            "te/le llamare/llamaremos/devolvere",
            "devolver* .. llamada",
            "en cuanto pueda/podamos",
            "lo antes posible",
            "no estoy/estamos en",
        ],
    },
    Family {
        class: Class::Carrier,
        strength: Strong,
        phrases: &[
            "numero que usted/ud/ha/esta marco/marcado/llamando/marcando",
            "numero marcado",
            "numero .. no existe",
            "no se encuentra disponible",
            "apagado o fuera",
            "fuera de cobertura/servicio",
            "fuera del area",
            "telefono al que llama",
            "verifique el numero",
            "lineas .. ocupadas",
            "no corresponde a ningun",
        ],
    },
    Family {
        class: Class::Ivr,
        strength: Strong,
        phrases: &[
            "marque/oprima/presione/pulse uno/dos/tres/cuatro/cinco/seis/siete/ocho/nueve/cero/asterisco/el/la",
            "marque/oprima/presione/pulse 0/1/2/3/4/5/6/7/8/9",
            "para español",
            "su llamada es",
            "llamada .. grabada",
            "espere en .. linea",
            "todos nuestros agentes/ejecutivos/operadores/asesores",
            "no cuelgue",
            "horario de atencion",
            "menu principal",
            "gracias por llamar",
            "tiempo de espera",
        ],
    },
    Family {
        class: Class::Screening,
        strength: Strong,
        phrases: &[
            "diga/indique/grabe .. nombre y",
            "nombre y .. motivo",
            "motivo de .. llamada",
            "vere/ver si .. disponible",
            "filtro de llamadas",
        ],
    },
    Family {
        class: Class::Human,
        strength: Strong,
        phrases: &[
            "quien habla/es/llama",
            "de parte de quien",
            "en que .. puedo",
            "me escucha/oye/oyes/escuchas",
            "digame $",
            "dime $",
            "soy yo",
            "un momento",
        ],
    },
];
