//! Reads what the other services report and lets the rules decide.

use std::sync::Arc;

use coppice_model::messages::Report;
use coppice_runtime::{Bus, Consumer, Envelope, Handler, Stop, Verdict, logging::with_causes};
use coppice_store::inbox;

use crate::{App, ops};

/// Frontends that share a database and a name share the work; a restarted one goes on where it was.
const NAME: &str = "frontend";

pub(crate) struct Reports {
    pub(crate) app: Arc<App>,
}

/// Reads until stopped, one report after the other.
pub async fn read(app: Arc<App>, bus: Bus, stop: Stop) {
    Consumer::new(bus, NAME).run::<Report, Reports>(Arc::new(Reports { app }), stop).await;
}

impl Handler<Report> for Reports {
    async fn handle(&self, envelope: Envelope<Report>) -> Verdict {
        let cx = self.app.context();
        let applied = self.app.store.write(move |tx| {
            if inbox::claim(tx, &envelope.key, cx.now)? {
                ops::apply_report(tx, &cx, &envelope.body)?;
            }
            Ok::<_, ops::OpError>(())
        });
        match applied.await {
            Ok(()) => Verdict::Done,
            Err(error) if error.is_transient() => Verdict::Retry(with_causes(&error)),
            Err(refused) => Verdict::Dead(with_causes(&refused)),
        }
    }
}
