//! What somebody in a room is.

/// What a participant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A person with a browser or an app.
    Standard,
    Ingress,
    Egress,
    /// A phone.
    Sip,
    Agent,
    Other,
}
