//! The few API calls of the demo, with the account they are made as.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use coppice_runtime::process;
use reqwest::{Client, Method, RequestBuilder, multipart};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::layout::Layout;

const MANAGE_LIMIT: Duration = Duration::from_secs(30);

/// A user with a fresh API token.
pub struct Account {
    pub username: String,
    login: String,
    token: String,
    /// What goes into copr-cli's configuration file.
    pub snippet: String,
}

impl Account {
    /// Makes the user unless it exists, and a token.
    pub async fn make(layout: &Layout, username: &str) -> anyhow::Result<Self> {
        manage(layout, &["user-add", username]).await?;
        let snippet = manage(layout, &["token", username]).await?;
        let value = |key: &str| {
            let line = snippet.lines().find_map(|line| line.strip_prefix(key)?.trim().strip_prefix('='));
            line.map(|value| value.trim().to_owned())
                .with_context(|| format!("no {key} in the printed configuration"))
        };
        Ok(Self { username: username.to_owned(), login: value("login")?, token: value("token")?, snippet })
    }
}

/// Runs `coppice manage …` and returns what it printed.
pub async fn manage(layout: &Layout, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["manage", "--data"]).arg(&layout.root).args(arguments).stdin(Stdio::null());
    let printed = process::run(command, MANAGE_LIMIT)
        .await
        .with_context(|| format!("coppice manage {}", arguments.join(" ")))?;
    Ok(String::from_utf8_lossy(&printed).into_owned())
}

pub struct Api {
    client: Client,
    url: String,
    account: Account,
}

impl Api {
    pub fn new(url: &str, account: Account) -> anyhow::Result<Self> {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(60)).build()?;
        Ok(Self { client, url: url.to_owned(), account })
    }

    pub fn account(&self) -> &Account {
        &self.account
    }

    pub fn owner(&self) -> &str {
        &self.account.username
    }

    /// A project with this one chroot, new or as it is.
    pub async fn ensure_project(&self, project: &str, chroot: &str) -> anyhow::Result<()> {
        let body = json!({
            "name": project,
            "chroots": [chroot],
            "description": "A library and a program that needs it, made by `coppice demo`.",
        });
        let path = format!("project/add/{}?exist_ok=True", self.owner());
        self.ask(Method::POST, &path, |request| request.json(&body)).await.map(|_| ())
    }

    /// The newest build of a package that succeeded.
    pub async fn succeeded_build(&self, project: &str, package: &str) -> anyhow::Result<Option<i64>> {
        let path =
            format!("build/list?ownername={}&projectname={project}&packagename={package}", self.owner());
        let answer = self.get(&path).await?;
        let builds = answer["items"].as_array().into_iter().flatten();
        Ok(builds.filter(|build| build["state"] == "succeeded").find_map(|build| build["id"].as_i64()))
    }

    /// Submits an SRPM; the answer is the build's id.
    pub async fn upload(&self, project: &str, srpm: &Path) -> anyhow::Result<i64> {
        let name = srpm.file_name().context("the SRPM has no name")?.to_string_lossy().into_owned();
        let fields = json!({ "ownername": self.owner(), "projectname": project });
        let file = multipart::Part::bytes(tokio::fs::read(srpm).await?).file_name(name);
        let json =
            multipart::Part::text(fields.to_string()).file_name("json").mime_str("application/json")?;
        let form = multipart::Form::new().part("pkgs", file).part("json", json);
        let answer = self.ask(Method::POST, "build/create/upload", |request| request.multipart(form)).await?;
        answer["id"].as_i64().context("the answer to the upload has no build id")
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(Method::GET, path, |request| request).await
    }

    /// A public file of the service.
    pub async fn fetch(&self, url: &str) -> anyhow::Result<Vec<u8>> {
        let answer = self.client.get(url).send().await?.error_for_status()?;
        Ok(answer.bytes().await?.to_vec())
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<Value> {
        let request = self.client.request(method, format!("{}/api_3/{path}", self.url));
        let request = fill(request.basic_auth(&self.account.login, Some(&self.account.token)));
        let answer = request.send().await.with_context(|| format!("asking {path}"))?;
        let status = answer.status();
        let body: Value = answer.json().await.with_context(|| format!("reading the answer to {path}"))?;
        if !status.is_success() {
            bail!("{path} was refused ({status}): {}", body["error"].as_str().unwrap_or("no reason given"));
        }
        Ok(body)
    }
}
