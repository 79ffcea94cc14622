//! The words of numbers, letters and addresses, in the languages that are spoken to the bots.

/// Words in a row, a space between two of them.
#[derive(Clone, Copy, Debug)]
pub struct List(&'static str);

impl List {
    /// Whether it holds this word.
    pub fn has(self, word: &str) -> bool {
        self.0.split_whitespace().any(|w| w == word)
    }

    /// Whether one of the words stands at the beginning of this one.
    pub fn begins(self, word: &str) -> bool {
        self.0.split_whitespace().any(|w| word.starts_with(w))
    }
}

/// Digits as words, which mean nothing else.
pub const DIGITS: List = List(
    "zero two three four five six seven eight nine double triple treble hash plus shunya sunya teen chaar \
     paanch panch chhe chhah saat aath nau शून्य एक दो तीन चार पांच पाँच छह छः छे सात आठ नौ दोन पाच सहा \
     नऊ डबल ट्रिपल ज़ीरो जीरो শূন্য এক দুই তিন চার পাঁচ ছয় সাত আট নয় பூஜ்யம் ஒன்று இரண்டு மூன்று நான்கு \
     ஐந்து ஆறு ஏழு எட்டு ஒன்பது సున్నా ఒకటి రెండు మూడు నాలుగు ఐదు ఆరు ఏడు ఎనిమిది తొమ్మిది null zwei zwo \
     drei vier fünf sechs sieben acht nul twee drie vijf zes zeven negen cero dos tres cuatro cinco seis \
     siete ocho nueve dois três quatro sete oito quattro cinque sette otto zéro deux trois quatre cinq \
     sept huit",
);

/// Words of another meaning too: alone they do not make a number.
pub const MAYBE_DIGITS: List = List(
    "one oh o ek do char hundred thousand dash dot point underscore hyphen at eins neun een uno um nove \
     due tre sei un neuf",
);

/// Numbers of more digits that belong to a group ("forty two").
pub const TENS: List = List(
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty \
     fifty sixty seventy eighty ninety",
);

/// The spelling alphabet of radio; ordinary words where nothing is spelled.
pub const SPELLING_ALPHABET: List = List(
    "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november \
     oscar papa quebec romeo sierra tango uniform victor whiskey whisky x-ray xray yankee zulu",
);

/// "B as in boy": what stands between a letter and the word that explains it; the first says so by itself.
pub const AS_IN: [&str; 7] = ["as in", "for", "like", "wie", "comme", "de", "से"];

/// "My number is": something to be read follows.
pub const ANNOUNCES: List = List("number code pin email e-mail address account phone नंबर कोड id");

/// The ends of mail addresses. Not `co`: `.uk` or `.in` may follow.
pub const MAIL_ENDS: List = List("com net org in de uk io edu gov fr es eu info");
pub const MAIL_HOSTS: List = List("gmail yahoo hotmail outlook icloud rediffmail proton");

/// Who says one of these gives no address.
pub const NO_ADDRESS: List =
    List("no not don't none never without sorry what why later नहीं nahi nahin nein kein keine non pas não");

/// What the bot says when it asks for a number, a code or something spelled …
pub const ASKS_SPELLING: List = List(
    "number digit spell code pin zip postcode account phone mobile नंबर नम्बर कोड पिन स्पेल nummer \
     buchstabier postleitzahl número deletre código numéro épel numero",
);
/// … for one that has more digits than a telephone number …
pub const ASKS_LONG: List = List(
    "card account iban aadhaar aadhar imei serial reference tracking policy membership order registration \
     licence license passport konto karte tarjeta cuenta carte compte कार्ड आधार खाता खाते",
);
/// … which may stand for "number" by themselves …
pub const NAMES_LONG: List = List("iban aadhaar aadhar imei आधार");
/// … for a mail address …
pub const ASKS_MAIL: List = List("email e-mail ईमेल correo");
/// … and for a date of birth.
pub const ASKS_BIRTH: List = List("birth born dob geburt geboren nacimiento naissance जन्म");

/// Months and days of a month as they begin.
pub const MONTHS: List = List(
    "january february march april may june july august september october november december januar februar \
     märz mai juni juli oktober dezember जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर \
     दिसंबर",
);
pub const ORDINALS: List = List(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth \
     fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth",
);
/// What a year of birth has, before its last word.
pub const YEARS: List = List("nineteen thousand hundred neunzehnhundert zweitausend");
