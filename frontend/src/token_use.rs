//! When tokens were last used: written seldom, and behind the back of the requests that use them.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use coppice_runtime::logging::with_causes;
use coppice_store::tokens;

use crate::{App, ops};

/// Uses of one token within so long are written once.
const SEEN_EVERY_S: i64 = 3_600;

/// The tokens whose use is being written.
#[derive(Debug, Clone, Default)]
pub struct TokenUse(Arc<Mutex<HashSet<i64>>>);

impl TokenUse {
    fn lock(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of many requests at once one writes, and none waits for it. What cannot be written is told by the next use.
pub fn note(app: &App, token: &ops::Known) {
    let (now, id) = (app.clock.now(), token.id);
    let before = now.plus_seconds(-SEEN_EVERY_S);
    if token.used_at.is_some_and(|used_at| used_at > before) || !app.token_use.lock().insert(id) {
        return;
    }
    let app = app.clone();
    tokio::spawn(async move {
        let write = app.store.tidy(move |conn| tokens::update_used(conn, id, before, now));
        if let Err(error) = write.await {
            tracing::warn!(error = with_causes(&error), "the use of a token could not be written");
        }
        app.token_use.lock().remove(&id);
    });
}
