//! Writes the refusals that were gathered for the audit trail.

use std::{sync::Arc, time::Duration as Wait};

use tokio::sync::watch;

use crate::{App, refusals};

const EVERY: Wait = Wait::from_secs(5);

pub(super) async fn run(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    loop {
        let is_the_end = super::rest(app.refusals.arrived(), EVERY, &mut stopped).await;
        if let Err(error) = refusals::write(&app, is_the_end).await {
            tracing::error!(error = ?error, "refusals could not be written to the audit trail");
        }
        if is_the_end {
            return;
        }
    }
}
