//! Sending a recording, whole or in part.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BodyStream, SizedStream};
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use tokio::time::{Instant, timeout};
use vox_shared::clock::Clock;

use super::readings::Readings;
use crate::auth::call_token::CallTokens;
use crate::custody::links;
use crate::error::{ApiError, ApiResult};
use crate::fleet::files::{Holders, WorkerFiles};
use crate::objects::archive::{Archive, Found};
use crate::objects::{Key, ObjectError};
use crate::store::calls::Call;
use crate::store::{Stamp, Stores};

const WAV: &str = "audio/wav";
/// How long an address of the store's own reads.
const LINK_LIFETIME: Duration = Duration::from_hours(24);

/// The shortest that such an address reads: what a link that is about to end still gives out.
const SHORTEST: Duration = Duration::from_secs(60);

/// When the store fails or has nothing hosts are asked for what is left of this, the longest wait for an answer of the API.
const ANSWER: Duration = Duration::from_secs(4);
/// And at least for this: one that is there answers at once.
const LEAST: Duration = Duration::from_millis(500);

/// Where recordings are: in the object store, or still on the worker that made them.
#[derive(Clone)]
pub struct Recordings {
    pub stores: Stores,
    pub clock: Clock,
    pub archive: Archive,
    pub worker_files: Arc<WorkerFiles>,
    pub tokens: Arc<CallTokens>,
    /// Largest recording that is taken.
    pub max_bytes: u64,
    /// Of those that workers put into the bucket.
    pub read_back: Readings,
    /// Of those that somebody has checked.
    pub checked: Readings,
}

/// Where a stored recording is for whoever has its link, when the store itself gives it out: a redirect that reads for
/// [`LINK_LIFETIME`], or until the link ends. Otherwise as [`serve`]. A HEAD is answered here: such an address is signed for GET.
pub async fn serve_by_link(from: &Recordings, call: &Call, asked: &HttpRequest) -> ApiResult<HttpResponse> {
    let now = Stamp(from.clock.now());
    let ends_at = links::ends_at(call, links::days(&from.stores, &call.tenant_id).await?);
    let left = ends_at
        .map_or(LINK_LIFETIME, |end| Duration::try_from(end.0.duration_since(now.0)).unwrap_or_default());
    if left.is_zero() || call.is_deleted() {
        return Err(ApiError::not_found("recording"));
    }
    let name = call.recording_key.as_deref().filter(|_| asked.method() == Method::GET);
    let Some(key) = name.and_then(|name| Key::of_recording(name).ok()) else {
        return serve(from, call, asked).await;
    };
    let lifetime = LINK_LIFETIME.min(left.max(SHORTEST));
    let Some(address) = from.archive.objects.link(key.clone(), lifetime).await? else {
        return serve(from, call, asked).await;
    };
    let began = Instant::now();
    match from.archive.find(Some(&call.tenant_id), key).await {
        // What is sealed only the bridge can open.
        Ok(Some(found)) if !found.is_sealed() => {}
        found => return give(from, call, (found, began), asked).await,
    }
    let mut response = HttpResponse::TemporaryRedirect();
    response.insert_header((header::LOCATION, address)).insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(response.finish())
}

/// The recording of a call: from the object store, else from a host that still has it, else 404.
pub async fn serve(from: &Recordings, call: &Call, asked: &HttpRequest) -> ApiResult<HttpResponse> {
    let missing = || ApiError::not_found("recording");
    let name = call.recording_key.as_deref().filter(|_| !call.is_deleted()).ok_or_else(missing)?;
    let key = Key::of_recording(name).map_err(|_| missing())?;
    let began = Instant::now();
    let found = from.archive.find(Some(&call.tenant_id), key).await;
    give(from, call, (found, began), asked).await
}

/// What was found since then. A store that is away, or that has what does not open, leaves the hosts.
async fn give(
    from: &Recordings,
    call: &Call,
    (found, began): (Result<Option<Found>, ObjectError>, Instant),
    asked: &HttpRequest,
) -> ApiResult<HttpResponse> {
    let absent = match found {
        Ok(Some(found)) => return stored(from, &found, asked).await,
        Ok(None) => None,
        Err(error) => Some(error),
    };
    let left = ANSWER.saturating_sub(began.elapsed()).max(LEAST);
    match (timeout(left, from_host(from, call)).await, absent) {
        (Ok(Ok(Some(given))), _) => Ok(given),
        (_, Some(error)) => Err(error.into()),
        (Ok(none), None) => none?.ok_or_else(|| ApiError::not_found("recording")),
        // One that did not answer may have it.
        (Err(_), None) => Err(ApiError::busy(StatusCode::SERVICE_UNAVAILABLE, "timeout", 1)),
    }
}

async fn stored(from: &Recordings, found: &Found, asked: &HttpRequest) -> ApiResult<HttpResponse> {
    let size = found.size_bytes;
    let mut response = HttpResponse::Ok();
    let range = match wanted(asked.method(), asked.headers(), (size, &found.etag)) {
        Wanted::Whole => 0..size,
        Wanted::Part(range) => {
            let text = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            response.status(StatusCode::PARTIAL_CONTENT).insert_header((header::CONTENT_RANGE, text));
            range
        }
        Wanted::Nothing => return Ok(unsatisfiable(size)),
    };
    let content = from.archive.get(found, range.clone()).await?;
    let content = content.ok_or_else(|| ApiError::not_found("recording"))?;
    response.insert_header((header::CONTENT_TYPE, WAV)).insert_header((header::ACCEPT_RANGES, "bytes"));
    response.insert_header((header::ETAG, found.etag.as_str()));
    Ok(response.body(SizedStream::new(range.end - range.start, content)))
}

fn unsatisfiable(size: u64) -> HttpResponse {
    let detail = "the range lies outside the recording";
    let refusal = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "bad_range", detail);
    let mut response = HttpResponse::from_error(refusal);
    let text = format!("bytes */{size}").parse().expect("digits are a header value");
    response.headers_mut().insert(header::CONTENT_RANGE, text);
    response
}

/// Most often the upload is just under way.
async fn from_host(from: &Recordings, call: &Call) -> ApiResult<Option<HttpResponse>> {
    let Some(name) = call.recording_key.as_deref() else { return Ok(None) };
    let holders = Holders::look(&from.stores, from.clock.now().into()).await?;
    let found = from.worker_files.find(&Key::parse(name)?, call.worker_id.as_ref(), &holders).await;
    let Some(file) = found else { return Ok(None) };
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, WAV));
    Ok(Some(match file.size_bytes {
        Some(size) => response.body(SizedStream::new(size, file.content)),
        None => response.body(BodyStream::new(file.content)),
    }))
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Part(Range<u64>),
    Nothing,
}

/// RFC 9110, section 14: one byte range is served; several, another unit or a malformed header are answered whole. A
/// range means something for GET only (14.2): HEAD tells the size of the whole.
fn wanted(method: &Method, headers: &HeaderMap, (size, etag): (u64, &str)) -> Wanted {
    let changed = headers.get(header::IF_RANGE).is_some_and(|tag| tag.as_bytes() != etag.as_bytes());
    let text = headers.get(header::RANGE).and_then(|v| v.to_str().ok());
    match text.and_then(|t| t.trim().strip_prefix("bytes=")) {
        Some(spec) if !changed && method == Method::GET => part(spec, size).unwrap_or(Wanted::Whole),
        _ => Wanted::Whole,
    }
}

fn part(spec: &str, size: u64) -> Option<Wanted> {
    let digits =
        |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let (first, last) = spec.split_once('-')?;
    let range = match (first, last) {
        ("", last) => size.saturating_sub(digits(last)?)..size,
        (first, "") => digits(first)?..size,
        (first, last) => {
            let (first, last) = (digits(first)?, digits(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    Some(if range.start < range.end { Wanted::Part(range) } else { Wanted::Nothing })
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn check(range: &'static str, expected: Wanted) {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static(range));
        let asked = |method: &Method, headers: &HeaderMap| wanted(method, headers, (100, "\"a\""));
        assert_eq!(asked(&Method::GET, &headers), expected, "{range}");
        assert_eq!(asked(&Method::HEAD, &headers), Wanted::Whole, "HEAD with {range}");
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"other\""));
        assert_eq!(asked(&Method::GET, &headers), Wanted::Whole, "{range} of a changed file");
    }

    #[test]
    fn ranges_are_read_as_the_protocol_says() {
        check("bytes=0-9", Wanted::Part(0..10));
        check("bytes=90-", Wanted::Part(90..100));
        check("bytes=-10", Wanted::Part(90..100));
        check("bytes=-1000", Wanted::Part(0..100));
        check("bytes=95-1000", Wanted::Part(95..100));
        check("bytes=100-", Wanted::Nothing);
        check("bytes=-0", Wanted::Nothing);
        for whole in [
            "bytes=9-0",
            "bytes=a-b",
            "bytes=0-1,5-6",
            "lines=0-1",
            "bytes=",
            "bytes=-",
            "bytes=99999999999999999999-",
        ] {
            check(whole, Wanted::Whole);
        }
    }
}
