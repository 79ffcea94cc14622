//! Sending a recording, whole or in part.

use std::ops::Range;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::objects::{Head, Key, ObjectError};
use crate::store::calls::Call;

/// Where recordings are among the objects.
const FOLDER: &str = "recordings";
const WAV: HeaderValue = HeaderValue::from_static("audio/wav");

/// The object of a recording's key.
pub fn object_key(key: &str) -> Result<Key, ObjectError> {
    Key::parse(key)?;
    Key::parse(&format!("{FOLDER}/{key}"))
}

/// What a client asked with.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub method: &'a Method,
    pub headers: &'a HeaderMap,
}

/// The recording of a call: from the object store, else from a worker that still has it, else 404.
pub async fn serve(app: &App, call: &Call, asked: Asked<'_>) -> ApiResult<Response> {
    let missing = || ApiError::not_found("recording");
    let name = call.recording_key.as_deref().ok_or_else(missing)?;
    let key = object_key(name).map_err(|_| missing())?;
    match app.objects.head(key.clone()).await? {
        Some(head) => stored(app, key, &head, asked).await,
        None => from_worker(app, call, name).await?.ok_or_else(missing),
    }
}

async fn stored(app: &App, key: Key, head: &Head, asked: Asked<'_>) -> ApiResult<Response> {
    let size = head.size_bytes;
    let (status, range) = match wanted(asked, head) {
        Wanted::Whole => (StatusCode::OK, 0..size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nothing => return Ok(unsatisfiable(size)),
    };
    let content =
        app.objects.get(key, range.clone()).await?.ok_or_else(|| ApiError::not_found("recording"))?;
    let mut response = (status, Body::from_stream(content)).into_response();
    let set = response.headers_mut();
    set.insert(header::CONTENT_TYPE, WAV);
    set.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    set.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if let Ok(etag) = HeaderValue::from_str(&head.etag) {
        set.insert(header::ETAG, etag);
    }
    if status == StatusCode::PARTIAL_CONTENT {
        let text = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        set.insert(header::CONTENT_RANGE, HeaderValue::from_str(&text).expect("digits are a header value"));
    }
    Ok(response)
}

fn unsatisfiable(size: u64) -> Response {
    let detail = "the range lies outside the recording";
    let mut response = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "bad_range", detail).into_response();
    let text = format!("bytes */{size}");
    let value = HeaderValue::from_str(&text).expect("digits are a header value");
    response.headers_mut().insert(header::CONTENT_RANGE, value);
    response
}

/// Most often the upload is just under way.
async fn from_worker(app: &App, call: &Call, name: &str) -> ApiResult<Option<Response>> {
    let workers = app.stores.workers().list_live(app.clock.now().into()).await?;
    let key = Key::parse(name)?;
    let found = app.worker_files.find(&key, call.worker_id.as_ref(), &workers).await;
    let Some(file) = found else { return Ok(None) };
    let mut response = Body::from_stream(file.content).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, WAV);
    if let Some(size) = file.size_bytes {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    }
    Ok(Some(response))
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Part(Range<u64>),
    Nothing,
}

/// RFC 9110, section 14: one byte range is served; several, another unit or a malformed header are answered whole. A
/// range means something for GET only (14.2): HEAD tells the size of the whole.
fn wanted(Asked { method, headers }: Asked<'_>, head: &Head) -> Wanted {
    let changed = headers.get(header::IF_RANGE).is_some_and(|tag| tag.as_bytes() != head.etag.as_bytes());
    let text = headers.get(header::RANGE).and_then(|v| v.to_str().ok());
    match text.and_then(|t| t.trim().strip_prefix("bytes=")) {
        Some(spec) if !changed && method == Method::GET => {
            part(spec, head.size_bytes).unwrap_or(Wanted::Whole)
        }
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
    use super::*;

    fn check(range: &'static str, expected: Wanted) {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static(range));
        let head = Head { size_bytes: 100, etag: "\"a\"".into() };
        let asked = |method: &Method, headers: &HeaderMap| wanted(Asked { method, headers }, &head);
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
