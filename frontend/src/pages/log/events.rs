//! A log as it grows, line by line. A line's number is its event's, so that who comes again goes on where he was.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Query},
};
use coppice_runtime::logging::with_causes;
use tokio::sync::broadcast::error::TryRecvError;

use super::{LogOf, LogQuery, Wish, load::load};
use crate::{
    App,
    logs::{Kind, Shown, Spool},
    news::Watching,
    pages::{PageError, frame::ProjectPath},
    streams::{Gone, Reader, event, last_event},
    web::Web,
};

/// How often a log is asked for more.
const PAUSE: Duration = Duration::from_secs(1);
/// Lines that are sent at a time.
const LINES: u64 = 500;
const BYTES: usize = 256 << 10;

pub async fn events(
    app: Data<App>,
    web: Data<Web>,
    path: ProjectPath,
    query: Query<LogQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, PageError> {
    let wish = query.wish()?;
    let of = load(&app, &path, wish).await?;
    let after = last_event(&request).and_then(|last| last.parse::<u64>().ok()).map(|last| last + 1);
    let next = after.or(query.from).unwrap_or(1).max(1);
    let (app, site) = (app.into_inner(), web.clone().into_inner());
    // The attempt stays the one that was asked for, whichever is the newest.
    let wish = Wish { attempt: Some(of.attempt.0), ..wish };
    let log = Following { app, web: site, path, wish, of, next };
    Ok(web.streams.answer(&request, move |reader| log.run(reader)))
}

struct Following {
    app: Arc<App>,
    web: Arc<Web>,
    path: ProjectPath,
    wish: Wish,
    of: LogOf,
    /// The line that is sent next.
    next: u64,
}

impl Following {
    async fn run(mut self, reader: Reader) -> Result<(), Gone> {
        reader.greet().await?;
        let mut watching = self.app.news.watch();
        loop {
            // What is known before the log is read decides whether it was read to its end.
            let is_over = !self.of.is_live();
            let was_read = self.send_new(&reader).await?;
            if is_over && was_read {
                return reader.send(event("", "end", &self.ending())).await;
            }
            if !reader.wait_for(self.pause()).await? {
                return Ok(());
            }
            if self.is_stale(&mut watching) {
                match load(&self.app, &self.path, self.wish).await {
                    Ok(of) => self.of = of,
                    Err(PageError::NotFound(_)) => return reader.send(event("", "end", "deleted")).await,
                    Err(error) => tracing::debug!(error = with_causes(&error), "a build could not be read"),
                }
            }
        }
    }

    /// Until there may be more; `false` when the service stops.
    async fn pause(&self) -> bool {
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => true,
            () = self.app.news.stop.wait() => false,
        }
    }

    /// Whether the build changed since it was read.
    fn is_stale(&self, watching: &mut Watching) -> bool {
        let mut is_stale = false;
        loop {
            match watching.updates.try_recv() {
                Ok(update) => is_stale |= update.build == self.of.view.build.id,
                Err(TryRecvError::Lagged(_)) => is_stale = true,
                Err(_) => return is_stale,
            }
        }
    }

    /// Sends what is new; `false` when the log could not be asked for.
    async fn send_new(&mut self, reader: &Reader) -> Result<bool, Gone> {
        let Some(address) = self.of.address() else { return Ok(true) };
        let found = self.web.logs.find(&self.app, &self.web.peers, &address);
        match reader.wait_for(found).await? {
            Ok(Some(spool)) => {
                while self.send_some(reader, &spool).await? {}
                Ok(true)
            }
            Ok(None) => Ok(true),
            Err(error) => {
                tracing::debug!(error = with_causes(&error), "a log cannot be followed now");
                Ok(false)
            }
        }
    }

    /// `true` when there may be more.
    async fn send_some(&mut self, reader: &Reader, spool: &Arc<Spool>) -> Result<bool, Gone> {
        if self.next > spool.line_count() {
            return Ok(false);
        }
        let (spool, from) = (Arc::clone(spool), self.next);
        let reading = tokio::task::spawn_blocking(move || spool.lines(from, LINES, BYTES));
        let Ok(Ok(lines)) = reading.await else { return Ok(false) };
        let Some(last) = lines.last() else { return Ok(false) };
        self.next = last.n + 1;
        reader.send(told(&lines)).await?;
        if lines.iter().any(|line| line.kind == Kind::Command) {
            // What the page says about stages is made by the server, which is asked for it then.
            reader.send(event("", "stage", "begun")).await?;
        }
        Ok(true)
    }

    fn ending(&self) -> String {
        match self.of.word() {
            "lost" => format!("attempt {} was lost; attempt {} follows", self.of.attempt, self.of.newest()),
            word => word.to_owned(),
        }
    }
}

/// `class|text` of each line.
fn told(lines: &[Shown]) -> String {
    let piece = |line: &Shown| format!("id: {}\ndata: {}|{}\n\n", line.n, line.kind.class(), line.text);
    lines.iter().map(piece).collect()
}
