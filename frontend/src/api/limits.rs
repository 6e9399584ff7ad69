//! How often one token or one address may ask. Not in Copr.

use std::{
    hash::Hash,
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use actix_web::{
    Error, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::Next,
    web::Data,
};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use super::{ApiError, auth};
use crate::config::HttpConfig;

/// Keys that are quiet are forgotten after so many requests.
const TIDY_EVERY: u32 = 4_096;

/// Requests a minute; a minute's worth may come at once.
#[derive(Debug)]
pub struct Limits {
    tokens: Option<Limiter<String>>,
    addresses: Option<Limiter<IpAddr>>,
    behind_proxy: bool,
}

impl Limits {
    pub fn new(config: &HttpConfig) -> Self {
        Self {
            tokens: Limiter::new(config.token_requests_per_minute),
            addresses: Limiter::new(config.address_requests_per_minute),
            behind_proxy: config.behind_proxy,
        }
    }

    fn address(&self, request: &ServiceRequest) -> Option<IpAddr> {
        if self.behind_proxy {
            return request.connection_info().realip_remote_addr()?.parse().ok();
        }
        Some(request.peer_addr()?.ip())
    }

    fn check_address(&self, address: Option<IpAddr>) -> Result<(), ApiError> {
        match (&self.addresses, address) {
            (Some(limiter), Some(address)) => limiter.check(&address),
            _ => Ok(()),
        }
    }
}

#[derive(Debug)]
struct Limiter<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
    checks: AtomicU32,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// None for 0: nobody is held.
    fn new(a_minute: u32) -> Option<Self> {
        let quota = Quota::per_minute(NonZeroU32::new(a_minute)?);
        let limiter = RateLimiter::keyed(quota);
        Some(Self { limiter, clock: DefaultClock::default(), checks: AtomicU32::new(0) })
    }

    fn check(&self, key: &K) -> Result<(), ApiError> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|not_yet| {
            let wait = not_yet.wait_time_from(self.clock.now());
            ApiError::TooMany { retry_after_s: whole_seconds(wait) }
        })
    }
}

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// A request with a token counts for the token, one without for its address, and one with a wrong token for both.
pub async fn hold(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(limits) = request.app_data::<Data<Limits>>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let address = limits.address(&request);
    let login = auth::credentials(request.request()).map(|(login, _)| login);
    let checked = match (&limits.tokens, &login) {
        (Some(tokens), Some(login)) => tokens.check(login),
        (None, Some(_)) => Ok(()),
        (_, None) => limits.check_address(address),
    };
    if let Err(error) = checked {
        return Ok(request.into_response(error.error_response()));
    }
    let response = next.call(request).await?.map_into_boxed_body();
    if login.is_some()
        && response.status() == StatusCode::UNAUTHORIZED
        && let Err(error) = limits.check_address(address)
    {
        return Ok(response.into_response(error.error_response()));
    }
    Ok(response)
}
