//! Health and metrics over HTTP, on loopback.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};

use crate::desk::Desk;
use crate::pulse::Pulse;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Connections at once: whoever looks after the process.
const MAX_CONNECTIONS: usize = 32;

async fn health(pulse: Data<Pulse>) -> HttpResponse {
    let health = pulse.health();
    let mut answer = if health.is_good() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.json(health)
}

async fn metrics(desk: Data<Desk>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, OPEN_METRICS)).body(desk.metrics.page())
}

/// A surface that serves while it is polled, and where it is.
///
/// # Errors
///
/// When the address cannot be listened on.
pub fn serve(
    at: SocketAddr,
    desk: Arc<Desk>,
    pulse: Arc<Pulse>,
) -> io::Result<(actix_web::dev::Server, SocketAddr)> {
    let listener = TcpListener::bind(at)?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    let (desk, pulse) = (Data::from(desk), Data::from(pulse));
    let app = move || {
        App::new()
            .app_data(desk.clone())
            .app_data(pulse.clone())
            .route("/health", web::get().to(health))
            .route("/metrics", web::get().to(metrics))
    };
    let server = HttpServer::new(app).workers(1).max_connections(MAX_CONNECTIONS).disable_signals();
    Ok((server.listen(listener)?.run(), bound))
}
