//! The worker's HTTP surface: which path is whose. One file an endpoint.

pub mod address;
pub mod answer;
pub mod call;
pub mod exotel;
pub mod fleet;
pub mod health;
pub mod metrics;
pub mod recordings;
pub mod talk;
pub mod ws;

use std::sync::Arc;

use http::{HeaderValue, Method, Request, StatusCode, header};
use hyper::body::Incoming;

use crate::app::App;
use crate::transport::socket::Connection;
use answer::{Answer, error};
use call::Asker;

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route<'a> {
    Ws,
    Exotel,
    Talk,
    Health,
    Fleet,
    Metrics,
    Recording(&'a str),
}

/// Answer a request that came over a connection of type `S`.
pub async fn answer<S: Connection>(app: Arc<App>, asker: Asker, request: Request<Incoming>) -> Answer {
    let path = request.uri().path().to_owned();
    let Some(route) = of(&path) else { return error(StatusCode::NOT_FOUND, "not_found") };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut answer = error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET,HEAD"));
        return answer;
    }
    match route {
        Route::Ws => call::open::<S>(app, asker, request, ws::protocol),
        Route::Exotel => call::open::<S>(app, asker, request, exotel::protocol),
        Route::Talk => call::open::<S>(app, asker, request, talk::protocol),
        Route::Health => health::show(&app),
        Route::Fleet => fleet::show(&app).await,
        Route::Metrics => metrics::show(&app),
        Route::Recording(key) => recordings::fetch(&app, key, request.headers()).await,
    }
}

fn of(path: &str) -> Option<Route<'_>> {
    match path {
        "/health" => return Some(Route::Health),
        "/health/fleet" => return Some(Route::Fleet),
        "/metrics" => return Some(Route::Metrics),
        _ => {}
    }
    let (folder, name) = path.strip_prefix('/')?.split_once('/')?;
    if name.is_empty() || name.contains('/') {
        return None;
    }
    match folder {
        "ws" => Some(Route::Ws),
        "exotel" => Some(Route::Exotel),
        "talk" => Some(Route::Talk),
        "recordings" => Some(Route::Recording(name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_its_route() {
        for (path, route) in [
            ("/ws/faq", Some(Route::Ws)),
            ("/exotel/faq", Some(Route::Exotel)),
            ("/talk/faq", Some(Route::Talk)),
            ("/health", Some(Route::Health)),
            ("/health/fleet", Some(Route::Fleet)),
            ("/metrics", Some(Route::Metrics)),
            ("/recordings/call_1.wav", Some(Route::Recording("call_1.wav"))),
        ] {
            assert_eq!(of(path), route, "{path}");
        }
        for path in
            ["/", "", "*", "/ws", "/ws/", "/ws/a/b", "/WS/faq", "/health/", "/recordings/../x", "/x/ws/faq"]
        {
            assert_eq!(of(path), None, "{path}");
        }
    }
}
