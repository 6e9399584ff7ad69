//! The life of an agent: enroll, take one task, build, deliver, go.

use std::{fs, time::Duration};

use coppice_model::{
    agent::{Assignment, AttemptOutcome, Finish, MachineFacts},
    work::FailureCause,
};
use reqwest::StatusCode;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::Instant,
};

use crate::{
    control::Control,
    ended::{Ended, OrBroken, chain},
    job::{self, Made},
    log::Log,
    mock,
    options::Settings,
    protocol::{Backend, CallError, TaskCalls},
    report::Reporter,
    results::{self, Gathered},
    retry,
    sandbox::Cleaner,
    ticket::Ticket,
    workspace::Workspace,
};

/// How long an idle agent waits for a backend that is away.
const IDLE_PATIENCE: Duration = Duration::from_secs(900);
/// What a build that used up its time has left for delivering.
const DELIVERY: Duration = Duration::from_secs(600);

#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error("talking to the backend")]
    Backend(#[from] CallError),
    #[error("preparing the work folder")]
    Folder(#[source] std::io::Error),
    #[error("listening to signals")]
    Signals(#[source] std::io::Error),
    #[error("ended by a signal")]
    Ended,
}

/// Everything that one attempt works with.
#[derive(Debug)]
pub struct Task {
    pub settings: Settings,
    pub workspace: Workspace,
    pub log: Log,
    pub control: Control,
}

/// Lives once; a TERM or INT ends everything that was started and leaves nothing behind.
pub async fn serve(settings: Settings, ticket: Ticket) -> Result<(), AgentError> {
    let cleaner = Cleaner::new(&settings);
    cleaner.clean().await;
    let mut term = signal(SignalKind::terminate()).map_err(AgentError::Signals)?;
    let mut int = signal(SignalKind::interrupt()).map_err(AgentError::Signals)?;
    let lived = tokio::select! {
        lived = live(settings, ticket) => lived,
        _ = term.recv() => Err(AgentError::Ended),
        _ = int.recv() => Err(AgentError::Ended),
    };
    cleaner.clean().await;
    lived
}

async fn live(settings: Settings, ticket: Ticket) -> Result<(), AgentError> {
    let backend = Backend::new(settings.backend.clone())?;
    let patience = Instant::now() + IDLE_PATIENCE;
    let facts = facts(&settings).await;
    let session = retry::until(patience, || backend.enroll(&ticket.0, facts.clone())).await?;
    drop(ticket);
    let Some(assignment) = next_task(&backend, &session).await? else {
        tracing::info!("no task for this machine");
        return Ok(());
    };
    let calls = backend.for_task(&assignment);
    attempt(settings, assignment, calls).await
}

async fn next_task(backend: &Backend, session: &str) -> Result<Option<Assignment>, CallError> {
    retry::until(Instant::now() + IDLE_PATIENCE, || backend.task(session)).await
}

async fn attempt(settings: Settings, assignment: Assignment, calls: TaskCalls) -> Result<(), AgentError> {
    let limits = job::limits(&assignment.job).clone();
    let (halter, control) = Control::new(limits.timeout_s);
    let delivery = control.deadline + DELIVERY;
    let id = assignment.job.task();
    let workspace = Workspace::create(&settings.work_dir, &id, assignment.attempt);
    let workspace = workspace.map_err(AgentError::Folder)?;
    let log = Log::create(&workspace.path("live.log"), limits.log_bytes).map_err(AgentError::Folder)?;
    tracing::info!(task = %id, attempt = %assignment.attempt, "took a task");
    let reporter = Reporter::start(calls.clone(), log.clone(), halter);
    let task = Task { settings, workspace, log, control };
    let made = job::run(&task, &assignment).await;
    let finish = conclude(&task, made, limits.result_bytes);
    match finish {
        Some((finish, gathered)) => deliver(&task, calls, reporter, (finish, gathered), delivery).await,
        None => {
            tracing::warn!(task = %id, "the backend closed the attempt; nothing is delivered");
            Ok(())
        }
    }
}

/// What is told at the end, and which files go with it; nothing when nobody wants to hear it.
fn conclude(task: &Task, made: Result<Made, Ended>, most_bytes: u64) -> Option<(Finish, Vec<Gathered>)> {
    let checked =
        made.and_then(|made| Ok((made, results::gather(&task.workspace.results(), true, most_bytes)?)));
    let (outcome, files, buildroot) = match checked {
        Ok((made, files)) => (AttemptOutcome::Succeeded, files, made.buildroot),
        Err(ended) => {
            let outcome = ended.outcome()?;
            let files = results::gather(&task.workspace.results(), false, most_bytes).unwrap_or_default();
            (outcome, files, Vec::new())
        }
    };
    task.log.stage(&match &outcome {
        AttemptOutcome::Succeeded => "succeeded".to_owned(),
        AttemptOutcome::Failed { message, .. } => format!("failed: {message}"),
        AttemptOutcome::Canceled => "canceled".to_owned(),
        AttemptOutcome::Broken { message } => {
            format!("the builder is at fault, another attempt follows: {message}")
        }
    });
    Some((Finish { outcome, files: Vec::new(), buildroot }, files))
}

async fn deliver(
    task: &Task,
    calls: TaskCalls,
    reporter: Reporter,
    (mut finish, files): (Finish, Vec<Gathered>),
    deadline: Instant,
) -> Result<(), AgentError> {
    let mut sent = Vec::new();
    for file in &files {
        match calls.file(&file.sent, &file.path, deadline).await {
            Ok(()) => sent.push(file.sent.clone()),
            Err(CallError::Refused { status: StatusCode::PAYLOAD_TOO_LARGE, error }) => {
                let message = format!("{} was not taken: {error}", file.sent.name);
                task.log.stage(&message);
                finish.outcome = AttemptOutcome::Failed { cause: FailureCause::Limit, message };
            }
            Err(other) => return Err(other.into()),
        }
    }
    finish.files = sent;
    reporter.finish(deadline).await;
    calls.finish(&finish, deadline).await?;
    tracing::info!("delivered {} files", finish.files.len());
    Ok(())
}

async fn facts(settings: &Settings) -> MachineFacts {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    MachineFacts {
        arch: arch().to_owned(),
        cpus: u32::try_from(cpus).unwrap_or(1),
        memory_mb: memory_mb(),
        mock: mock::version(settings).await,
        agent: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// RPM's name of this machine's architecture.
pub fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86" => "i686",
        "powerpc64" => "ppc64le",
        "arm" => "armv7hl",
        other => other,
    }
}

fn memory_mb() -> u64 {
    let text = match fs::read_to_string("/proc/meminfo").or_broken("reading the memory size") {
        Ok(text) => text,
        Err(error) => {
            tracing::warn!("{}", chain(&error));
            return 0;
        }
    };
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = total.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}
