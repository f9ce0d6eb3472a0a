//! Removes what has ended, and what was kept long enough: in small batches, so that nobody waits behind it.

use std::{sync::Arc, time::Duration as Wait};

use stepgate_domain::{
    flow::{COUNTER_LIFE, state::IDLE},
    time::{Duration, Timestamp},
};
use stepgate_store::{
    engine::{Batch, StoreError},
    expiry::{self, Expiring},
    outbox,
    retention::{self, Trail},
};
use tokio::sync::watch;

use crate::App;

const AT_ONCE: u32 = 500;
const EVERY: Wait = Wait::from_secs(30);
/// More than any lease or any wait for a next attempt.
const LONGEST_WAIT: Duration = Duration::from_minutes(10);
/// How long a message that could not be delivered is kept for an administrator to see.
const DEAD_MESSAGES: Duration = Duration::from_days(30);
/// Other nodes read a change within a second.
const CHANGES: Duration = Duration::from_days(1);

pub(super) async fn run(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let mut rest = EVERY;
    loop {
        if super::rest(std::future::pending(), rest, &mut stopped).await {
            return;
        }
        rest = match sweep(&app).await {
            // What was removed may not have been all.
            Ok(true) => Wait::ZERO,
            Ok(false) => EVERY,
            Err(error) => {
                tracing::error!(error = ?error, "expired rows could not be removed");
                EVERY
            }
        };
    }
}

/// Whether anything had ended.
async fn sweep(app: &App) -> Result<bool, StoreError> {
    let now = app.now();
    let mut batch = ended(app, now).await?;
    batch.extend(outlived(app, now).await?.0);
    batch.extend(ahead(app, now).await?.0);
    if batch.0.is_empty() {
        return Ok(false);
    }
    app.commit(batch).await?;
    Ok(true)
}

/// Some of what has ended by itself.
async fn ended(app: &App, now: Timestamp) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    for table in Expiring::ALL {
        if expiry::next(&*app.engine, table)
            .await?
            .is_some_and(|next| next < now)
        {
            batch.push(expiry::delete(table, now, AT_ONCE));
        }
    }
    Ok(batch)
}

/// Some of what a clock that ran ahead would have kept for too long. Sessions are corrected by whoever
/// uses them, since their end says when they were used.
async fn ahead(app: &App, now: Timestamp) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    for (table, life) in [(Expiring::Flow, IDLE), (Expiring::Counter, COUNTER_LIFE)] {
        let latest = now + life;
        if expiry::outlasts(&*app.engine, table, latest).await? {
            batch.push(expiry::pull_back(table, latest, AT_ONCE));
        }
    }
    let latest = now + LONGEST_WAIT;
    if outbox::outlasts(&*app.engine, latest).await? {
        batch.push(outbox::pull_back(now, latest, AT_ONCE));
    }
    Ok(batch)
}

/// Some of what was kept long enough.
async fn outlived(app: &App, now: Timestamp) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    for trail in Trail::ALL {
        let before = match trail {
            Trail::Audit => now - app.settings.audit_retention,
            Trail::Changes => now - CHANGES,
        };
        if let Some(environment) = retention::reaching_back(&*app.engine, trail, before).await? {
            batch.push(retention::forget(trail, &environment, before, AT_ONCE));
        }
    }
    let before = now - DEAD_MESSAGES;
    if retention::has_dead_messages(&*app.engine, before).await? {
        batch.push(retention::forget_dead_messages(before, AT_ONCE));
    }
    Ok(batch)
}
