//! Sends what is due: leases rows, hands them to the senders, and writes down what became of them.

use std::{iter, sync::Arc, time::Duration as Wait};

use stepgate_domain::{entropy::Entropy, id::Id, time::Duration};
use stepgate_notify::{NotifyError, next_attempt};
use stepgate_store::{
    engine::{Batch, Fault, Statement, StoreError},
    outbox::{self, OutboxMessage},
};
use tokio::{sync::watch, task::JoinSet};

use crate::{App, error::ManagementError, messages, random::SystemRandom, sign_on};

/// How many messages are under way at once.
const AT_ONCE: u32 = 64;
/// Longer than any sender's time-out: a lease must not end while its message is being sent.
const LEASE: Duration = Duration::from_seconds(60);
/// How long a worker sleeps at most when nobody wakes it.
const LONGEST_REST: Wait = Wait::from_secs(1);

pub(super) async fn run(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    loop {
        match send_due(&app).await {
            // A full round: there may be more.
            Ok(sent) if sent == AT_ONCE as usize => continue,
            Ok(_) => {}
            Err(error) => tracing::error!(error = ?error, "the outbox could not be worked off"),
        }
        if super::rest(app.outbox.notified(), LONGEST_REST, &mut stopped).await {
            return;
        }
    }
}

async fn send_due(app: &Arc<App>) -> Result<usize, ManagementError> {
    let now = app.now();
    let lease = Id::<App>::random(&mut SystemRandom).to_string();
    let claimed = outbox::claim(&*app.engine, &lease, now, now + LEASE, AT_ONCE).await?;
    let count = claimed.len();
    let mut sending = JoinSet::new();
    for row in claimed {
        let (app, lease) = (app.clone(), lease.clone());
        sending.spawn(async move { send(&app, row, &lease).await });
    }
    while let Some(first) = sending.join_next().await {
        // Those that ended meanwhile are written down by the same commit.
        let ended = iter::once(first).chain(iter::from_fn(|| sending.try_join_next()));
        let delivered: Vec<_> = ended
            .filter_map(|ended| ended.ok().flatten())
            .map(|id| outbox::delivered(&id, &lease))
            .collect();
        if !delivered.is_empty() {
            app.commit(Batch(delivered)).await?;
        }
    }
    Ok(count)
}

/// One message: its id when it was delivered, which is to be written down. The lease ends by itself
/// when the outcome cannot be written.
async fn send(app: &App, row: OutboxMessage, lease: &str) -> Option<String> {
    let outcome = match app.data_key(row.environment).await {
        Ok(key) => match messages::open(&key, &row) {
            Ok(message) => app.senders.send(&message).await,
            Err(_) => Err(NotifyError::Permanent {
                reason: "the stored message cannot be opened".to_owned(),
            }),
        },
        Err(_) => Err(NotifyError::Permanent {
            reason: "the environment is gone".to_owned(),
        }),
    };
    match outcome {
        Ok(_) => Some(row.id),
        Err(error) => {
            if let Err(error) = failed(app, &row, lease, error).await {
                tracing::error!(message = row.id, error = ?error, "the outcome of a message could not be written");
            }
            None
        }
    }
}

async fn failed(
    app: &App,
    row: &OutboxMessage,
    lease: &str,
    error: NotifyError,
) -> Result<(), ManagementError> {
    let now = app.now();
    let attempts = u32::try_from(row.attempts).unwrap_or(u32::MAX);
    let (reason, again) = match error {
        NotifyError::Transient {
            reason,
            retry_after,
        } => {
            let random = u64::from_le_bytes(<dyn Entropy>::bytes(&mut SystemRandom));
            (reason, next_attempt(attempts, now, random, retry_after))
        }
        NotifyError::Permanent { reason } => (reason, None),
    };
    if let Some(due_at) = again {
        tracing::warn!(
            message = row.id,
            reason,
            attempts,
            "a message is tried again"
        );
        return commit(app, outbox::retry(&row.id, lease, due_at, &reason)).await;
    }
    tracing::error!(message = row.id, reason, attempts, "a message is given up");
    let dead = outbox::dead(&row.id, lease, &reason);
    match row.flow {
        Some(flow) => sign_on::delivery_failed(app, row.environment, flow, &row.id, dead).await,
        None => commit(app, dead).await,
    }
}

async fn commit(app: &App, statement: Statement) -> Result<(), ManagementError> {
    match app.commit(Batch(vec![statement])).await {
        // The lease was lost: whoever has it now writes the outcome.
        Ok(()) | Err(StoreError::Refused(Fault::Stale)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
