//! Redis Streams with consumer groups: typed messages, verdicts, dead letters.

mod consumer;
mod news;
mod tries;

pub use consumer::{Consumer, Envelope, Handler, Verdict};
pub use news::Listener;
pub use tries::{Counted, Limit};

use std::time::Duration;

use coppice_model::messages::Message;
use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};

const ANSWER_LIMIT: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error("talking to Redis")]
    Redis(#[from] redis::RedisError),
    #[error("writing a message")]
    Encode(#[from] serde_json::Error),
}

/// A message as it goes over the wire: as [`Bus::send`] would make it.
#[derive(Debug, Clone, Copy)]
pub struct RawMessage<'a> {
    pub stream: &'a str,
    pub key: &'a str,
    /// JSON.
    pub body: &'a str,
}

/// A way to Redis. Cheap to clone; sending shares one connection that heals itself.
#[derive(Clone)]
pub struct Bus {
    client: redis::Client,
    sender: ConnectionManager,
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bus")
    }
}

impl Bus {
    /// Connects to `redis://…` or `redis+unix:///…`; an unreachable Redis is an error after some tries.
    pub async fn connect(url: &str) -> Result<Self, BusError> {
        let client = redis::Client::open(url)?;
        let settings = ConnectionManagerConfig::new()
            .set_number_of_retries(20)
            .set_min_delay(Duration::from_millis(20))
            .set_max_delay(Duration::from_secs(2))
            .set_response_timeout(Some(ANSWER_LIMIT));
        let sender = ConnectionManager::new_with_config(client.clone(), settings).await?;
        Ok(Self { client, sender })
    }

    /// The shared connection, for the few who keep more than messages in Redis.
    pub fn connection(&self) -> ConnectionManager {
        self.sender.clone()
    }

    /// A connection of one's own that waits for blocking reads as long as they take.
    pub async fn blocking_connection(&self) -> Result<MultiplexedConnection, BusError> {
        let settings = redis::AsyncConnectionConfig::new().set_response_timeout(None);
        Ok(self.client.get_multiplexed_async_connection_with_config(&settings).await?)
    }

    pub async fn send<M: Message>(&self, message: &M) -> Result<(), BusError> {
        let (key, body) = (message.key(), serde_json::to_string(message)?);
        self.send_raw(std::iter::once(RawMessage { stream: M::STREAM, key: &key, body: &body })).await
    }

    /// Sends what an outbox kept, in order and in one go: all of it or nothing.
    pub async fn send_raw(&self, messages: impl Iterator<Item = RawMessage<'_>>) -> Result<(), BusError> {
        let mut transaction = redis::pipe();
        transaction.atomic();
        for RawMessage { stream, key, body } in messages {
            transaction.cmd("XADD").arg(stream).arg("*").arg("key").arg(key).arg("body").arg(body).ignore();
        }
        Ok(transaction.query_async::<()>(&mut self.sender.clone()).await?)
    }

    /// Sets a mark in Redis; `true` when it was not there, as after a flush or on a new server.
    pub async fn mark_is_new(&self, mark: &str) -> Result<bool, BusError> {
        let mut command = redis::cmd("SET");
        command.arg(mark).arg("1").arg("NX");
        Ok(command.query_async::<Option<String>>(&mut self.sender.clone()).await?.is_some())
    }

    /// How many messages of a stream wait or are being handled.
    pub async fn backlog<M: Message>(&self) -> Result<u64, BusError> {
        Ok(redis::cmd("XLEN").arg(M::STREAM).query_async(&mut self.sender.clone()).await?)
    }

    /// How many messages of a stream nobody could handle; somebody must look at them.
    pub async fn dead_letters<M: Message>(&self) -> Result<u64, BusError> {
        let stream = format!("{}:dead", M::STREAM);
        Ok(redis::cmd("XLEN").arg(stream).query_async(&mut self.sender.clone()).await?)
    }
}
