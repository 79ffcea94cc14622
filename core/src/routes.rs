//! The worker's HTTP surface: which path is whose. One file an endpoint.

pub mod address;
pub mod answer;
#[cfg(feature = "livekit")]
pub mod attach;
pub mod call;
pub mod exotel;
pub mod fleet;
pub mod health;
#[cfg(feature = "livekit")]
pub mod livekit;
pub mod metrics;
pub mod orders;
pub mod plivo;
pub mod recordings;
pub mod talk;
pub mod telnyx;
pub mod twilio;
pub mod vonage;
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
    Twilio,
    Plivo,
    Telnyx,
    Vonage,
    Talk,
    Health,
    Fleet,
    Metrics,
    Recording(&'a str),
    Orders(&'a str),
    Attach,
    Widget,
    Dialout,
    Dispatch,
}

impl Route<'_> {
    fn takes(self, method: &Method) -> bool {
        match self {
            Self::Orders(_) | Self::Attach | Self::Widget | Self::Dialout | Self::Dispatch => {
                *method == Method::POST
            }
            _ => matches!(*method, Method::GET | Method::HEAD),
        }
    }

    fn allows(self) -> HeaderValue {
        HeaderValue::from_static(if self.takes(&Method::POST) { "POST" } else { "GET,HEAD" })
    }
}

/// Answer a request that came over a connection of type `S`.
pub async fn answer<S: Connection>(app: Arc<App>, asker: Asker, request: Request<Incoming>) -> Answer {
    let path = request.uri().path().to_owned();
    let Some(route) = of(&path) else { return error(StatusCode::NOT_FOUND, "not_found") };
    if !route.takes(request.method()) {
        let mut answer = error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
        answer.headers_mut().insert(header::ALLOW, route.allows());
        return answer;
    }
    match route {
        Route::Ws => call::open::<S>(app, asker, request, ws::protocol),
        Route::Exotel => call::open::<S>(app, asker, request, exotel::protocol),
        Route::Twilio => call::open::<S>(app, asker, request, twilio::protocol),
        Route::Plivo => call::open::<S>(app, asker, request, plivo::protocol),
        Route::Telnyx => call::open::<S>(app, asker, request, telnyx::protocol),
        Route::Vonage => call::open::<S>(app, asker, request, vonage::protocol),
        Route::Talk => call::open::<S>(app, asker, request, talk::protocol),
        Route::Health => health::show(&app),
        Route::Fleet => fleet::show(&app).await,
        Route::Metrics => metrics::show(&app),
        Route::Recording(key) => recordings::fetch(&app, key, request.headers()).await,
        Route::Orders(session_id) => orders::place(&app, session_id, request).await,
        #[cfg(feature = "livekit")]
        Route::Attach => attach::begin(app, asker, request).await,
        #[cfg(feature = "livekit")]
        Route::Widget => livekit::widget::begin(app, asker, request).await,
        #[cfg(feature = "livekit")]
        Route::Dialout => livekit::dialout::begin(app, asker, request).await,
        #[cfg(feature = "livekit")]
        Route::Dispatch => livekit::dispatch::begin(app, asker, request).await,
        #[cfg(not(feature = "livekit"))]
        Route::Attach | Route::Widget | Route::Dialout | Route::Dispatch => {
            error(StatusCode::SERVICE_UNAVAILABLE, "livekit_not_built")
        }
    }
}

fn of(path: &str) -> Option<Route<'_>> {
    match path {
        "/health" => return Some(Route::Health),
        "/health/fleet" => return Some(Route::Fleet),
        "/metrics" => return Some(Route::Metrics),
        "/attach" => return Some(Route::Attach),
        "/livekit/widget" => return Some(Route::Widget),
        "/livekit/dialout" => return Some(Route::Dialout),
        "/livekit/dispatch" => return Some(Route::Dispatch),
        _ => {}
    }
    let (folder, name) = path.strip_prefix('/')?.split_once('/')?;
    if folder == "calls" {
        let session_id = name.strip_suffix("/orders")?;
        return (!session_id.is_empty() && !session_id.contains('/')).then_some(Route::Orders(session_id));
    }
    // Whoever types a call's address may end it with a slash.
    let name = if folder == "recordings" { name } else { name.strip_suffix('/').unwrap_or(name) };
    if name.is_empty() || name.contains('/') {
        return None;
    }
    match folder {
        "ws" => Some(Route::Ws),
        "exotel" => Some(Route::Exotel),
        "twilio" => Some(Route::Twilio),
        "plivo" => Some(Route::Plivo),
        "telnyx" => Some(Route::Telnyx),
        "vonage" => Some(Route::Vonage),
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
            ("/exotel/faq/", Some(Route::Exotel)),
            ("/twilio/faq", Some(Route::Twilio)),
            ("/plivo/faq/", Some(Route::Plivo)),
            ("/telnyx/faq", Some(Route::Telnyx)),
            ("/vonage/faq", Some(Route::Vonage)),
            ("/talk/faq", Some(Route::Talk)),
            ("/health", Some(Route::Health)),
            ("/health/fleet", Some(Route::Fleet)),
            ("/metrics", Some(Route::Metrics)),
            ("/recordings/call_1.wav", Some(Route::Recording("call_1.wav"))),
            ("/calls/call_1/orders", Some(Route::Orders("call_1"))),
            ("/attach", Some(Route::Attach)),
            ("/livekit/widget", Some(Route::Widget)),
            ("/livekit/dialout", Some(Route::Dialout)),
            ("/livekit/dispatch", Some(Route::Dispatch)),
        ] {
            assert_eq!(of(path), route, "{path}");
        }
        for path in [
            "/",
            "",
            "*",
            "/ws",
            "/ws/",
            "/ws/a/b",
            "/WS/faq",
            "/health/",
            "/recordings/x/",
            "/recordings/../x",
            "/x/ws/faq",
            "/livekit",
            "/livekit/",
            "/livekit/webhook",
            "/attach/",
        ] {
            assert_eq!(of(path), None, "{path}");
        }
        for path in ["/calls/call_1", "/calls//orders", "/calls/orders", "/calls/a/b/orders"] {
            assert_eq!(of(path), None, "{path}");
        }
    }

    #[test]
    fn only_orders_are_posted() {
        for order in [Route::Attach, Route::Widget, Route::Dialout, Route::Dispatch] {
            assert!(order.takes(&Method::POST) && !order.takes(&Method::GET));
        }
        let (orders, health) = (Route::Orders("call_1"), Route::Health);
        assert!(orders.takes(&Method::POST) && !orders.takes(&Method::GET) && !health.takes(&Method::POST));
        assert_eq!(
            (orders.allows(), health.allows()),
            ("POST".parse().unwrap(), "GET,HEAD".parse().unwrap())
        );
    }
}
