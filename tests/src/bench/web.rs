//! The pages on a server that was used for a year: CPU of each, with the database's; bytes; time to open the longest.

mod long_log;

use coppice_kit::{corpus, postgres::Postgres, redis::Redis};

use crate::{
    api::{
        Cost,
        client::{Client, Route},
        cost,
        server::{Kind, Server},
    },
    figure::{Figure, median},
};

/// The page, its address, and how many milliseconds Copr 2.7 needs on the same kind of machine with data of this size;
/// ours is to need a twentieth.
const PAGES: [(&str, &str, f64); 6] = [
    ("home", "/", 22.0),
    ("project", "/coprs/user002/proj-0002/", 20.0),
    ("builds, 85 of them", "/coprs/user004/proj-0004/builds/", 40.0),
    ("packages, 20 of them", "/coprs/user002/proj-0002/packages/", 20.0),
    ("build", "/coprs/user001/proj-0001/build/25002/", 11.0),
    ("monitor of 20 packages", "/coprs/user002/proj-0002/monitor/", 19.0),
];
/// Of the project with 5,000 builds.
const LONG: [(&str, &str); 3] = [
    ("builds of a project with 5,000", "builds/"),
    ("monitor of a project with 5,000 builds", "monitor/"),
    ("detailed monitor of a project with 5,000 builds", "monitor/detailed/"),
];
const OPENED: usize = 31;
const MOST_BYTES: f64 = 100_000.0;

pub fn measure() -> anyhow::Result<Vec<Figure>> {
    let results = long_log::Results::serve()?;
    let mut figures = Vec::new();
    figures.extend(on(&Kind::Sqlite, &results.url)?);
    figures.extend(on(&Kind::Postgres(Postgres::start()?), &results.url)?);
    Ok(figures)
}

fn on(kind: &Kind, results: &str) -> anyhow::Result<Vec<Figure>> {
    let redis = Redis::start()?;
    let server = Server::start_with(kind, &redis, &format!("internal_results_url = {results:?}\n"))?;
    let client = Client::new(&server.url)?;
    let (mut figures, mut costs) = (Vec::new(), Vec::new());
    for (name, path, reference) in PAGES {
        let (name, route) = (format!("{kind}: {name}, CPU"), Route::Get(path.to_owned()));
        let cost = cost(&server, &client, &route)?;
        // The wish is for PostgreSQL; SQLite is told beside it.
        figures.push(match kind {
            Kind::Postgres(_) => Figure::at_most(name, cost.ms, "ms", reference / 20.0),
            Kind::Sqlite => Figure::note(name, cost.ms, "ms"),
        });
        costs.push(cost);
        if matches!(kind, Kind::Sqlite) {
            let bytes = client.bytes(&route)? as f64;
            figures.push(Figure::at_most(format!("{path}, size"), bytes / 1000.0, "kB", MOST_BYTES / 1000.0));
        }
    }
    figures.push(Cost::note(kind, &costs));
    let (owner, project) = corpus::BIG_PROJECT;
    for (name, rest) in LONG {
        let route = Route::Get(format!("/coprs/{owner}/{project}/{rest}"));
        let times = (0..OPENED).map(|_| client.open(&route)).collect::<anyhow::Result<Vec<f64>>>()?;
        figures.push(Figure::at_most(format!("{kind}: {name}, time"), median(times), "ms", 100.0));
        let bytes = client.bytes(&route)? as f64;
        figures.push(Figure::at_most(
            format!("{kind}: {name}, size"),
            bytes / 1000.0,
            "kB",
            MOST_BYTES / 1000.0,
        ));
    }
    figures.push(Figure::at_most(format!("{kind}: memory after all of it"), server.memory_mb(), "MB", 80.0));
    // The database has no part in them.
    if matches!(kind, Kind::Sqlite) {
        figures.extend(long_log::measure(&client)?);
    }
    Ok(figures)
}
