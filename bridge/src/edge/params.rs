//! Path and query parameters with our refusals instead of the framework's.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use jiff::Timestamp;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use crate::error::{ApiError, ApiResult};
use crate::fields::{FieldError, dotted, without_value};
use crate::store::{Cursor, StoreError};

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// 1 to 200; 50 by default.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl PageQuery {
    /// The limit and the place.
    pub fn page(&self) -> ApiResult<(usize, Option<Cursor>)> {
        let cursor = self.cursor.as_deref().map(Cursor::parse).transpose().map_err(StoreError::from)?;
        Ok((limit_of(self.limit)?, cursor))
    }
}

/// The parameters of the path. One that cannot be an id names nothing: 404.
#[derive(Debug)]
pub struct InPath<T>(pub T);

impl<T: DeserializeOwned> FromRequest for InPath<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request.match_info().load().map(Self);
        ready(found.map_err(|_| ApiError::not_found("object")))
    }
}

/// The parameters of the query string: 422 with what is wrong. A `T` that denies unknown fields refuses unknown
/// parameters: a filter that is misspelt would otherwise show everything and say nothing.
#[derive(Debug)]
pub struct InQuery<T>(pub T);

impl<T: DeserializeOwned> FromRequest for InQuery<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(query(request.query_string()).map(Self).map_err(|fault| ApiError::invalid(vec![fault])))
    }
}

fn query<T: DeserializeOwned>(text: &str) -> Result<T, FieldError> {
    let pairs = url::form_urlencoded::parse(text.as_bytes());
    let reader = serde_urlencoded::Deserializer::new(pairs);
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let (path, message) = (dotted(error.path()), error.inner().to_string());
        match named(&message) {
            Some((name, "unknown field")) => {
                FieldError::new(name, format!("there is no such parameter; {}", known(&message)))
            }
            Some((name, _)) => FieldError::new(name, "is given more than once"),
            None => FieldError::new(path, without_value(&message)),
        }
    })
}

/// A number as it was meant. A bare '+' of a query is a space by the rules of forms, and who types an address by hand
/// writes one; no number begins with a space.
pub fn number(text: String) -> String {
    match text.strip_prefix(' ') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => format!("+{rest}"),
        _ => text,
    }
}

/// An instant in RFC 3339, the '+' of its offset written as `%2B` or bare.
pub fn instant<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Timestamp>, D::Error> {
    let text = String::deserialize(reader)?;
    let found = text.parse().ok().or_else(|| {
        let (before, offset) = text.rsplit_once(' ')?;
        format!("{before}+{offset}").parse().ok()
    });
    found.map(Some).ok_or_else(|| D::Error::custom("must be RFC 3339, like 2026-11-20T10:00:00Z"))
}

/// The parameter that a message of serde is about, where the path does not tell it.
fn named(message: &str) -> Option<(&str, &'static str)> {
    ["unknown field", "duplicate field"].into_iter().find_map(|kind| {
        let rest = message.strip_prefix(kind)?.trim_start().strip_prefix('`')?;
        Some((rest.rsplit_once("`, expected").map_or_else(|| rest.trim_end_matches('`'), |(n, _)| n), kind))
    })
}

fn known(message: &str) -> String {
    let names = message.rsplit_once("expected ").map_or("", |(_, names)| names);
    format!("expected {}", names.trim_start_matches("one of ").replace('`', ""))
}

/// The `If-Match` header: the version that a change expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(pub Option<u64>);

impl FromRequest for IfMatch {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(value) = request.headers().get(header::IF_MATCH) else { return ready(Ok(Self(None))) };
        let version =
            value.to_str().ok().and_then(|v| v.trim_start_matches("W/").trim_matches('"').parse().ok());
        let refusal =
            || ApiError::bad_request("bad_if_match", "If-Match must be the version, as the ETag gave it");
        ready(version.map(|v| Self(Some(v))).ok_or_else(refusal))
    }
}

/// Items of a page when the client does not say.
const DEFAULT_LIMIT: usize = 50;
/// Most items of a page.
const MAX_LIMIT: usize = 200;

/// The wanted number of items.
pub fn limit_of(wanted: Option<usize>) -> Result<usize, ApiError> {
    within(wanted.unwrap_or(DEFAULT_LIMIT), MAX_LIMIT)
}

/// A number of items, 1 to `most`; another is refused rather than quietly changed.
pub fn within(limit: usize, most: usize) -> Result<usize, ApiError> {
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(ApiError::invalid(vec![FieldError::new("limit", format!("must be 1 to {most}"))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        limit: Option<usize>,
        caller: Option<String>,
        #[serde(default, deserialize_with = "instant")]
        from: Option<Timestamp>,
    }

    fn refused(text: &str) -> (String, String) {
        let FieldError { path, message } = query::<Asked>(text).unwrap_err();
        (path, message)
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good: Asked = query("limit=7&caller=a%2Bb").unwrap();
        assert_eq!((good.limit, good.caller.as_deref()), (Some(7), Some("a+b")));
        let (path, message) = refused("limt=7");
        assert_eq!(path, "limt");
        assert!(message.contains("limit, caller, from"), "{message}");
        assert_eq!(refused("limit=1&limit=2").0, "limit");
        assert_eq!(refused("limit=seven").0, "limit");
        assert_eq!(refused("x`,%20expected%20`y=1").0, "x`, expected `y");
        assert_eq!(refused("=1").0, "");
    }

    #[test]
    fn a_bare_plus_is_understood_where_it_can_be_meant() {
        for (asked, meant) in [
            ("+4912", "+4912"),
            ("%2B4912", "+4912"),
            ("4912", "4912"),
            ("sip:a+b", "sip:a b"),
            ("++49", "  49"),
            ("+x", " x"),
        ] {
            let asked: Asked = query(&format!("caller={asked}")).unwrap();
            assert_eq!(asked.caller.map(number).as_deref(), Some(meant));
        }
        let same: Vec<_> = ["10:00:00Z", "15:30:00+05:30", "15:30:00%2B05:30", "05:00:00-05:00"]
            .map(|time| query::<Asked>(&format!("from=2026-11-20T{time}")).unwrap().from.unwrap())
            .into();
        assert!(same.windows(2).all(|pair| pair[0] == pair[1]), "{same:?}");
        assert_eq!(
            refused("from=monday"),
            ("from".into(), "must be RFC 3339, like 2026-11-20T10:00:00Z".into())
        );
    }
}
