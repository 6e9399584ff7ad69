//! Finds what went silent: everything after a flush of Redis, single works that nobody speaks of for long.

use std::{sync::Arc, time::Duration};

use coppice_model::{ActionId, BuildId, UnixTime};
use coppice_runtime::{Bus, Stop};
use coppice_store::{idempotency, inbox, publishers, sessions, tokens, webhook_deliveries};

use crate::{
    App,
    ops::{self, OpError},
};

const MARK: &str = "coppice:mark";
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// Slow work is done once in so many looks.
const SLOW_EVERY: u32 = 20;
/// What reads whole tables is done about once an hour.
const RARE_EVERY: u32 = 60 * SLOW_EVERY;
const REMEMBER_REPORTS_S: i64 = 30 * 86_400;
const REMEMBER_ANSWERS_S: i64 = 86_400;
const REMEMBER_DELIVERIES_S: i64 = 30 * 86_400;

/// Looks until stopped.
pub async fn run(app: Arc<App>, bus: Bus, stop: Stop) {
    let mut sweep = Sweep { app, bus, all_again: false };
    let mut looks: u32 = 0;
    loop {
        if let Err(error) = sweep.look(looks).await {
            tracing::warn!(%error, "the sweep could not finish; it comes again");
        }
        looks = looks.wrapping_add(1);
        if !stop.sleep(LOOK_EVERY).await {
            return;
        }
    }
}

struct Sweep {
    app: Arc<App>,
    bus: Bus,
    /// Redis was empty and not everything was ordered again yet.
    all_again: bool,
}

impl Sweep {
    async fn look(&mut self, looks: u32) -> Result<(), OpError> {
        // While Redis is away there is nothing to find out.
        if self.bus.mark_is_new(MARK).await.unwrap_or(false) {
            self.all_again = true;
        }
        if self.all_again {
            tracing::info!("Redis is new or was flushed; ordering again what is not final");
            self.order_again(self.app.clock.now().plus_seconds(1)).await?;
            self.app
                .store
                .write({
                    let cx = self.app.context();
                    move |tx| ops::resend_cancels(tx, &cx)
                })
                .await?;
            self.all_again = false;
        } else if looks % SLOW_EVERY == SLOW_EVERY - 1 {
            self.order_again(self.app.clock.now().plus_seconds(-self.app.settings.silent_s)).await?;
            self.renew_keys().await?;
            self.expire().await?;
            self.forget().await?;
            if looks % RARE_EVERY == RARE_EVERY - 1 {
                self.prune().await?;
            }
        }
        Ok(())
    }

    /// In portions, so that other writers come in between.
    async fn order_again(&self, before: UnixTime) -> Result<(), OpError> {
        let mut action = Some(ActionId(0));
        while let Some(after) = action {
            let cx = self.app.context();
            action = self.app.store.write(move |tx| ops::resend_actions(tx, &cx, before, after)).await?;
        }
        let mut build = Some(BuildId(0));
        while let Some(after) = build {
            let cx = self.app.context();
            build = self.app.store.write(move |tx| ops::resend_builds(tx, &cx, before, after)).await?;
        }
        Ok(())
    }

    async fn renew_keys(&self) -> Result<(), OpError> {
        let cx = self.app.context();
        let ordered = self.app.store.write(move |tx| ops::renew_keys(tx, &cx)).await?;
        if ordered > 0 {
            tracing::info!(ordered, "keys get a longer life");
        }
        Ok(())
    }

    async fn expire(&self) -> Result<(), OpError> {
        let cx = self.app.context();
        let gone = self.app.store.write(move |tx| ops::expire_projects(tx, &cx)).await?;
        let cx = self.app.context();
        let pulls = self.app.store.write(move |tx| ops::expire_pull_dirs(tx, &cx)).await?;
        let cx = self.app.context();
        let chroots = self.app.store.write(move |tx| ops::expire_chroots(tx, &cx)).await?;
        if gone + pulls + chroots > 0 {
            tracing::info!(
                gone,
                pulls,
                chroots,
                "projects, pull requests and chroots whose time was over are deleted"
            );
        }
        Ok(())
    }

    /// In portions, so that other writers come in between.
    async fn prune(&self) -> Result<(), OpError> {
        let mut row = Some(0);
        while let Some(after) = row {
            let cx = self.app.context();
            row = self.app.store.write(move |tx| ops::prune_results(tx, &cx, after)).await?;
        }
        Ok(())
    }

    async fn forget(&self) -> Result<(), OpError> {
        let now = self.app.clock.now();
        self.app
            .store
            .write(move |tx| {
                inbox::delete_older(tx, now.plus_seconds(-REMEMBER_REPORTS_S))?;
                tokens::delete_expired(tx, now)?;
                sessions::delete_expired(tx, now)?;
                publishers::delete_spent(tx, now)?;
                idempotency::delete_older(tx, now.plus_seconds(-REMEMBER_ANSWERS_S))?;
                webhook_deliveries::delete_older(tx, now.plus_seconds(-REMEMBER_DELIVERIES_S))?;
                Ok(())
            })
            .await
    }
}
