//! Takes work from the bus into the backend's own queues; nothing is held there for long.

use std::sync::Arc;

use coppice_model::{agent::Job, messages::BackendTask};
use coppice_runtime::{Envelope, Handler, Verdict};

use crate::{
    action_queue::ActionQueue,
    dispatch::{Dispatch, TakeError},
};

pub struct Taker {
    pub dispatch: Arc<Dispatch>,
    pub actions: Arc<ActionQueue>,
}

impl Handler<BackendTask> for Taker {
    async fn handle(&self, envelope: Envelope<BackendTask>) -> Verdict {
        let taken = match envelope.body {
            BackendTask::SourceBuildV1(work) => self.dispatch.take(Job::Source(work)).await,
            BackendTask::RpmBuildV1(work) => self.dispatch.take(Job::Rpm(work)).await,
            BackendTask::CancelV1 { build } => self.dispatch.cancel(build).map_err(TakeError::from),
            action => self.actions.take(action).await,
        };
        match taken {
            Ok(()) => Verdict::Done,
            Err(error) => Verdict::Retry(error.to_string()),
        }
    }
}
