//! What the vendor's models accept, as its pages of autumn 2026 say.

/// One model.
pub(crate) struct Model {
    pub(crate) name: &'static str,
    /// The levels of thinking; none for models with a budget.
    pub(crate) levels: &'static [&'static str],
    /// The smallest budget for thinking, for models with one.
    pub(crate) least_budget: Option<i64>,
    /// Whether its calls are signed when it thinks.
    pub(crate) signs: bool,
}

const NEW: Model =
    Model { name: "", levels: &["MINIMAL", "LOW", "MEDIUM", "HIGH"], least_budget: None, signs: true };
const OLD: Model = Model { name: "", levels: &[], least_budget: Some(0), signs: false };
const NO_MINIMAL: &[&str] = &["LOW", "MEDIUM", "HIGH"];

/// The models that exist unless a script names others.
pub(crate) const MODELS: &[Model] = &[
    Model { name: "gemini-3.8-flash", levels: NO_MINIMAL, ..NEW },
    Model { name: "gemini-3.7-flash", levels: NO_MINIMAL, ..NEW },
    Model { name: "gemini-3.6-flash", ..NEW },
    Model { name: "gemini-3.5-flash-lite", ..NEW },
    Model { name: "gemini-3.1-flash-lite", ..NEW },
    Model { name: "gemini-3.1-pro-preview", levels: NO_MINIMAL, ..NEW },
    Model { name: "gemini-2.5-flash", ..OLD },
    Model { name: "gemini-2.5-flash-lite", ..OLD },
    Model { name: "gemini-2.5-pro", least_budget: Some(128), ..OLD },
];

/// What is known of a model.
pub(crate) fn find(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.name == name)
}
