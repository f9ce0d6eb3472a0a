//! Removes the rows of deleted environments, which nobody can see any more.

use std::{sync::Arc, time::Duration as Wait};

use stepgate_store::{
    engine::StoreError,
    tombstones::{self, Progress},
};
use tokio::sync::watch;

use crate::App;

const AT_ONCE: u32 = 500;
const EVERY: Wait = Wait::from_secs(30);

pub(super) async fn run(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    loop {
        if let Err(error) = sweep(&app, &stopped).await {
            tracing::error!(error = ?error, "a deleted environment could not be removed");
        }
        if super::rest(app.deletions.notified(), EVERY, &mut stopped).await {
            return;
        }
    }
}

async fn sweep(app: &App, stopped: &watch::Receiver<bool>) -> Result<(), StoreError> {
    for environment in tombstones::list(&*app.engine).await? {
        while !*stopped.borrow()
            && tombstones::remove(&*app.engine, environment, AT_ONCE).await? == Progress::More
        {
        }
    }
    Ok(())
}
