//! The HTTP server: routes, rules for all of them, and its end.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use actix_web::{
    App as Routes, HttpServer,
    dev::Server,
    middleware::{NormalizePath, from_fn},
    web::{self, Data, PathConfig},
};
use coppice_runtime::{
    Stop,
    health::{self, Metrics},
};

use crate::{
    App,
    api::{self, ApiError, BodyLimits},
    config::HttpConfig,
    pages,
    transport::{self, Requests},
    web::Web,
};

/// How long a client may take for the head of a request.
const HEAD_LIMIT: Duration = Duration::from_secs(20);
/// Requests in progress may go on so long after the stop.
const SHUTDOWN_S: u64 = 5;

#[derive(Debug, Clone)]
pub struct Parts {
    pub app: Data<App>,
    pub web: Data<Web>,
    pub metrics: Metrics,
    pub requests: Data<Requests>,
}

/// Listens; the server runs as soon as it is awaited.
pub fn bind(config: &HttpConfig, parts: Parts) -> io::Result<(SocketAddr, Server)> {
    let listener = TcpListener::bind(config.listen)?;
    let addr = listener.local_addr()?;
    let limits =
        BodyLimits { bytes: config.body_limit_bytes, pause: Duration::from_secs(config.body_pause_s.max(1)) };
    // One for all workers.
    let held = Data::new(api::Limits::new(config));
    let make = move || {
        let parts = parts.clone();
        Routes::new()
            .app_data(parts.app)
            .app_data(parts.web)
            .app_data(parts.requests)
            .app_data(Data::new(limits))
            .app_data(held.clone())
            .app_data(PathConfig::default().error_handler(|_, _| ApiError::NoSuchEndpoint.into()))
            .configure(health::routes(parts.metrics))
            .configure(routes)
            .default_service(web::to(pages::not_found))
            .wrap(from_fn(pages::dress))
            .wrap(NormalizePath::trim())
            .wrap(from_fn(transport::rules))
    };
    let server = HttpServer::new(make)
        .workers(config.workers.max(1))
        .client_request_timeout(HEAD_LIMIT)
        // Who hung up follows no page any more.
        .h1_allow_half_closed(false)
        .shutdown_timeout(SHUTDOWN_S)
        .disable_signals()
        .listen(listener)?
        .run();
    Ok((addr, server))
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::scope("/api_3")
                .configure(api::routes)
                .default_service(web::to(api::no_such_endpoint))
                .wrap(from_fn(api::tag))
                .wrap(from_fn(api::once))
                .wrap(from_fn(api::hold)),
        )
        .service(web::scope("/backend").configure(api::backend_routes))
        .service(web::scope("/coprs").configure(pages::coprs_routes))
        .configure(pages::routes);
}

/// Serves until the stop.
pub async fn run(server: Server, stop: Stop) {
    let handle = server.handle();
    tokio::spawn(async move {
        stop.wait().await;
        handle.stop(true).await;
    });
    if let Err(error) = server.await {
        tracing::error!(%error, "the HTTP server broke");
    }
}
