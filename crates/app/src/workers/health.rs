//! Whether the store writes. Looks whether commits are answered; and while the store cannot write,
//! tries a small commit now and then: the first that succeeds shows that it can, though nobody else
//! may have tried.

use std::{sync::Arc, time::Duration as Wait};

use stepgate_store::{engine::Batch, installation};
use tokio::sync::watch;

use crate::App;

const EVERY: Wait = Wait::from_secs(1);
const TRIAL: &str = "last trial of a commit";

/// Looks whether commits are answered at all.
pub(super) async fn watch(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    while !super::rest(std::future::pending(), EVERY, &mut stopped).await {
        app.engine.health().note_wait(app.engine.longest_wait());
    }
}

pub(super) async fn try_again(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let mut health = app.engine.health().watch();
    loop {
        tokio::select! {
            troubled = health.wait_for(Option::is_some) => {
                if troubled.is_err() {
                    return;
                }
            }
            () = super::asked_to(&mut stopped) => return,
        }
        if super::rest(std::future::pending(), EVERY, &mut stopped).await {
            return;
        }
        let trial = installation::set(TRIAL, &app.now().to_string());
        // The engine notes the outcome.
        drop(app.commit(Batch(vec![trial])).await);
    }
}
