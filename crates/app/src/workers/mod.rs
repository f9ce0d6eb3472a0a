//! What happens without a request: messages go out, what has expired is removed, a store that cannot
//! write is tried again.

mod clock;
mod deletion;
mod expiry;
mod health;
mod outbox;
mod refusals;

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet};

use crate::App;

/// The running workers. They finish what they took before they end.
#[derive(Debug)]
pub struct Workers {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Workers {
    pub fn start(app: &Arc<App>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(outbox::run(app.clone(), stopped.clone()));
        tasks.spawn(expiry::run(app.clone(), stopped.clone()));
        tasks.spawn(clock::run(app.clone(), stopped.clone()));
        tasks.spawn(health::watch(app.clone(), stopped.clone()));
        tasks.spawn(health::try_again(app.clone(), stopped.clone()));
        tasks.spawn(refusals::run(app.clone(), stopped.clone()));
        tasks.spawn(deletion::run(app.clone(), stopped));
        Self { stop, tasks }
    }

    pub async fn stop(mut self) {
        // Nobody listens any more only when every worker has ended already.
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Returns when the workers are to stop.
async fn asked_to(stopped: &mut watch::Receiver<bool>) {
    // Whoever could ask has gone: that is as good.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Waits until something may be due, or until the workers are to stop. True: stop.
async fn rest(
    wake: impl Future<Output = ()>,
    longest: Duration,
    stopped: &mut watch::Receiver<bool>,
) -> bool {
    if *stopped.borrow() {
        return true;
    }
    tokio::select! {
        () = wake => false,
        _ = tokio::time::timeout(longest, std::future::pending::<()>()) => false,
        _ = stopped.changed() => true,
    }
}
