//! What every client of the Chat Completions protocol must know, however it asks: where a server's routes are, what its refusals mean,
//! and which of its models think.

mod address;
mod refusal;
mod thinking;

use url::Url;

pub use address::Address;
pub use refusal::{
    NO_CREDIT_WAIT, class, has_no_route, http_refusal, is_out_of_credit, read_refusal, unknown_field,
};
pub use thinking::Thinking;

/// `base` with path segments added; each segment is escaped. A base that already ends with the first segments (an address
/// copied with its `/v1`) does not get them twice.
pub fn endpoint(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    let last =
        base.path_segments().and_then(|mut path| path.rfind(|part| !part.is_empty()).map(str::to_owned));
    let skip = segments.iter().position(|segment| last.as_deref() == Some(*segment)).map_or(0, |at| at + 1);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(&segments[skip..]);
    }
    url
}
