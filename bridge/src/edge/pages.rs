//! Pages of other origins that may read what the widget's routes answer. Which origin that is the handler finds out: it stands in a bot's
//! settings. A browser asks first whether it may send, and names no bot then, so every page may send; what it is answered it reads only
//! where the bot allows it. No cookie is ever taken, so a page gets nothing that it could not ask for without a browser.

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue,
    ORIGIN, VARY,
};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

/// What their paths begin with.
const PATHS: &str = "/api/v1/widget/";
/// How long a browser remembers that it may ask, seconds.
const REMEMBERED: &str = "600";

/// The answer may be read by pages of this origin.
#[derive(Clone, Debug)]
pub struct Readable(HeaderValue);

impl Readable {
    /// Let pages of an origin read the answer to this request.
    pub fn by(request: &HttpRequest, origin: &str) {
        if let Ok(origin) = HeaderValue::from_str(origin) {
            request.extensions_mut().insert(Self(origin));
        }
    }
}

/// Stands around everything that knows other origins.
pub async fn pages(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if !request.path().starts_with(PATHS) {
        return next.call(request).await;
    }
    if let Some(origin) = asking(&request) {
        let answer = HttpResponse::NoContent()
            .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, origin))
            .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "POST"))
            .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "content-type"))
            .insert_header((ACCESS_CONTROL_MAX_AGE, REMEMBERED))
            .insert_header((VARY, ORIGIN.as_str()))
            .finish();
        return Ok(request.into_response(answer));
    }
    let mut response = next.call(request).await?;
    let readable = response.request().extensions().get::<Readable>().cloned();
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(Readable(origin)) = readable {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after, x-request-id"));
    }
    Ok(response)
}

/// The origin of a browser that asks whether it may.
fn asking(request: &ServiceRequest) -> Option<HeaderValue> {
    let headers = request.headers();
    let asks = request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    headers.get(ORIGIN).filter(|_| asks).cloned()
}
