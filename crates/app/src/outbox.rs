//! Messages on their way out: sealed rows of the outbox, and the way of a new one to the worker.
//!
//! A row is the truth: what was committed is sent, whatever happens to this process. But the worker
//! need not look for what this process has just written. So where it runs, and is not behind, a
//! row is born under its lease, and the message is handed to it once it is committed.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use stepgate_domain::{
    id::Id,
    message::Message,
    time::{Duration, Timestamp},
};
use stepgate_store::{
    engine::Statement,
    outbox::{self, Lease, OutboxMessage},
};
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use crate::{
    App,
    error::ManagementError,
    random::SystemRandom,
    seal::{Binding, DataKey, SealError},
};

/// Longer than any sender's time-out: a lease must not end while its message is being sent.
pub(crate) const LEASE: Duration = Duration::from_seconds(60);
/// How many messages may wait for the worker in memory; others wait in the store only.
const WAITING: usize = 256;

/// The desk between those who queue messages and the worker who sends them.
#[derive(Debug, Default)]
pub struct Outbox {
    worker: Mutex<Option<Worker>>,
    /// Something in the store may be due.
    due: Notify,
}

#[derive(Debug, Clone)]
struct Worker {
    lease: String,
    desk: mpsc::Sender<Handed>,
}

/// What the worker is given: a row under its own lease.
pub(crate) struct Handed {
    pub(crate) envelope: Envelope,
    /// Nothing when it is not known whether the row was committed: whoever waited for it has gone.
    pub(crate) message: Option<Message>,
}

/// What is known of a message beside its content.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) id: String,
    pub(crate) environment: Uuid,
    pub(crate) flow: Option<Uuid>,
    pub(crate) attempts: i64,
    pub(crate) lease: String,
}

impl Envelope {
    pub(crate) fn of(row: OutboxMessage, lease: &str) -> Self {
        Self {
            id: row.id,
            environment: row.environment,
            flow: row.flow,
            attempts: row.attempts,
            lease: lease.to_owned(),
        }
    }
}

impl Outbox {
    /// Takes up the worker's post: from now on new messages are handed to the holder of the
    /// receiver, who sends them, until the receiver is closed.
    pub(crate) fn take_up(&self) -> mpsc::Receiver<Handed> {
        let (desk, handed) = mpsc::channel(WAITING);
        *self.lock() = Some(Worker {
            lease: new_lease(),
            desk,
        });
        handed
    }

    /// Has the worker look for what is due in the store.
    pub(crate) fn look(&self) {
        self.due.notify_one();
    }

    /// Returns when something in the store may be due.
    pub(crate) async fn due(&self) {
        self.due.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Worker>> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn new_lease() -> String {
    Id::<App>::random(&mut SystemRandom).to_string()
}

/// A message that is queued when the batch with its row is committed: then say so with
/// [`Queued::committed`].
#[must_use = "the message waits until its batch is said to be committed"]
pub struct Queued {
    outbox: Arc<Outbox>,
    /// Where it is handed to, and what; nothing when the worker is to find it in the store.
    hand_over: Option<(mpsc::OwnedPermit<Handed>, Handed)>,
}

impl fmt::Debug for Queued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queued").finish_non_exhaustive()
    }
}

impl Queued {
    pub fn committed(mut self) {
        match self.hand_over.take() {
            Some((permit, handed)) => {
                permit.send(handed);
            }
            None => self.outbox.look(),
        }
    }
}

impl Drop for Queued {
    /// The commit was refused, or nobody waited for its outcome.
    fn drop(&mut self) {
        if let Some((permit, handed)) = self.hand_over.take() {
            permit.send(Handed {
                message: None,
                ..handed
            });
        }
    }
}

const fn binding(environment: Uuid, id: &str) -> Binding<'_> {
    Binding {
        environment,
        kind: "outbox",
        id,
        field: "payload",
    }
}

/// The write that queues a message, for the batch that says that it was sent.
pub fn queue(
    app: &App,
    key: &DataKey,
    environment: Uuid,
    flow: Option<Uuid>,
    message: Message,
    now: Timestamp,
) -> Result<(Statement, Queued), ManagementError> {
    let payload = zeroize::Zeroizing::new(serde_json::to_vec(&message)?);
    let payload = key.seal(binding(environment, &message.id), &payload)?;
    let id = message.id.clone();
    let place = app.outbox.lock().clone().and_then(|worker| {
        let permit = worker.desk.try_reserve_owned().ok()?;
        Some((permit, worker.lease))
    });
    let lease = place.as_ref().map(|(_, lease)| Lease {
        id: lease.clone(),
        until: now + LEASE,
    });
    let hand_over = place.map(|(permit, lease)| {
        let envelope = Envelope {
            id: id.clone(),
            environment,
            flow,
            attempts: 1,
            lease,
        };
        let message = Some(message);
        (permit, Handed { envelope, message })
    });
    let row = OutboxMessage {
        id,
        environment,
        flow,
        due_at: now,
        attempts: 0,
        created_at: now,
        payload,
    };
    let queued = Queued {
        outbox: Arc::clone(&app.outbox),
        hand_over,
    };
    Ok((outbox::enqueue(row, lease), queued))
}

/// The message of a claimed row.
pub fn open(key: &DataKey, row: &OutboxMessage) -> Result<Message, SealError> {
    let payload = key.open(binding(row.environment, &row.id), &row.payload)?;
    serde_json::from_slice(payload.expose()).map_err(|_| SealError::Unopenable)
}
