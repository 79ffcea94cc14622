//! Answers in their forms.

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use serde::Serialize;
use tokio_util::io::ReaderStream;

/// An answer's content: text, or a file as it is read.
pub type Body = UnsyncBoxBody<Bytes, std::io::Error>;
pub type Answer = Response<Body>;

/// Text of a type.
pub fn text(status: StatusCode, content_type: &'static str, text: impl Into<Bytes>) -> Answer {
    let body = Full::new(text.into()).map_err(|never| match never {}).boxed_unsync();
    of_type(status, content_type, body)
}

/// Compact JSON of plain data.
pub fn json<T: Serialize>(body: &T) -> Answer {
    let body = serde_json::to_vec(body).expect("plain data is JSON");
    text(StatusCode::OK, "application/json", body)
}

/// A JSON error.
pub fn error(status: StatusCode, code: &str) -> Answer {
    text(status, "application/json", serde_json::json!({ "error": code }).to_string())
}

/// A JSON error with what is to be said about it.
pub fn error_saying(status: StatusCode, code: &str, detail: &str) -> Answer {
    text(status, "application/json", serde_json::json!({ "error": code, "detail": detail }).to_string())
}

/// A file, read while it is sent.
pub fn file(content_type: &'static str, file: tokio::fs::File) -> Answer {
    let body = StreamBody::new(ReaderStream::new(file).map_ok(Frame::data)).boxed_unsync();
    of_type(StatusCode::OK, content_type, body)
}

/// An answer without content.
pub fn empty(response: Response<()>) -> Answer {
    response.map(|()| Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync())
}

fn of_type(status: StatusCode, content_type: &'static str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
