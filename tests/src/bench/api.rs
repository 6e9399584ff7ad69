//! The API on a server that was used for a year: CPU of a request, with the database's; latency; memory.

pub mod client;
pub mod server;

use coppice_kit::{corpus, postgres::Postgres, redis::Redis};

use crate::{
    figure::{Figure, median, p99},
    yardstick::Yardstick,
};
use client::{Client, Route};
use server::{Kind, Server};

/// Before anything is measured, so that caches and statements are ready.
const WARM_UP: usize = 20;
const PORTIONS: usize = 9;
/// At least so much is used in a portion.
const LEAST_MS: f64 = 60.0;
const AT_ONCE: usize = 20;
const CONNECTIONS: usize = 8;
const MIXED: usize = 3_000;

/// Copr 2.7 on the same kind of machine and data needs so many milliseconds; ours is to need a twentieth.
const REFERENCE: [(&str, f64); 8] = [
    ("project", 6.9),
    ("project list, 100", 154.0),
    ("build", 6.6),
    ("build list, 100", 30.0),
    ("monitor of 20 packages", 17.0),
    ("monitor of a project with 5,000 builds", 384.0),
    (".repo", 6.1),
    ("create a build by address", 19.0),
];

pub fn measure() -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    figures.extend(on(&Kind::Sqlite)?);
    figures.extend(on(&Kind::Postgres(Postgres::start()?))?);
    Ok(figures)
}

fn on(kind: &Kind) -> anyhow::Result<Vec<Figure>> {
    let redis = Redis::start()?;
    let server = Server::start(kind, &redis)?;
    let client = Client::new(&server.url)?;
    let (mut figures, mut costs) = (Vec::new(), Vec::new());
    for (route, (name, reference)) in routes().iter().zip(REFERENCE) {
        let name = format!("{kind}: {name}, CPU");
        let cost = cost(&server, &client, route)?;
        // The wish is for PostgreSQL; SQLite is told beside it.
        figures.push(match kind {
            Kind::Postgres(_) => Figure::at_most(name, cost.ms, "ms", reference / 20.0),
            Kind::Sqlite => Figure::note(name, cost.ms, "ms"),
        });
        costs.push(cost);
    }
    figures.push(Cost::note(kind, &costs));
    let times = client.mixed(&reads(), CONNECTIONS, MIXED)?;
    figures.push(Figure::at_most(format!("{kind}: reads at 8 connections, p99"), p99(times), "ms", 50.0));
    figures.push(Figure::at_most(format!("{kind}: memory after all of it"), server.memory_mb(), "MB", 80.0));
    Ok(figures)
}

/// What a request costs.
pub struct Cost {
    /// Milliseconds of CPU, as they are when nobody else uses this machine.
    pub ms: f64,
    /// How much longer the work took while it was measured.
    pub slowness: f64,
}

impl Cost {
    pub fn note(kind: &Kind, costs: &[Self]) -> Figure {
        let slowness = median(costs.iter().map(|cost| cost.slowness).collect());
        Figure::note(format!("{kind}: CPU of the same work over that at rest"), slowness, "")
    }
}

/// The middle one of several portions, each in proportion to what the yardstick said around it.
pub fn cost(server: &Server, client: &Client, route: &Route) -> anyhow::Result<Cost> {
    client.repeat(route, WARM_UP)?;
    let yardstick = Yardstick::new()?;
    let (mut ms, mut slowness) = (Vec::new(), Vec::new());
    for _ in 0..PORTIONS {
        let before = yardstick.slowness()?;
        let used = portion(server, client, route)?;
        let around = f64::midpoint(before, yardstick.slowness()?);
        ms.push(used / around);
        slowness.push(around);
    }
    Ok(Cost { ms: median(ms), slowness: median(slowness) })
}

fn portion(server: &Server, client: &Client, route: &Route) -> anyhow::Result<f64> {
    let before = server.cpu()?;
    let mut requests = 0;
    loop {
        client.repeat(route, AT_ONCE)?;
        requests += AT_ONCE;
        let used = server.cpu()?.since(&before);
        if used >= LEAST_MS {
            return Ok(used / requests as f64);
        }
    }
}

fn routes() -> Vec<Route> {
    let mut routes = reads();
    routes.push(Route::Submit);
    routes
}

/// In the order of [`REFERENCE`].
fn reads() -> Vec<Route> {
    let (owner, big) = corpus::BIG_PROJECT;
    [
        "/api_3/project?ownername=user002&projectname=proj-0002".to_owned(),
        "/api_3/project/list?limit=100".to_owned(),
        "/api_3/build/25000".to_owned(),
        format!("/api_3/build/list?ownername={owner}&projectname={big}&limit=100"),
        "/api_3/monitor?ownername=user002&projectname=proj-0002".to_owned(),
        format!("/api_3/monitor?ownername={owner}&projectname={big}"),
        "/coprs/user002/proj-0002/repo/fedora-43/dnf.repo".to_owned(),
    ]
    .map(Route::Get)
    .to_vec()
}
