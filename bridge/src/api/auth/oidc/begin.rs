//! `GET /api/v1/auth/oidc/login`

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use actix_web::web::Data;
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use super::set;
use crate::auth::oidc::flow::SignInDesk;
use crate::edge::params::InQuery;
use crate::error::{ApiError, ApiResult};
use crate::fields::FieldError;

/// Longest address to go on at, bytes.
const MAX_RETURN_BYTES: usize = 512;

/// Where to sign in, and where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct BeginQuery {
    /// The slug of the tenant whose provider is wanted; the deployment's without one, and where the tenant has none.
    tenant: Option<String>,
    /// A path of this host, where the browser goes on with `#sign_in=…`. Without one the callback answers JSON.
    return_to: Option<String>,
}

/// Send the browser to the provider.
#[instrument(name = "auth.oidc.begin", skip_all)]
pub async fn begin(query: InQuery<BeginQuery>, desk: Data<SignInDesk>) -> ApiResult<HttpResponse> {
    let BeginQuery { tenant, return_to } = query.0;
    if return_to.as_deref().is_some_and(|path| !is_own_path(path)) {
        let message = "must be a path of this host, like /console/";
        return Err(ApiError::invalid(vec![FieldError::new("return_to", message)]));
    }
    let begun = desk.begin(tenant.as_deref(), return_to).await?;
    let mut answer = HttpResponse::Found();
    answer.insert_header((SET_COOKIE, set(&begun.kept, &desk.base_url)));
    answer.insert_header((LOCATION, begun.to.as_str())).insert_header((CACHE_CONTROL, "no-store"));
    Ok(answer.finish())
}

/// Browsers take `//host` and `/\host` for another host, and white space and what is not ASCII for many things.
fn is_own_path(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && !b"\\#\"<>^`{|}".contains(&b);
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= MAX_RETURN_BYTES
        && path.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::is_own_path;

    #[test]
    fn nobody_is_sent_to_another_host() {
        for good in ["/", "/console/", "/a?b=c&d=e"] {
            assert!(is_own_path(good), "{good}");
        }
        for bad in
            ["", "//evil.test", "/\\evil.test", "https://evil.test", "console", "/a\nb", "/a#b", "/a b", "/ü"]
        {
            assert!(!is_own_path(bad), "{bad}");
        }
        assert!(!is_own_path(&format!("/{}", "a".repeat(600))));
    }
}
