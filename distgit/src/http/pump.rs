//! Moves bytes between a client and a child process, which ends with the answer.

use std::{io, time::Duration};

use actix_web::web::Bytes;
use bytes::BytesMut;
use futures_util::{Stream, stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, ChildStdout},
    sync::{OwnedSemaphorePermit, mpsc},
};

const CHUNK_BYTES: usize = 64 << 10;
const CHUNKS_AHEAD: usize = 4;

type Chunk = io::Result<Bytes>;

/// The child's output after `preface`. The child dies when the time is up or the client is gone.
pub(super) fn through(
    child: Child,
    preface: &'static [u8],
    input: Bytes,
    slot: OwnedSemaphorePermit,
    limit: Duration,
) -> impl Stream<Item = Chunk> {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    tokio::spawn(async move {
        let preface = Some(Bytes::from_static(preface)).filter(|preface| !preface.is_empty());
        let work = async {
            if let Some(preface) = preface
                && sender.send(Ok(preface)).await.is_err()
            {
                return Ok(());
            }
            run(child, input, &sender).await
        };
        let ended = tokio::select! {
            ended = work => ended,
            () = sender.closed() => Ok(()),
            () = tokio::time::sleep(limit) => Err(io::Error::from(io::ErrorKind::TimedOut)),
        };
        if let Err(error) = ended {
            // The broken answer tells the client; nobody listening is fine.
            drop(sender.send(Err(error)).await);
        }
        drop(slot);
    });
    stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) })
}

async fn run(mut child: Child, input: Bytes, sender: &mpsc::Sender<Chunk>) -> io::Result<()> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (Some(stdin), Some(stdout)) = (stdin, stdout) else {
        return Err(io::Error::other("the child has no pipes"));
    };
    let ((), copied) = tokio::join!(write(stdin, input), copy(stdout, sender));
    copied?;
    let status = child.wait().await?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("git ended with {status}"))) }
}

/// A child that reads no further tells by its exit status.
async fn write(mut stdin: ChildStdin, input: Bytes) {
    if let Err(error) = stdin.write_all(&input).await {
        tracing::debug!(%error, "git did not read the whole request");
    }
}

async fn copy(mut stdout: ChildStdout, sender: &mpsc::Sender<Chunk>) -> io::Result<()> {
    loop {
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        if stdout.read_buf(&mut chunk).await? == 0 {
            return Ok(());
        }
        if sender.send(Ok(chunk.freeze())).await.is_err() {
            return Ok(());
        }
    }
}
