//! What the vendor's models accept, as its pages of autumn 2026 say.

/// Versions of the interface that exist. Under the newer no model takes a temperature.
pub(crate) const VERSIONS: &[&str] = &["2023-06-01", NEWER];
/// The newer version.
pub(crate) const NEWER: &str = "2026-10-21";

/// One model.
pub(crate) struct Model {
    pub(crate) name: &'static str,
    /// Whether `thinking` may be `disabled`, and at every effort.
    pub(crate) disabled: Disabled,
    pub(crate) between_tools: bool,
    /// Whether `thinking` may have a budget.
    pub(crate) budget: bool,
    pub(crate) effort: bool,
    /// Whether a temperature may be given, under the older version of the interface.
    pub(crate) sampling: bool,
    /// Whether the last message may be the assistant's.
    pub(crate) prefill: bool,
    /// Whether a tool may be demanded.
    pub(crate) forced_tools: bool,
    /// Shortest prefix that is cached, tokens.
    pub(crate) cache_min: usize,
}

/// Whether a model can be kept from thinking.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disabled {
    Yes,
    /// Not at the efforts `xhigh` and `max`.
    AtLowEffort,
    No,
}

const NEW: Model = Model {
    name: "",
    disabled: Disabled::Yes,
    between_tools: false,
    budget: false,
    effort: true,
    sampling: false,
    prefill: false,
    forced_tools: true,
    cache_min: 1024,
};

/// The models that exist unless a script names others.
pub(crate) const MODELS: &[Model] = &[
    Model { name: "claude-haiku-5-5", disabled: Disabled::AtLowEffort, ..NEW },
    Model {
        name: "claude-sonnet-5-5",
        disabled: Disabled::No,
        between_tools: true,
        forced_tools: false,
        cache_min: 512,
        ..NEW
    },
    Model { name: "claude-opus-5-5", disabled: Disabled::No, ..NEW },
    Model { name: "claude-sonnet-5", ..NEW },
    Model { name: "claude-opus-5", cache_min: 512, ..NEW },
    Model { name: "claude-sonnet-4-6", budget: true, sampling: true, ..NEW },
    Model {
        name: "claude-haiku-4-5",
        budget: true,
        effort: false,
        sampling: true,
        prefill: true,
        cache_min: 4096,
        ..NEW
    },
];

/// What is known of a model; nothing is refused to one that is not the vendor's.
pub(crate) fn model(name: &str) -> Model {
    let known = MODELS.iter().find(|model| model.name == name);
    known.map_or(Model { between_tools: true, budget: true, sampling: true, prefill: true, ..NEW }, |known| {
        Model { name: known.name, ..*known }
    })
}
