//! Removes what has ended: in small batches, so that nobody waits behind it.

use std::{sync::Arc, time::Duration as Wait};

use stepgate_store::{
    engine::{Batch, StoreError},
    expiry::{self, Expiring},
};
use tokio::sync::watch;

use crate::App;

const AT_ONCE: u32 = 500;
const EVERY: Wait = Wait::from_secs(30);

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
    let mut batch = Batch::default();
    for table in Expiring::ALL {
        if expiry::next(&*app.engine, table)
            .await?
            .is_some_and(|next| next < now)
        {
            batch.push(expiry::delete(table, now, AT_ONCE));
        }
    }
    if batch.0.is_empty() {
        return Ok(false);
    }
    app.commit(batch).await?;
    Ok(true)
}
