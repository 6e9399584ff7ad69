//! The operators' notice: in the database, so that every frontend shows the same.

use std::time::Duration;

use actix_web::web::Data;
use coppice_runtime::{Stop, logging::with_causes};
use coppice_store::notice;

use crate::{App, web::Web};

const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Looks for news until stopped.
pub async fn keep_fresh(app: Data<App>, web: Data<Web>, stop: Stop) {
    loop {
        match app.store.read(notice::find).await {
            Ok(found) => web.set_notice(found.map(|notice| notice.text)),
            Err(error) => {
                tracing::warn!(error = %with_causes(&error), "the notice could not be read; the last one stays")
            }
        }
        if !stop.sleep(LOOK_EVERY).await {
            return;
        }
    }
}
