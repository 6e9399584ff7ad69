//! `/healthz` and `/metrics` (Prometheus text), the same for every service.

use actix_web::{HttpResponse, http::header::ContentType, web};
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

/// A service's numbers. Cheap to clone; each clone counts into the same registry.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    registry: Registry,
}

impl Metrics {
    pub fn new() -> Self {
        Self::default()
    }

    /// A number that only grows. Asked for twice, the later one is not shown: keep what you got.
    pub fn counter(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
        self.registry.register(Box::new(counter.clone()))?;
        Ok(counter)
    }

    /// A number that goes up and down.
    pub fn gauge(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
        let gauge = IntGaugeVec::new(Opts::new(name, help), labels)?;
        self.registry.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    }

    /// The text that Prometheus reads.
    pub fn text(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

/// Adds both addresses to a service.
pub fn routes(metrics: Metrics) -> impl Fn(&mut web::ServiceConfig) + Clone {
    move |config| {
        let metrics = metrics.clone();
        config.route("/healthz", web::get().to(healthy)).route(
            "/metrics",
            web::get().to(move || {
                let text = metrics.text();
                async move { HttpResponse::Ok().content_type(ContentType::plaintext()).body(text) }
            }),
        );
    }
}

async fn healthy() -> &'static str {
    "ok\n"
}
