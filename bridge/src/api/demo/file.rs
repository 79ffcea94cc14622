//! `GET /widget/{file}`

use actix_web::HttpResponse;
use actix_web::http::header::{self, CacheControl, CacheDirective, HeaderName};
use actix_web::web::Data;

use super::WidgetFiles;
use crate::edge::params::InPath;
use crate::error::ApiResult;

/// Seconds that a browser keeps a file whose name stays: what a newer build has takes so long to come.
const KEPT_SECONDS: u32 = 300;
/// The same where the name has a hash of the content: a year.
const KEPT_HASHED_SECONDS: u32 = 31_536_000;
/// Characters of such a hash.
const HASH: usize = 8;

/// A file of the widget. Any page may load it: there is nothing in it that is anybody's.
pub async fn file(name: InPath<String>, files: Data<WidgetFiles>) -> ApiResult<HttpResponse> {
    let (kind, content) = files.get(&name.0).await?;
    let seconds = if has_hash(&name.0) { KEPT_HASHED_SECONDS } else { KEPT_SECONDS };
    let mut response = HttpResponse::Ok();
    response.content_type(kind);
    response.insert_header(CacheControl(vec![CacheDirective::Public, CacheDirective::MaxAge(seconds)]));
    // Module scripts and audio worklets of other origins are loaded as by `fetch`.
    response.insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    response.insert_header((HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"));
    Ok(response.body(content))
}

/// `vox-livekit-5QX7ZK2A.js`
fn has_hash(name: &str) -> bool {
    let hash = name.strip_suffix(".js").and_then(|name| name.rsplit_once('-')).map(|(_, hash)| hash);
    hash.is_some_and(|hash| {
        hash.len() == HASH && hash.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_hash_is_kept_for_long() {
        assert!(has_hash("vox-livekit-5QX7ZK2A.js"));
        for name in ["vox-widget.js", "vox-livekit.js", "demo.css", "vox-5QX7ZK2A.css", "vox-worklet.js"] {
            assert!(!has_hash(name), "{name}");
        }
    }
}
