//! From the table to what a thread serves.

use actix_cors::Cors;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Compat, Condition, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Resource, guard};

use super::Route;
use crate::api::system;
use crate::app::App;
use crate::edge::client::TrustedProxies;
use crate::edge::pages::pages;
use crate::edge::{REQUEST_DEADLINE, endpoint, surround, unmatched, wrong_method};

/// How long a browser remembers that it may ask.
const MAX_AGE_SECONDS: usize = 600;

/// All routes with what surrounds them, for one thread.
pub fn api(
    app: &App,
) -> actix_web::App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    let mut surface = actix_web::App::new()
        .configure(|to| register(app, to))
        .default_service(endpoint(unmatched, REQUEST_DEADLINE))
        .wrap(cross_origin(&app.config.server.cors_origins))
        .wrap(from_fn(pages))
        .wrap(from_fn(surround));
    let mut known: Vec<&str> = Vec::new();
    for Route { path, .. } in app.table.iter() {
        if !known.contains(path) {
            known.push(path);
            let here = app.table.iter().filter(|r| r.path == *path);
            let rows = here.map(|r| (r.method.clone(), (r.handler)())).collect();
            surface = surface.service(resource(path, rows));
        }
    }
    surface
}

/// Lets pages of these origins read answers. It stands before everything that looks at who asks: a browser's question whether it may ask
/// shows no proof. Without an origin it does nothing.
fn cross_origin(origins: &[String]) -> Compat<Condition<Cors>> {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_any_header()
        .expose_any_header()
        .max_age(MAX_AGE_SECONDS);
    let cors = origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin));
    Compat::new(Condition::new(!origins.is_empty(), cors))
}

/// The metrics, for the thread of their listener.
pub fn metrics_page(
    app: &App,
) -> actix_web::App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    let page = (Method::GET, endpoint(system::metrics::metrics, REQUEST_DEADLINE));
    actix_web::App::new()
        .configure(|to| register(app, to))
        .default_service(endpoint(unmatched, REQUEST_DEADLINE))
        .wrap(from_fn(surround))
        .service(resource("/metrics", vec![page]))
}

/// A path with its methods. GET answers HEAD too, without the body.
fn resource(path: &str, rows: Vec<(Method, actix_web::Route)>) -> Resource {
    let mut allowed: Vec<String> = Vec::new();
    let mut resource = web::resource(path);
    for (method, route) in rows {
        allowed.push(method.to_string());
        if method == Method::GET {
            allowed.push(Method::HEAD.to_string());
        }
        resource = resource.route(route.guard(guard::fn_guard(move |asked| {
            let asked = &asked.head().method;
            *asked == method || (method == Method::GET && *asked == Method::HEAD)
        })));
    }
    let allowed = allowed.join(", ");
    let refusal = move || std::future::ready(wrong_method(&allowed));
    resource.default_service(endpoint(refusal, REQUEST_DEADLINE))
}

/// The parts that handlers and extractors take.
fn register(app: &App, to: &mut ServiceConfig) {
    to.app_data(Data::new(app.stores.clone()))
        .app_data(Data::new(app.clock.clone()))
        .app_data(Data::new(app.proofs.clone()))
        .app_data(Data::new(app.api_keys.clone()))
        .app_data(Data::new(app.request_limits.clone()))
        .app_data(Data::new(app.sessions.clone()))
        .app_data(Data::new(app.tenant_desk.clone()))
        .app_data(Data::new(app.catalogue.clone()))
        .app_data(Data::new(app.configs.clone()))
        .app_data(Data::new(app.gate.clone()))
        .app_data(Data::new(app.plans.clone()))
        .app_data(Data::new(app.results.clone()))
        .app_data(Data::new(app.recordings.clone()))
        .app_data(Data::new(app.fleet.clone()))
        .app_data(Data::new(app.dialler.clone()))
        .app_data(Data::new(app.call_desk.clone()))
        .app_data(Data::new(app.links.clone()))
        .app_data(Data::new(app.custodian.clone()))
        .app_data(Data::new(app.webhooks.clone()))
        .app_data(Data::new(app.herald.clone()))
        .app_data(Data::new(app.runner.clone()))
        .app_data(Data::new(app.rounds.clone()))
        .app_data(Data::new(app.crm.clone()))
        .app_data(Data::new(app.exotel.clone()))
        .app_data(Data::new(app.livekit.clone()))
        .app_data(Data::new(app.inbound.clone()))
        .app_data(Data::new(app.trunks.clone()))
        .app_data(Data::new(app.widget.clone()))
        .app_data(Data::new(app.document.clone()))
        .app_data(Data::new(app.analyst.clone()))
        .app_data(Data::new(app.voices.clone()))
        .app_data(Data::new(app.sounds.clone()))
        .app_data(Data::new(app.campaigns.clone()))
        .app_data(Data::new(app.intake.clone()))
        .app_data(Data::new(app.checks.clone()))
        .app_data(Data::new(app.permits.clone()))
        .app_data(Data::new(app.targets.clone()))
        .app_data(Data::new(app.widget_files.clone()))
        .app_data(Data::new(app.demo_connections.clone()))
        .app_data(Data::new(app.watch.clone()))
        .app_data(Data::from(app.operator.clone()))
        .app_data(Data::new(app.streams.clone()))
        .app_data(Data::new(TrustedProxies(app.config.server.trusted_proxies.clone())))
        .app_data(Data::from(app.vault.clone()))
        .app_data(Data::from(app.readiness.clone()))
        .app_data(Data::from(app.audit.clone()))
        .app_data(Data::from(app.coordination.clone()))
        .app_data(Data::from(app.people.clone()))
        .app_data(Data::from(app.sign_in.clone()))
        .app_data(Data::from(app.metrics.clone()));
}
