//! News that every process of a service may hear, in order, by a stream that forgets: who was not there hears only
//! what comes.

use redis::{
    aio::MultiplexedConnection,
    streams::{StreamId, StreamReadReply},
};

use super::{Bus, BusError};

/// So many of the newest are kept, for who was away for a moment.
const KEPT: usize = 10_000;
/// A wait ends so often, so that a dead connection is noticed.
const WAIT_MS: usize = 5_000;
const FIELD: &str = "news";

/// Hears what [`Bus::tell`] says on one stream.
pub struct Listener {
    connection: MultiplexedConnection,
    stream: String,
    last: String,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener")
            .field("stream", &self.stream)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

impl Bus {
    /// Tells everybody who listens to a stream; nothing comes of it when nobody does.
    pub async fn tell(&self, stream: &str, news: &str) -> Result<(), BusError> {
        let mut command = redis::cmd("XADD");
        command.arg(stream).arg("MAXLEN").arg("~").arg(KEPT).arg("*").arg(FIELD).arg(news);
        Ok(command.query_async::<()>(&mut self.sender.clone()).await?)
    }

    /// Listens from now on, or on from where an earlier listener came to.
    pub async fn listen(&self, stream: &str, earlier: Option<Listener>) -> Result<Listener, BusError> {
        let connection = self.blocking_connection().await?;
        let last = match earlier {
            Some(earlier) => earlier.last,
            None => newest(&mut connection.clone(), stream).await?,
        };
        Ok(Listener { connection, stream: stream.to_owned(), last })
    }
}

async fn newest(connection: &mut MultiplexedConnection, stream: &str) -> Result<String, BusError> {
    let mut command = redis::cmd("XREVRANGE");
    command.arg(stream).arg("+").arg("-").arg("COUNT").arg(1);
    let reply: redis::streams::StreamRangeReply = command.query_async(connection).await?;
    Ok(reply.ids.into_iter().next().map_or("0-0".to_owned(), |newest| newest.id))
}

impl Listener {
    /// Waits for news; none when there were none for a while.
    pub async fn hear(&mut self) -> Result<Vec<String>, BusError> {
        let mut command = redis::cmd("XREAD");
        command
            .arg("COUNT")
            .arg(KEPT)
            .arg("BLOCK")
            .arg(WAIT_MS)
            .arg("STREAMS")
            .arg(&self.stream)
            .arg(&self.last);
        let reply: Option<StreamReadReply> = command.query_async(&mut self.connection).await?;
        let ids: Vec<StreamId> =
            reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids).collect();
        if let Some(last) = ids.last() {
            self.last.clone_from(&last.id);
        }
        Ok(ids.iter().filter_map(|id| id.get(FIELD)).collect())
    }
}
