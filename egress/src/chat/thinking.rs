//! Which models think before they answer.

/// How OpenAI's own models think. A caller cannot wait for reasoning, which they do unless told otherwise, and while they do
/// they refuse a temperature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thinking {
    /// The effort to ask for where the operator asks for none.
    pub effort: Option<&'static str>,
    pub takes_temperature: bool,
}

impl Thinking {
    /// Of a model, with the effort that the operator asks for.
    pub fn of(model: &str, asked: Option<&str>) -> Self {
        if model.contains("gpt-oss") {
            // OpenAI's open models, whoever serves them: they cannot be kept from thinking, and take a temperature meanwhile.
            return Self { effort: Some("low"), takes_temperature: true };
        }
        let least = match model {
            _ if model.starts_with("gpt-5.") || model.starts_with("gpt-6") => Some("none"),
            _ if model.starts_with("gpt-5") => Some("minimal"),
            _ if ["o1", "o3", "o4"].iter().any(|family| model.starts_with(family)) => Some("low"),
            _ => None,
        };
        let takes_temperature = least.is_none() || asked.or(least) == Some("none");
        Self { effort: least, takes_temperature }
    }
}
