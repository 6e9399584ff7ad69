//! Clients of the API with connections that stay open.

use std::{sync::Arc, time::Instant};

use anyhow::ensure;
use coppice_kit::corpus;
use serde_json::json;
use tokio::{runtime::Runtime, sync::Semaphore, task::JoinSet};

use crate::usage::milliseconds;

#[derive(Debug, Clone)]
pub enum Route {
    Get(String),
    /// A build of one address.
    Submit,
}

pub struct Client {
    runtime: Runtime,
    client: reqwest::Client,
    url: String,
}

impl Client {
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { runtime, client, url: url.to_owned() })
    }

    /// One after the other.
    pub fn repeat(&self, route: &Route, times: usize) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            for _ in 0..times {
                ask(&self.client, &self.url, route).await?;
            }
            Ok(())
        })
    }

    /// Milliseconds until the whole answer to one request is there.
    pub fn open(&self, route: &Route) -> anyhow::Result<f64> {
        let started = Instant::now();
        self.repeat(route, 1)?;
        Ok(milliseconds(started.elapsed()))
    }

    /// The answer, unpacked.
    pub fn text(&self, route: &Route) -> anyhow::Result<String> {
        self.runtime.block_on(ask(&self.client, &self.url, route))
    }

    /// How long it is.
    pub fn bytes(&self, route: &Route) -> anyhow::Result<usize> {
        Ok(self.text(route)?.len())
    }

    /// So many at once; returns milliseconds of each.
    pub fn mixed(&self, routes: &[Route], connections: usize, times: usize) -> anyhow::Result<Vec<f64>> {
        let places = Arc::new(Semaphore::new(connections));
        self.runtime.block_on(async {
            let mut running = JoinSet::new();
            let mut taken = Vec::with_capacity(times);
            for route in routes.iter().cycle().take(times) {
                let place = Arc::clone(&places).acquire_owned().await?;
                let (client, url, route) = (self.client.clone(), self.url.clone(), route.clone());
                running.spawn(async move {
                    let started = Instant::now();
                    ask(&client, &url, &route).await?;
                    drop(place);
                    anyhow::Ok(milliseconds(started.elapsed()))
                });
                while let Some(done) = running.try_join_next() {
                    taken.push(done??);
                }
            }
            while let Some(done) = running.join_next().await {
                taken.push(done??);
            }
            Ok(taken)
        })
    }
}

async fn ask(client: &reqwest::Client, url: &str, route: &Route) -> anyhow::Result<String> {
    let request = match route {
        Route::Get(path) => client.get(format!("{url}{path}")),
        Route::Submit => {
            let body = json!({ "ownername": "user003", "projectname": "proj-0003", "pkgs": ["https://example.com/x-1-1.src.rpm"] });
            client
                .post(format!("{url}/api_3/build/create/url"))
                .basic_auth(corpus::login("user003"), Some(corpus::token("user003")))
                .json(&body)
        }
    };
    let answer = request.send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    ensure!(status.is_success(), "{route:?}: {status} {text}");
    Ok(text)
}
