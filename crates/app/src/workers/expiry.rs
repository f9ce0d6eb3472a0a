//! Removes what has ended: in small batches, so that nobody waits behind it.

use std::{sync::Arc, time::Duration as Wait};

use stepgate_domain::time::Duration;
use stepgate_store::{
    engine::{Batch, StoreError},
    expiry::{self, Expiring},
    outbox,
};
use tokio::sync::watch;

use crate::App;

const AT_ONCE: u32 = 500;
const EVERY: Wait = Wait::from_secs(30);
/// How long a delivered message's row is kept, for whoever asks what became of it.
const DELIVERED_KEPT: Duration = Duration::from_days(1);

pub(super) async fn run(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    loop {
        if super::rest(std::future::pending(), EVERY, &mut stopped).await {
            return;
        }
        if let Err(error) = sweep(&app).await {
            tracing::error!(error = ?error, "expired rows could not be removed");
        }
    }
}

async fn sweep(app: &App) -> Result<(), StoreError> {
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
    batch.push(outbox::forget_delivered(now - DELIVERED_KEPT, AT_ONCE));
    app.commit(batch).await
}
