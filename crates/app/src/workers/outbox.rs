//! Sends what is handed over and what is due in the store, and writes down what became of it.

use std::{panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration as Wait};

use futures_util::{FutureExt, Stream, StreamExt, stream::FuturesUnordered};
use stepgate_domain::{entropy::Entropy, message::Message};
use stepgate_notify::{Delivery, NotifyError, next_attempt};
use stepgate_store::{
    engine::{Batch, Fault, Statement, StoreError},
    outbox as store,
};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use crate::{
    App,
    error::ManagementError,
    inbox,
    metrics::Sending,
    outbox::{self, Envelope, Handed, LEASE},
    random::SystemRandom,
    sign_on,
};

/// How many messages are under way at once.
const AT_ONCE: usize = 64;
/// How often the store is looked through when nobody says that something is due.
const LOOK_EVERY: Wait = Wait::from_secs(1);

/// A message, or why it cannot be had.
type ToSend = (Envelope, Result<Message, NotifyError>);

pub(super) async fn run(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let app = &*app;
    let mut handed = app.outbox.take_up();
    let mut arrived = Vec::new();
    let mut sending = FuturesUnordered::new();
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = pin!(super::asked_to(&mut stopped));
    let mut may_be_due = false;
    loop {
        let room = AT_ONCE - sending.len();
        if may_be_due && room > 0 {
            let claimed = claim(app, room).await;
            may_be_due = claimed.len() == room;
            sending.extend(
                claimed
                    .into_iter()
                    .map(|(it, message)| send(app, it, message)),
            );
        }
        let room = AT_ONCE - sending.len();
        tokio::select! {
            biased;
            Some(first) = sending.next() => write_down(app, with_ended(first, &mut sending)).await,
            _ = handed.recv_many(&mut arrived, room), if room > 0 => {
                for message in arrived.drain(..) {
                    let taken = taken(app, message).await;
                    sending.extend(taken.map(|(it, message)| send(app, it, message)));
                }
            }
            () = app.outbox.due() => may_be_due = true,
            _ = looks.tick() => may_be_due = true,
            () = &mut stop => break,
        }
    }
    handed.close();
    while let Some(message) = handed.recv().await {
        let taken = taken(app, message).await;
        sending.extend(taken.map(|(it, message)| send(app, it, message)));
    }
    while let Some(first) = sending.next().await {
        write_down(app, with_ended(first, &mut sending)).await;
    }
}

/// What is due in the store, at most so many.
async fn claim(app: &App, at_most: usize) -> Vec<ToSend> {
    let (now, lease) = (app.now(), outbox::new_lease());
    let at_most = u32::try_from(at_most).unwrap_or(u32::MAX);
    let claimed = store::claim(&*app.engine, &lease, now, now + LEASE, at_most).await;
    let rows = claimed.unwrap_or_else(|error| {
        tracing::error!(error = ?error, "the outbox could not be looked through");
        Vec::new()
    });
    let mut messages = Vec::with_capacity(rows.len());
    for row in rows {
        let reason = match app.data_key(row.environment).await {
            Ok(key) => outbox::open(&key, &row).map_err(|_| "the stored message cannot be opened"),
            Err(_) => Err("the environment is gone"),
        };
        let message = reason.map_err(|reason| NotifyError::Permanent {
            reason: reason.to_owned(),
        });
        messages.push((Envelope::of(row, &lease), message));
    }
    messages
}

/// What was handed over, if it is known to be committed.
async fn taken(app: &App, Handed { envelope, message }: Handed) -> Option<ToSend> {
    if let Some(message) = message {
        return Some((envelope, Ok(message)));
    }
    // If it was committed, the store has it.
    let release = store::release(&envelope.id, &envelope.lease, app.now());
    write_down(app, vec![release]).await;
    app.outbox.look();
    None
}

/// One message: the writes that say what became of it, but for those that are made already. The
/// lease ends by itself when they cannot be made, also when the sender panics.
async fn send(
    app: &App,
    envelope: Envelope,
    message: Result<Message, NotifyError>,
) -> Vec<Statement> {
    let sent = AssertUnwindSafe(try_to_send(app, envelope, message));
    sent.catch_unwind().await.unwrap_or_default()
}

async fn try_to_send(
    app: &App,
    envelope: Envelope,
    message: Result<Message, NotifyError>,
) -> Vec<Statement> {
    let outcome = match is_wanted(app, &envelope).await {
        Ok(true) => tried(app, &envelope, message).await,
        Ok(false) => Ok(vec![forgotten(&envelope)]),
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error| {
        tracing::error!(message_id = envelope.id, error = ?error, "the outcome of a message could not be written");
        Vec::new()
    })
}

async fn tried(
    app: &App,
    envelope: &Envelope,
    message: Result<Message, NotifyError>,
) -> Result<Vec<Statement>, ManagementError> {
    let provider = message
        .as_ref()
        .map_or("none", |message| app.senders.name(message.channel));
    let outcome = match message {
        Ok(message) if message.is_for_nobody() => {
            return Ok(vec![store::delivered(&envelope.id, &envelope.lease)]);
        }
        Ok(message) => app.senders.send(&message).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(delivery) => {
            app.metrics.message(provider, Sending::Delivered);
            delivered(envelope, delivery)
        }
        Err(error) => {
            let failed = failed(app, envelope, provider, error).await;
            failed.map(|()| Vec::new())
        }
    }
}

/// Whether anybody waits for the message. A first try is for whoever has just asked; before another
/// the flow may have gone on, by a message that came although nobody said so, or without any.
async fn is_wanted(app: &App, envelope: &Envelope) -> Result<bool, ManagementError> {
    match envelope.flow {
        Some(flow) if envelope.attempts > 1 => {
            sign_on::awaits(app, envelope.environment, flow, &envelope.id).await
        }
        Some(_) | None => Ok(true),
    }
}

/// As little is left of it as of one that was delivered.
fn forgotten(envelope: &Envelope) -> Statement {
    tracing::info!(
        message_id = envelope.id,
        "nobody waits for a message any more"
    );
    store::delivered(&envelope.id, &envelope.lease)
}

fn delivered(
    envelope: &Envelope,
    Delivery { reference, to_keep }: Delivery,
) -> Result<Vec<Statement>, ManagementError> {
    if let Some(reference) = reference {
        tracing::info!(message_id = envelope.id, reference, "a message is sent");
    }
    let mut statements = vec![store::delivered(&envelope.id, &envelope.lease)];
    if let Some(message) = to_keep {
        statements.push(inbox::keep(message)?);
    }
    Ok(statements)
}

/// With the writes of those that ended meanwhile, to be made by the same commit.
fn with_ended(
    mut statements: Vec<Statement>,
    sending: &mut (impl Stream<Item = Vec<Statement>> + Unpin),
) -> Vec<Statement> {
    while let Some(Some(ended)) = sending.next().now_or_never() {
        statements.extend(ended);
    }
    statements
}

async fn write_down(app: &App, statements: Vec<Statement>) {
    if statements.is_empty() {
        return;
    }
    if let Err(error) = app.commit(Batch(statements)).await {
        tracing::error!(error = ?error, "the outcome of messages could not be written");
    }
}

async fn failed(
    app: &App,
    envelope: &Envelope,
    provider: &'static str,
    error: NotifyError,
) -> Result<(), ManagementError> {
    let Envelope {
        id,
        lease,
        attempts,
        ..
    } = envelope;
    let now = app.now();
    let attempts = u32::try_from(*attempts).unwrap_or(u32::MAX);
    let random = u64::from_le_bytes(<dyn Entropy>::bytes(&mut SystemRandom));
    let (reason, again) = match error {
        NotifyError::Transient {
            reason,
            retry_after,
        } => (reason, next_attempt(attempts, now, random, retry_after)),
        NotifyError::Misconfigured { reason } => {
            tracing::error!(
                message_id = id,
                reason,
                "a sender is refused: its settings need an operator"
            );
            (reason, next_attempt(attempts, now, random, None))
        }
        NotifyError::Permanent { reason } => (reason, None),
    };
    if let Some(due_at) = again {
        app.metrics.message(provider, Sending::Retried);
        tracing::warn!(
            message_id = id,
            reason,
            attempts,
            "a message is tried again"
        );
        return commit(app, store::retry(id, lease, due_at, &reason)).await;
    }
    app.metrics.message(provider, Sending::GivenUp);
    tracing::error!(message_id = id, reason, attempts, "a message is given up");
    let dead = store::dead(id, lease, &reason);
    match envelope.flow {
        Some(flow) => sign_on::delivery_failed(app, envelope.environment, flow, id, dead).await,
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
