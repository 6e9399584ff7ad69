//! Threads that talk to GnuPG: a context belongs to one thread and its calls block.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use gpgme::{Context, Protocol};
use tokio::sync::oneshot;

use crate::{
    agent,
    home::{Home, HomeError},
};

/// A key takes seconds to make, a signature milliseconds.
const LIMIT: Duration = Duration::from_secs(120);

#[derive(Debug, thiserror::Error)]
pub enum GpgError {
    #[error("asking gpg")]
    Gpg(#[from] gpgme::Error),
    #[error("asking gpg: it said nothing for {} s", LIMIT.as_secs())]
    Stuck,
    #[error("asking gpg: its agent did not give the private key")]
    NoAgent,
    #[error("asking gpg: the thread broke")]
    Broken,
    #[error("gpg answered something else than asked: {0}")]
    Answer(&'static str),
    #[error(transparent)]
    Home(#[from] HomeError),
}

type Job = Box<dyn FnOnce(&mut Context) + Send>;

#[derive(Debug)]
pub struct Signers {
    home: Arc<Home>,
    jobs: Sender<Job>,
}

impl Signers {
    /// The threads end with this value.
    pub fn start(home: Arc<Home>, threads: usize) -> Result<Self, GpgError> {
        let (jobs, receiver) = channel();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..threads.max(1) {
            let (receiver, home) = (Arc::clone(&receiver), Arc::clone(&home));
            let (ready, is_ready) = channel();
            std::thread::spawn(move || work(&home, &receiver, &ready));
            is_ready.recv().map_err(|_| GpgError::Broken)??;
        }
        Ok(Self { home, jobs })
    }

    /// Runs on one of the threads.
    pub async fn call<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Context) -> Result<T, GpgError> + Send + 'static,
    ) -> Result<T, GpgError> {
        self.home.ensure_reachable()?;
        let (sender, answer) = oneshot::channel();
        let job = move |context: &mut Context| drop(sender.send(ask(context)));
        self.jobs.send(Box::new(job)).map_err(|_| GpgError::Broken)?;
        match tokio::time::timeout(LIMIT, answer).await {
            Ok(answer) => answer.map_err(|_| GpgError::Broken)?,
            Err(_) => {
                // Without its agent a stuck gpg ends, and its thread is free again.
                if let Err(error) = agent::end(self.home.path()).await {
                    tracing::error!(%error, "gpg is stuck and its agent could not be ended");
                }
                Err(GpgError::Stuck)
            }
        }
    }
}

fn work(home: &Home, jobs: &Mutex<Receiver<Job>>, ready: &Sender<Result<(), gpgme::Error>>) {
    let mut context = match context(home) {
        Ok(context) => context,
        Err(error) => {
            ready.send(Err(error)).ok();
            return;
        }
    };
    ready.send(Ok(())).ok();
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        if catch_unwind(AssertUnwindSafe(|| job(&mut context))).is_err() {
            tracing::error!("a call of gpg broke");
        }
    }
}

fn context(home: &Home) -> Result<Context, gpgme::Error> {
    let mut context = Context::from_protocol(Protocol::OpenPgp)?;
    context.set_engine_home_dir(home.path().as_os_str().as_encoded_bytes())?;
    context.set_offline(true);
    Ok(context)
}
