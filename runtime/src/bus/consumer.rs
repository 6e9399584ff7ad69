use std::{future::Future, sync::Arc, time::Duration};

use coppice_model::messages::Message;
use redis::{
    aio::MultiplexedConnection,
    streams::{StreamAutoClaimReply, StreamId, StreamPendingCountReply, StreamReadReply},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};

use super::{Bus, BusError};
use crate::{Stop, logging::with_causes};

const BLOCK_MS: usize = 2_000;
const BATCH: usize = 64;
const CLAIM_EVERY: Duration = Duration::from_secs(15);
const RECONNECT_AFTER: Duration = Duration::from_millis(300);
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MOST: Duration = Duration::from_secs(15);
/// A message that was given out this often without an end has killed its handlers.
const MAX_DELIVERIES: usize = 25;

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Envelope<M> {
    /// Redis' id of the entry.
    pub id: String,
    pub key: String,
    pub body: M,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Done,
    /// Our side could not now; the same message comes again, a little later each time.
    Retry(String),
    /// It can never be handled; it goes to `<stream>:dead` with the reason.
    Dead(String),
}

/// Handles one message; expects every message twice.
pub trait Handler<M: Message>: Send + Sync + 'static {
    fn handle(&self, envelope: Envelope<M>) -> impl Future<Output = Verdict> + Send;
}

/// Reads one stream as a named member of its group.
#[derive(Debug)]
pub struct Consumer {
    pub bus: Bus,
    /// Stable over restarts: a restarted consumer begins with what it left unfinished.
    pub name: String,
    /// How many messages are handled at the same time; 1 keeps their order except for retries.
    pub at_once: usize,
    /// After this long without a word a message of another consumer is taken over.
    pub claim_after: Duration,
}

impl Consumer {
    pub fn new(bus: Bus, name: impl Into<String>) -> Self {
        Self { bus, name: name.into(), at_once: 1, claim_after: Duration::from_secs(120) }
    }

    pub fn at_once(mut self, messages: usize) -> Self {
        self.at_once = messages.max(1);
        self
    }

    /// Reads until stopped. Lost connections are made anew; unfinished messages stay with Redis.
    pub async fn run<M: Message, H: Handler<M>>(self, handler: Arc<H>, stop: Stop) {
        let work = Work::<H> {
            bus: self.bus.clone(),
            handler,
            stop: stop.clone(),
            slots: Arc::new(Semaphore::new(self.at_once)),
        };
        while !stop.is_triggered() {
            let mut running = JoinSet::new();
            let session = self.session::<M, H>(&work, &mut running);
            let ended = tokio::select! { ended = session => ended, () = stop.wait() => Ok(()) };
            if let Err(error) = ended {
                tracing::warn!(stream = M::STREAM, error = %with_causes(&error), "lost the message bus; trying again");
                stop.sleep(RECONNECT_AFTER).await;
            }
            while running.join_next().await.is_some() {}
        }
    }

    async fn session<M: Message, H: Handler<M>>(
        &self,
        work: &Work<H>,
        running: &mut JoinSet<()>,
    ) -> Result<(), BusError> {
        let mut connection = self.bus.blocking_connection().await?;
        ensure_group::<M>(&mut connection).await?;
        self.resume::<M, H>(&mut connection, work, running).await?;
        let mut claimed_at = tokio::time::Instant::now();
        loop {
            if claimed_at.elapsed() >= CLAIM_EVERY {
                claimed_at = tokio::time::Instant::now();
                let entries = self.claim::<M>(&mut connection).await?;
                self.start_old::<M, H>(&mut connection, entries, work, running).await?;
            }
            // Taking no more than the free slots leaves the rest to other members of the group.
            let free = work.slots.available_permits().clamp(1, BATCH);
            for entry in self.read::<M>(&mut connection, ">", free).await? {
                work.start::<M>(entry, running).await;
            }
            while running.try_join_next().is_some() {}
        }
    }

    /// What this consumer had taken before it was killed.
    async fn resume<M: Message, H: Handler<M>>(
        &self,
        connection: &mut MultiplexedConnection,
        work: &Work<H>,
        running: &mut JoinSet<()>,
    ) -> Result<(), BusError> {
        let mut from = "0".to_owned();
        loop {
            let entries = self.read::<M>(connection, &from, BATCH).await?;
            let Some(last) = entries.last() else { return Ok(()) };
            from = last.id.clone();
            self.start_old::<M, H>(connection, entries, work, running).await?;
        }
    }

    async fn start_old<M: Message, H: Handler<M>>(
        &self,
        connection: &mut MultiplexedConnection,
        entries: Vec<StreamId>,
        work: &Work<H>,
        running: &mut JoinSet<()>,
    ) -> Result<(), BusError> {
        for entry in entries {
            if deliveries::<M>(connection, &entry.id).await? > MAX_DELIVERIES {
                let reason = format!("was given out more than {MAX_DELIVERIES} times without an end");
                bury::<M>(&self.bus, &entry, &reason).await?;
            } else {
                work.start::<M>(entry, running).await;
            }
        }
        Ok(())
    }

    async fn read<M: Message>(
        &self,
        connection: &mut MultiplexedConnection,
        from: &str,
        count: usize,
    ) -> Result<Vec<StreamId>, BusError> {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(M::GROUP).arg(&self.name).arg("COUNT").arg(count);
        command.arg("BLOCK").arg(BLOCK_MS).arg("STREAMS").arg(M::STREAM).arg(from);
        let reply: Option<StreamReadReply> = command.query_async(connection).await?;
        Ok(reply.into_iter().flat_map(|r| r.keys).flat_map(|key| key.ids).collect())
    }

    async fn claim<M: Message>(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> Result<Vec<StreamId>, BusError> {
        let mut command = redis::cmd("XAUTOCLAIM");
        command.arg(M::STREAM).arg(M::GROUP).arg(&self.name).arg(self.claim_after.as_millis() as u64);
        command.arg("0").arg("COUNT").arg(BATCH);
        let reply: StreamAutoClaimReply = command.query_async(connection).await?;
        Ok(reply.claimed)
    }
}

/// What a running consumer needs for each message.
struct Work<H> {
    bus: Bus,
    handler: Arc<H>,
    stop: Stop,
    slots: Arc<Semaphore>,
}

impl<H> Work<H> {
    /// Waits for a free slot, then handles the entry beside the others.
    async fn start<M: Message>(&self, entry: StreamId, running: &mut JoinSet<()>)
    where
        H: Handler<M>,
    {
        let Ok(first) = Arc::clone(&self.slots).acquire_owned().await else { return };
        let (bus, handler, stop) = (self.bus.clone(), Arc::clone(&self.handler), self.stop.clone());
        let slots = Arc::clone(&self.slots);
        running.spawn(async move {
            let ended = async {
                match parse::<M>(&entry) {
                    Err(reason) => bury::<M>(&bus, &entry, &reason).await,
                    Ok(envelope) => {
                        match until_final(&*handler, envelope, &slots, Some(first), &stop).await {
                            Some(Verdict::Dead(reason)) => bury::<M>(&bus, &entry, &reason).await,
                            Some(_) => acknowledge::<M>(&bus, &entry).await,
                            None => Ok(()),
                        }
                    }
                }
            };
            if let Err(error) = ended.await {
                tracing::warn!(stream = M::STREAM, error = %with_causes(&error), "could not acknowledge; it will come again");
            }
        });
    }
}

/// Handles until the verdict is final; `None` when the process stops before. The slot is free while waiting.
async fn until_final<M: Message, H: Handler<M>>(
    handler: &H,
    envelope: Envelope<M>,
    slots: &Arc<Semaphore>,
    mut slot: Option<OwnedSemaphorePermit>,
    stop: &Stop,
) -> Option<Verdict> {
    let mut pause = RETRY_FIRST;
    loop {
        let reason = match handler.handle(envelope.clone()).await {
            Verdict::Retry(reason) => reason,
            verdict => return Some(verdict),
        };
        tracing::warn!(stream = M::STREAM, msg.key = %envelope.key, %reason, "could not handle a message; trying again");
        drop(slot.take());
        if !stop.sleep(pause).await {
            return None;
        }
        slot = Arc::clone(slots).acquire_owned().await.ok();
        pause = (pause * 2).min(RETRY_MOST);
    }
}

fn parse<M: Message>(entry: &StreamId) -> Result<Envelope<M>, String> {
    let field = |name: &str| entry.get::<String>(name).ok_or_else(|| format!("has no field {name}"));
    let (key, body) = (field("key")?, field("body")?);
    let body = serde_json::from_str(&body).map_err(|e| format!("cannot be read: {e}"))?;
    Ok(Envelope { id: entry.id.clone(), key, body })
}

async fn ensure_group<M: Message>(connection: &mut MultiplexedConnection) -> Result<(), BusError> {
    let mut command = redis::cmd("XGROUP");
    command.arg("CREATE").arg(M::STREAM).arg(M::GROUP).arg("0").arg("MKSTREAM");
    match command.query_async::<()>(connection).await {
        Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
        other => Ok(other?),
    }
}

async fn deliveries<M: Message>(connection: &mut MultiplexedConnection, id: &str) -> Result<usize, BusError> {
    let mut command = redis::cmd("XPENDING");
    command.arg(M::STREAM).arg(M::GROUP).arg(id).arg(id).arg(1);
    let reply: StreamPendingCountReply = command.query_async(connection).await?;
    Ok(reply.ids.first().map_or(0, |entry| entry.times_delivered))
}

/// Done: out of the group and out of the stream, in one step.
async fn acknowledge<M: Message>(bus: &Bus, entry: &StreamId) -> Result<(), BusError> {
    let mut pipe = redis::pipe();
    pipe.atomic().cmd("XACK").arg(M::STREAM).arg(M::GROUP).arg(&entry.id).ignore();
    pipe.cmd("XDEL").arg(M::STREAM).arg(&entry.id).ignore();
    Ok(pipe.query_async::<()>(&mut bus.connection()).await?)
}

/// To the dead letters, with the reason, in the same step as out of the stream.
async fn bury<M: Message>(bus: &Bus, entry: &StreamId, reason: &str) -> Result<(), BusError> {
    let text = |name: &str| entry.get::<String>(name).unwrap_or_default();
    let (key, body) = (text("key"), text("body"));
    tracing::error!(stream = M::STREAM, msg.key = %key, reason, "a message went to the dead letters");
    let mut pipe = redis::pipe();
    pipe.atomic().cmd("XADD").arg(format!("{}:dead", M::STREAM)).arg("*");
    pipe.arg("key").arg(key).arg("body").arg(body).arg("reason").arg(reason).ignore();
    pipe.cmd("XACK").arg(M::STREAM).arg(M::GROUP).arg(&entry.id).ignore();
    pipe.cmd("XDEL").arg(M::STREAM).arg(&entry.id).ignore();
    Ok(pipe.query_async::<()>(&mut bus.connection()).await?)
}
