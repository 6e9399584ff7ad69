//! The backend's agent API, as the agent calls it.

use std::time::Duration;

use coppice_model::{
    agent::{Assignment, Enroll, Enrolled, Finish, LogAnswer, MachineFacts, Refusal, SentFile},
    work::TaskId,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio::{fs::File, time::Instant};
use url::Url;

use crate::retry::{self, Transient};

/// For short questions; a backend that hangs is as good as one that is away.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// The backend holds the question until there is a task; asking again now and then finds a dead connection.
const LONG_POLL: Duration = Duration::from_secs(150);

#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("calling the backend")]
    Away(#[source] reqwest::Error),
    #[error("the backend answered {status}: {error}")]
    Refused { status: StatusCode, error: String },
    #[error("reading {0}")]
    Read(String, #[source] std::io::Error),
}

impl Transient for CallError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Read(..) => false,
            Self::Refused { status, .. } => {
                status.is_server_error()
                    || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
            }
        }
    }
}

#[derive(Debug, Clone)]
pub struct Backend {
    http: Client,
    base: Url,
}

/// The calls that one task's token allows.
#[derive(Clone)]
pub struct TaskCalls {
    backend: Backend,
    token: String,
    task: TaskId,
}

impl Backend {
    pub fn new(base: Url) -> Result<Self, CallError> {
        let http = Client::builder().no_proxy().connect_timeout(Duration::from_secs(5)).build();
        Ok(Self { http: http.map_err(CallError::Away)?, base })
    }

    /// The ticket is good once, so an answer that got lost cannot be asked for again.
    pub async fn enroll(&self, ticket: &str, facts: MachineFacts) -> Result<String, CallError> {
        let body = Enroll { ticket: ticket.to_owned(), facts };
        let request = self.http.post(self.at(&["enroll"])).timeout(ANSWER_TIME).json(&body);
        Ok(answer::<Enrolled>(request).await?.session_token)
    }

    /// Asks until there is an answer; nothing means that the machine is not needed any more.
    pub async fn task(&self, session_token: &str) -> Result<Option<Assignment>, CallError> {
        let ask = || self.http.get(self.at(&["task"])).timeout(LONG_POLL).bearer_auth(session_token);
        let response = loop {
            match sent(ask()).await {
                Err(CallError::Away(error)) if error.is_timeout() => {}
                other => break other?,
            }
        };
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        response.json().await.map(Some).map_err(CallError::Away)
    }

    pub fn for_task(&self, assignment: &Assignment) -> TaskCalls {
        let token = assignment.task_token.clone();
        TaskCalls { backend: self.clone(), token, task: assignment.job.task() }
    }

    fn at(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // An http address always has path segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["agent", "v1"]).extend(path);
        }
        url
    }
}

impl TaskCalls {
    pub async fn log(&self, offset: u64, bytes: Vec<u8>) -> Result<LogAnswer, CallError> {
        let mut url = self.at(&["log"]);
        url.set_query(Some(&format!("offset={offset}")));
        answer(self.authorized(self.backend.http.put(url)).timeout(ANSWER_TIME).body(bytes)).await
    }

    /// Sends one file, again and again until it arrived.
    pub async fn file(
        &self,
        file: &SentFile,
        path: &std::path::Path,
        deadline: Instant,
    ) -> Result<(), CallError> {
        let mut url = self.at(&["files", file.name.as_str()]);
        url.set_query(Some(&format!("size={}&sha256={}", file.size, file.sha256)));
        retry::until(deadline, || async {
            let opened = File::open(path).await;
            let body = opened.map_err(|error| CallError::Read(file.name.to_string(), error))?;
            let request = self.authorized(self.backend.http.put(url.clone()));
            sent(request.header("content-length", file.size).body(body)).await.map(drop)
        })
        .await
    }

    pub async fn finish(&self, finish: &Finish, deadline: Instant) -> Result<(), CallError> {
        retry::until(deadline, || async {
            let request = self.authorized(self.backend.http.post(self.at(&["finish"])));
            sent(request.timeout(ANSWER_TIME).json(finish)).await.map(drop)
        })
        .await
    }

    fn at(&self, path: &[&str]) -> Url {
        let task = self.task.to_string();
        self.backend.at(&[&["tasks", task.as_str()], path].concat())
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.token)
    }
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, CallError> {
    sent(request).await?.json().await.map_err(CallError::Away)
}

async fn sent(request: RequestBuilder) -> Result<Response, CallError> {
    let response = request.send().await.map_err(CallError::Away)?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = response.bytes().await.unwrap_or_default();
    let error = serde_json::from_slice::<Refusal>(&body).map(|refusal| refusal.error);
    let error = error.unwrap_or_else(|_| String::from_utf8_lossy(&body).chars().take(200).collect());
    Err(CallError::Refused { status, error })
}
