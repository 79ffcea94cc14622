//! The types of structured policies: what each of them asks of the bot, and which facts of a caller it knows.

/// How a fact is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Amount,
    Date,
}

/// Something that is known of a caller.
#[derive(Debug)]
pub struct Fact {
    /// The variable that it is looked up by, unless the bot names another.
    pub name: &'static str,
    pub title: &'static str,
    pub form: Form,
}

/// A type of policy.
#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    pub title: &'static str,
    pub rules: &'static [&'static str],
    pub facts: &'static [Fact],
}

/// The type of that name.
pub fn find(name: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.name == name)
}

const fn text(name: &'static str, title: &'static str) -> Fact {
    Fact { name, title, form: Form::Text }
}

const fn amount(name: &'static str, title: &'static str) -> Fact {
    Fact { name, title, form: Form::Amount }
}

const fn date(name: &'static str, title: &'static str) -> Fact {
    Fact { name, title, form: Form::Date }
}

const IDENTITY: &str =
    "Make sure that you speak with the customer before you say anything about the account; tell nobody else.";
const WORDS: &str = "Say amounts and dates in the words that are given below, never digit by digit.";
const MANNERS: &str = "Stay polite whatever is said. Never threaten, never raise the voice, never speak of consequences that are not given below.";
const PROMISE: &str =
    "If the customer promises to pay, settle the day and the amount, and repeat both once for confirmation.";
const PAID: &str =
    "If the customer says that it is paid, ask when and how, thank them, and say that it will be checked.";
const HARDSHIP: &str =
    "If the customer cannot pay, ask for the reason once, note it, and offer that a colleague calls back.";
const NO_INVENTION: &str = "Promise no waiver, discount or extension of your own.";

pub const ALL: [Kind; 4] = [
    Kind {
        name: "collection_recovery",
        title: "This call: a payment that is long overdue",
        rules: &[
            IDENTITY,
            "Say how much is overdue and since when, and ask for payment in full; a part of it on a fixed day is better than nothing.",
            PROMISE,
            PAID,
            HARDSHIP,
            NO_INVENTION,
            MANNERS,
            WORDS,
        ],
        facts: &[
            text("customer_name", "Customer's name"),
            text("loan_number", "Last digits of the loan"),
            amount("amount_due", "Amount due"),
            amount("total_outstanding", "Total outstanding"),
            amount("late_fee", "Late fee"),
            date("due_date", "Due since"),
            text("days_past_due", "Days past due"),
        ],
    },
    Kind {
        name: "collection_early_dpd",
        title: "This call: an instalment that was missed a few days ago",
        rules: &[
            IDENTITY,
            "Assume that it was forgotten. Say which instalment was missed and ask when it will be paid.",
            "Name the ways to pay if they are given below.",
            PROMISE,
            PAID,
            HARDSHIP,
            NO_INVENTION,
            MANNERS,
            WORDS,
        ],
        facts: &[
            text("customer_name", "Customer's name"),
            text("loan_number", "Last digits of the loan"),
            amount("amount_due", "Instalment"),
            amount("late_fee", "Late fee"),
            date("due_date", "Was due on"),
            text("days_past_due", "Days past due"),
            text("payment_options", "Ways to pay"),
        ],
    },
    Kind {
        name: "collection_pre_due",
        title: "This call: a reminder of an instalment that is due soon",
        rules: &[
            IDENTITY,
            "This is a service, not a demand: remind of the amount and the day, and ask whether the account will hold it.",
            PAID,
            HARDSHIP,
            NO_INVENTION,
            MANNERS,
            WORDS,
        ],
        facts: &[
            text("customer_name", "Customer's name"),
            text("loan_number", "Last digits of the loan"),
            amount("amount_due", "Instalment"),
            date("due_date", "Due on"),
            text("payment_options", "Ways to pay"),
        ],
    },
    Kind {
        name: "insurance_renewal_motor",
        title: "This call: a motor insurance that ends",
        rules: &[
            "Make sure that you speak with the customer before you tell anything about the policy.",
            "Say which vehicle it is about, when the policy ends and what the renewal costs, and ask whether to renew.",
            "If the customer hesitates, say once what is lost when the policy ends: the cover, and the no-claim bonus after ninety days.",
            "If the vehicle was sold or is insured elsewhere, note it, and end politely.",
            "Quote no other price and no cover that is not given below.",
            MANNERS,
            WORDS,
        ],
        facts: &[
            text("customer_name", "Customer's name"),
            text("vehicle", "Vehicle"),
            text("registration_number", "Registration"),
            text("policy_number", "Last digits of the policy"),
            date("expiry_date", "Ends on"),
            amount("premium", "Premium"),
            amount("insured_value", "Insured declared value"),
            text("no_claim_bonus", "No-claim bonus"),
        ],
    },
];
